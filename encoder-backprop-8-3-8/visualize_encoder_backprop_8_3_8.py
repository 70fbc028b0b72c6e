"""Pictures of the 8-3-8 encoder learned by back-propagation: codes on the cube, code table, weights, curves, seeds."""

from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np

from encoder_backprop_8_3_8 import QUICK, Config, train
from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
# The cube, drawn flat: hidden unit 1 goes right, 2 goes back (right and up), 3 goes up.
AXES = np.array([[1.0, -0.12], [0.46, 0.34], [0.0, 1.0]])
CORNERS = np.array(list(product([0, 1], repeat=3)), dtype=float)
POINTS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#222222", "#8C6D31"]


def record(config, seed):
    """Train `seed`; returns a snapshot per sweep: dicts of epoch, params, f, y, loss, codes, perturbations."""
    snapshots = []

    def on_step(epoch, info):
        params = {name: value[0].copy() for name, value in info["params"].items()}
        near = np.abs(info["y"][0] - np.eye(8)).max() < config.margin
        snapshots.append({"epoch": epoch, "params": params, "f": info["f"][0].copy(), "y": info["y"][0].copy(),
                          "loss": info["loss"][0], "codes": info["codes"][0], "near": near,
                          "perturbations": info["perturbations"][0]})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def further(config):
    """`config` trained past the criterion, to outputs within 0.2, so that the picture shows the solution formed."""
    return replace(config, margin=min(config.margin, 0.2))


def marks(snapshots):
    """Vertical lines for `curves`: perturbations, and eight distinct codes for good."""
    shaken = [b["epoch"] - 1 for a, b in pairwise(snapshots) if b["perturbations"] > a["perturbations"]]
    below = [s["epoch"] for s in snapshots if s["codes"] < 8]
    distinct = [] if snapshots[-1]["codes"] < 8 else [(below[-1] + 1, "eight codes", COLORS["green"])]
    return [(at, "weights perturbed", COLORS["orange"]) for at in shaken] + distinct


def cube(ax, f, title=None):
    """The eight hidden states `f` (8, 3) in the unit cube."""
    ax.clear()
    for a, b in product(CORNERS, CORNERS):
        if (b - a).sum() == 1 and np.abs(b - a).sum() == 1:
            ax.plot(*np.stack([a @ AXES, b @ AXES]).T, color="#B5B5B5", linewidth=1.1, zorder=1)
    for corner in CORNERS:
        at = corner @ AXES
        ax.text(at[0], at[1] - 0.17, "".join(f"{c:.0f}" for c in corner), ha="center", fontsize=9, color="#707070")
    for i, at in enumerate(f @ AXES):
        ax.plot(*at, "o", ms=15, color=POINTS[i], mec="white", mew=1, zorder=3)
        ax.text(*at, str(i + 1), ha="center", va="center", color="white", fontsize=9, weight="bold", zorder=4)
    ax.set(xlim=(-0.2, 1.66), ylim=(-0.36, 1.52), aspect="equal", title=title)
    ax.axis("off")


def table(ax, values, title, words=None):
    """`values` (8, columns) between 0 and 1 as a map, a row per pattern."""
    ax.clear()
    ax.imshow(values, cmap="RdBu_r", vmin=0, vmax=1, aspect="auto")
    if words is not None:
        for i, j in np.ndindex(values.shape):
            ax.text(j, i, words % values[i, j], ha="center", va="center", fontsize=9,
                    color="white" if abs(values[i, j] - 0.5) > 0.3 else "black")
    ax.set(title=title, xticks=range(values.shape[1]), yticks=range(8), yticklabels=range(1, 9))
    ax.tick_params(length=0)


def draw_cube(config, snapshots, path):
    """Hidden states on the cube early, in the middle and at the end."""
    last = snapshots[-1]["epoch"]
    fig, axes = figure(1, 3, width=10.5, height=3.8)
    for ax, share in zip(axes, (0.25, 0.5, 1.0), strict=True):
        s = snapshots[int(share * last)]
        cube(ax, s["f"], f"sweep {s['epoch']}: {s['codes']} codes")
    save_figure(fig, path)


