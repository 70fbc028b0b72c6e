"""GIF of one T-C run: the kernels, the outputs for the eight letters and the error, sweep by sweep."""

from pathlib import Path

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif
from t_c_discrimination import QUICK, Config, kinds_of, patterns
from visualize_t_c_discrimination import further, kernel, kernels_in, letters, outputs, record

HERE = Path(__file__).resolve().parent


def axes_of(n_kernels):
    """(figure, axes of the eight letters, of at most four kernels, of the outputs, of the error)."""
    fig, axes = figure(1, 1, width=9.6, height=6.2)
    axes.remove()
    grid = fig.add_gridspec(3, 1, height_ratios=(0.8, 1.5, 1.5))
    top = grid[0].subgridspec(1, 8)
    middle, bottom = grid[1].subgridspec(1, min(n_kernels, 4)), grid[2].subgridspec(1, 2)
    return (fig, [fig.add_subplot(top[i]) for i in range(8)], [fig.add_subplot(cell) for cell in middle],
            fig.add_subplot(bottom[0]), fig.add_subplot(bottom[1]))


def frames(snapshots, every, config):
    """Images of every `every`-th snapshot and the last."""
    fig, top, middle, left, right = axes_of(config.n_kernels)
    fig.set_dpi(75)
    x, d = patterns(config)
    skip = len(d) // 8
    letters(top, x[::skip], ["T"] * 4 + ["C"] * 4)
    epochs, losses = [s["epoch"] for s in snapshots], [s["loss"] for s in snapshots]
    images = []
    for s in [*snapshots[:-1:every], snapshots[-1]]:
        kernels = kernels_in(s, config)
        found = kinds_of(kernels, config.min_match)
        for ax, weights, kind in zip(middle, kernels, found, strict=False):
            kernel(ax, weights, kind, kind)
        outputs(left, s["y"][::skip], d[::skip, 0])
        curves(right, epochs, {"error E": (losses, COLORS["blue"])}, xlabel="sweep", ylabel="error E",
               upto=s["epoch"], ylim=(0, 1.08 * max(losses)))
        right.set_title(f"sweep {s['epoch']}: {s['correct']} of {len(d)} right")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "t_c_discrimination.gif", fps=12,
                                   snapshot_every=6)
    snapshots = record(further(config), options.seed)
    save_gif(options.out, frames(snapshots, options.snapshot_every, config), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
