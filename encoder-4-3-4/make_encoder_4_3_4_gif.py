"""GIF of one run of the 4-3-4 encoder: codes walking over the cube, weights, and curves."""

from pathlib import Path

import numpy as np
from encoder_4_3_4 import QUICK, Config
from visualize_encoder_4_3_4 import cube, marks, record, weights

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def frames(snapshots, every):
    """Images of every `every`-th cycle and the last, at most about a hundred."""
    every = max(every, -(-len(snapshots) // 100))
    fig, (left, middle, right) = figure(1, 3, width=10.0, height=3.7, width_ratios=(1.2, 0.6, 1.1))
    fig.set_dpi(80)
    epochs, scale = [s["epoch"] for s in snapshots], max(np.abs(s["W"]).max() for s in snapshots)
    series = {"distinct codes": ([s["distinct_codes"] for s in snapshots], COLORS["black"]),
              "distance of the nearest two": ([s["min_hamming"] for s in snapshots], COLORS["red"])}
    images = []
    for at in [*range(0, len(snapshots) - 1, every), len(snapshots) - 1]:
        s = snapshots[at]
        cube(left, snapshots[: at + 1], tail=60)
        left.set_title("codes (red edge: neighbours)")
        weights(middle, s["W"], scale)
        middle.set_title("weights")
        curves(right, epochs, series, xlabel="learning cycle", ylabel="", marks=marks(snapshots), upto=s["epoch"],
               ylim=(0, 6.5), yticks=range(5))
        right.legend(fontsize=8, loc="upper right")
        right.set_title(f"cycle {s['epoch']}: {s['distinct_codes']} codes, distance {s['min_hamming']}")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "encoder_4_3_4.gif", fps=10,
                                   snapshot_every=20)
    snapshots = record(config, options.seed)
    save_gif(options.out, frames(snapshots, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
