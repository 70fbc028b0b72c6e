"""GIF of one run on mirror symmetry: weights, net inputs of all 64 cases and error, sweep by sweep."""

from pathlib import Path

import numpy as np

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif
from symmetry import QUICK, Config, inputs
from visualize_symmetry import further, marks, number_line, record, weight_squares

HERE = Path(__file__).resolve().parent


def shown(snapshots, every):
    """Every `every`-th snapshot and the last; one in four of them where the error stands still, to pass the plateau."""
    chosen = snapshots[:1]
    for before, s in zip(snapshots[::every], snapshots[every:-1:every], strict=False):
        if abs(s["loss"] - before["loss"]) > 2e-2 or s["epoch"] - chosen[-1]["epoch"] >= 4 * every:
            chosen.append(s)
    return [*chosen, snapshots[-1]]


def frames(config, snapshots, every):
    """Images of the weights, the net inputs of all cases, and the error so far."""
    fig, axes = figure(2, 2, width=10.0, height=4.6, width_ratios=(1.5, 1), height_ratios=(1, 1))
    fig.set_dpi(80)
    grid = axes[0, 1].get_gridspec()
    for ax in axes[:, 1]:
        ax.remove()
    right = fig.add_subplot(grid[:, 1])
    epochs, losses = [s["epoch"] for s in snapshots], [s["loss"] for s in snapshots]
    x, last = inputs(config), snapshots[-1]["params"]["W1"][0]
    scale, limit = np.abs(last).max(), 1.05 * np.abs(x @ last).max()
    images = []
    for s in shown(snapshots, every):
        weight_squares(axes[0, 0], s["params"], scale, "weights into the two hidden units (red +, blue -)")
        number_line(axes[1, 0], s["params"], x, limit)
        curves(right, epochs, {"error E": (losses, COLORS["blue"])}, xlabel="sweep", ylabel="error E",
               marks=marks(snapshots), upto=s["epoch"], ylim=(0, 1.08 * max(losses)))
        right.set_title(f"sweep {s['epoch']}: {s['correct']} of 64 right")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "symmetry.gif", fps=12,
                                   snapshot_every=8)
    snapshots = record(further(config), options.seed)
    save_gif(options.out, frames(config, snapshots, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
