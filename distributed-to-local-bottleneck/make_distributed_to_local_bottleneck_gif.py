"""GIF of the bottleneck: outputs over the hidden value with the four cases on it, their values and the error."""

from pathlib import Path

from distributed_to_local_bottleneck import QUICK, Config
from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif
from visualize_distributed_to_local_bottleneck import further, hidden_curves, marks, outputs, record

HERE = Path(__file__).resolve().parent


def frames(snapshots, every):
    """Images of every `every`-th snapshot and the last."""
    fig, (left, middle, right) = figure(1, 3, width=11.0, height=3.8, width_ratios=(1.2, 1, 0.8))
    fig.set_dpi(75)
    epochs, losses = [s["epoch"] for s in snapshots], [s["loss"] for s in snapshots]
    images = []
    for s in [*snapshots[:-1:every], snapshots[-1]]:
        outputs(left, s)
        left.set_title(f"sweep {s['epoch']}: {s['right']} of 4 largest")
        hidden_curves(middle, snapshots, upto=s["epoch"])
        curves(right, epochs, {"error E": (losses, COLORS["blue"])}, xlabel="sweep", ylabel="error E",
               marks=marks(snapshots), upto=s["epoch"], ylim=(0, 1.08 * max(losses)))
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK,
                                   out=HERE / "distributed_to_local_bottleneck.gif", fps=12, snapshot_every=6)
    snapshots = record(further(config), options.seed)
    save_gif(options.out, frames(snapshots, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
