"""GIF of one run on negation: hidden units and outputs under the flag, and the error, sweep by sweep."""

from pathlib import Path

from negation import QUICK, Config
from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif
from visualize_negation import further, heatmap, hidden, marks, record

HERE = Path(__file__).resolve().parent


def shown(snapshots, every):
    """Every `every`-th snapshot and the last; one in four of them where the error stands still, to pass the plateau."""
    chosen = snapshots[:1]
    for before, s in zip(snapshots[::every], snapshots[every:-1:every], strict=False):
        if abs(s["loss"] - before["loss"]) > 1e-2 or s["epoch"] - chosen[-1]["epoch"] >= 4 * every:
            chosen.append(s)
    return [*chosen, snapshots[-1]]


def frames(snapshots, every):
    """Images of the hidden units and outputs for both states of the flag, and the error so far."""
    n_hidden = snapshots[0]["params"]["W1"].shape[2]
    names = [f"h{j + 1}" for j in range(n_hidden)]
    fig, axes = figure(2, 3, width=10.0, height=4.6, width_ratios=(1, 1, 1.1), height_ratios=(n_hidden, 3.6))
    fig.set_dpi(80)
    grid = axes[0, 2].get_gridspec()
    for ax in axes[:, 2]:
        ax.remove()
    right = fig.add_subplot(grid[:, 2])
    epochs, losses = [s["epoch"] for s in snapshots], [s["loss"] for s in snapshots]
    images = []
    for s in shown(snapshots, every):
        h, y = hidden(s["params"]), s["y"]
        for column, (half, said) in enumerate(((slice(0, 8), "flag off: copy"), (slice(8, 16), "flag on: turn round"))):
            heatmap(axes[0, column], h[half].T, names, said)
            heatmap(axes[1, column], y[half].T, ["o1", "o2", "o3"], "")
            axes[0, column].set_xlabel("")
        curves(right, epochs, {"error E": (losses, COLORS["blue"])}, xlabel="sweep", ylabel="error E",
               marks=marks(snapshots), upto=s["epoch"], ylim=(0, 1.08 * max(losses)))
        right.set_title(f"sweep {s['epoch']}: {s['correct']} of 16 right")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "negation.gif", fps=12,
                                   snapshot_every=5)
    snapshots = record(further(config), options.seed)
    save_gif(options.out, frames(snapshots, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
