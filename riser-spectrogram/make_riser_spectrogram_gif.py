"""GIF of the riser task: a case, the net's answer beside that of the Bayes rule, four hidden units, the error."""

from pathlib import Path

import numpy as np
from riser_spectrogram import N_FREQ, N_TIME, QUICK, Config, bayes_log_odds, forward
from visualize_riser_spectrogram import examples, filters, record, spectrogram

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def answers(ax, net, best):
    """Bars of P(rising), filled up by P(falling): the net's and those of the Bayes rule."""
    ax.clear()
    ax.barh(["Bayes", "net"], [best, net], color=COLORS["red"])
    ax.barh(["Bayes", "net"], [1 - best, 1 - net], left=[best, net], color=COLORS["blue"])
    ax.axvline(0.5, color="white", linestyle=":")
    ax.set(xlim=(0, 1), xticks=[0, 0.5, 1], title="P(rising) red, P(falling) blue")


def frames(snapshots, best, config, every, seed):
    """Images of the first twenty epochs and of every `every`-th after them; each with another case."""
    at = sorted({*range(min(20, len(snapshots))), *range(0, len(snapshots), every), len(snapshots) - 1})
    x, track, d = examples(config, seed, len(at))
    flat = x.reshape(len(at), -1)
    rule = 1 / (1 + np.exp(-bayes_log_odds(flat, config.sigma)))
    last = snapshots[-1]["params"]
    shown = [int(np.flatnonzero((last["W1"].T.reshape(-1, N_FREQ, N_TIME) == w).all(axis=(1, 2)))[0])
             for w in filters(last, 4)[0]]
    fig, axes = figure(2, 4, width=10, height=4.6, width_ratios=(1.5, 1, 1, 1.9))
    fig.set_dpi(80)
    fig.get_layout_engine().set(wspace=0.08)
    grid = axes[0, 3].get_gridspec()
    for ax in axes[:, 3]:
        ax.remove()
    right = fig.add_subplot(grid[:, 3])
    epochs, errors = [s["epoch"] for s in snapshots], [100 * s["error"] for s in snapshots]
    images = []
    for k, i in enumerate(at):
        s = snapshots[i]
        name, color = ("rising", COLORS["red"]) if d[k] else ("falling", COLORS["blue"])
        spectrogram(axes[0, 0], x[k], name, track=track[k], color=color)
        z = float(forward(s["params"], flat[k : k + 1].astype(np.float32), config.units)[0][0, 0])
        answers(axes[1, 0], 0.5 + 0.5 * np.tanh(0.5 * z), rule[k])
        for ax, j in zip(axes[:, 1:3].flat, shown, strict=False):
            w = s["params"]["W1"][:, j].reshape(N_FREQ, N_TIME)
            scale = np.abs(last["W1"][:, j]).max()
            ax.clear()
            ax.imshow(w, cmap="RdBu_r", origin="lower", vmin=-scale, vmax=scale, aspect="auto")
            ax.set(xticks=[], yticks=[], title=f"hidden unit {j + 1}")
        curves(right, epochs, {"net": (errors, COLORS["green"])}, xlabel="epoch", ylabel="error, held-out cases (%)",
               upto=s["epoch"], ylim=(0, min(8, 1.1 * max(errors))))
        right.axhline(100 * best, color=COLORS["black"], linestyle="--")
        right.text(epochs[-1], 100 * best - 0.1, "Bayes rule", ha="right", va="top")
        right.set_title(f"epoch {s['epoch']}: net {100 * s['error']:.1f} %, Bayes {100 * best:.1f} %", fontsize=11)
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "riser_spectrogram.gif", fps=5,
                                   snapshot_every=5)
    snapshots, best = record(config, options.seed)
    save_gif(options.out, frames(snapshots, best, config, options.snapshot_every, options.seed), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
