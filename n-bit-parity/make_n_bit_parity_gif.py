"""GIF of one run on parity, since its last perturbation: hidden code, outputs and error, sweep by sweep."""

from pathlib import Path

from n_bit_parity import QUICK, Config
from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif
from visualize_n_bit_parity import further, marks, outputs, record, staircase

HERE = Path(__file__).resolve().parent


def shown(snapshots, every):
    """Every `every`-th snapshot and the last; one in four of them where the error stands still, to pass the plateau."""
    chosen = snapshots[:1]
    for before, s in zip(snapshots[::every], snapshots[every:-1:every], strict=False):
        if abs(s["loss"] - before["loss"]) > 1e-2 or s["epoch"] - chosen[-1]["epoch"] >= 4 * every:
            chosen.append(s)
    return [*chosen, snapshots[-1]]


def frames(config, snapshots, every):
    """Images of the hidden code, the outputs, and the error so far."""
    n_cases = 2**config.n_bits
    fig, (left, middle, right) = figure(1, 3, width=10.0, height=3.7)
    fig.set_dpi(80)
    epochs, losses = [s["epoch"] for s in snapshots], [s["loss"] for s in snapshots]
    images = []
    for s in shown(snapshots, every):
        staircase(left, s["params"], config, "hidden units")
        outputs(middle, s["y"], config, "outputs")
        curves(right, epochs, {"error E": (losses, COLORS["blue"])}, xlabel="sweep", ylabel="error E",
               marks=marks(snapshots, n_cases), upto=s["epoch"], ylim=(0, 1.08 * max(losses)))
        right.set_title(f"sweep {s['epoch']}: {s['correct']} of {n_cases} right")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "n_bit_parity.gif", fps=12,
                                   snapshot_every=5)
    _, snapshots = record(further(config), options.seed)
    save_gif(options.out, frames(config, snapshots, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
