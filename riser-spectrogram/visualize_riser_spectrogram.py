"""Pictures of the riser task: cases with their tracks, hidden units, curves, and the gap to the Bayes rule by noise."""

import json
from pathlib import Path

import numpy as np
from riser_spectrogram import (
    N_FREQ,
    N_TIME,
    QUICK,
    Config,
    bayes_log_odds,
    draw,
    forward,
    rising_tracks,
    track_probabilities,
    train,
)

from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure

HERE = Path(__file__).resolve().parent


def record(config, seed, n_cases=10000):
    """Train `seed`; returns (snapshots, best): a dict per epoch of epoch, params, loss, error, and the Bayes error.

    The errors are shares of one set of `n_cases` held-out cases.
    """
    rng = generators(seed)
    x, d = draw(n_cases, config.sigma, rng["test"])
    snapshots = []

    def on_step(epoch, info):
        params = {name: value.copy() for name, value in info["params"].items()}
        error = np.mean((forward(params, x, config.units)[0] > 0) != (d > 0))
        snapshots.append({"epoch": epoch, "params": params, "loss": info["loss"], "error": error})

    train(config, rng, on_step=on_step)
    return snapshots, np.mean((bayes_log_odds(x, config.sigma) > 0) != (d[:, 0] > 0))


def examples(config, seed, n):
    """`n` cases, rising and falling in turn: x (n, 6, 9), tracks (n, 9), d (n,)."""
    rng = np.random.default_rng(seed)
    tracks = rising_tracks()
    track = tracks[rng.choice(len(tracks), n, p=track_probabilities(tracks))]
    d = np.arange(n) % 2 == 0
    track = np.where(d[:, None], track, track[:, ::-1])
    clean = (track[:, None, :] == np.arange(N_FREQ)[:, None]).astype(float)
    return clean + rng.normal(0, config.sigma, clean.shape), track, d


def spectrogram(ax, x, title, *, track=None, color=None):
    """One spectrogram `x` (6, 9) in grey, low frequencies at the bottom, its track as a line if given."""
    ax.clear()
    ax.imshow(x, cmap="Greys", origin="lower", vmin=-1, vmax=2, aspect="auto")
    if track is not None:
        ax.plot(range(N_TIME), track, "o-", color=color, ms=5)
    ax.set(xticks=[], yticks=[], xlabel="time", ylabel="frequency", title=title)


def filters(params, n):
    """Incoming weights (n, 6, 9) of the `n` hidden units with the largest effect, and the signs of their effects."""
    effect = params["W2"][:, 0] * (params["W1"] ** 2).sum(axis=0)
    order = np.argsort(-np.abs(effect))[:n]
    return params["W1"].T[order].reshape(-1, N_FREQ, N_TIME), np.sign(effect[order])


def draw_examples(config, seed, path):
    """Six cases as the net sees them above, the same with their tracks below."""
    x, track, d = examples(config, seed, 6)
    fig, axes = figure(2, 6, width=13, height=4.6)
    for k in range(6):
        name, color = ("rising", COLORS["red"]) if d[k] else ("falling", COLORS["blue"])
        spectrogram(axes[0, k], x[k], "what the net sees" if k == 0 else "")
        spectrogram(axes[1, k], x[k], name, track=track[k], color=color)
    save_figure(fig, path)


def draw_hidden_units(params, path):
    """Weights from the spectrogram to the 24 hidden units with the largest effect."""
    units, signs = filters(params, 24)
    fig, axes = figure(3, 8, width=12, height=4.6)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, w, sign in zip(axes.flat, units, signs, strict=False):
        top = np.abs(w).max()
        ax.imshow(w, cmap="RdBu_r", origin="lower", vmin=-top, vmax=top, aspect="auto")
        ax.set_title("for rising" if sign > 0 else "for falling", fontsize=9,
                     color=COLORS["red"] if sign > 0 else COLORS["blue"])
    save_figure(fig, path)


def draw_curves(snapshots, best, path):
    """Held-out error, epoch by epoch, down to that of the Bayes rule."""
    epochs = [s["epoch"] for s in snapshots]
    fig, ax = figure(width=7, height=3.8)
    curves(ax, epochs, {"error of the net": ([100 * s["error"] for s in snapshots], COLORS["blue"])}, xlabel="epoch",
           ylabel="error on held-out cases (%)", yscale="log")
    ax.axhline(100 * best, color=COLORS["black"], linestyle="--")
    ax.text(epochs[-1], 100 * best * 0.97, "Bayes rule", ha="right", va="top")
    ax.set_ylim(100 * best * 0.8 or None, None)
    ax.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    ax.minorticks_off()
    save_figure(fig, path)


def draw_by_noise(path):
    """Accuracies of the net and of the Bayes rule, and the gap, from the records of the sweeps."""
    rows = []
    for source in HERE.glob("results*.json"):
        content = json.loads(source.read_text())
        if content["config"]["n_train"] == 0:
            mean = {k: v["mean"] for k, v in content["summary"].items()}
            rows.append((content["config"]["sigma"], mean["accuracy"], mean["bayes_accuracy"],
                         [run["metrics"]["gap_to_bayes_pp"] for run in content["runs"]]))
    rows.sort(key=lambda row: row[0])
    fig, (left, right) = figure(1, 2, width=10, height=3.8)
    sigma = [row[0] for row in rows]
    left.plot(sigma, [100 * row[2] for row in rows], "o--", color=COLORS["black"], label="Bayes rule")
    left.plot(sigma, [100 * row[1] for row in rows], "o-", color=COLORS["blue"], label="net, mean of the seeds")
    left.set(xlabel="noise sigma", ylabel="accuracy (%)", xticks=sigma)
    left.legend()
    for s, *_, gaps in rows:
        right.plot(np.full(len(gaps), s), gaps, ".", color=COLORS["blue"], alpha=0.5)
    right.plot(sigma, [np.mean(row[3]) for row in rows], "-", color=COLORS["blue"], label="net, mean of the seeds")
    right.plot([0.6], [1.0], "D", color=COLORS["orange"], label="paper")
    right.set(xlabel="noise sigma", ylabel="gap to the Bayes rule (pp)", xticks=sigma, ylim=(0, 1.1))
    right.legend(loc="upper left")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir = Path(options.outdir)
    snapshots, best = record(config, options.seed)
    draw_examples(config, options.seed, outdir / "examples.png")
    draw_hidden_units(snapshots[-1]["params"], outdir / "hidden_units.png")
    draw_curves(snapshots, best, outdir / "training_curves.png")
    draw_by_noise(outdir / "bayes_by_noise.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
