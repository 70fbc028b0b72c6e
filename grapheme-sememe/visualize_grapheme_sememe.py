"""Pictures of damage and recovery: the timeline, the two words not rehearsed, the weights, all seeds."""

import json
from pathlib import Path

import numpy as np
from grapheme_sememe import N_OUT, QUICK, STAGES, Config, layout, scores, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure, unpack

HERE = Path(__file__).resolve().parent
GROUP_COLORS = {"rehearsed": COLORS["blue"], "unrehearsed": COLORS["red"]}
LETTERS = ("bcdfghklmn", "aeiouyhjwv", "bdgklmnprt")  # ten letters for each place of a word


def record(config, seed, every=10):
    """Train `seed`; returns (result of train, snapshots): a dict of epoch, stage, p (20, 30), theta and the scores.

    Read every `every` cycles before the damage, and after each cycle from then on.
    """
    snapshots = []

    def on_step(epoch, info):
        if info["stage"] or epoch % every == 0 or epoch == config.n_epochs:
            snapshots.append({"epoch": epoch, "stage": info["stage"], "p": info["read"](info["theta"])[0],
                              "theta": info["theta"][:1]})

    result = train(config, generators(seed), on_step=on_step)
    for s in snapshots:
        s["scores"] = scores(s["p"], result["words"][1][0])
    return result, snapshots


def spelling(result, word):
    """A word's three letters."""
    places = result["words"][0][0][word].reshape(3, 10).argmax(axis=1)
    return "".join(letters[i] for letters, i in zip(LETTERS, places, strict=True))


def timeline(ax, snapshots, config, which, upto=None):
    """Scores of the two groups over the cycles; the time after the damage is stretched."""
    x = [stretched(s, config) for s in snapshots]
    label = ("sememes right", "words without an error")[which]
    series = {group: ([s["scores"][group][which] for s in snapshots], color) for group, color in GROUP_COLORS.items()}
    damaged = stretched({"epoch": config.n_epochs, "stage": 1}, config)
    curves(ax, x, series, xlabel="learning cycle", ylabel=label, ylim=(0.5 * (1 - which), 1.03), upto=upto,
           marks=[(damaged, "damage", COLORS["orange"])])
    ticks = [0, config.n_epochs // 2, config.n_epochs, config.n_epochs + config.n_relearn]
    ax.set_xticks([stretched({"epoch": t, "stage": 2 if t > config.n_epochs else 0}, config) for t in ticks], ticks)
    ax.legend(fontsize=9, loc="lower left" if which == 0 else "center right")


def stretched(s, config):
    """Where a snapshot stands on the time axis: the cycles after the damage take half of it."""
    if s["stage"] == 0:
        return s["epoch"] / config.n_epochs
    return 1.01 + (s["epoch"] - config.n_epochs) / config.n_relearn


def strips(ax, rows, names, title):
    """Rows (n, 30) of probabilities as squares, dark is on; `names` beside them."""
    ax.clear()
    ax.imshow(rows, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    for y in np.arange(len(rows) - 1) + 0.5:
        ax.axhline(y, color="white", linewidth=3)
    ax.set(yticks=range(len(rows)), yticklabels=names, xticks=[], title=title)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def wrong(ax, rows, d):
    """Mark the squares of `rows` (n, 30) whose answer is not that of the meaning `d`."""
    for i, j in np.argwhere((rows > 0.5) != (d == 1)):
        ax.plot(j, i, "x", color=COLORS["red"], ms=7, mew=2)


def draw_timeline(snapshots, config, path):
    """Sememes right and words without an error, before and after the damage."""
    fig, axes = figure(1, 2, width=11, height=3.8)
    for which, ax in enumerate(axes):
        timeline(ax, snapshots, config, which)
    save_figure(fig, path)


def draw_words(result, path):
    """The two words that are not rehearsed: meaning, and what is read at each stage; crosses are errors."""
    fig, axes = figure(N_OUT, 1, width=10, height=4.6)
    for word, ax in enumerate(axes):
        d = result["words"][1][0][word]
        rows = np.array([d, *(result["p"][stage][0][word] for stage in STAGES)])
        right = [f"{((row > 0.5) == (d == 1)).sum()} of 30" for row in rows]
        names = ["meaning", *(f"{stage}: {n}" for stage, n in zip(STAGES, right[1:], strict=True))]
        strips(ax, rows, names, f"\"{spelling(result, word)}\", not rehearsed")
        wrong(ax, rows, d)
    save_figure(fig, path)


def draw_weights(result, config, path):
    """Weights between hidden and sememe units when learned, damaged and relearned, on one scale."""
    fig, axes = figure(1, 3, width=12, height=3.9)
    W2 = [unpack(result["theta"][stage][:1], layout(config))["W2"][0] for stage in STAGES]
    top = np.percentile(np.abs(W2), 99)
    for ax, stage, w in zip(axes, STAGES, W2, strict=True):
        image = ax.imshow(w, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto")
        r = np.corrcoef(w.ravel(), W2[0].ravel())[0, 1]
        ax.set(title=f"{stage}: correlation {r:.2f}", xlabel="sememe", yticks=[])
    axes[0].set_ylabel("hidden unit")
    fig.colorbar(image, ax=axes, label="weight")
    save_figure(fig, path)


def draw_recovery(path):
    """Sememes right of the words not rehearsed, before and after the relearning, for every seed of two records."""
    kinds = {"results.json": "Boltzmann learning", "results-backprop.json": "back-propagation"}
    found = {title: json.loads((HERE / file).read_text()) for file, title in kinds.items() if (HERE / file).exists()}
    fig, axes = figure(1, 2, width=9, height=3.9)
    for ax, (title, r) in zip(axes, found.items(), strict=False):
        metrics = [run["metrics"] for run in r["runs"]]
        for m in metrics:
            up = m["recovery_pp"] > 0
            ax.plot([0, 1], [m["unrehearsed_damaged"], m["unrehearsed_relearned"]], "-o", ms=4, linewidth=1, alpha=0.6,
                    color=COLORS["green" if up else "grey"])
        gain, up = np.mean([m["recovery_pp"] for m in metrics]), sum(m["recovered"] for m in metrics)
        ax.axhline(np.mean([m["base_rate"] for m in metrics]), color=COLORS["black"], linestyle=":", linewidth=1.2,
                   label="one answer for all words")
        ax.set(xlim=(-0.2, 1.2), xticks=[0, 1], xticklabels=["damaged", "other 18 relearned"], ylim=(0.45, 1.02),
               title=f"{title}: {gain:+.1f} points, {up} of {len(metrics)} up")
        ax.legend(fontsize=9, loc="lower right")
    axes[0].set_ylabel("sememes right, words not rehearsed")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, (result, snapshots) = Path(options.outdir), record(config, options.seed)
    draw_timeline(snapshots, config, outdir / "timeline.png")
    draw_words(result, outdir / "unrehearsed_words.png")
    draw_weights(result, config, outdir / "weights.png")
    draw_recovery(outdir / "recovery.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
