"""GIF of the shifter: two rings, the answer of the machine, four of its hidden units and the accuracy as it learns."""

from pathlib import Path

import numpy as np
from shifter import QUICK, SHIFTS, Config, best_possible, bits, cases
from visualize_shifter import NAMES, SHIFT_COLORS, preferred, record, unit_panel, unit_table

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def rings(ax, x, shift):
    """V1 above V2, lines from each bit that is on to its place after the shift."""
    n = len(x) // 2
    ax.clear()
    for row, y in ((x[:n], 1), (x[n:], 0)):
        for i, on in enumerate(row):
            ax.plot(i, y, "o", ms=13, mec=COLORS["black"], mfc=COLORS["black"] if on else "white")
    for i in np.flatnonzero(x[:n]):
        end = i + SHIFTS[shift]
        ax.plot([i, end], [0.88, 0.12], color=SHIFT_COLORS[shift], linewidth=2, clip_on=True)
    ax.set(xlim=(-0.7, n - 0.3), ylim=(-0.45, 1.45), xticks=[], yticks=[0, 1], yticklabels=["V2", "V1"])
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_title(f"shift: {NAMES[shift]}", color=SHIFT_COLORS[shift])


def shown_cases(config, seed, count):
    """Indices of `count` cases to show, shifts in turn, from states of V1 with half of the bits on."""
    n = config.n_ring
    states = np.flatnonzero(bits(n).sum(axis=1) == n // 2)
    rng = np.random.default_rng(seed)
    return [int(rng.choice(states)) + 2**n * (k % 3) for k in range(count)]


def frames(snapshots, config, every, seed):
    """Images of every `every`-th pass until a while after the best, at most about seventy; each with another case."""
    done = next((i for i, s in enumerate(snapshots) if s["right"].mean() >= snapshots[-1]["right"].mean()), 0)
    snapshots = snapshots[: max(done + 16, 25)]
    every = max(every, -(-len(snapshots) // 70))
    at = [*range(0, len(snapshots) - 1, every), len(snapshots) - 1]
    x, shift, on = cases(config.n_ring)
    final = snapshots[-1]["params"]
    strength = np.abs(final["W"][0]).max(axis=0)
    units = [max(np.flatnonzero(preferred(final) == s), key=lambda j: strength[j], default=s) for s in range(3)]
    scale = max(np.abs(unit_table(final, j)).max() for j in units)
    fig, axes = figure(2, 3, width=10.5, height=4.6, width_ratios=(1, 1.15, 1.15))
    fig.set_dpi(80)
    epochs, best = [s["epoch"] for s in snapshots], best_possible(config.n_ring) @ np.bincount(on) / len(on)
    images = []
    for i, case in zip(at, shown_cases(config, seed, len(at)), strict=True):
        s = snapshots[i]
        rings(axes[0, 0], x[case], shift[case])
        answer = axes[1, 0]
        answer.clear()
        answer.bar(NAMES, s["p"][case], color=SHIFT_COLORS)
        answer.set(ylim=(0, 1), yticks=[0, 0.5, 1], title="P(V3 | V1, V2)")
        for ax, j in zip((axes[0, 1], axes[0, 2], axes[1, 1]), units, strict=True):
            unit_panel(ax, s["params"], j, scale, f"hidden unit {j + 1}")
        curves(axes[1, 2], epochs, {"accuracy": ([t["right"].mean() for t in snapshots], COLORS["green"])},
               xlabel="pass over the cases", ylabel="accuracy", ylim=(0, 1.05), upto=s["epoch"])
        axes[1, 2].axhline(best, color=COLORS["grey"], linestyle=":", linewidth=1.2)
        axes[1, 2].set_title(f"pass {s['epoch']}: {s['right'].mean():.1%} right", fontsize=11)
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "shifter.gif", fps=6,
                                   snapshot_every=1)
    images = frames(record(config, options.seed), config, options.snapshot_every, options.seed)
    save_gif(options.out, images, fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
