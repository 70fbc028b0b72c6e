"""Pictures of fast weights: recall over the phases, each pair, slow and fast weights, decay of the fast weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from fast_weights_rehearsal import QUICK, Config, metrics_of, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure

HERE = Path(__file__).resolve().parent
PHASES = ("learn A", "learn B", "rehearse")
TINTS = ("#E8F1FA", "#FBEFE3", "#E6F5EC")  # behind the phases
GROUPS = {"A, rehearsed": "green", "A, not rehearsed": "blue", "B": "orange"}


def record(config, seed):
    """Take `seed` through the phases; returns a snapshot per sweep: dicts of time, phase, a (n,), b (n,), slow, fast.

    `time` counts the sweeps, those of the rehearsal as six, so that they can be seen.
    """
    snapshots, time = [], 0

    def on_step(sweep, info):
        nonlocal time
        time += 6 if info["phase"] == 3 else 1
        snapshots.append({"time": time, "sweep": sweep, "phase": info["phase"], "a": info["a"][0], "b": info["b"][0],
                          "slow": info["slow"][0].copy(), "fast": info["fast"][0].copy()})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def kinds(config):
    """The run's own patterns and the other kind, as two configurations: random first."""
    return [replace(config, patterns=patterns) for patterns in ("random", "prototypes")]


def groups(config, s):
    """Mean share of right bits of each group of GROUPS."""
    R = config.rehearsed
    return dict(zip(GROUPS, (s["a"][:R].mean(), s["a"][R:].mean(), s["b"].mean()), strict=True))


def timeline(ax, config, snapshots, upto=None, labels=True):
    """Recall of the three groups over the phases."""
    times = [s["time"] for s in snapshots]
    series = {name: ([groups(config, s)[name] for s in snapshots], COLORS[color]) for name, color in GROUPS.items()}
    curves(ax, times, series, xlabel="", ylabel="bits right", upto=upto, ylim=(0.4, 1.08))
    ax.axhline(0.5, color=COLORS["grey"], linestyle=":", linewidth=1)
    start = times[0]
    for phase, (name, tint) in enumerate(zip(PHASES, TINTS, strict=True), 1):
        end = max(s["time"] for s in snapshots if s["phase"] == phase)
        ax.axvspan(start, end, color=tint, zorder=-2, linewidth=0)
        ax.text((start + end) / 2, 1.055, name, ha="center", va="center", fontsize=9)
        start = end
    ax.set_xticks([])
    ax.legend(fontsize=8, loc="lower right") if labels else ax.get_legend().remove()


def bars(ax, config, s):
    """Share of right bits of each pair of A."""
    R, n = config.rehearsed, len(s["a"])
    ax.clear()
    ax.bar(range(n), s["a"], color=[COLORS["green"]] * R + [COLORS["blue"]] * (n - R))
    ax.axhline(0.5, color=COLORS["black"], linestyle=":", linewidth=1)
    ax.set(ylim=(0, 1.05), xticks=[], xlabel=f"pairs of A ({R} rehearsed first)", ylabel="bits right")


def draw_timeline(config, seed, path):
    """Recall over the phases for both kinds of patterns."""
    fig, axes = figure(1, 2, width=11, height=3.8)
    for ax, kind in zip(axes, kinds(config), strict=True):
        timeline(ax, kind, record(kind, seed))
        ax.set_title(f"{kind.patterns}, seed {seed}")
    save_figure(fig, path)


def draw_pairs(config, seed, path):
    """Each pair of A after each phase, both kinds of patterns."""
    fig, axes = figure(2, 3, width=11, height=5)
    for row, kind in zip(axes, kinds(config), strict=True):
        snapshots = record(kind, seed)
        for phase, ax in enumerate(row, 1):
            bars(ax, kind, [s for s in snapshots if s["phase"] == phase][-1])
            ax.set_title(f"{kind.patterns}: after phase {phase}, {PHASES[phase - 1]}")
    save_figure(fig, path)


