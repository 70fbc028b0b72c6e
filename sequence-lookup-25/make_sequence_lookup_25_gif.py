"""GIF of one run: what the net says after the five held-out beginnings, and the sequences right, sweep by sweep."""

from pathlib import Path

from sequence_lookup_25 import QUICK, Config
from visualize_sequence_lookup_25 import outputs, recent, record

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def frames(config, snapshots, every):
    """Images of the outputs for the held-out sequences above, and of the shares right so far below."""
    fig, grid = figure(2, 5, width=9.6, height=4.8, height_ratios=(1, 1.1))
    fig.set_dpi(80)
    spec = grid[1, 0].get_gridspec()
    for ax in grid[1]:
        ax.remove()
    below = fig.add_subplot(spec[1, :])
    epochs = [s["epoch"] for s in snapshots]
    series = {"training sequences right": (recent(snapshots, "train_accuracy"), COLORS["black"]),
              "held-out sequences right": ([v / 5 for v in recent(snapshots, "test_correct")], COLORS["green"])}
    images, upcoming = [], 0.0
    for s in snapshots:  # learning is fast at first: the steps between frames grow
        if s["epoch"] < upcoming and s is not snapshots[-1]:
            continue
        upcoming = s["epoch"] + min(every, max(4, 0.12 * s["epoch"]))
        outputs(grid[0], config, s)
        curves(below, epochs, series, xlabel="sweep", ylabel="share, mean of 100 sweeps", upto=s["epoch"],
               ylim=(0, 1.05))
        below.legend(fontsize=9, loc="lower right")
        below.set_title(f"sweep {s['epoch']}: {s['test_correct']} of 5 sequences that were never shown are right")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "sequence_lookup_25.gif", fps=8,
                                   snapshot_every=60)
    save_gif(options.out, frames(config, record(config, options.seed, every=2), options.snapshot_every),
             fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
