"""Pictures of negation learned by back-propagation: hidden units under the flag, roles, weights, curves, nets."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from negation import QUICK, D, Config, X, forward, train
from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
BITS = ["b1", "b2", "b3"]
DATA = ["".join(str(int(b)) for b in row[1:]) for row in X[:8]]  # 000 to 111


def record(config, seed):
    """Train `seed`; returns a snapshot per sweep: dicts of epoch, params, y, loss, correct and perturbations."""
    snapshots = []

    def on_step(epoch, info):
        params = {name: value[:1].copy() for name, value in info["params"].items()}
        right = ((info["y"][0] > 0.5) == (D > 0.5)).all(axis=1).sum()
        snapshots.append({"epoch": epoch, "params": params, "y": info["y"][0].copy(), "loss": info["loss"][0],
                          "correct": right, "perturbations": info["perturbations"][0]})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def further(config):
    """`config` trained past the criterion, to outputs within 0.1, so that the picture shows the solution formed."""
    return replace(config, margin=min(config.margin, 0.1))


def marks(snapshots):
    """Vertical lines for `curves`: perturbations, and the criterion met."""
    shaken = [b["epoch"] - 1 for a, b in pairwise(snapshots) if b["perturbations"] > a["perturbations"]]
    solved = next((s["epoch"] for s in snapshots if s["correct"] == 16), None)
    lines = [(at, "weights perturbed", COLORS["orange"]) for at in shaken]
    return lines + ([] if solved is None else [(solved, "all 16 right", COLORS["green"])])


def hidden(params):
    """Hidden activations (16, H)."""
    n_hidden = params["W1"].shape[2]
    return forward(params, X)[1][0, :, -n_hidden:]


def heatmap(ax, values, rows, title):
    """`values` (rows, 8 data patterns) between 0 and 1 as a map."""
    ax.clear()
    image = ax.imshow(values, cmap="RdBu_r", vmin=0, vmax=1, aspect="auto")
    ax.set(title=title, xticks=range(8), xticklabels=DATA, yticks=range(len(rows)), yticklabels=rows, xlabel="b1 b2 b3")
    ax.tick_params(length=0)
    return image


def draw_routing(config, snapshots, path):
    """Hidden and output activations for the eight data patterns, flag off and flag on."""
    params = snapshots[-1]["params"]
    h, y = hidden(params), snapshots[-1]["y"]
    names = [f"h{j + 1}" for j in range(h.shape[1])]
    fig, axes = figure(2, 2, width=9.0, height=5.6, height_ratios=(len(names), 3.4))
    for column, (half, said) in enumerate(((slice(0, 8), "flag off: copy"), (slice(8, 16), "flag on: turn round"))):
        heatmap(axes[0, column], h[half].T, names, said)
        image = heatmap(axes[1, column], y[half].T, ["o1", "o2", "o3"], "")
        axes[0, column].set_xlabel("")
    fig.colorbar(image, ax=axes, label="activation", ticks=[0, 0.5, 1])
    save_figure(fig, path)


def draw_roles(config, snapshots, path):
    """Mean activation of each hidden unit given the flag and one bit."""
    h = hidden(snapshots[-1]["params"])
    cases = [(f, i, b) for i in range(3) for f in (0, 1) for b in (0, 1)]
    means = np.array([h[(X[:, 0] == f) & (X[:, 1 + i] == b)].mean(axis=0) for f, i, b in cases]).T
    fig, ax = figure(width=9.0, height=1.5 + 0.42 * len(means))
    image = ax.imshow(means, cmap="RdBu_r", vmin=0, vmax=1, aspect="auto")
    for i, j in np.ndindex(means.shape):
        strong = abs(means[i, j] - 0.5) > 0.3
        ax.text(j, i, f"{means[i, j]:.1f}", ha="center", va="center", fontsize=9, color="white" if strong else "black")
    for at in (3.5, 7.5):
        ax.axvline(at, color="white", linewidth=4)
    ax.set(xticks=range(12), xticklabels=[f"flag {f}\n{BITS[i]} = {b}" for f, i, b in cases],
           yticks=range(len(means)), yticklabels=[f"h{j + 1}" for j in range(len(means))],
           title="mean activation, by flag and one bit")
    ax.tick_params(length=0, labelsize=9)
    fig.colorbar(image, ax=ax, ticks=[0, 0.5, 1])
    save_figure(fig, path)


def weight_squares(left, right, params, scales=(None, None)):
    """Hinton diagrams of the weights into the hidden units and into the outputs, biases in the last column."""
    inward = np.concatenate([params["W1"][0], params["b1"][0]]).T
    outward = np.concatenate([params["W2"][0], params["b2"][0]]).T
    names = [f"h{j + 1}" for j in range(len(inward))]
    skip = ["flag", *BITS] if outward.shape[1] > len(names) + 1 else []
    hinton(left, inward, rows=names, cols=["flag", *BITS, "bias"], scale=scales[0], title="into the hidden units")
    hinton(right, outward, rows=["o1", "o2", "o3"], cols=[*skip, *names, "bias"], scale=scales[1],
           title="into the outputs")
    return np.abs(inward).max(), np.abs(outward).max()


def draw_weights(config, snapshots, path):
    """Hinton diagrams of all weights and biases."""
    fig, (left, right) = figure(1, 2, width=9.0, height=4.2, width_ratios=(5, 7))
    largest = weight_squares(left, right, snapshots[-1]["params"])
    for ax, size in zip((left, right), largest, strict=True):
        ax.set_xlabel(f"red +, blue -; largest square {size:.1f}")
    save_figure(fig, path)


def draw_curves(config, snapshots, path):
    """Error, cases right and weight norm over the sweeps."""
    epochs = [s["epoch"] for s in snapshots]
    norms = [np.sqrt(sum((value**2).sum() for value in s["params"].values())) for s in snapshots]
    panels = (("error E", [s["loss"] for s in snapshots], "blue"),
              ("cases right", [s["correct"] for s in snapshots], "black"), ("weight norm", norms, "purple"))
    fig, axes = figure(1, 3, width=11, height=3.4)
    for ax, (label, y, color) in zip(axes, panels, strict=True):
        curves(ax, epochs, {label: (y, COLORS[color])}, xlabel="sweep", ylabel=label, marks=marks(snapshots),
               ylim=(0, 1.08 * max(y)))
    save_figure(fig, path)


def draw_nets(config, path, n_seeds):
    """Share of seeds solved against the sweeps spent, for each net."""
    fig, ax = figure(width=6.8, height=3.8)
    nets = {"4-3-3-skip": "green", "4-6-3": "blue", "4-5-3": "sky", "4-4-3": "orange", "4-3-3": "red"}
    for arch, color in nets.items():
        result = train(replace(config, arch=arch), [generators(seed) for seed in range(n_seeds)])
        at = np.sort(result["epochs"][result["converged"]])
        share = np.arange(len(at) + 1) / n_seeds
        ax.step([1, *at, config.n_epochs], [*share, share[-1]], where="post", color=COLORS[color],
                label=f"{arch}: {len(at)} of {n_seeds}")
    ax.set(xscale="log", xlim=(50, config.n_epochs), ylim=(-0.03, 1.05), xlabel="sweeps", ylabel="share solved",
           title="which nets learn it")
    ax.legend(fontsize=9, loc="upper left")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 5 if options.quick else 50
    snapshots = record(further(config), options.seed)
    draw_routing(config, snapshots, outdir / "routing.png")
    draw_roles(config, snapshots, outdir / "roles.png")
    draw_weights(config, snapshots, outdir / "weights.png")
    draw_curves(config, snapshots, outdir / "training_curves.png")
    draw_nets(config, outdir / "nets.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
