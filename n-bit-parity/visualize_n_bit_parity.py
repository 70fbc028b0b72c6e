"""Pictures of parity learned by back-propagation: hidden code by number of on bits, weights, curves, N, codes."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from n_bit_parity import QUICK, Config, cases, forward, mean_activations, metrics_of, train
from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
UNITS = ["blue", "orange", "green", "purple", "sky", "red", "black", "grey"]


def record(config, seed):
    """Train `seed`; returns (history, snapshots): of every sweep epoch, loss, correct and perturbations; and of those
    since the last perturbation params and y too."""
    history, snapshots = [], []
    D = cases(config)[1]

    def on_step(epoch, info):
        right = ((info["y"][0] > 0.5) == (D > 0.5)).sum()
        one = {"epoch": epoch, "loss": info["loss"][0], "correct": right, "perturbations": info["perturbations"][0]}
        if history and history[-1]["perturbations"] < one["perturbations"]:
            snapshots.clear()
        history.append(one)
        params = {name: value[:1].copy() for name, value in info["params"].items()}
        snapshots.append(one | {"params": params, "y": info["y"][0, :, 0].copy()})

    train(config, generators(seed), on_step=on_step)
    return history, snapshots


def further(config):
    """`config` trained past the criterion, to outputs within 0.1, so that the picture shows the solution formed."""
    return replace(config, margin=min(config.margin, 0.1))


def marks(history, n_cases):
    """Vertical lines for `curves`: perturbations, and the criterion met."""
    shaken = [b["epoch"] - 1 for a, b in pairwise(history) if b["perturbations"] > a["perturbations"]]
    solved = next((s["epoch"] for s in history if s["correct"] == n_cases), None)
    lines = [(at, "weights perturbed", COLORS["orange"]) for at in shaken]
    return lines + ([] if solved is None else [(solved, f"all {n_cases} right", COLORS["green"])])


def staircase(ax, params, config, title=None):
    """Mean activation of each hidden unit against the number of on bits, with the single cases behind it."""
    ax.clear()
    X, _, count = cases(config)
    means, f = mean_activations(params, config)[0], forward(params, X)[1][0]
    for j in range(f.shape[1]):
        color = COLORS[UNITS[j % len(UNITS)]]
        shift = 0.07 * (j - (f.shape[1] - 1) / 2)
        ax.plot(count + shift, f[:, j], "o", ms=3.5, alpha=0.45, mec="none", color=color)
        ax.plot(np.arange(config.n_bits + 1) + shift, means[:, j], color=color, label=f"h{j + 1}")
    ax.set(xlim=(-0.4, config.n_bits + 0.4), ylim=(-0.05, 1.25), xticks=range(config.n_bits + 1),
           xlabel="bits that are on", ylabel="activation", title=title)
    ax.legend(fontsize=9, ncols=min(f.shape[1], 4), loc="upper center", handlelength=1, columnspacing=1)


def outputs(ax, y, config, title=None):
    """Output for every case against the number of on bits; cases with an odd number should be above one half."""
    ax.clear()
    _, D, count = cases(config)
    spread = np.concatenate([np.linspace(-0.25, 0.25, (count == k).sum() + 2)[1:-1] for k in range(config.n_bits + 1)])
    order = np.argsort(count, kind="stable")
    for target, color, label in ((0, "blue", "even: target 0"), (1, "red", "odd: target 1")):
        chosen = D[order, 0] == target
        ax.plot((count[order] + spread)[chosen], y[order][chosen], "o", ms=6, color=COLORS[color], label=label)
    ax.axhline(0.5, color=COLORS["grey"], linestyle="--", linewidth=1)
    ax.set(xlim=(-0.4, config.n_bits + 0.4), ylim=(-0.05, 1.25), xticks=range(config.n_bits + 1),
           xlabel="bits that are on", ylabel="output", title=title)
    ax.legend(fontsize=9, ncols=2, loc="upper center")


def draw_code(config, snapshots, path):
    """Hidden code and outputs at the end of the run."""
    fig, (left, right) = figure(1, 2, width=9.5, height=3.8)
    staircase(left, snapshots[-1]["params"], config, "hidden units: lines are means, dots single cases")
    outputs(right, snapshots[-1]["y"], config, "outputs")
    save_figure(fig, path)


def draw_weights(config, snapshots, path):
    """Hinton diagrams of all weights and biases."""
    p = {name: value[0] for name, value in snapshots[-1]["params"].items()}
    names = [f"h{j + 1}" for j in range(p["W1"].shape[1])]
    inward = np.concatenate([p["W1"], p["b1"]]).T
    outward = np.concatenate([p["W2"], p["b2"]])
    fig, (left, right) = figure(1, 2, width=7.5, height=4.0, width_ratios=(2, 1))
    hinton(left, inward, rows=names, cols=[*(f"x{i + 1}" for i in range(len(p["W1"]))), "bias"],
           title="into the hidden units")
    hinton(right, outward, rows=[*names, "bias"], cols=["out"], title="into the output")
    left.set_xlabel(f"red +, blue -; largest square {np.abs(inward).max():.1f}")
    right.set_xlabel(f"largest square {np.abs(outward).max():.1f}")
    save_figure(fig, path)


def draw_curves(config, history, snapshots, path):
    """Error over the whole run, and error and cases right since the last perturbation."""
    n_cases = 2**config.n_bits
    fig, axes = figure(1, 3, width=11, height=3.4, width_ratios=(1.6, 1, 1))
    epochs = [s["epoch"] for s in history]
    losses = [s["loss"] for s in history]
    curves(axes[0], epochs, {"error E": (losses, COLORS["blue"])}, xlabel="sweep", ylabel="error E",
           marks=marks(history, n_cases), ylim=(0, 1.3 * np.median(losses[:50])))
    axes[0].set_title("the whole run")
    epochs = [s["epoch"] for s in snapshots]
    panels = (("loss", "error E", "blue"), ("correct", "cases right", "black"))
    for ax, (key, label, color) in zip(axes[1:], panels, strict=True):
        y = [s[key] for s in snapshots]
        curves(ax, epochs, {label: (y, COLORS[color])}, xlabel="sweep", ylabel=label, marks=marks(snapshots, n_cases),
               ylim=(0, 1.08 * max(y)))
        ax.set_title("since the last perturbation" if len(history) > len(snapshots) else label)
    save_figure(fig, path)


def draw_sizes(config, path, n_seeds, largest):
    """Share of seeds solved against the sweeps spent, for each number of bits."""
    fig, ax = figure(width=6.8, height=3.8)
    for n in range(2, largest + 1):
        one = replace(config, n_bits=n)
        result = train(one, [generators(seed) for seed in range(n_seeds)])
        at = np.sort(result["epochs"][result["converged"]])
        share = np.arange(len(at) + 1) / n_seeds
        ax.step([1, *at, one.n_epochs], [*share, share[-1]], where="post", color=COLORS[UNITS[n - 2]],
                label=f"{n} bits: {len(at)} of {n_seeds}")
    ax.set(xscale="log", xlim=(10, config.n_epochs), ylim=(0, 1.05), xlabel="sweeps", ylabel="share solved")
    ax.legend(fontsize=9, loc="lower right")
    save_figure(fig, path)


def draw_codes(config, path, n_seeds):
    """Monotonicity of the hidden code of each seed, with the two kinds of thermometer marked."""
    result = train(further(config), [generators(seed) for seed in range(n_seeds)])
    runs = [metrics_of(result, i, config) for i in range(n_seeds)]
    kinds = {"counts on bits": ("green", lambda m: m["thermometer"]),
             "counts agreements with a pattern": ("sky", lambda m: m["thermometer_flipped"] > m["thermometer"]),
             "other": ("grey", lambda m: not m["thermometer_flipped"])}
    fig, ax = figure(width=6.8, height=3.6)
    values = [[m["monotonicity"] for m in runs if kind(m)] for _, kind in kinds.values()]
    labels = [f"{name}: {len(v)} of {n_seeds}" for name, v in zip(kinds, values, strict=True)]
    colors = [COLORS[color] for color, _ in kinds.values()]
    ax.hist(values, bins=np.linspace(0, 1, 21), stacked=True, color=colors, label=labels)
    ax.set(xlabel="monotonicity of the hidden units in the number of on bits", ylabel="seeds", xlim=(0, 1),
           ylim=(0, 1.45 * ax.get_ylim()[1]))
    ax.legend(fontsize=9, loc="upper left")
    save_figure(fig, path)


def draw_heat(config, snapshots, path):
    """Hidden activations case by case, in order of the number of on bits."""
    X, _, count = cases(config)
    order = np.argsort(count, kind="stable")
    f = forward(snapshots[-1]["params"], X)[1][0][order].T
    fig, ax = figure(width=9.0, height=1.2 + 0.4 * len(f))
    image = ax.imshow(f, cmap="RdBu_r", vmin=0, vmax=1, aspect="auto")
    for at in np.flatnonzero(np.diff(count[order])):
        ax.axvline(at + 0.5, color="white", linewidth=3)
    few = len(X) <= 32
    words = ["".join("1" if b > 0 else "0" for b in X[i]) for i in order] if few else []
    ax.set(xticks=range(len(words)), xticklabels=words, yticks=range(len(f)),
           yticklabels=[f"h{j + 1}" for j in range(len(f))], title="hidden activations; cases by number of on bits")
    ax.tick_params(axis="x", rotation=45 if len(words) <= 16 else 90, labelsize=8, length=0)
    fig.colorbar(image, ax=ax, ticks=[0, 0.5, 1])
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 5 if options.quick else 10
    history, snapshots = record(further(config), options.seed)
    draw_code(config, snapshots, outdir / "code.png")
    draw_heat(config, snapshots, outdir / "activations.png")
    draw_weights(config, snapshots, outdir / "weights.png")
    draw_curves(config, history, snapshots, outdir / "training_curves.png")
    draw_sizes(config, outdir / "sizes.png", n_seeds, 4 if options.quick else 6)
    draw_codes(config, outdir / "codes.png", 10 if options.quick else 200)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
