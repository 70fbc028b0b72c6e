"""Pictures of the 8-3-8 encoder: codes on the cube, occupancy, weights, curves, what the spread does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from encoder_8_3_8 import QUICK, STATES, Config, N, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
PATTERN_COLORS = [COLORS[name] for name in ("blue", "orange", "green", "purple", "red", "sky", "black", "grey")]
UNITS = [f"{group} {i + 1}" for group in ("V1", "V2") for i in range(N)] + ["bias"]
NAMES = ["".join(str(int(bit)) for bit in corner) for corner in STATES]
AXES = np.array([[1.0, 0.08], [0.0, 1.0], [0.5, 0.36]])  # where one step of h1, h2, h3 leads on paper


def record(config, seed):
    """Train `seed`; returns a snapshot per cycle: a dict of epoch, A, points, norm, separation and more.

    points (8, 3): P(hidden unit on | V1 clamped) for each pattern; separation: their mean distance; mse: mean squared
    error of P(V2 | V1) against the pattern.
    """
    snapshots = []

    def on_step(epoch, info):
        points = info["p_code"][0] @ STATES
        apart = [np.linalg.norm(points[a] - points[b]) for a in range(N) for b in range(a)]
        snapshots.append({"epoch": epoch, "A": info["A"][0], "points": points,
                          "norm": float(np.linalg.norm(info["A"][0])), "separation": float(np.mean(apart)),
                          "mse": float(((info["p_v2"][0] - np.eye(N)) ** 2).mean()), "solved": bool(info["solved"][0]),
                          **{name: info[name][0] for name in ("codes", "accuracy", "distinct_codes")}})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def marks(snapshots):
    """Vertical lines for `curves`: the first solved cycle, and that from which on it stays so."""
    solved = next((s["epoch"] for s in snapshots if s["solved"]), None)
    wrong = [s["epoch"] for s in snapshots if not s["solved"]]
    settled = None if not snapshots[-1]["solved"] else wrong[-1] + 1 if wrong else 0
    lines = [(solved, "solved", COLORS["sky"]), (settled, "solved to the end", COLORS["green"])]
    return [line for line in lines if line[0] is not None]


def cube(ax, snapshots, tail=60):
    """The eight patterns in the cube of the hidden units' probabilities, with the last `tail` cycles of their way."""
    ax.clear()
    for a in range(8):
        for b in (a ^ 1, a ^ 2, a ^ 4):
            if a < b:
                ax.plot(*(STATES[[a, b]] @ AXES).T, color=COLORS["grey"], linewidth=1, zorder=1)
        ax.plot(*(STATES[a] @ AXES), "o", ms=9, color="white", markeredgecolor=COLORS["grey"], zorder=2)
        outward = (STATES[a] - 0.5) @ AXES
        ax.annotate(NAMES[a], STATES[a] @ AXES, xytext=20 * outward / np.linalg.norm(outward), ha="center", va="center",
                    textcoords="offset points", fontsize=9, color=COLORS["black"])
    for pattern, color in enumerate(PATTERN_COLORS):
        way = np.array([s["points"][pattern] for s in snapshots[-tail:]]) @ AXES
        ax.plot(way[:, 0], way[:, 1], color=color, linewidth=0.8, alpha=0.35, zorder=3)
        ax.plot(*way[-1], "o", ms=14, color=color, zorder=4)
        ax.text(*way[-1], str(pattern + 1), color="white", ha="center", va="center", weight="bold", fontsize=9,
                zorder=5)
    ax.set(xlim=(-0.25, 1.75), ylim=(-0.25, 1.7), aspect="equal")
    ax.set_axis_off()


def occupancy(ax, snapshot):
    """Number of patterns whose likeliest hidden state each corner is: one is green, several are red."""
    ax.clear()
    count = np.bincount(snapshot["codes"][snapshot["codes"] >= 0], minlength=8)
    ax.bar(range(8), count, color=[COLORS["green" if n == 1 else "red"] for n in count])
    ax.axhline(1, color=COLORS["grey"], linestyle="--", linewidth=1, zorder=0)
    top = max(4, count.max())
    ax.set(ylim=(0, top + 0.2), yticks=range(0, top + 1, 1 if top < 5 else 2), xlabel="hidden state", ylabel="patterns")
    ax.set_xticks(range(8), NAMES, rotation=60, fontsize=9)


