"""Pictures of XOR learned by back-propagation: surface, hidden units, weights, curves, basins, sweep."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure
from shared import unpack
from xor import QUICK, D, Config, X, forward, layout, train

HERE = Path(__file__).resolve().parent
GRID = np.linspace(-0.25, 1.25, 91)


def record(config, seed):
    """Train `seed`; returns a snapshot per sweep: dicts of epoch, params, y, norm, loss, correct and perturbations."""
    snapshots = []

    def on_step(epoch, info):
        params = {name: value[:1].copy() for name, value in info["params"].items()}
        norm = np.sqrt(sum((value**2).sum() for value in params.values()))
        snapshots.append({"epoch": epoch, "params": params, "y": info["y"][0, :, 0].copy(), "norm": norm,
                          "loss": info["loss"][0], "correct": 4 - info["wrong"][0],
                          "perturbations": info["perturbations"][0]})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def further(config):
    """`config` trained past the criterion, to outputs within 0.1, so that the picture shows the solution formed."""
    return replace(config, margin=min(config.margin, 0.1))


def events(snapshots):
    """(epochs of the perturbations, first epoch with all four cases right or None)."""
    shaken = [b["epoch"] - 1 for a, b in pairwise(snapshots) if b["perturbations"] > a["perturbations"]]
    return shaken, next((s["epoch"] for s in snapshots if s["correct"] == 4), None)


def marks(snapshots):
    """Vertical lines for `curves`: perturbations, and the criterion met."""
    shaken, solved = events(snapshots)
    lines = [(at, "weights perturbed", COLORS["orange"]) for at in shaken]
    return lines + ([] if solved is None else [(solved, "all four right", COLORS["green"])])


def surface(ax, params, title=None):
    """Output over the input plane with the 0.5 contour and the four cases."""
    grid = np.stack(np.meshgrid(GRID, GRID), axis=-1).reshape(-1, 2)
    y = forward(params, grid)[0][0, :, 0].reshape(len(GRID), len(GRID))
    ax.clear()
    image = ax.imshow(y, extent=(GRID[0], GRID[-1]) * 2, origin="lower", cmap="RdBu_r", vmin=0, vmax=1, alpha=0.85,
                      interpolation="bilinear")
    if y.min() < 0.5 < y.max():
        ax.contour(GRID, GRID, y, levels=[0.5], colors=COLORS["black"], linewidths=1.8)
    for (x1, x2), d in zip(X, D[:, 0], strict=True):
        ax.plot(x1, x2, "o", ms=15, mec=COLORS["black"], mfc="#D8352A" if d else "#2B6CB0", mew=1.5)
        ax.text(x1, x2, f"{d:.0f}", ha="center", va="center", color="white", fontsize=9, weight="bold")
    ax.set(xlabel="input 1", ylabel="input 2", xticks=[0, 1], yticks=[0, 1])
    if title:
        ax.set_title(title)
    return image


def weight_table(params):
    """All parameters of one net as a matrix: a row per receiving unit, a column per sender; absent ones are 0."""
    W1, b1, W2, b2 = (params[name][0] for name in ("W1", "b1", "W2", "b2"))
    n_hidden, skip = W1.shape[1], W2.shape[0] > W1.shape[1]
    table = np.zeros((n_hidden + 1, 3 + n_hidden))
    table[:n_hidden, :2], table[:n_hidden, 2] = W1.T, b1[0]
    table[n_hidden, :2] = W2[:2, 0] if skip else 0
    table[n_hidden, 2], table[n_hidden, 3:] = b2[0, 0], W2[-n_hidden:, 0]
    hidden = [f"h{i + 1}" for i in range(n_hidden)]
    return table, [*hidden, "out"], ["x1", "x2", "bias", *hidden]


def draw_surface(config, snapshots, path):
    """Decision surface at the end."""
    fig, ax = figure(width=5.2, height=4.4)
    image = surface(ax, snapshots[-1]["params"], f"output of the {config.arch} net, sweep {snapshots[-1]['epoch']}")
    fig.colorbar(image, ax=ax, label="output", ticks=[0, 0.5, 1])
    save_figure(fig, path)


def draw_hidden_units(config, snapshots, path):
    """Activation of each hidden unit and of the output for the four cases."""
    params = snapshots[-1]["params"]
    y, f = forward(params, X)
    n_hidden = params["W1"].shape[2]
    panels = [(f"hidden unit {i + 1}", f[0, :, f.shape[2] - n_hidden + i]) for i in range(n_hidden)]
    panels.append(("output", y[0, :, 0]))
    fig, axes = figure(1, len(panels), width=3 * len(panels), height=3.2)
    for ax, (title, values) in zip(axes, panels, strict=True):
        ax.bar(["00", "01", "10", "11"], values, color=[COLORS["orange"] if d else COLORS["blue"] for d in D[:, 0]])
        ax.axhline(0.5, color=COLORS["grey"], linestyle="--", linewidth=1)
        ax.set(ylim=(0, 1), title=title, xlabel="input")
    axes[0].set_ylabel("activation (orange: target 1)")
    save_figure(fig, path)


def draw_weights(config, snapshots, path):
    """Hinton diagram of all weights and biases."""
    table, rows, cols = weight_table(snapshots[-1]["params"])
    fig, ax = figure(width=5.6, height=3.6)
    hinton(ax, table, rows=rows, cols=cols, title=f"{config.arch}: weights into each unit (red +, blue -)")
    ax.set(xlabel=f"from (largest square: {np.abs(table).max():.1f})", ylabel="into")
    save_figure(fig, path)


def draw_curves(config, snapshots, path):
    """Error, cases right and weight norm over the sweeps."""
    epochs = [s["epoch"] for s in snapshots]
    fig, axes = figure(1, 3, width=11, height=3.4)
    panels = (("loss", "error E", "blue"), ("correct", "cases right", "black"), ("norm", "weight norm", "purple"))
    for ax, (key, label, color) in zip(axes, panels, strict=True):
        y = [s[key] for s in snapshots]
        curves(ax, epochs, {label: (y, COLORS[color])}, xlabel="sweep", ylabel=label, marks=marks(snapshots),
               ylim=(0, 1.08 * max(y)))
    save_figure(fig, path)


def draw_basins(config, path, n_seeds):
    """Every kind of final state without perturbation, with how many of `n_seeds` seeds end in it."""
    patient = further(replace(config, perturb=False, n_epochs=10 * config.n_epochs))
    result = train(patient, [generators(seed) for seed in range(n_seeds)])
    kinds = {}
    for i, y in enumerate(result["y"]):
        shared = max(([*np.flatnonzero(np.abs(y - level) < 0.1)] for level in y), key=len)
        name = " and ".join(f"{corner:02b}" for corner in shared) + f" share {y[shared].mean():.2f}"
        kinds.setdefault("solved" if result["converged"][i] else name, []).append(i)
    ordered = sorted(kinds.items(), key=lambda item: (item[0] != "solved", -len(item[1])))[:5]
    fig, axes = figure(1, len(ordered), width=3.1 * len(ordered), height=3.5)
    for ax, (name, members) in zip(np.atleast_1d(axes), ordered, strict=True):
        surface(ax, unpack(result["theta"][members[:1]], layout(config)), f"{name}\n{len(members)} of {n_seeds} seeds")
    save_figure(fig, path)


def draw_sweep(config, path, n_seeds):
    """How many sweeps each of `n_seeds` seeds needs, beside the paper's figure."""
    result = train(config, [generators(seed) for seed in range(n_seeds)])
    epochs, solved = result["epochs"], result["converged"]
    fig, ax = figure(width=6.5, height=3.6)
    bins = np.linspace(0, max(1500, epochs.max()), 46)
    still = (result["perturbations"] == 0) & solved
    ax.hist([epochs[still], epochs[~still]], bins=bins, stacked=True, color=[COLORS["sky"], COLORS["orange"]],
            label=["never perturbed", "perturbed at least once"])
    ax.axvline(558, color=COLORS["red"], label="paper: 558")
    ax.axvline(np.median(epochs), color=COLORS["black"], linestyle="--", label=f"our median: {np.median(epochs):.0f}")
    ax.set(xlabel="sweeps until all four cases are right", ylabel="seeds", title=f"{solved.sum()} of {n_seeds} solved")
    ax.legend(fontsize=9)
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 10 if options.quick else 1000
    snapshots = record(further(config), options.seed)
    draw_surface(config, snapshots, outdir / "decision_surface.png")
    draw_hidden_units(config, snapshots, outdir / "hidden_units.png")
    draw_weights(config, snapshots, outdir / "weights.png")
    draw_curves(config, snapshots, outdir / "training_curves.png")
    draw_basins(config, outdir / "basins.png", n_seeds)
    draw_sweep(config, outdir / "sweep.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
