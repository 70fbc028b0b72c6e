"""GIF of one run: the cells over one sequence of each class, and the accuracy, update by update."""

from pathlib import Path

import numpy as np

from shared import COLORS, errors_in_one_line, figure, frame, plot_command, save_gif
from temporal_order_4bit import CLASSES, QUICK, Config
from visualize_temporal_order_4bit import examples, heatmap, record, show, smooth

HERE = Path(__file__).resolve().parent


def chosen(run, every):
    """The updates to draw: every `every`-th until all is right, then wider apart for a while."""
    solved = np.flatnonzero(run.accuracy > 0.99)
    turn = min(int(solved[0]) if len(solved) else len(run.step) - 1, 90 * every)
    end = min(turn + 100 * every, len(run.step) - 1)
    return [*range(0, turn, every), *range(turn, end, 10 * every), end]


def frames(run, every):
    """Images of the cell states, with what the net answers, and the curves so far."""
    shown = examples(run)
    fig, axes = figure(3, 4, width=9.6, height=5.6, height_ratios=(1, 1, 0.9))
    fig.set_dpi(80)
    wide = fig.add_subplot(axes[2, 0].get_subplotspec().get_gridspec()[2, :])
    for ax in axes[2]:
        ax.remove()
    last, loss, images = chosen(run, every), smooth(run.loss), []
    for at in last:
        y = show(run, shown, at)
        for k, ax in zip(range(len(shown.classes)), axes[:2].flat, strict=False):
            order, answer = CLASSES[shown.classes[k]], CLASSES[int(y[k].argmax())]
            heatmap(ax, shown.s.tanh_c[:, :, k], shown.symbols[:, k])
            right = order == answer
            ax.set_xlabel(f"says {answer}" + ("" if right else f", is {order}"),
                          color=COLORS["black"] if right else COLORS["red"], fontsize=10)
        wide.clear()
        upto = run.step <= run.step[at]
        wide.plot(run.step[upto], loss[upto] / np.log(8), color=COLORS["blue"], label="cross-entropy / ln 8")
        wide.plot(run.step[upto], run.accuracy[upto], color=COLORS["green"], label="accuracy, held out")
        wide.axhline(1 / 8, color=COLORS["grey"], linestyle=":", linewidth=1)
        wide.set(xlim=(0, max(run.step[last[-1]], 1)), ylim=(0, 1.1), xlabel="update", yticks=[0, 0.5, 1])
        wide.legend(fontsize=9, loc="center right")
        letters = f"{run.config.n_hidden} cells over {len(shown.symbols)} letters"
        fig.suptitle(f"{letters}, after {run.step[at]} updates", fontsize=12)
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "temporal_order_4bit.gif", fps=10,
                                   snapshot_every=6)
    save_gif(options.out, frames(record(config, options.seed), options.snapshot_every), fps=options.fps, n_colors=96)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
