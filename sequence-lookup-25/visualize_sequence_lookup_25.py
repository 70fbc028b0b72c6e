"""Pictures of the sequences: outputs in time, weights, curves, hidden states, which sequences come out right."""

from pathlib import Path

import numpy as np
from matplotlib.patches import Rectangle
from sequence_lookup_25 import DTYPE, N_LETTERS, N_TRAIN, QUICK, Config, forward, right, score, show, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure

HERE = Path(__file__).resolve().parent


def say(config, letters, codes, params, hold=1):
    """(y, d, due, h) for the sequences `letters` (B, L) without noise, each letter held `hold` steps; one network."""
    seen = np.eye(N_LETTERS, dtype=DTYPE)[letters][None]
    x, d, due = show(seen, codes[None], np.full((1, *letters.shape), hold), config.longest)
    y, h = forward(params, x)
    return y, d, due, h


def record(config, seed, every=10):
    """Train `seed`; returns dicts of epoch, params, letters, codes, loss and, without noise, y, d, due and right."""
    snapshots = []

    def on_step(epoch, info):
        if epoch % every == 0 or epoch == config.n_epochs:
            params = {name: w[:1].copy() for name, w in info["params"].items()}
            s = {"epoch": epoch, "params": params, "loss": info["loss"][0]}
            s |= {"letters": info["letters"][0], "codes": info["codes"][0]}
            y, d, due, _ = say(config, s["letters"], s["codes"], params, 1 + config.variable_timing)
            ok = right(y, d, due, config)[0]
            s |= {"y": y[:, 0], "d": d[:, 0], "due": due[:, 0, :, 0], "right": ok[N_TRAIN:]}
            snapshots.append(s | {"train_accuracy": ok[:N_TRAIN].mean(), "test_correct": int(ok[N_TRAIN:].sum())})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def recent(snapshots, name, span=100):
    """Mean of `name` over the last `span` sweeps before each snapshot: the noise on the letters makes it jump."""
    epochs, values = (np.array([s[key] for s in snapshots], dtype=float) for key in ("epoch", name))
    return [values[: i + 1][epochs[: i + 1] > epochs[i] - span].mean() for i in range(len(epochs))]


def outputs(axes, config, s):
    """The outputs due for each held-out sequence, with a black frame round the one that should be on."""
    for k, ax in enumerate(axes):
        due = s["due"][:, N_TRAIN + k]
        value, target = (s[name][due, N_TRAIN + k].T for name in "yd")  # (3, K)
        word = "".join("ABCDE"[i] for i in s["letters"][N_TRAIN + k])
        ax.clear()
        ax.imshow(value, cmap="Reds", vmin=0, vmax=1, aspect="equal")
        for i, j in np.argwhere(target > 0):
            ax.add_patch(Rectangle((j - 0.46, i - 0.46), 0.92, 0.92, fill=False, linewidth=2))
        answer = "".join(str(c + 1) for c in target.argmax(axis=0)) if config.task == "table" else "code"
        ax.set_xticks([])
        ax.set_yticks(range(3), (1, 2, 3) if k == 0 else [""] * 3)
        ok = s["right"][k]
        ax.set_title(f"{word} -> {answer}\n{'right' if ok else 'wrong'}", fontsize=10,
                     color=COLORS["green"] if ok else COLORS["red"])


def draw_outputs(config, snapshots, path):
    """What the trained net says after each held-out beginning."""
    fig, axes = figure(1, 5, width=10, height=2.6)
    outputs(axes, config, snapshots[-1])
    axes[0].set_ylabel("output unit")
    save_figure(fig, path)


def draw_curves(snapshots, path):
    """Error, and sequences right in and out of the training set, each as a mean over the last sweeps."""
    epochs = [s["epoch"] for s in snapshots]
    fig, axes = figure(1, 2, width=9, height=3.4)
    curves(axes[0], epochs, {"error E": (recent(snapshots, "loss"), COLORS["blue"])}, xlabel="sweep",
           ylabel="error E, letters with noise", yscale="log")
    series = {"training": (recent(snapshots, "train_accuracy"), COLORS["black"]),
              "held out": ([v / 5 for v in recent(snapshots, "test_correct")], COLORS["green"])}
    curves(axes[1], epochs, series, xlabel="sweep", ylabel="right, letters without noise", ylim=(0, 1.05))
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
    letters = snapshots[-1]["letters"]
    *_, h = say(config, letters, snapshots[-1]["codes"], snapshots[-1]["params"])
    state = h[letters.shape[1], 0]
    state = state - state.mean(axis=0)
    points = state @ np.linalg.svd(state)[2][:2].T
    fig, axes = figure(1, 2, width=10, height=4.4)
    palette = [COLORS[name] for name in ("blue", "orange", "green", "red", "purple")]
    for ax, place in zip(axes, (0, letters.shape[1] - 1), strict=True):
        for k, point in enumerate(points):
            color = palette[letters[k, place]]
            ax.plot(*point, "o" if k < N_TRAIN else "*", ms=9 if k < N_TRAIN else 16, color=color)
            ax.annotate("".join("ABCDE"[i] for i in letters[k]), point, xytext=(6, 4), textcoords="offset points",
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
    ax.yaxis.get_major_locator().set_params(integer=True)
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