def draw_codes(config, snapshots, path):
    """Hidden activations, their binary codes, and the outputs, a row per pattern."""
    s = snapshots[-1]
    fig, (left, middle, right) = figure(1, 3, width=9.5, height=4.0, width_ratios=(3, 3, 8))
    table(left, s["f"], "hidden activation", "%.2f")
    table(middle, (s["f"] > 0.5).astype(float), "code", "%.0f")
    table(right, s["y"], "outputs")
    for ax in (left, middle):
        ax.set_xticklabels(["h1", "h2", "h3"])
    right.set_xticklabels(range(1, 9))
    left.set_ylabel("pattern")
    save_figure(fig, path)


def draw_weights(config, snapshots, path):
    """Hinton diagrams of all weights and biases."""
    p = snapshots[-1]["params"]
    fig, (left, right) = figure(1, 2, width=10.5, height=3.4, width_ratios=(9, 9))
    names = ["h1", "h2", "h3"]
    for ax, w, rows, cols, title in (
        (left, np.concatenate([p["W1"], p["b1"]]).T, names, [*range(1, 9), "bias"], "inputs to hidden units"),
        (right, np.concatenate([p["W2"], p["b2"]]), [*names, "bias"], range(1, 9), "hidden units to outputs"),
    ):
        hinton(ax, w, rows=rows, cols=cols, title=title)
        ax.set_xlabel(f"red +, blue -; largest square {np.abs(w).max():.1f}")
    save_figure(fig, path)


def draw_curves(config, snapshots, path):
    """Error, codes and weight norm over the sweeps."""
    epochs = [s["epoch"] for s in snapshots]
    norms = [np.sqrt(sum((value**2).sum() for value in s["params"].values())) for s in snapshots]
    panels = (("error E", [s["loss"] for s in snapshots], "blue"),
              ("distinct codes", [s["codes"] for s in snapshots], "black"), ("weight norm", norms, "purple"))
    fig, axes = figure(1, 3, width=11, height=3.4)
    for ax, (label, y, color) in zip(axes, panels, strict=True):
        curves(ax, epochs, {label: (y, COLORS[color])}, xlabel="sweep", ylabel=label, marks=marks(snapshots),
               ylim=(0, 1.08 * max(y)))
    save_figure(fig, path)


def draw_sweep(config, path, n_seeds):
    """Share of seeds solved against the sweeps spent, with and without decay and perturbation."""
    fig, ax = figure(width=7.0, height=3.8)
    recipes = {"decay and perturbation": ({}, "green"), "decay alone": ({"perturb": False}, "blue"),
               "perturbation alone": ({"weight_decay": 0.0}, "orange"),
               "neither": ({"weight_decay": 0.0, "perturb": False}, "red")}
    for name, (changes, color) in recipes.items():
        result = train(replace(config, **changes), [generators(seed) for seed in range(n_seeds)])
        at = np.sort(result["epochs"][result["converged"]])
        share = np.arange(len(at) + 1) / n_seeds
        ax.step([1, *at, config.n_epochs], [*share, share[-1]], where="post", color=COLORS[color],
                label=f"{name}: {len(at)} of {n_seeds}")
    ax.set(xscale="log", xlim=(200, max(config.n_epochs, 300)), ylim=(0, 1.03), xlabel="sweeps", ylabel="share solved",
           title="eight distinct codes")
    ax.legend(fontsize=9, loc="lower right")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 5 if options.quick else 60
    snapshots = record(further(config), options.seed)
    draw_cube(config, snapshots, outdir / "cube.png")
    draw_codes(config, snapshots, outdir / "codes.png")
    draw_weights(config, snapshots, outdir / "weights.png")
    draw_curves(config, snapshots, outdir / "training_curves.png")
    draw_sweep(config, outdir / "sweep.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
