"""GIF of one run of the family trees: the person code sorting itself, six units' weights, facts learned."""

from pathlib import Path

import numpy as np
from family_trees import PEOPLE, QUICK, Config
from visualize_family_trees import legend, person_code, plane, record, scatter

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def frames(config, snapshots, every):
    """Images of the person code in one fixed plane, the weights behind it, and the facts right so far."""
    fig, (left, middle, right) = figure(1, 3, width=10.4, height=4.6, width_ratios=(1.25, 0.62, 1))
    fig.set_dpi(80)
    epochs, view = [s["epoch"] for s in snapshots], plane(snapshots)
    scale = np.abs(snapshots[-1]["params"]["Wp"]).max()
    extent = 1.1 * np.abs((person_code(snapshots[-1]["params"]) - view[0]) @ view[1]).max()
    chosen, upcoming = [], 0.0
    for s in snapshots:  # learning is fast at first: the steps between frames grow from 10 sweeps
        if s["epoch"] >= upcoming or s is snapshots[-1]:
            chosen.append(s)
            upcoming = s["epoch"] + min(every, max(10, 0.15 * s["epoch"]))
    images = []
    for s in chosen:
        scatter(left, person_code(s["params"]), view, config)
        legend(left, "lower center", ncols=2)
        left.set(xlim=(-extent, extent), ylim=(-1.55 * extent, extent), title="24 names: code of the six units")
        middle.clear()
        middle.imshow(s["params"]["Wp"][0], cmap="RdBu_r", vmin=-scale, vmax=scale, aspect="auto")
        middle.set_xticks(range(6), range(1, 7))
        middle.set_yticks(range(24), PEOPLE, fontsize=7)
        middle.set_title("weights into 6 units")
        series = {"training facts right": ([s["train_accuracy"] for s in snapshots], COLORS["black"]),
                  f"held-out facts right ({config.n_test})": ([s["test_correct"] / config.n_test for s in snapshots],
                                                              COLORS["green"])}
        curves(right, epochs, series, xlabel="sweep", ylabel="share", upto=s["epoch"], ylim=(0, 1.05))
        right.legend(fontsize=9, loc="lower right")
        right.set_title(f"sweep {s['epoch']}: {s['test_correct']} of {config.n_test} held-out facts")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "family_trees.gif", fps=10,
                                   snapshot_every=150)
    save_gif(options.out, frames(config, record(config, options.seed), options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