def draw_weights(snapshots, path):
    """Slow and fast weights at the end of each phase, on one scale each."""
    fig, axes = figure(2, 3, width=9, height=6)
    last = [[s for s in snapshots if s["phase"] == phase][-1] for phase in (1, 2, 3)]
    for row, name in zip(axes, ("slow", "fast"), strict=True):
        limit = np.percentile(np.abs([s[name] for s in last]), 99.5)
        for ax, s, phase in zip(row, last, PHASES, strict=True):
            image = ax.imshow(s[name], cmap="RdBu_r", vmin=-limit, vmax=limit)
            ax.set(xticks=[], yticks=[], title=f"{name} after {phase}\nnorm {np.linalg.norm(s[name]):.2f}")
        fig.colorbar(image, ax=row, shrink=0.8)
    save_figure(fig, path)


def measured(config, n_seeds):
    """Mean metrics of `n_seeds` seeds."""
    result, control = (train(config, [generators(seed) for seed in range(n_seeds)], learn_a=a) for a in (True, False))
    runs = [metrics_of(result, control, i, config) for i in range(n_seeds)]
    return {name: np.mean([m[name] for m in runs]) for name in runs[0]}


def draw_decay(config, path, n_seeds):
    """Recovery against the decay of the fast weights, both kinds of patterns."""
    decays = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0]
    fig, axes = figure(1, 2, width=10, height=3.6)
    for ax, kind in zip(axes, kinds(config), strict=True):
        found = [measured(replace(kind, fast_decay=decay), n_seeds) for decay in decays]
        for name, color in (("rehearsed", "green"), ("unrehearsed", "blue")):
            ax.plot([m[f"{name}_recovery_pp"] for m in found], "o-", color=COLORS[color], label=name)
        ax.axhline(0, color=COLORS["grey"], linewidth=1)
        ax.set_xticks(range(len(decays)), decays)
        ax.set(xlabel="decay of the fast weights per presentation", ylabel="recovery, points of bits",
               title=f"{kind.patterns}, mean of {n_seeds} seeds")
        ax.legend(fontsize=9)
    save_figure(fig, path)


def draw_control(config, path, n_seeds):
    """Pairs that are not rehearsed: blurred, after rehearsal, and in the control that never learned A."""
    fig, ax = figure(width=7, height=3.8)
    names = ["random", "prototypes", "near capacity"]
    crowded = replace(kinds(config)[0], n_pairs=2 * config.n_pairs, n_b_pairs=config.n_pairs // 2,
                      n_rehearse=config.n_pairs, n_epochs=10 * config.n_epochs // 3)
    for k, kind in enumerate([*kinds(config), crowded]):
        m = measured(kind, n_seeds)
        heights = [m["unrehearsed"] - m["unrehearsed_recovery_pp"] / 100, m["unrehearsed"], m["control_unrehearsed"]]
        for j, (height, color, label) in enumerate(zip(heights, ("grey", "blue", "red"), (
                "blurred by B", "after the rehearsal of others", "the same, A never learned"), strict=True)):
            ax.bar(k + 0.27 * (j - 1), height, width=0.25, color=COLORS[color], label=None if k else label)
    ax.axhline(0.5, color=COLORS["black"], linestyle=":", linewidth=1)
    ax.set_xticks(range(3), names)
    ax.set(ylim=(0, 1.3), yticks=np.arange(0, 1.1, 0.25), ylabel="bits right", title="pairs of A not rehearsed")
    ax.legend(fontsize=9, loc="upper left", ncols=2)
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 2 if options.quick else 10
    draw_timeline(config, options.seed, outdir / "timeline.png")
    draw_pairs(config, options.seed, outdir / "pairs.png")
    draw_weights(record(config, options.seed), outdir / "weights.png")
    draw_control(config, outdir / "control.png", n_seeds)
    draw_decay(config, outdir / "fast_decay.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
