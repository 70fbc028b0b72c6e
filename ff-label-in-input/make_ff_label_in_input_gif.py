"""GIF of Forward-Forward learning: goodness of the ten candidate labels, receptive fields and error, epoch by epoch."""

from pathlib import Path

from ff_label_in_input import QUICK, Config
from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif
from visualize_ff_label_in_input import bars, field, record

HERE = Path(__file__).resolve().parent
SHOWN = (0, 2, 8, 18)  # held-out images; in MNIST a 7, a 1, a hard 5 and a hard 3


def frames(run):
    """Images of the goodness of every candidate label, of twelve units of the first layer, and of the error."""
    fig = figure(1, 1, width=10.2, height=5.0)[0]
    fig.clear()
    fig.set_dpi(80)
    upper, lower = fig.subfigures(2, 1, height_ratios=(1, 1.05))
    tops = upper.subplots(1, 2 * len(SHOWN), width_ratios=(1, 1.6) * len(SHOWN))
    grid = lower.add_gridspec(2, 7, width_ratios=(1,) * 6 + (4.6,))
    fields, right = [lower.add_subplot(grid[i // 6, i % 6]) for i in range(12)], lower.add_subplot(grid[:, 6])
    for ax, i in zip(tops[::2], SHOWN, strict=True):
        ax.imshow(run.data.held_out.x[i].reshape(28, 28), cmap="gray")
        ax.set(xticks=[], yticks=[])
    s, used, images = run.snapshots, run.data.train.x.any(axis=0), []
    epochs, errors = [p.epoch for p in s], [100 * p.errors["all"] for p in s]
    for p in s:
        for ax, i in zip(tops[1::2], SHOWN, strict=True):
            ax.clear()
            bars(ax, p.shown[:, i], run.data.held_out.y[i])
            guess = p.shown[:, i].sum(axis=0).argmax()
            good = guess == run.data.held_out.y[i]
            ax.set_title(f"{guess}", color=COLORS["green" if good else "red"], fontsize=14, pad=2)
        for ax, w in zip(fields, p.W1.T, strict=False):
            field(ax, w, used, run.config.label_scale)
        curves(right, epochs, {"error": (errors, COLORS["black"])}, xlabel="epoch",
               ylabel="errors in 100\ntraining images", upto=p.epoch, ylim=(0, 1.05 * min(max(errors), 20)))
        right.set_title(f"epoch {p.epoch:.1f}", fontsize=11)
        upper.suptitle("goodness of ten candidate labels, above the lowest (bold: the right one), and the winner",
                       fontsize=11)
        lower.suptitle("weights of twelve units of the first layer, above each its weights from the label" + " " * 40,
                       fontsize=11)
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "ff_label_in_input.gif", fps=5,
                                   snapshot_every=936)
    run = record(config, options.seed, options.snapshot_every)
    save_gif(options.out, frames(run), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
