"""GIF of one run of the 40-10-40 encoder: codes, what each pattern recalls, and curves."""

from dataclasses import replace
from pathlib import Path

from encoder_40_10_40 import QUICK, Config
from visualize_encoder_40_10_40 import answers, codes, marks, record

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def frames(snapshots):
    """An image of every snapshot, at most about a hundred."""
    fig, (left, middle, right) = figure(1, 3, width=10.0, height=3.7, width_ratios=(0.65, 1.0, 1.0))
    fig.set_dpi(80)
    epochs = [s["epoch"] for s in snapshots]
    series = {"distinct codes / 40": ([s["distinct_codes"] / 40 for s in snapshots], COLORS["black"]),
              "patterns recalled": ([s["accuracy"] for s in snapshots], COLORS["blue"]),
              "probability of the code": ([s["p_top"] for s in snapshots], COLORS["purple"])}
    images, every = [], -(-len(snapshots) // 100)
    for at in [*range(0, len(snapshots) - 1, every), len(snapshots) - 1]:
        s = snapshots[at]
        codes(left, s)
        left.set_title("codes (red: shared)")
        answers(middle, s)
        middle.set_title("P(V2 unit on | V1)")
        curves(right, epochs, series, xlabel="learning cycle", ylabel="", marks=marks(snapshots), upto=s["epoch"],
               ylim=(0, 1.05))
        right.legend(fontsize=8, loc="lower right")
        right.set_title(f"cycle {s['epoch']}: {s['distinct_codes']} codes")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "encoder_40_10_40.gif", fps=8,
                                   snapshot_every=16)
    every = min(options.snapshot_every, max(1, config.n_epochs // 20))  # frames enough, and evaluated when drawn
    snapshots = record(replace(config, eval_every=every), options.seed)
    save_gif(options.out, frames(snapshots), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
