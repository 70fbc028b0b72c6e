"""Pictures of the 4-2-4 encoder: codes, weights, curves with restarts, cycles to a solution, minima."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from encoder_4_2_4 import BIAS, QUICK, Config, log_likelihood, matrix, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
PATTERN_COLORS = [COLORS[name] for name in ("blue", "orange", "green", "purple")]
UNITS = [f"{group} {i + 1}" for group in ("V1", "V2") for i in range(4)] + ["h1", "h2", "bias"]


def record(config, seed):
    """Train `seed`; returns a snapshot per cycle: a dict of epoch, W, points, norm, separation and more.

    points (4, 2): P(hidden unit on | V1 clamped) for each pattern; separation: their mean distance; mse: mean squared
    error of P(V2 | V1) against the pattern.
    """
    snapshots = []

    def on_step(epoch, info):
        p = info["p_code"][0]
        points = np.stack([p[:, 2] + p[:, 3], p[:, 1] + p[:, 3]], axis=1)
        apart = [np.linalg.norm(points[a] - points[b]) for a in range(4) for b in range(a)]
        snapshots.append({"epoch": epoch, "W": matrix(info["w"][:1], config)[0], "points": points,
                          "norm": float(np.linalg.norm(info["w"][0])), "separation": float(np.mean(apart)),
                          "mse": float(((info["p_v2"][0] - np.eye(4)) ** 2).mean()),
                          "attempts": int(info["attempts"][0]), "solved": bool(info["solved"][0]),
                          **{name: info[name][0] for name in ("p_code", "accuracy", "distinct_codes")}})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def further(config):
    """`config` that goes on learning for a while once solved, so that the picture shows the code formed."""
    return replace(config, n_hold=max(config.n_hold, 60))


def marks(snapshots):
    """Vertical lines for `curves`: restarts, and the first solved cycle."""
    lines = [(b["epoch"], "fresh weights", COLORS["orange"]) for a, b in pairwise(snapshots)
             if b["attempts"] > a["attempts"]]
    solved = next((s["epoch"] for s in snapshots if s["solved"]), None)
    return lines + ([] if solved is None else [(solved, "solved", COLORS["green"])])


def square(ax, snapshots):
    """The four patterns in the square of the two hidden units' probabilities, with the way that they came."""
    ax.clear()
    for pattern, color in enumerate(PATTERN_COLORS):
        way = np.array([s["points"][pattern] for s in snapshots])
        ax.plot(way[:, 0], way[:, 1], color=color, linewidth=0.8, alpha=0.35)
        ax.plot(*way[-1], "o", ms=15, color=color)
        ax.text(*way[-1], str(pattern + 1), color="white", ha="center", va="center", weight="bold")
    ax.set(xlim=(-0.08, 1.08), ylim=(-0.08, 1.08), xticks=[0, 1], yticks=[0, 1], aspect="equal",
           xlabel="P(h1 on | V1)", ylabel="P(h2 on | V1)")
    for side in ("top", "right"):
        ax.spines[side].set_visible(True)


def weights(ax, W, scale=None):
    """Hinton diagram of all connections between units, biases in the last row."""
    table = W[:, :BIAS].copy()
    hinton(ax, table, scale=scale, rows=UNITS, cols=UNITS[:BIAS])
    ax.tick_params(axis="x", rotation=90)
    ax.tick_params(labelsize=8)


def draw_codes(snapshots, path):
    """Codes at the end: the square, and P(hidden state | V1) for each pattern."""
    fig, (left, right) = figure(1, 2, width=8.6, height=4.0)
    square(left, snapshots)
    left.set_title(f"after {snapshots[-1]['epoch']} learning cycles")
    image = right.imshow(snapshots[-1]["p_code"], vmin=0, vmax=1, cmap="Blues")
    for (i, j), p in np.ndenumerate(snapshots[-1]["p_code"]):
        right.text(j, i, f"{p:.2f}", ha="center", va="center", color="white" if p > 0.5 else COLORS["black"])
    right.set(xticks=range(4), xticklabels=["00", "01", "10", "11"], yticks=range(4), yticklabels=range(1, 5),
              xlabel="hidden state (h1 h2)", ylabel="pattern clamped on V1", title="P(hidden state | V1)")
    fig.colorbar(image, ax=right, ticks=[0, 0.5, 1])
    save_figure(fig, path)


def draw_weights(snapshots, path):
    """All weights at the end."""
    W = snapshots[-1]["W"]
    fig, ax = figure(width=5.6, height=5.4)
    weights(ax, W)
    ax.set_title(f"weights (red +, blue -; largest {np.abs(W).max():.0f}, T = 10)")
    save_figure(fig, path)


