"""GIF of one run of the 8-3-8 encoder: codes walking to the corners of the cube, occupancy, and curves."""

from pathlib import Path

from encoder_8_3_8 import QUICK, Config
from visualize_encoder_8_3_8 import cube, marks, occupancy, record

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def frames(snapshots, every):
    """Images of every `every`-th cycle and the last, at most about a hundred."""
    every = max(every, -(-len(snapshots) // 100))
    fig, (left, middle, right) = figure(1, 3, width=10.0, height=3.7, width_ratios=(1.3, 0.9, 1.0))
    fig.set_dpi(80)
    epochs = [s["epoch"] for s in snapshots]
    series = {"corners used / 8": ([s["distinct_codes"] / 8 for s in snapshots], COLORS["black"]),
              "patterns recalled": ([s["accuracy"] for s in snapshots], COLORS["blue"]),
              "distance of codes": ([s["separation"] for s in snapshots], COLORS["purple"])}
    images = []
    for at in [*range(0, len(snapshots) - 1, every), len(snapshots) - 1]:
        s = snapshots[at]
        cube(left, snapshots[: at + 1], tail=30)
        left.set_title("codes of the eight patterns")
        occupancy(middle, s)
        middle.set_title("patterns per corner")
        curves(right, epochs, series, xlabel="learning cycle", ylabel="", marks=marks(snapshots), upto=s["epoch"],
               ylim=(0, 1.35))
        right.legend(fontsize=8, loc="lower right")
        right.set_title(f"cycle {s['epoch']}: {s['distinct_codes']} codes")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "encoder_8_3_8.gif", fps=10,
                                   snapshot_every=10)
    snapshots = record(config, options.seed)
    save_gif(options.out, frames(snapshots, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
