"""Pictures of the 4-3-4 encoder: codes on the cube, weights, curves, what weight decay and the shrinking step do."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from encoder_4_3_4 import BIAS, N_HIDDEN, QUICK, Config, bits, matrix, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
PATTERN_COLORS = [COLORS[name] for name in ("blue", "orange", "green", "purple")]
UNITS = [f"{group} {i + 1}" for group in ("V1", "V2") for i in range(4)] + ["h1", "h2", "h3", "bias"]
CORNERS = bits(N_HIDDEN)  # (8, 3)
NAMES = ["".join(map(str, corner)) for corner in CORNERS]
AXES = np.array([[1.0, 0.08], [0.0, 1.0], [0.5, 0.36]])  # where one step of h1, h2, h3 leads on paper


def record(config, seed):
    """Train `seed`; returns a snapshot per cycle: a dict of epoch, W, points, norm, separation and more.

    points (4, 3): P(hidden unit on | V1 clamped) for each pattern; separation: their mean distance; mse: mean squared
    error of P(V2 | V1) against the pattern.
    """
    snapshots = []

    def on_step(epoch, info):
        points = info["p_code"][0] @ CORNERS
        apart = [np.linalg.norm(points[a] - points[b]) for a in range(4) for b in range(a)]
        snapshots.append({"epoch": epoch, "W": matrix(info["w"][:1], config)[0], "points": points,
                          "norm": float(np.linalg.norm(info["w"][0])), "separation": float(np.mean(apart)),
                          "mse": float(((info["p_v2"][0] - np.eye(4)) ** 2).mean()),
                          "solved": bool(info["solved"][0]), "error_correcting": bool(info["error_correcting"][0]),
                          **{name: info[name][0] for name in ("codes", "accuracy", "distinct_codes", "min_hamming")}})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def marks(snapshots):
    """Vertical lines for `curves`: the first solved cycle, and that from which on the code corrects errors."""
    solved = next((s["epoch"] for s in snapshots if s["solved"]), None)
    wrong = [s["epoch"] for s in snapshots if not s["error_correcting"]]
    settled = None if not snapshots[-1]["error_correcting"] else wrong[-1] + 1 if wrong else 0
    lines = [(solved, "four codes", COLORS["sky"]), (settled, "error-correcting to the end", COLORS["green"])]
    return [line for line in lines if line[0] is not None]


def cube(ax, snapshots, tail=150):
    """The four patterns in the cube of the three hidden units' probabilities, with the last `tail` cycles of their way.

    An edge whose two ends are both codes is red: there one wrong unit turns one code into another.
    """
    ax.clear()
    taken = set(snapshots[-1]["codes"].tolist())
    for a in range(8):
        for b in (a ^ 1, a ^ 2, a ^ 4):
            if a < b:
                ends, clash = CORNERS[[a, b]] @ AXES, {a, b} <= taken
                ax.plot(*ends.T, color=COLORS["red" if clash else "grey"], linewidth=4 if clash else 1, zorder=1)
        ax.plot(*(CORNERS[a] @ AXES), "o", ms=9, color="white", markeredgecolor=COLORS["grey"], zorder=2)
        ax.annotate(NAMES[a], CORNERS[a] @ AXES, xytext=(0, -19), textcoords="offset points", ha="center", fontsize=9,
                    color=COLORS["black"])
    for pattern, color in enumerate(PATTERN_COLORS):
        way = np.array([s["points"][pattern] for s in snapshots[-tail:]]) @ AXES
        ax.plot(way[:, 0], way[:, 1], color=color, linewidth=0.8, alpha=0.35, zorder=3)
        ax.plot(*way[-1], "o", ms=15, color=color, zorder=4)
        ax.text(*way[-1], str(pattern + 1), color="white", ha="center", va="center", weight="bold", zorder=5)
    ax.set(xlim=(-0.15, 1.65), ylim=(-0.25, 1.6), aspect="equal")
    ax.set_axis_off()


def weights(ax, W, scale=None):
    """Hinton diagram of the connections to the hidden units and of all biases."""
    hinton(ax, W[:BIAS, [8, 9, 10, BIAS]], scale=scale, rows=UNITS[:BIAS], cols=["h1", "h2", "h3", "bias"])
    ax.tick_params(labelsize=9)


def draw_codes(snapshots, path):
    """Codes at the end: the cube, and the distance of each two codes."""
    fig, (left, right) = figure(1, 2, width=9.0, height=4.2)
    cube(left, snapshots)
    left.set_title(f"codes after {snapshots[-1]['epoch']} learning cycles")
    codes = snapshots[-1]["codes"]
    distance = (CORNERS[codes][:, None] != CORNERS[codes][None]).sum(axis=2)
    image = right.imshow(distance, vmin=0, vmax=3, cmap="Blues")
    for (i, j), d in np.ndenumerate(distance):
        right.text(j, i, str(d), ha="center", va="center", color="white" if d > 1 else COLORS["black"])
    labels = [f"{k + 1}: {NAMES[code]}" for k, code in enumerate(codes)]
    right.set(xticks=range(4), xticklabels=[NAMES[code] for code in codes], yticks=range(4), yticklabels=labels,
              title="bits in which two codes differ")
    fig.colorbar(image, ax=right, ticks=range(4))
    save_figure(fig, path)


def draw_weights(snapshots, path):
    """The weights of the hidden units, and all biases, at the end."""
    W = snapshots[-1]["W"]
    fig, ax = figure(width=4.6, height=5.4)
    weights(ax, W)
    ax.set_title(f"weights (red +, blue -; largest {np.abs(W).max():.0f}, T = 10)", fontsize=10)
    save_figure(fig, path)


def draw_curves(runs, path):
    """A row of curves per run of `runs`, {title: snapshots}."""
    panels = (("accuracy", "patterns recalled", 1), ("distinct_codes", "distinct codes", 4),
              ("min_hamming", "distance of the nearest codes", 3), ("separation", "mean distance of means", 1.5),
              ("mse", "error of P(V2 | V1)", None), ("norm", "weight norm", None))
    fig, axes = figure(len(runs), 6, width=17, height=3.2 * len(runs))
    for row, (title, snapshots) in zip(np.atleast_2d(axes), runs.items(), strict=True):
        for ax, (key, label, top), color in zip(row, panels, ("blue", "black", "red", "purple", "orange", "sky"),
                                                strict=True):
            y = [s[key] for s in snapshots]
            curves(ax, [s["epoch"] for s in snapshots], {label: (y, COLORS[color])}, xlabel="learning cycle",
                   ylabel=label, marks=marks(snapshots), ylim=(0, 1.08 * (top or max(y))))
            if ax is not row[0] and ax.get_legend():
                ax.get_legend().remove()
        row[0].set_title(title, loc="left")
    save_figure(fig, path)


def draw_shares(configs, path, n_seeds):
    """Share of `n_seeds` runs whose code corrects errors, cycle by cycle, for each of `configs`, {label: Config}."""
    fig, ax = figure(width=9, height=3.8)
    window = 20
    for (label, config), color in zip(configs.items(), ("orange", "blue", "red"), strict=True):
        share = []
        train(config, [generators(seed) for seed in range(n_seeds)],
              on_step=lambda epoch, info, share=share: share.append(info["error_correcting"].mean()))
        mean = np.convolve(share, np.ones(window) / window, mode="valid")  # over the last cycles, for a calmer line
        ax.plot(np.arange(len(mean)) + window - 1, mean, color=COLORS[color], label=label)
    start = (1 - config.decay) * config.n_epochs  # of the last one, which has it
    ax.axvline(start, color=COLORS["grey"], linestyle="--", label="step begins to shrink")
    ax.set(xlabel="learning cycle", ylabel=f"share of {n_seeds} runs", ylim=(0, 1.02), xlim=(0, config.n_epochs),
           title="runs whose code corrects errors")
    ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 5 if options.quick else 30
    without = replace(config, weight_decay=0.0)
    snapshots = record(config, options.seed)
    draw_codes(snapshots, outdir / "codes.png")
    draw_weights(snapshots, outdir / "weights.png")
    draw_curves({f"weight decay {config.weight_decay:g}": snapshots, "none": record(without, options.seed)},
                outdir / "training_curves.png")
    draw_shares({"weight decay, fixed step": replace(config, decay=0.0), "weight decay, shrinking step": config,
                 "shrinking step, no weight decay": without}, outdir / "shares.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
