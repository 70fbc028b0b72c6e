"""GIF of one run on adding, since its last perturbation: hidden units, outputs and error, sweep by sweep."""

from pathlib import Path

from binary_addition import QUICK, Config, D
from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif
from visualize_binary_addition import OUT, further, heatmap, hidden, marks, record

HERE = Path(__file__).resolve().parent


def shown(snapshots, every):
    """Every `every`-th snapshot and the last; one in four of them where the error stands still, to pass the plateau."""
    chosen = snapshots[:1]
    for before, s in zip(snapshots[::every], snapshots[every:-1:every], strict=False):
        if abs(s["loss"] - before["loss"]) > 1e-2 or s["epoch"] - chosen[-1]["epoch"] >= 4 * every:
            chosen.append(s)
    return [*chosen, snapshots[-1]]


def frames(snapshots, every):
    """Images of the hidden units and outputs for the 16 cases, and the error so far."""
    fig, axes = figure(3, 2, width=10.0, height=4.6, width_ratios=(1.75, 1))
    fig.set_dpi(80)
    grid = axes[0, 1].get_gridspec()
    for ax in axes[:, 1]:
        ax.remove()
    right = fig.add_subplot(grid[:, 1])
    epochs, losses = [s["epoch"] for s in snapshots], [s["loss"] for s in snapshots]
    images = []
    for s in shown(snapshots, every):
        h = hidden(s["params"])
        heatmap(axes[0, 0], h.T, [f"h{j + 1}" for j in range(h.shape[1])], "hidden units")
        heatmap(axes[1, 0], s["y"].T, OUT, "outputs (x: wrong)", ((s["y"] > 0.5) != (D > 0.5)).T)
        heatmap(axes[2, 0], D.T, OUT, "targets")
        curves(right, epochs, {"error E": (losses, COLORS["blue"])}, xlabel="sweep", ylabel="error E",
               marks=marks(snapshots), upto=s["epoch"], ylim=(0, 1.08 * max(losses)))
        right.set_title(f"start {s['perturbations'] + 1}, sweep {s['epoch']}: {s['correct']} of 16 right")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "binary_addition.gif", fps=12,
                                   snapshot_every=15)
    _, snapshots = record(further(config), options.seed)
    save_gif(options.out, frames(snapshots, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
