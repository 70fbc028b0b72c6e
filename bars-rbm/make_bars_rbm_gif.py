"""GIF of one run on the bars: the images, the receptive fields, reconstruction error and bars, epoch by epoch."""

from pathlib import Path

import numpy as np
from bars_rbm import QUICK, Config, draw_images, unpack
from visualize_bars_rbm import fields, in_order, picture, record

from shared import COLORS, curves, errors_in_one_line, figure, frame, generators, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def layout(fig, grid, n_hidden):
    """Axes of the data column, of the receptive fields and of the two curves."""
    column = grid[:, 0].subgridspec(4, 1)
    data = [fig.add_subplot(column[i]) for i in range(4)]
    n_cols = -(-n_hidden // 4)  # a column of four units below each other, rows first
    part = grid[:, 1].subgridspec(4, n_cols)
    units = [fig.add_subplot(part[i % 4, i // 4]) for i in range(n_hidden)]
    return data, units, [fig.add_subplot(grid[:2, 2]), fig.add_subplot(grid[2:, 2])]


def frames(snapshots, images, every):
    """Images of every `every`-th epoch and the last, at most about a hundred."""
    every = max(every, -(-len(snapshots) // 100))
    last = snapshots[-1]["A"]
    n_hidden = last.shape[1] - 1
    fig, empty = figure(width=10.0, height=5.4)
    empty.remove()
    fig.set_dpi(80)
    data, units, (above, below) = layout(fig, fig.add_gridspec(4, 3, width_ratios=(1, 2.3, 2.8)), n_hidden)
    for ax, image in zip(data, images, strict=True):
        picture(ax, image, 0, 1, "Greys")
    data[0].set_title("some images", fontsize=10)
    epochs, order = [s["epoch"] for s in snapshots], in_order(last)
    errors = [s["reconstruction_mse"] for s in snapshots]
    series = {"bars recovered / 8": ([s["bars_recovered"] / 8 for s in snapshots], COLORS["green"]),
              "mean purity": ([s["mean_purity"] for s in snapshots], COLORS["purple"])}
    result = []
    for at in [*range(0, len(snapshots) - 1, every), len(snapshots) - 1]:
        s = snapshots[at]
        # early weights are small: let each frame use half of the colours at least
        scale = max(np.abs(unpack(s["A"])["W"]).max(), 0.3 * np.abs(unpack(last)["W"]).max())
        fields(units, s["A"], order, scale)
        curves(above, epochs, {"error": (errors, COLORS["blue"])}, xlabel="", ylabel="", upto=s["epoch"],
               ylim=(0, 1.08 * max(errors)), title="reconstruction error")
        curves(below, epochs, series, xlabel="epoch", ylabel="", upto=s["epoch"], ylim=(0, 1.05),
               title=f"epoch {s['epoch']}: {s['bars_recovered']:.0f} of 8 bars recovered")
        below.legend(fontsize=9, loc="lower right")
        result.append(frame(fig))
    return result


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "bars_rbm.gif", fps=6,
                                   snapshot_every=1)
    images = draw_images(config, generators(options.seed)["data"], 40)
    several = images[np.argsort(-images.mean(axis=1), kind="stable")][[2, 8, 16, 24]]  # of many bars and of few
    save_gif(options.out, frames(record(config, options.seed), several, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
