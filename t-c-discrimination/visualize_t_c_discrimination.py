"""Pictures of T-C discrimination: letters, kernels, feature maps, kernels that come up alone, kinds, curves."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure
from t_c_discrimination import QUICK, Config, kernels_of, kinds_of, metrics_of, patterns, sigmoid, train, windows

HERE = Path(__file__).resolve().parent
ALONE = {"n_kernels": 1, "margin": 0.1}
KIND_COLORS = {"on-centre": "orange", "off-centre": "sky", "bar": "green", "compact": "purple", "mixed": "grey"}


def further(config):
    """`config` trained past the criterion, to outputs within 0.1, so that the picture shows the solution formed."""
    return replace(config, margin=min(config.margin, 0.1))


def record(config, seed):
    """Train `seed`; returns a snapshot per sweep: dicts of epoch, params, y, loss and correct."""
    snapshots = []

    def on_step(epoch, info):
        params = {name: value[0].copy() for name, value in info["params"].items()}
        y = info["y"][0, :, 0].copy()
        snapshots.append({"epoch": epoch, "params": params, "y": y, "loss": info["loss"][0],
                          "correct": len(y) - int(info["wrong"][0])})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def kernels_in(snapshot, config):
    """The kernels (K, size, size) of a snapshot."""
    return snapshot["params"]["W1"].T.reshape(config.n_kernels, config.kernel_size, config.kernel_size)


def kernel(ax, weights, title, kind, scale=None):
    """One kernel as a Hinton diagram, framed in the colour of its kind."""
    hinton(ax, weights, scale=scale, rows=[], cols=[], title=title)
    for spine in ax.spines.values():
        spine.set(visible=True, color=COLORS[KIND_COLORS[kind]], linewidth=3)


def letters(axes, x, names=None):
    """The retinas `x`, one per axis."""
    for i, ax in enumerate(axes):
        ax.imshow(x[i], cmap="Greys", vmin=0, vmax=1.4)
        ax.set(xticks=np.arange(0.5, len(x[i]) - 1), yticks=np.arange(0.5, len(x[i]) - 1), xticklabels=[],
               yticklabels=[])
        ax.grid(color="#DDDDDD", linewidth=0.6)
        ax.tick_params(length=0)
        if names:
            ax.set_title(names[i])


def outputs(ax, y, d):
    """Outputs for the eight letters; orange where the target is 1."""
    names = [f"{'TC'[int(target)]} {90 * (i % 4)}" for i, target in enumerate(d)]
    ax.clear()
    ax.bar(names, y, color=[COLORS["orange"] if target else COLORS["blue"] for target in d])
    ax.axhline(0.5, color=COLORS["grey"], linestyle="--", linewidth=1)
    ax.set(ylim=(0, 1), ylabel="output (T is 0, C is 1)")
    ax.tick_params(axis="x", labelsize=8)


def draw_letters(path):
    """The eight patterns at the centre."""
    x, d = patterns(Config())
    fig, axes = figure(2, 4, width=7.5, height=4.3)
    letters(axes.ravel(), x, [f"{'TC'[int(t)]}, {90 * (i % 4)} degrees: {t:.0f}" for i, t in enumerate(d[:, 0])])
    save_figure(fig, path)


def draw_kernels(config, snapshots, path):
    """The kernels of one run at the start and at the end."""
    fig, axes = figure(2, config.n_kernels, width=2.2 * config.n_kernels, height=5.2)
    for row, s in zip(axes.reshape(2, -1), (snapshots[0], snapshots[-1]), strict=True):
        kernels = kernels_in(s, config)
        found = kinds_of(kernels, config.min_match)
        for ax, weights, kind in zip(row, kernels, found, strict=True):
            kernel(ax, weights, kind, kind)
        row[0].set_ylabel(f"sweep {s['epoch']}")
    fig.suptitle("kernels at the start and at the end (red +, blue -)")
    save_figure(fig, path)


def draw_feature_maps(config, snapshots, path):
    """Where each kernel answers on each letter at the end."""
    x, d = patterns(replace(config, augment_positions=False))
    params, K = snapshots[-1]["params"], config.n_kernels
    maps = sigmoid(windows(x, config.kernel_size) @ params["W1"] + params["b1"])
    fig, axes = figure(K + 1, 8, width=10, height=1.3 * (K + 1) + 0.4)
    letters(axes[0], x, [f"{'TC'[int(t)]} {90 * (i % 4)}" for i, t in enumerate(d[:, 0])])
    for k in range(K):
        for i in range(8):
            image = axes[k + 1, i].imshow(maps[i, :, :, k], cmap="viridis", vmin=0, vmax=1)
            axes[k + 1, i].set(xticks=[], yticks=[])
        axes[k + 1, 0].set_ylabel(f"kernel {k + 1}\nto output {params['W2'][k, 0]:+.0f}", fontsize=9)
    fig.colorbar(image, ax=axes[1:].ravel().tolist(), label="activation", shrink=0.6)
    save_figure(fig, path)


def same_up_to_symmetry(a, b):
    """Correlation of two kernels, the largest over the eight rotations and reflections that leave the task as it is."""
    turned = [np.rot90(m, k) for m in (b, b.T) for k in range(4)]
    return max(np.corrcoef(a.ravel(), m.ravel())[0, 1] for m in turned)


def draw_alone(config, path, n_seeds):
    """The kernels that come up in runs with one kernel, most frequent first; alike up to symmetry are one."""
    config = replace(config, **ALONE)
    result = train(config, [generators(seed) for seed in range(n_seeds)])
    groups = []
    for theta in result["theta"][result["converged"]]:
        weights = kernels_of(theta, config)[0]
        for group in groups:
            if same_up_to_symmetry(group[0], weights) > 0.97:
                group.append(weights)
                break
        else:
            groups.append([weights])
    groups = sorted(groups, key=len, reverse=True)[:10]
    fig, axes = figure(2, 5, width=11, height=5.6)
    for ax in axes.ravel():
        ax.axis("off")
    for ax, group in zip(axes.ravel(), groups, strict=False):
        ax.axis("on")
        kind = kinds_of(group[0][None], config.min_match)[0]
        kernel(ax, group[0], f"{kind}: {len(group)} of {n_seeds}", kind)
    fig.suptitle("nets with a single kernel: the weights found, most frequent first")
    save_figure(fig, path)


def draw_kinds(config, path, n_seeds):
    """Share of the kernels of each kind before and after training, in three settings."""
    settings = {"four kernels, at the centre": {}, "four kernels, at every place": {"augment_positions": True},
                "one kernel, at the centre": ALONE}
    fig, axes = figure(1, 3, width=12, height=3.8)
    for ax, (title, changes) in zip(axes, settings.items(), strict=True):
        chosen = replace(config, **changes)
        result = train(chosen, [generators(seed) for seed in range(n_seeds)])
        for name, shift, color in (("start", -0.2, "grey"), ("theta", 0.2, "blue")):
            found = [kind for t in result[name] for kind in kinds_of(kernels_of(t, chosen), chosen.min_match)]
            shares = [found.count(kind) / len(found) for kind in KIND_COLORS]
            label = "before training" if name == "start" else "after"
            ax.bar(np.arange(5) + shift, shares, 0.4, color=COLORS[color], label=label)
        ax.set(title=title, ylim=(0, 1))
        ax.set_xticks(range(5), list(KIND_COLORS), fontsize=8)
    axes[0].set_ylabel("share of the kernels")
    axes[0].legend(loc="upper left", fontsize=9)
    save_figure(fig, path)


def draw_curves(config, snapshots, path):
    """Error, patterns right, and the outputs at the end."""
    epochs = [s["epoch"] for s in snapshots]
    fig, axes = figure(1, 3, width=12, height=3.5, width_ratios=(1, 1, 1.3))
    panels = (("loss", "error E", "blue"), ("correct", "patterns right", "black"))
    for ax, (key, label, color) in zip(axes, panels, strict=False):
        y = [s[key] for s in snapshots]
        curves(ax, epochs, {label: (y, COLORS[color])}, xlabel="sweep", ylabel=label, ylim=(0, 1.08 * max(y)))
    y, d = snapshots[-1]["y"], patterns(config)[1][:, 0]
    outputs(axes[2], y[:: len(y) // 8], d[:: len(y) // 8])
    save_figure(fig, path)


def draw_sweep(config, path, n_seeds):
    """How many sweeps each seed needs, with the letters at the centre and at every place."""
    fig, ax = figure(width=6.5, height=3.6)
    for name, everywhere, color in (("at the centre", False, "sky"), ("at every place", True, "purple")):
        chosen = replace(config, augment_positions=everywhere)
        result = train(chosen, [generators(seed) for seed in range(n_seeds)])
        right = sum(metrics_of(result, i, chosen)["converged"] for i in range(n_seeds))
        label = f"{name}: {right} of {n_seeds} solved, median {np.median(result['epochs']):.0f}"
        ax.hist(result["epochs"], bins=np.linspace(0, 1200, 49), color=COLORS[color], alpha=0.8, label=label)
    ax.set(xlabel="sweeps until every letter is right", ylabel="seeds")
    ax.legend(fontsize=9)
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 4 if options.quick else 30
    snapshots = record(further(config), options.seed)
    draw_letters(outdir / "letters.png")
    draw_kernels(config, snapshots, outdir / "kernels.png")
    draw_feature_maps(config, snapshots, outdir / "feature_maps.png")
    draw_alone(config, outdir / "one_kernel.png", 4 if options.quick else 100)
    draw_kinds(config, outdir / "kinds.png", n_seeds)
    draw_curves(config, snapshots, outdir / "training_curves.png")
    draw_sweep(config, outdir / "sweep.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
