"""Pictures of adding by back-propagation: outputs, hidden units, weights, curves, final states, sweeps needed."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from binary_addition import QUICK, SUM, D, Config, X, forward, train
from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
ORDER = np.argsort(SUM, kind="stable")
CASES = [f"{2 * a1 + a0}+{2 * b1 + b0}" for a1, a0, b1, b0 in X[ORDER].astype(int)]
OUT = ["s2", "s1", "s0"]


def record(config, seed):
    """Train `seed`; returns (history, snapshots): of every sweep epoch, loss, correct and perturbations; and of those
    since the last perturbation params, f and y too."""
    history, snapshots = [], []

    def on_step(epoch, info):
        right = ((info["y"][0] > 0.5) == (D > 0.5)).all(axis=1).sum()
        one = {"epoch": epoch, "loss": info["loss"][0], "correct": right, "perturbations": info["perturbations"][0]}
        if history and history[-1]["perturbations"] < one["perturbations"]:
            snapshots.clear()
        history.append(one)
        params = {name: value[:1].copy() for name, value in info["params"].items()}
        snapshots.append(one | {"params": params, "y": info["y"][0].copy()})

    train(config, generators(seed), on_step=on_step)
    return history, snapshots


def further(config):
    """`config` trained past the criterion, to outputs within 0.25, so that the picture shows the solution formed."""
    return replace(config, margin=min(config.margin, 0.25))


def marks(history):
    """Vertical lines for `curves`: perturbations, and the criterion met."""
    shaken = [b["epoch"] - 1 for a, b in pairwise(history) if b["perturbations"] > a["perturbations"]]
    solved = next((s["epoch"] for s in history if s["correct"] == 16), None)
    lines = [(at, "weights perturbed", COLORS["orange"]) for at in shaken]
    return lines + ([] if solved is None else [(solved, "all 16 right", COLORS["green"])])


def hidden(params):
    """Hidden activations (16, H)."""
    return forward(params, X)[1][0, :, -params["W1"].shape[2] :]


def heatmap(ax, values, rows, title, wrong=None):
    """`values` (rows, 16 cases by their sum) between 0 and 1 as a map; `wrong` outputs get a cross."""
    ax.clear()
    image = ax.imshow(values[:, ORDER], cmap="RdBu_r", vmin=0, vmax=1, aspect="auto")
    for at in np.flatnonzero(np.diff(SUM[ORDER])):
        ax.axvline(at + 0.5, color="white", linewidth=2)
    if wrong is not None:
        for i, j in np.argwhere(wrong[:, ORDER]):
            ax.plot(j, i, "x", ms=9, mew=2.5, color=COLORS["black"])
    ax.set(title=title, xticks=range(16), xticklabels=CASES, yticks=range(len(rows)), yticklabels=rows)
    ax.tick_params(length=0)
    ax.tick_params(axis="x", labelsize=8)
    return image


def draw_activations(config, snapshots, path):
    """Targets, outputs and hidden activations for the 16 cases."""
    last = snapshots[-1]
    h, y = hidden(last["params"]), last["y"]
    fig, axes = figure(3, 1, width=8.5, height=5.8)
    heatmap(axes[0], D.T, OUT, "targets: the sum in binary, cases in order of their sum")
    heatmap(axes[1], y.T, OUT, "outputs", ((y > 0.5) != (D > 0.5)).T)
    image = heatmap(axes[2], h.T, [f"h{j + 1}" for j in range(h.shape[1])], "hidden units")
    fig.colorbar(image, ax=axes, label="activation", ticks=[0, 0.5, 1])
    save_figure(fig, path)


def weight_squares(left, right, params, scales=(None, None)):
    """Hinton diagrams of the weights into the hidden units and into the outputs, biases in the last column."""
    inward = np.concatenate([params["W1"][0], params["b1"][0]]).T
    outward = np.concatenate([params["W2"][0], params["b2"][0]]).T
    names, bits = [f"h{j + 1}" for j in range(len(inward))], ["a1", "a0", "b1", "b0"]
    skip = bits if outward.shape[1] > len(names) + 1 else []
    hinton(left, inward, rows=names, cols=[*bits, "bias"], scale=scales[0], title="into the hidden units")
    hinton(right, outward, rows=OUT, cols=[*skip, *names, "bias"], scale=scales[1], title="into the outputs")
    return np.abs(inward).max(), np.abs(outward).max()


def draw_weights(config, snapshots, path):
    """Hinton diagrams of all weights and biases."""
    fig, (left, right) = figure(1, 2, width=8.5, height=3.6, width_ratios=(5, 4))
    largest = weight_squares(left, right, snapshots[-1]["params"])
    for ax, size in zip((left, right), largest, strict=True):
        ax.set_xlabel(f"red +, blue -; largest square {size:.1f}")
    save_figure(fig, path)


def draw_curves(config, history, snapshots, path):
    """Error over the whole run, and error and cases right since the last perturbation."""
    fig, axes = figure(1, 3, width=11, height=3.4, width_ratios=(1.6, 1, 1))
    epochs = [s["epoch"] for s in history]
    curves(axes[0], epochs, {"error E": ([s["loss"] for s in history], COLORS["blue"])}, xlabel="sweep",
           ylabel="error E", marks=marks(history), ylim=(0, 8))
    axes[0].set_title("the whole run")
    epochs = [s["epoch"] for s in snapshots]
    panels = (("loss", "error E", "blue"), ("correct", "cases right", "black"))
    for ax, (key, label, color) in zip(axes[1:], panels, strict=True):
        y = [s[key] for s in snapshots]
        curves(ax, epochs, {label: (y, COLORS[color])}, xlabel="sweep", ylabel=label, marks=marks(snapshots),
               ylim=(0, 1.08 * max(y)))
        ax.set_title("since the last perturbation")
    save_figure(fig, path)


def draw_minima(config, path, n_seeds):
    """Cases right at the end of a run without perturbation, for each net."""
    fig, axes = figure(1, 3, width=11, height=3.2)
    for ax, (arch, color) in zip(axes, (("4-3-3", "blue"), ("4-2-3", "red"), ("4-2-3-skip", "green")), strict=True):
        plain = replace(config, arch=arch, perturb=False, n_epochs=min(config.n_epochs, 5000))
        right = ((train(plain, [generators(s) for s in range(n_seeds)])["y"] > 0.5) == (D > 0.5)).all(axis=2)
        counts = np.bincount(right.sum(axis=1), minlength=17)
        ax.bar(range(17), counts, color=COLORS[color])
        for at in np.flatnonzero(counts):
            ax.text(at, counts[at], counts[at], ha="center", va="bottom", fontsize=9)
        ax.set(title=f"{arch}: {counts[16]} of {n_seeds} solved", xlim=(7.4, 16.6), xlabel="cases right of 16",
               ylim=(0, 1.12 * counts.max()))
    axes[0].set_ylabel("starting points")
    save_figure(fig, path)


def draw_sweep(config, path, n_seeds):
    """Share of seeds solved against the sweeps spent, for each net, and without perturbation."""
    fig, ax = figure(width=6.8, height=3.8)
    short = min(config.n_epochs, 20000)
    recipes = {"4-2-3-skip": ({"arch": "4-2-3-skip"}, "green"), "4-3-3": ({}, "blue"),
               "4-3-3, no perturbation": ({"perturb": False, "n_epochs": short}, "sky"),
               "4-2-3": ({"arch": "4-2-3", "n_epochs": short}, "red")}
    for name, (changes, color) in recipes.items():
        one = replace(config, **changes)
        result = train(one, [generators(seed) for seed in range(n_seeds)])
        at = np.sort(result["epochs"][result["converged"]])
        share = np.arange(len(at) + 1) / n_seeds
        ax.step([1, *at, one.n_epochs], [*share, share[-1]], where="post", color=COLORS[color],
                label=f"{name}: {len(at)} of {n_seeds}")
    ax.set(xscale="log", xlim=(50, config.n_epochs), ylim=(-0.03, 1.05), xlabel="sweeps", ylabel="share solved")
    ax.legend(fontsize=9, loc="upper left")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 5 if options.quick else 30
    history, snapshots = record(further(config), options.seed)
    draw_activations(config, snapshots, outdir / "activations.png")
    draw_weights(config, snapshots, outdir / "weights.png")
    draw_curves(config, history, snapshots, outdir / "training_curves.png")
    draw_minima(config, outdir / "minima.png", 10 if options.quick else 200)
    draw_sweep(config, outdir / "sweep.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
