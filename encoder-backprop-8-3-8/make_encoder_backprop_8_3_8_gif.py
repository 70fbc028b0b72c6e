"""GIF of one run of the 8-3-8 encoder: hidden states on the cube, outputs and error, sweep by sweep."""

from pathlib import Path

from encoder_backprop_8_3_8 import QUICK, Config
from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif
from visualize_encoder_backprop_8_3_8 import cube, further, marks, record, table

HERE = Path(__file__).resolve().parent


def frames(snapshots, every):
    """Images of the hidden states, the outputs, and the error so far."""
    fig, (left, middle, right) = figure(1, 3, width=10.0, height=3.7, width_ratios=(1.15, 1, 1.1))
    fig.set_dpi(80)
    epochs, losses = [s["epoch"] for s in snapshots], [s["loss"] for s in snapshots]
    images = []
    for s in [*snapshots[:-1:every], snapshots[-1]]:
        cube(left, s["f"], f"hidden units: {s['codes']} codes")
        table(middle, s["y"], "outputs")
        middle.set(xticklabels=range(1, 9), ylabel="pattern")
        curves(right, epochs, {"error E": (losses, COLORS["blue"])}, xlabel="sweep", ylabel="error E",
               marks=marks(snapshots), upto=s["epoch"], ylim=(0, 1.08 * max(losses)))
        right.set_title(f"sweep {s['epoch']}")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "encoder_backprop_8_3_8.gif", fps=12,
                                   snapshot_every=25)
    snapshots = record(further(config), options.seed)
    save_gif(options.out, frames(snapshots, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