def draw_curves(runs, path):
    """A row of curves per run of `runs`, {title: snapshots}."""
    panels = (("accuracy", "patterns recalled", 1), ("distinct_codes", "distinct codes", 4),
              ("separation", "mean distance of codes", 1.2), ("mse", "error of P(V2 | V1)", None),
              ("norm", "weight norm", None))
    fig, axes = figure(len(runs), 5, width=15, height=3.1 * len(runs))
    for row, (title, snapshots) in zip(np.atleast_2d(axes), runs.items(), strict=True):
        for ax, (key, label, top), color in zip(row, panels, ("blue", "black", "purple", "red", "sky"), strict=True):
            y = [s[key] for s in snapshots]
            curves(ax, [s["epoch"] for s in snapshots], {label: (y, COLORS[color])}, xlabel="learning cycle",
                   ylabel=label, marks=marks(snapshots), ylim=(0, 1.08 * (top or max(y))))
        row[0].set_title(title, loc="left")
    save_figure(fig, path)


def draw_cycles(path):
    """Share of the seeds solved after so many cycles, from the records in this folder."""
    kinds = {"results.json": ("annealing, sign rule (1985)", "blue"), "results-cd.json": ("cd, sign rule", "green"),
             "results-cd-gradient.json": ("cd, gradient rule", "orange"),
             "results-exact.json": ("exact gradient", "red")}
    fig, ax = figure(width=9, height=3.8)
    for file, (label, color) in kinds.items():
        if (HERE / file).exists():
            metrics = [run["metrics"] for run in json.loads((HERE / file).read_text())["runs"]]
            epochs = np.sort([m["epochs"] if m["solved"] else np.inf for m in metrics])
            ax.step(epochs, np.arange(1, len(epochs) + 1) / len(epochs), where="post", color=COLORS[color],
                    label=f"{label}: {np.isfinite(epochs).sum()} of {len(epochs)}")
    ax.axvline(110, color=COLORS["grey"], linestyle="--", label="paper: median 110")
    ax.axvline(1810, color=COLORS["grey"], linestyle=":", label="paper: longest 1810")
    ax.set(xscale="log", xlim=(10, 20000), ylim=(0, 1.02), xlabel="learning cycles", ylabel="share of seeds solved")
    ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_figure(fig, path)


def draw_minima(config, path, n_seeds):
    """Log-likelihood of `n_seeds` runs that follow the exact gradient: those that fail rest on a level of their own."""
    lines, epochs = [], []

    def on_step(epoch, info):
        if epoch % 20 == 0 and epoch <= config.n_epochs:
            epochs.append(epoch)
            lines.append((log_likelihood(info["w"], config), info["distinct_codes"]))

    train(config, [generators(seed) for seed in range(n_seeds)], on_step=on_step)
    y, codes = np.array([line[0] for line in lines]), np.array([line[1] for line in lines])
    fig, ax = figure(width=7, height=3.8)
    for seed in np.argsort(codes[-1] == 4):
        solved = codes[-1, seed] == 4
        ax.plot(epochs, y[:, seed], color=COLORS["blue" if solved else "red"], linewidth=1, alpha=0.7)
    for solved, color in ((True, "blue"), (False, "red")):
        n = int(((codes[-1] == 4) == solved).sum())
        ax.plot([], [], color=COLORS[color], label=f"{n} of {n_seeds} seeds: {'four' if solved else 'fewer'} codes")
    ax.set(xlabel="steps along the exact gradient", ylabel="log-likelihood (nats)", xlim=(0, max(epochs)),
           ylim=(y.max() - 1.0, y.max() + 0.1))
    ax.legend(fontsize=9, loc="lower right")
    save_figure(fig, path)


def followed(n_epochs):
    """The settings of exact gradient descent that keep every run learning for `n_epochs` steps."""
    return Config(algorithm="exact", rule="gradient", lr=10.0, n_epochs=n_epochs, n_hold=n_epochs)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds, n_epochs = Path(options.outdir), *((5, 60) if options.quick else (50, 5000))
    snapshots = record(further(config), options.seed)
    draw_codes(snapshots, outdir / "codes.png")
    draw_weights(snapshots, outdir / "weights.png")
    plain = Config(algorithm="cd", rule="gradient", lr=5.0, restart_after=400, n_epochs=n_epochs)
    draw_curves({f"{config.algorithm}, {config.rule} rule": snapshots,
                 "cd, gradient rule, fresh weights after 400 cycles": record(further(plain), options.seed)},
                outdir / "training_curves.png")
    draw_cycles(outdir / "cycles.png")
    draw_minima(followed(n_epochs), outdir / "minima.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
