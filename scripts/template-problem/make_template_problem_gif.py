"""GIF of template-problem: the outputs for the cases and the error, sweep by sweep."""

from pathlib import Path

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif
from template_problem import QUICK, Config
from visualize_template_problem import record

HERE = Path(__file__).resolve().parent


def frames(snapshots, every):
    """Images of every `every`-th snapshot and the last."""
    fig, (left, right) = figure(1, 2, width=7.5, height=3.2)
    fig.set_dpi(80)
    epochs, losses = [s["epoch"] for s in snapshots], [s["loss"] for s in snapshots]
    images = []
    for s in [*snapshots[:-1:every], snapshots[-1]]:
        left.clear()
        left.bar(["00", "01", "10", "11"], s["y"][:, 0], color=COLORS["blue"])
        left.set(ylim=(0, 1), title=f"output, sweep {s['epoch']}")
        curves(right, epochs, {"error": (losses, COLORS["blue"])}, xlabel="sweep", ylabel="error E", upto=s["epoch"],
               ylim=(0, 1.05 * max(losses)))
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "template_problem.gif", fps=12,
                                   snapshot_every=20)
    save_gif(options.out, frames(record(config, options.seed), options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
