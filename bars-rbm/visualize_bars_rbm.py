"""Pictures of the bars problem: data, receptive fields, training curves, reconstructions, sixteen units."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from bars_rbm import (
    ALL_IMAGES,
    BARS,
    QUICK,
    SIDE,
    Config,
    best_log_likelihood,
    draw_images,
    evaluate,
    hidden,
    purity,
    train,
    unpack,
    visible,
    with_one,
)

from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure

HERE = Path(__file__).resolve().parent
NAMES = [f"H{i + 1}" for i in range(SIDE)] + [f"V{i + 1}" for i in range(SIDE)]


def record(config, seed):
    """Train `seed`; returns a snapshot per epoch: a dict of epoch, A (17, H + 1) and what `evaluate` gives."""
    snapshots = []

    def on_step(epoch, info):
        now = {name: float(value[0]) for name, value in evaluate(info["A"][:1], config).items()}
        snapshots.append({"epoch": epoch, "A": info["A"][0].copy(), **now})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def picture(ax, image, low, high, cmap, title=None):
    """One 4 x 4 image with its pixels parted by lines."""
    ax.clear()
    ax.imshow(np.reshape(image, (SIDE, SIDE)), vmin=low, vmax=high, cmap=cmap)
    ax.set(xticks=np.arange(0.5, SIDE - 1), yticks=np.arange(0.5, SIDE - 1), xticklabels=[], yticklabels=[])
    ax.grid(color=COLORS["grey"], linewidth=0.5)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set(visible=True, color=COLORS["grey"], linewidth=0.8)
    if title:
        ax.set_title(title, fontsize=10)


def in_order(A):
    """Hidden units sorted by the bar that they are nearest to, purest first."""
    cosine = purity(A[None])[0]
    return sorted(range(len(cosine)), key=lambda j: (cosine[j].argmax(), -cosine[j].max()))


def fields(axes, A, order=None, scale=None):
    """The weights W[:, j] of each hidden unit on its own axes, titled by the nearest bar and the purity."""
    cosine, W = purity(A[None])[0], unpack(A)["W"]
    scale = scale or np.abs(W).max()
    for ax, j in zip(axes, in_order(A) if order is None else order, strict=True):
        picture(ax, W[:, j], -scale, scale, "RdBu_r", f"{NAMES[cosine[j].argmax()]}  {cosine[j].max():.2f}")


def draw_data(config, seed, path):
    """The eight bars and two rows of images made of them."""
    images = draw_images(config, generators(seed)["data"], 16)
    fig, axes = figure(3, 8, width=9, height=3.9)
    for row, shown, names in zip(axes, (BARS, images[:8], images[8:]), (NAMES, [""] * 8, [""] * 8), strict=True):
        for ax, image, name in zip(row, shown, names, strict=True):
            picture(ax, image, 0, 1, "Greys", name)
    axes[0, 0].set_ylabel("bars", fontsize=10)
    axes[1, 0].set_ylabel("training", fontsize=10)
    axes[2, 0].set_ylabel("images", fontsize=10)
    save_figure(fig, path)


def draw_fields(runs, path):
    """A row of receptive fields per run of `runs`, {title: snapshots}."""
    n = len(next(iter(runs.values()))[-1]["A"][0]) - 1
    fig, axes = figure(len(runs), n, width=1.25 * n + 1, height=2.0 * len(runs))
    parts = axes if len(runs) > 1 else [axes]
    for row, (title, snapshots) in zip(parts, runs.items(), strict=True):
        last, row = snapshots[-1], np.atleast_1d(row)
        fields(row, last["A"])
        row[0].set_ylabel(f"{title}\n{last['bars_recovered']:.0f} of 8 bars", fontsize=10)
    save_figure(fig, path)


def draw_curves(runs, config, path):
    """Reconstruction error, log-likelihood, purity and bars over the epochs; one colour per run of `runs`."""
    panels = (("reconstruction_mse", "reconstruction error"), ("log_likelihood", "log-likelihood (nats)"),
              ("mean_purity", "mean purity"), ("bars_recovered", "bars recovered"))
    colors = dict(zip(runs, ("blue", "orange", "green"), strict=False))
    fig, axes = figure(2, 2, width=9.4, height=6.2)
    for ax, (key, label) in zip(axes.flat, panels, strict=True):
        series = {title: ([s[key] for s in snapshots], COLORS[colors[title]]) for title, snapshots in runs.items()}
        ends = {"bars_recovered": (0, 8.4), "mean_purity": (0, 1.05), "reconstruction_mse": (0, None)}.get(key)
        curves(ax, [s["epoch"] for s in next(iter(runs.values()))], series, xlabel="epoch", ylabel=label,
               **({"ylim": ends} if ends else {}))
        ax.get_legend().remove()
    top = best_log_likelihood(config)
    axes[0, 1].axhline(top, color=COLORS["grey"], linestyle="--", linewidth=1.3)
    axes[0, 1].annotate("minus the entropy of the images", (0.98, top), xycoords=("axes fraction", "data"), ha="right",
                        xytext=(0, 4), textcoords="offset points", fontsize=9, color=COLORS["grey"])
    axes[0, 1].set_ylim(None, top + 1.2)
    axes[1, 1].legend(fontsize=9, loc="lower right", bbox_to_anchor=(1, 0.08))
    save_figure(fig, path)


def draw_reconstructions(snapshots, path):
    """Images of one, two and more bars, the code P(h | v) and what comes back from it."""
    A = snapshots[-1]["A"][None]
    order = in_order(A[0])
    chosen = [128, 2, 66, 144, 164, 25, 98, 0]  # sets of bars, by their bits
    images = ALL_IMAGES[chosen]
    h = hidden(A, with_one(images))
    back = visible(A, with_one(h))[0]
    fig, axes = figure(3, 8, width=9.6, height=4.4, height_ratios=(1, 0.75, 1))
    for column, image, code, again in zip(axes.T, images, h[0][:, order], back, strict=True):
        picture(column[0], image, 0, 1, "Greys")
        column[1].bar(range(len(code)), code, color=COLORS["purple"])
        column[1].set(ylim=(0, 1.05), xticks=range(len(code)), yticks=[0, 1], xticklabels=[])
        picture(column[2], again, 0, 1, "Greys")
    if len(order) == len(BARS):
        nearest = purity(A)[0].argmax(axis=1)[order]
        for ax in axes[1]:
            ax.set_xticklabels([NAMES[b] for b in nearest], fontsize=8, rotation=90)
    for ax, label in zip(axes[:, 0], ("image v", "P(h on | v)", "P(v on | h)"), strict=True):
        ax.set_ylabel(label, fontsize=10)
    save_figure(fig, path)


def draw_many(snapshots, path):
    """The sixteen units of the larger machine, sorted by bar."""
    A = snapshots[-1]["A"]
    fig, axes = figure(2, 8, width=10.4, height=3.4)
    fields(axes.flat, A)
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir = Path(options.outdir)
    plain = replace(config, sparsity_cost=0.0)
    runs = {"CD-1": config, "no sparsity": plain}
    if config.n_hidden <= 10:  # with more, sums over all hidden states at every step take too long
        runs["likelihood alone"] = replace(plain, algorithm="exact", weight_decay=0.0, lr=config.lr / 10)
    runs = {title: record(variant, options.seed) for title, variant in runs.items()}
    draw_data(config, options.seed, outdir / "data.png")
    draw_fields(runs, outdir / "receptive_fields.png")
    labels = ("CD-1 with the sparsity cost", "CD-1 without", "exact gradient of the likelihood, a tenth of the step")
    draw_curves(dict(zip(labels, runs.values(), strict=False)), config, outdir / "training_curves.png")
    draw_reconstructions(runs["CD-1"], outdir / "reconstructions.png")
    sixteen = replace(config, n_hidden=16)
    final = train(sixteen, generators(options.seed))[0]
    draw_many([{"A": final}], outdir / "sixteen_units.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