def weights(ax, A, scale=None):
    """Hinton diagram of all parameters: the biases in the last row and column."""
    hinton(ax, A, scale=scale, rows=UNITS, cols=["h1", "h2", "h3", "bias"])
    ax.tick_params(labelsize=9)


def draw_codes(runs, path):
    """Cube and occupancy at the end of each run of `runs`, {title: snapshots}."""
    fig, axes = figure(1, 2 * len(runs), width=6.6 * len(runs), height=3.8, width_ratios=(1.25, 1) * len(runs))
    for (title, snapshots), left, right in zip(runs.items(), axes[::2], axes[1::2], strict=True):
        cube(left, snapshots)
        left.set_title(title)
        occupancy(right, snapshots[-1])
        right.set_title(f"{snapshots[-1]['distinct_codes']} corners used")
    save_figure(fig, path)


def draw_weights(snapshots, path):
    """All parameters at the end."""
    A = snapshots[-1]["A"]
    fig, ax = figure(width=4.6, height=6.4)
    weights(ax, A)
    ax.set_title(f"weights (red +, blue -; largest {np.abs(A).max():.0f}, T = 10)", fontsize=10)
    save_figure(fig, path)


def draw_curves(runs, path):
    """A row of curves per run of `runs`, {title: snapshots}."""
    panels = (("accuracy", "patterns recalled", 1), ("distinct_codes", "distinct codes", 8),
              ("separation", "mean distance of codes", 1.5), ("mse", "error of P(V2 | V1)", None),
              ("norm", "weight norm", None))
    fig, axes = figure(len(runs), 5, width=15, height=3.1 * len(runs))
    for row, (title, snapshots) in zip(np.atleast_2d(axes), runs.items(), strict=True):
        for ax, (key, label, top), color in zip(row, panels, ("blue", "black", "purple", "orange", "sky"), strict=True):
            y = [s[key] for s in snapshots]
            curves(ax, [s["epoch"] for s in snapshots], {label: (y, COLORS[color])}, xlabel="learning cycle",
                   ylabel=label, marks=marks(snapshots), ylim=(0, 1.08 * (top or max(y))))
            if ax is not row[0] and ax.get_legend():
                ax.get_legend().remove()
        row[0].set_title(title, loc="left")
    save_figure(fig, path)


def draw_shares(configs, path, n_seeds):
    """Share of `n_seeds` runs that are solved, cycle by cycle, for each of `configs`, {label: Config}."""
    fig, ax = figure(width=9, height=3.8)
    window = 20
    for (label, config), color in zip(configs.items(), ("blue", "orange", "red"), strict=True):
        share = []
        train(config, [generators(seed) for seed in range(n_seeds)],
              on_step=lambda epoch, info, share=share: share.append(info["solved"].mean()))
        mean = np.convolve(share, np.ones(window) / window, mode="valid")  # over the last cycles, for a calmer line
        ax.plot(np.arange(len(mean)) + window - 1, mean, color=COLORS[color], label=label)
    ax.axhline(0.8, color=COLORS["grey"], linestyle="--", label="paper: 16 of 20")
    ax.set(xlabel="learning cycle", ylabel=f"share of {n_seeds} runs", ylim=(-0.02, 1.02), xlim=(0, config.n_epochs),
           title="runs with eight codes that recall every pattern")
    ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 5 if options.quick else 30
    without = replace(config, spread=0.0)
    runs = {f"spread {config.spread:g}": record(config, options.seed), "no spread": record(without, options.seed)}
    snapshots = next(iter(runs.values()))
    draw_codes(runs, outdir / "codes.png")
    draw_weights(snapshots, outdir / "weights.png")
    draw_curves(runs, outdir / "training_curves.png")
    draw_shares({"spread, weight decay": config, "no weight decay": replace(config, weight_decay=0.0),
                 "no spread": without}, outdir / "shares.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
