"""GIF of one XOR run: decision surface, weights and error, sweep by sweep."""

from pathlib import Path

import numpy as np

from shared import COLORS, curves, errors_in_one_line, figure, frame, hinton, plot_command, save_gif
from visualize_xor import further, marks, record, surface, weight_table
from xor import QUICK, Config

HERE = Path(__file__).resolve().parent


def shown(snapshots, every):
    """Every `every`-th snapshot and the last; one in four of them where the error stands still, to pass the plateau."""
    chosen = snapshots[:1]
    for before, s in zip(snapshots[::every], snapshots[every:-1:every], strict=False):
        if abs(s["loss"] - before["loss"]) > 1e-3 or s["epoch"] - chosen[-1]["epoch"] >= 4 * every:
            chosen.append(s)
    return [*chosen, snapshots[-1]]


def frames(snapshots, every):
    """Images of the state of the net and the error so far."""
    fig, (left, middle, right) = figure(1, 3, width=10.0, height=3.7, width_ratios=(1, 1.1, 1.1))
    fig.set_dpi(80)
    epochs, losses = [s["epoch"] for s in snapshots], [s["loss"] for s in snapshots]
    scale = max(np.abs(weight_table(s["params"])[0]).max() for s in snapshots)
    images = []
    for s in shown(snapshots, every):
        surface(left, s["params"], "output")
        table, rows, cols = weight_table(s["params"])
        hinton(middle, table, rows=rows, cols=cols, scale=scale, title="weights into h1, h2, out (red +, blue -)")
        curves(right, epochs, {"error E": (losses, COLORS["blue"])}, xlabel="sweep", ylabel="error E",
               marks=marks(snapshots), upto=s["epoch"], ylim=(0, 1.08 * max(losses)))
        right.set_title(f"sweep {s['epoch']}: {s['correct']} of 4 right")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "xor.gif", fps=12, snapshot_every=6)
    snapshots = record(further(config), options.seed)
    save_gif(options.out, frames(snapshots, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
