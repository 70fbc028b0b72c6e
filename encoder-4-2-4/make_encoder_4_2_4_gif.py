"""GIF of one run of the 4-2-4 encoder: codes walking to the corners, weights, and curves."""

from pathlib import Path

import numpy as np
from encoder_4_2_4 import QUICK, Config
from visualize_encoder_4_2_4 import further, marks, record, square, weights

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def frames(snapshots, every):
    """Images of every `every`-th cycle and the last, at most about a hundred."""
    every = max(every, -(-len(snapshots) // 100))
    fig, (left, middle, right) = figure(1, 3, width=10.0, height=3.7, width_ratios=(1, 1.15, 1.05))
    fig.set_dpi(80)
    epochs, scale = [s["epoch"] for s in snapshots], max(np.abs(s["W"]).max() for s in snapshots)
    series = {"distinct codes / 4": ([s["distinct_codes"] / 4 for s in snapshots], COLORS["black"]),
              "patterns recalled": ([s["accuracy"] for s in snapshots], COLORS["blue"]),
              "distance of codes": ([s["separation"] for s in snapshots], COLORS["purple"])}
    images = []
    for at in [*range(0, len(snapshots) - 1, every), len(snapshots) - 1]:
        s = snapshots[at]
        square(left, snapshots[: at + 1])
        left.set_title("codes of the four patterns")
        weights(middle, s["W"], scale)
        middle.set_title("weights (red +, blue -)")
        curves(right, epochs, series, xlabel="learning cycle", ylabel="", marks=marks(snapshots), upto=s["epoch"],
               ylim=(0, 1.3))
        right.legend(fontsize=8, loc="lower right")
        right.set_title(f"cycle {s['epoch']}: {s['distinct_codes']} codes")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "encoder_4_2_4.gif", fps=10,
                                   snapshot_every=2)
    snapshots = record(further(config), options.seed)
    save_gif(options.out, frames(snapshots, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
