"""Pictures of the 40-10-40 encoder: accuracy by length of the annealing, curves, codes, weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from encoder_40_10_40 import LENGTHS, QUICK, Config, N, bits, speed_accuracy, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure

HERE = Path(__file__).resolve().parent
CODE_BITS = bits(10)


def record(config, seed):
    """Train `seed`; returns a snapshot per evaluated cycle: a dict of epoch, A, norm, p_v2 and more.

    mse: mean squared error of P(V2 | V1) against the pattern; p_top: mean probability of the likeliest hidden state.
    """
    snapshots = []

    def on_step(epoch, info):
        snapshots.append({"epoch": epoch, "A": info["A"][0], "norm": float(np.linalg.norm(info["A"][0])),
                          "mse": float(((info["p_v2"][0] - np.eye(N)) ** 2).mean()),
                          "p_top": float(info["p_top"][0].mean()), "solved": bool(info["solved"][0]),
                          **{name: info[name][0] for name in ("codes", "p_v2", "accuracy", "distinct_codes",
                                                              "min_hamming")}})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def marks(snapshots):
    """A vertical line for `curves`: the first solved evaluation."""
    solved = next((s["epoch"] for s in snapshots if s["solved"]), None)
    return [] if solved is None else [(solved, "solved", COLORS["green"])]


def answers(ax, snapshot):
    """P(V2 unit on | V1) for the forty patterns: a diagonal when every pattern is recalled."""
    ax.clear()
    ax.imshow(snapshot["p_v2"], vmin=0, vmax=1, cmap="Blues")
    ax.set(xticks=[0, 19, 39], xticklabels=[1, 20, 40], yticks=[0, 19, 39], yticklabels=[1, 20, 40],
           xlabel="unit of V2", ylabel="pattern clamped on V1")


def codes(ax, snapshot):
    """The codes of the forty patterns, black is on; a pattern that shares its code with another is red."""
    ax.clear()
    table = CODE_BITS[snapshot["codes"]]
    count = np.bincount(snapshot["codes"] + 1, minlength=1025)[snapshot["codes"] + 1]
    shade = np.where(table == 1, 0.13, 1.0)[:, :, None].repeat(3, axis=2)
    shade[(count > 1)[:, None] & (table == 1)] = (0.84, 0.37, 0.0)
    ax.imshow(shade, aspect="auto", interpolation="nearest")
    ax.set(xticks=range(10), xticklabels=range(1, 11), yticks=[0, 19, 39], yticklabels=[1, 20, 40],
           xlabel="hidden unit", ylabel="pattern")


def draw_speed(config, snapshots, seed, path):
    """Accuracy of a single chain by the number of its sweeps, annealed and at T = 10, with what enumeration gives."""
    curve = speed_accuracy(snapshots[-1]["A"], config, seed)
    fig, ax = figure(width=8, height=4.2)
    for column, label, color in ((0, f"annealed, T = {config.t_start:g} to {config.t_end:g}", "blue"),
                                 (1, "T = 10 throughout", "orange")):
        ax.plot(LENGTHS, [curve[n][column] for n in LENGTHS], "o-", color=COLORS[color], label=label)
    ax.axhline(snapshots[-1]["accuracy"], color=COLORS["black"], linewidth=1, label="by enumeration (asymptotic)")
    ax.axhline(0.986, color=COLORS["red"], linestyle="--", linewidth=1.2, label="paper: 0.986")
    ax.axhline(1 / N, color=COLORS["grey"], linestyle=":", linewidth=1.2, label="chance")
    ax.set_xscale("log", base=2)
    ax.set(xlabel="sweeps per answer", ylabel="share of right answers", ylim=(0, 1.03), xticks=LENGTHS,
           xticklabels=LENGTHS, title="one chain per answer: speed against accuracy")
    ax.legend(fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    save_figure(fig, path)


def draw_codes(runs, path):
    """Codes and answers at the end of each run of `runs`, {title: snapshots}."""
    fig, axes = figure(1, 2 * len(runs), width=6.2 * len(runs), height=4.2, width_ratios=(0.7, 1) * len(runs))
    for (title, snapshots), left, right in zip(runs.items(), axes[::2], axes[1::2], strict=True):
        codes(left, snapshots[-1])
        left.set_title(f"{title}: {snapshots[-1]['distinct_codes']} codes")
        answers(right, snapshots[-1])
        right.set_title("P(V2 unit on | V1)")
    save_figure(fig, path)


def draw_weights(snapshots, path):
    """All weights between visible and hidden units at the end: V1 above V2."""
    W = snapshots[-1]["A"][:-1, :-1].T
    fig, axes = figure(2, 1, width=9, height=4.6)
    scale = np.abs(W).max()
    for ax, low, name in zip(axes, (0, N), ("V1", "V2"), strict=True):
        image = ax.imshow(W[:, low : low + N], vmin=-scale, vmax=scale, cmap="RdBu_r", aspect="auto")
        ax.set(xticks=[0, 19, 39], xticklabels=[1, 20, 40], yticks=[0, 4, 9], yticklabels=[1, 5, 10],
               ylabel="hidden unit", title=f"weights to {name} (red +, blue -)")
    axes[1].set_xlabel("unit of the group")
    fig.colorbar(image, ax=axes, label="weight (T = 10)")
    save_figure(fig, path)


def draw_curves(runs, path):
    """A row of curves per run of `runs`, {title: snapshots}."""
    panels = (("accuracy", "patterns recalled", 1), ("distinct_codes", "distinct codes", 40),
              ("p_top", "probability of the code", 1), ("mse", "error of P(V2 | V1)", None),
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


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir = Path(options.outdir)
    runs = {f"spread {config.spread:g}": record(config, options.seed),
            "no spread": record(replace(config, spread=0.0), options.seed)}
    snapshots = next(iter(runs.values()))
    draw_speed(config, snapshots, options.seed, outdir / "speed_accuracy.png")
    draw_codes(runs, outdir / "codes.png")
    draw_weights(snapshots, outdir / "weights.png")
    draw_curves(runs, outdir / "training_curves.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
