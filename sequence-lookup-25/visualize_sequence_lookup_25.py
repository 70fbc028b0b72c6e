"""Pictures of the sequences: outputs in time, weights, curves, hidden states, which sequences come out right."""

from pathlib import Path

import numpy as np
from matplotlib.patches import Rectangle
from sequence_lookup_25 import N_TRAIN, QUICK, Config, forward, right, score, show, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure

HERE = Path(__file__).resolve().parent


def held_out(config, snapshots, s):
    """(words, y, d, mask) of the held-out sequences with the net of snapshot `s`; y, d (T, 5, 3), mask (T, 5)."""
    letters, codes = snapshots[0]["letters"][None, N_TRAIN:], snapshots[0]["codes"][None, N_TRAIN:]
    holds = np.full(letters.shape, 1 + config.variable_timing)
    x, d, mask = show(letters, codes, holds, config.longest)
    y, _ = forward(s["params"], x)
    return ["".join("ABCDE"[i] for i in word) for word in letters[0]], y[:, 0], d[:, 0], mask[:, 0, :, 0]


def record(config, seed, every=10):
    """Train `seed`; returns dicts of epoch, params, letters, codes, loss and shares right."""
    snapshots = []

    def on_step(epoch, info):
        if epoch % every == 0 or epoch == config.n_epochs:
            snapshots.append({"epoch": epoch, "params": {name: w[:1].copy() for name, w in info["params"].items()},
                              "letters": info["letters"][0], "codes": info["codes"][0], "loss": info["loss"][0],
                              "train_accuracy": info["train_accuracy"][0]})
            _, y, d, mask = held_out(config, snapshots, snapshots[-1])
            ok = right(y[:, None], d[:, None], mask[:, None, :, None], config)[0]
            snapshots[-1] |= {"right": ok, "test_correct": int(ok.sum())}

    train(config, generators(seed), on_step=on_step)
    return snapshots


def outputs(axes, config, snapshots, s):
    """The outputs due for each held-out sequence, with a black frame round the one that should be on."""
    words, y, d, mask = held_out(config, snapshots, s)
    for k, ax in enumerate(axes):
        due = mask[:, k] > 0
        value, target = y[due, k].T, d[due, k].T  # (3, K)
        ax.clear()
        ax.imshow(value, cmap="RdBu_r", vmin=-1, vmax=1, aspect="equal")
        for i, j in np.argwhere(target > 0):
            ax.add_patch(Rectangle((j - 0.46, i - 0.46), 0.92, 0.92, fill=False, linewidth=2))
        answer = "".join(str(c + 1) for c in target.argmax(axis=0)) if config.task == "table" else "code"
        ax.set_xticks([])
        ax.set_yticks(range(3), (1, 2, 3) if k == 0 else [""] * 3)
        ok = s["right"][k]
        ax.set_title(f"{words[k]} -> {answer}\n{'right' if ok else 'wrong'}", fontsize=10,
                     color=COLORS["green"] if ok else COLORS["red"])


def draw_outputs(config, snapshots, path):
    """What the trained net says after each held-out beginning."""
    fig, axes = figure(1, 5, width=10, height=2.6)
    outputs(axes, config, snapshots, snapshots[-1])
    axes[0].set_ylabel("output unit")
    save_figure(fig, path)


def draw_curves(snapshots, path):
    """Error, and sequences right in and out of the training set."""
    epochs = [s["epoch"] for s in snapshots]
    fig, axes = figure(1, 2, width=9, height=3.4)
    curves(axes[0], epochs, {"error E": ([s["loss"] for s in snapshots], COLORS["blue"])}, xlabel="sweep",
           ylabel="error E", yscale="log")
    series = {"training": ([s["train_accuracy"] for s in snapshots], COLORS["black"]),
              "held out": ([s["test_correct"] / 5 for s in snapshots], COLORS["green"])}
    curves(axes[1], epochs, series, xlabel="sweep", ylabel="sequences right", ylim=(0, 1.05))
    save_figure(fig, path)


def draw_weights(snapshots, path):
    """The three weight matrices."""
    fig, axes = figure(1, 3, width=10, height=4, width_ratios=(0.5, 1.2, 0.4))
    titles = {"Wx": "letters to hidden", "Wh": "hidden to hidden", "Wy": "hidden to outputs"}
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        w = snapshots[-1]["params"][name][0]
        w = w.T if name == "Wx" else w
        limit = np.abs(w).max()
        image = ax.imshow(w, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
        ax.set(title=title, yticks=[], xticks=[])
        fig.colorbar(image, ax=ax, shrink=0.8)
    axes[0].set_xticks(range(5), "ABCDE")
    axes[2].set_xticks(range(3), (1, 2, 3))
    axes[1].set(xlabel="to", ylabel="from")
    save_figure(fig, path)


def draw_states(config, snapshots, path):
    """Hidden states after the last letter, all 25 sequences, in their principal plane."""
    letters, codes = snapshots[0]["letters"][None], snapshots[0]["codes"][None]
    x, _, _ = show(letters, codes, np.ones_like(letters), config.longest)
    _, h = forward(snapshots[-1]["params"], x)
    state = h[letters.shape[2], 0]
    state = state - state.mean(axis=0)
    points = state @ np.linalg.svd(state)[2][:2].T
    fig, axes = figure(1, 2, width=10, height=4.4)
    palette = [COLORS[name] for name in ("blue", "orange", "green", "red", "purple")]
    for ax, place in zip(axes, (0, letters.shape[2] - 1), strict=True):
        for k, point in enumerate(points):
            color = palette[letters[0, k, place]]
            ax.plot(*point, "o" if k < N_TRAIN else "*", ms=9 if k < N_TRAIN else 16, color=color)
            ax.annotate("".join("ABCDE"[i] for i in letters[0, k]), point, xytext=(6, 4), textcoords="offset points",
                        fontsize=8)
        ax.set(xticks=[], yticks=[], title=f"colour: letter {place + 1} (stars: held out)",
               xlabel="first principal direction", ylabel="second")
        ax.margins(0.1)
    save_figure(fig, path)


def draw_seeds(config, path, n_seeds):
    """Held-out sequences right, over seeds."""
    rngs = [generators(seed) for seed in range(n_seeds)]
    result = train(config, rngs)
    scores = [score(config, result["theta"][i], result["letters"][i], result["codes"][i], rng)[N_TRAIN:].sum()
              for i, rng in enumerate(rngs)]
    fig, ax = figure(width=6, height=3.4)
    ax.hist(scores, bins=np.arange(7) - 0.5, color=COLORS["green"], rwidth=0.9)
    ax.axvline(np.mean(scores), color=COLORS["black"], linestyle="--", label=f"mean {np.mean(scores):.2f}")
    ax.axvline(4, color=COLORS["red"], label="paper: 4")
    ax.set(xlabel="held-out sequences right, of 5", ylabel="seeds", title=f"{n_seeds} seeds")
    ax.legend(fontsize=9, loc="upper left")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir = Path(options.outdir)
    snapshots = record(config, options.seed)
    draw_outputs(config, snapshots, outdir / "outputs.png")
    draw_curves(snapshots, outdir / "training_curves.png")
    draw_weights(snapshots, outdir / "weights.png")
    draw_states(config, snapshots, outdir / "hidden_states.png")
    draw_seeds(config, outdir / "seeds.png", 3 if options.quick else 30)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
