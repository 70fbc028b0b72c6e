"""GIF of three-bit parity: the distribution of a machine without and with a hidden unit while both learn."""

from pathlib import Path

import numpy as np
from encoder_3_parity import QUICK, Config
from visualize_encoder_3_parity import KINDS, bars, both

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def frames(runs, every):
    """Images of every `every`-th cycle until a while after the second run is solved, at most about a hundred."""
    bare, full = runs.values()
    end = next((s["epoch"] + 100 for s in full if s["solved"]), len(full) - 1)
    end = min(end, len(full) - 1)
    every = max(every, -(-end // 100))
    fig, axes = figure(1, 3, width=11.0, height=3.6, width_ratios=(1, 1, 1))
    fig.set_dpi(80)
    epochs = [s["epoch"] for s in full[: end + 1]]
    series = {title: ([s["kl"] for s in snapshots[: end + 1]], COLORS[color])
              for (title, snapshots), color in zip(runs.items(), KINDS.values(), strict=True)}
    images = []
    for at in [*range(0, end, every), end]:
        for ax, title, s in zip(axes, runs, (bare[at], full[at]), strict=False):
            bars(ax, s["p"], f"{title}: {s['p_even']:.2f} even")
        curves(axes[2], epochs, series, xlabel="learning cycle", ylabel="KL divergence (nats)", upto=epochs[at],
               ylim=(0, 1.1 * max(np.max(y) for y, _ in series.values())))
        axes[2].axhline(np.log(2), color=COLORS["grey"], linestyle=":", linewidth=1.2)
        axes[2].set_title(f"cycle {epochs[at]} (dotted: ln 2)")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "encoder_3_parity.gif", fps=12,
                                   snapshot_every=3)
    save_gif(options.out, frames(both(config, options.seed), options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
