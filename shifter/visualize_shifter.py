"""Pictures of the shifter: what the hidden units detect, curves, accuracy by bits on, confusions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from shifter import QUICK, Config, answers, best_possible, cases, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
NAMES = ("left", "none", "right")
SHIFT_COLORS = [COLORS[name] for name in ("orange", "black", "blue")]


def record(config, seed):
    """Train `seed`; returns a snapshot per pass: a dict of epoch, params (S = 1), loss, p (cases, 3) and right."""
    snapshots, shift = [], cases(config.n_ring)[1]

    def on_step(epoch, info):
        params = {name: x[:1].copy() for name, x in info["params"].items()}
        p = answers(params, config)[0]
        snapshots.append({"epoch": epoch, "params": params, "loss": info["loss"][0], "p": p,
                          "right": p.argmax(axis=1) == shift})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def preferred(params):
    """Shift (H,) that each hidden unit speaks for or against: the largest weight to V3, its mean taken out."""
    U = params["U"][0]
    return np.abs(U - U.mean(axis=0)).argmax(axis=0)


def unit_table(params, j):
    """The weights of hidden unit `j` as in the chapter's figure: bias and V3 above, V1 and V2 below (3, n)."""
    W, U = params["W"][0][:, j], params["U"][0][:, j]
    n = len(W) // 2
    table = np.zeros((3, n))
    table[0, 0], table[0, n - 3 :] = params["b_h"][0, 0, j], U - U.mean()  # what is common to V3 acts like a bias
    table[1], table[2] = W[:n], W[n:]
    return table


def unit_panel(ax, params, j, scale, title):
    """Hinton diagram of one hidden unit."""
    hinton(ax, unit_table(params, j), scale=scale, rows=["b, V3", "V1", "V2"], cols=[""] * (params["W"].shape[1] // 2))
    ax.tick_params(labelsize=7)
    ax.set_title(title, fontsize=9, color=SHIFT_COLORS[preferred(params)[j]])


def draw_hidden_units(params, path):
    """All hidden units, in order of the shift that they speak for."""
    order = np.argsort(preferred(params), kind="stable")
    columns = 4
    rows = -(-len(order) // columns)
    fig, axes = figure(rows, columns, width=11, height=1.45 * rows + 0.4)
    scale = max(np.abs(unit_table(params, j)).max() for j in order)
    for ax in np.ravel(axes):
        ax.axis("off")
    for ax, j in zip(np.ravel(axes), order, strict=False):
        ax.axis("on")
        unit_panel(ax, params, j, scale, f"unit {j + 1}: {NAMES[preferred(params)[j]]}")
    fig.suptitle(f"first row: bias, then left, none, right (red +, blue -; largest {scale:.1f})", fontsize=11)
    save_figure(fig, path)


def draw_curves(runs, path):
    """Loss and accuracy over the passes; `runs` is {title: (snapshots, color)}."""
    fig, axes = figure(1, 2, width=9.5, height=3.5)
    for ax, label, value in ((axes[0], "-log P(V3 | V1, V2) (nats)", lambda s: s["loss"]),
                             (axes[1], "accuracy, all cases", lambda s: s["right"].mean())):
        longest = max((snapshots for snapshots, _ in runs.values()), key=len)
        series = {title: ([value(s) for s in snapshots], color) for title, (snapshots, color) in runs.items()}
        curves(ax, [s["epoch"] for s in longest], series, xlabel="pass over the cases", ylabel=label, ylim=(0, None))
    axes[1].axhline(1 / 3, color=COLORS["grey"], linestyle=":")
    axes[1].set_ylim(0, 1.03)
    save_figure(fig, path)


def draw_by_bits_on(snapshots, config, path):
    """Accuracy by bits on, beside the best possible and what the chapter reports."""
    n = config.n_ring
    on = cases(n)[2]
    ours = [snapshots[-1]["right"][on == k].mean() for k in range(n + 1)]
    fig, ax = figure(width=7, height=3.8)
    ax.axhspan(0.50, 0.89, color=COLORS["grey"], alpha=0.25, linewidth=0, label="range reported in 1986")
    ax.bar(range(n + 1), ours, color=COLORS["blue"], width=0.6, label="this run")
    ax.plot(range(n + 1), best_possible(n), "_", ms=26, mew=2.5, color=COLORS["orange"], label="best possible")
    ax.axhline(1 / 3, color=COLORS["black"], linestyle=":", linewidth=1.2, label="chance")
    ax.set(ylim=(0, 1.05), xticks=range(n + 1), xlabel="bits on in V1", ylabel="accuracy")
    ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_figure(fig, path)


def draw_confusion(snapshots, config, path):
    """Confusions of the shifts, half-way through the learning and at the end, and the weights to V3."""
    shift = cases(config.n_ring)[1]
    early = next((s for s in snapshots if s["right"].mean() > 0.7), snapshots[len(snapshots) // 2])
    fig, axes = figure(1, 3, width=12, height=3.6, width_ratios=(1, 1, 2.2))
    for ax, s in zip(axes, (early, snapshots[-1]), strict=False):
        table = np.array([[(s["p"].argmax(axis=1)[shift == a] == b).sum() for b in range(3)] for a in range(3)])
        ax.imshow(table, cmap="Blues", vmin=0, vmax=table.sum() / 3)
        for (a, b), count in np.ndenumerate(table):
            color = "white" if count > table.sum() / 6 else COLORS["black"]
            ax.text(b, a, count, ha="center", va="center", color=color)
        ax.set(xticks=range(3), xticklabels=NAMES, yticks=range(3), yticklabels=NAMES, xlabel="answer",
               ylabel="shift", title=f"pass {s['epoch']}")
    params = snapshots[-1]["params"]
    order = np.argsort(preferred(params), kind="stable")
    table = np.vstack([params["W"][0], params["U"][0]])[:, order]
    top = np.abs(table).max()
    image = axes[2].imshow(table, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto")
    n = config.n_ring
    for y in (n - 0.5, 2 * n - 0.5):
        axes[2].axhline(y, color=COLORS["black"], linewidth=1)
    axes[2].set(yticks=[(n - 1) / 2, (3 * n - 1) / 2, 2 * n + 1], yticklabels=["V1", "V2", "V3"], xlabel="hidden unit",
                title="all weights, sorted by shift")
    fig.colorbar(image, ax=axes[2])
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, snapshots = Path(options.outdir), record(config, options.seed)
    draw_hidden_units(snapshots[-1]["params"], outdir / "hidden_units.png")
    other = replace(config, units="binary" if config.units == "signed" else "signed")
    draw_curves({f"{config.units} units": (snapshots, COLORS["blue"]),
                 f"{other.units} units": (record(other, options.seed), COLORS["red"])}, outdir / "training_curves.png")
    draw_by_bits_on(snapshots, config, outdir / "accuracy_by_bits_on.png")
    draw_confusion(snapshots, config, outdir / "confusion.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
