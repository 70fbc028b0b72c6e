"""GIF of one run: a sequence, the cells over it, outputs against products, and the error, update by update."""

from pathlib import Path

import numpy as np

from multiplication_problem import QUICK, Config
from shared import errors_in_one_line, figure, frame, plot_command, save_gif
from visualize_multiplication_problem import cells, lines, numbers, predictions, record, scatter

HERE = Path(__file__).resolve().parent


def chosen(run, n):
    """About `n` of the recorded updates, close together at first, and the last."""
    return np.unique((np.linspace(0, 1, n) ** 2 * (len(run.at) - 1)).round().astype(int))


def frames(run, n):
    """Images of the state of the net and the error so far."""
    fig, axes = figure(2, 2, width=9.6, height=5.6, width_ratios=(1.5, 1))
    fig.set_dpi(80)
    images = []
    for k in chosen(run, n):
        y = predictions(run, k)
        numbers(axes[0, 0], run.test.x[:, 0], run.test.d[0, 0], y[0])
        cells(axes[1, 0], run.test.buffers.tanh_c[:, :, 0], run.test.x[:, 0])
        scatter(axes[0, 1], run.test.d[:, 0], y)
        lines(axes[1, 1], run, upto=run.at[k])
        fig.suptitle(f"after {run.at[k]} updates", fontsize=12)
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "multiplication_problem.gif", fps=10,
                                   snapshot_every=100)
    run = record(config, options.seed)
    save_gif(options.out, frames(run, max(2, config.n_steps // options.snapshot_every)), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
