"""Pictures of template-problem: the training curve."""

from pathlib import Path

from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure
from template_problem import QUICK, Config, train

HERE = Path(__file__).resolve().parent


def record(config, seed):
    """Train `seed` and return a snapshot per sweep: dicts with epoch, loss and y."""
    snapshots = []

    def on_step(epoch, info):
        snapshots.append({"epoch": epoch, "loss": info["loss"], "y": info["y"].copy()})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def draw_curve(snapshots, path):
    """The error over the sweeps."""
    fig, ax = figure(width=6, height=3.4)
    curves(ax, [s["epoch"] for s in snapshots], {"error": ([s["loss"] for s in snapshots], COLORS["blue"])},
           xlabel="sweep", ylabel="error E", ylim=(0, None))
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    draw_curve(record(config, options.seed), Path(options.outdir) / "training_curve.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
