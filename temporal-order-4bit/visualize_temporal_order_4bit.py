"""Pictures of the temporal order problem: curves, confusions, input gates, cell states, what is held where."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure
from temporal_order_4bit import CLASSES, NOTHING, QUICK, SYMBOLS, Config, buffers, forward, layout, test_set, train
from temporal_order_4bit import unpack

HERE = Path(__file__).resolve().parent
MARKS = {"X": COLORS["orange"], "Y": COLORS["green"]}


def record(config, seed):
    """Train `seed`; returns step, loss, accuracy and flat parameters at every update, and the test set."""
    rows = []

    def on_step(step, info):
        flat = np.concatenate([p.ravel() for p in info["params"].values()])
        rows.append((step, info["loss"], info["accuracy"], flat))

    train(config, generators(seed), on_step=on_step)
    step, loss, accuracy, theta = (np.array(column) for column in zip(*rows, strict=True))
    test = test_set(config, generators(seed)["test"], np.float32)
    return SimpleNamespace(config=config, step=step, loss=loss, accuracy=accuracy, theta=theta, test=test)


def examples(run):
    """One held-out sequence of each class there: (class indices, symbols (T, n), inputs x, buffers)."""
    classes, first = np.unique(run.test.classes, return_index=True)
    s = buffers(run.config, len(run.test.x), len(first), np.float32)
    return SimpleNamespace(classes=classes, symbols=run.test.symbols[:, first], x=run.test.x[:, first], s=s)


def show(run, shown, at):
    """The states over the examples `shown` with the parameters before update `at`; returns the probabilities."""
    return forward(unpack(run.theta[at], layout(run.config)), shown.x, shown.s)


def marks_of(symbols):
    """[(position, letter)] of the marks in a sequence (T,)."""
    return [(t, SYMBOLS[v]) for t, v in enumerate(symbols) if v != NOTHING and SYMBOLS[v] in MARKS]


def smooth(y, n=15):
    """Mean of each value and its neighbours, `n` in all."""
    y, n = np.asarray(y), min(n, len(y))
    return np.convolve(y, np.ones(n), "same") / np.convolve(np.ones_like(y), np.ones(n), "same")


def draw_curves(run, plain, path):
    """Loss and held-out accuracy of both nets."""
    fig, (left, right) = figure(1, 2, width=10, height=3.6)
    names = (("LSTM", run, COLORS["blue"]), ("plain recurrent net", plain, COLORS["red"]))
    curves(left, run.step, {n: (smooth(r.loss), c) for n, r, c in names}, xlabel="update", ylabel="cross-entropy",
           ylim=(0, 2.4))
    left.axhline(np.log(8), color=COLORS["grey"], linestyle=":")
    left.text(run.step[-1], np.log(8) + 0.05, "guessing: ln 8", color=COLORS["grey"], ha="right", fontsize=9)
    curves(right, run.step, {n: (r.accuracy, c) for n, r, c in names}, xlabel="update", ylabel="accuracy, held out",
           ylim=(0, 1.05))
    right.axhline(1 / 8, color=COLORS["grey"], linestyle=":")
    right.text(run.step[-1], 0.15, "guessing: 1/8", color=COLORS["grey"], ha="right", fontsize=9)
    save_figure(fig, path)


def draw_confusions(run, plain, path):
    """Which class is taken for which, by either net."""
    fig, axes = figure(1, 2, width=9.5, height=4.4)
    for ax, name, r in zip(axes, ("LSTM", "plain recurrent net"), (run, plain), strict=True):
        test = r.test
        y = forward(unpack(r.theta[-1], layout(r.config)), test.x, test.buffers).argmax(axis=1)
        table = np.zeros((8, 8), int)
        np.add.at(table, (test.classes, y), 1)
        ax.imshow(table, cmap="Blues", vmin=0, vmax=np.bincount(test.classes, minlength=8).max())
        for (i, j), n in np.ndenumerate(table):
            if n:
                ax.text(j, i, n, ha="center", va="center", fontsize=9, color="white" if n > 35 else COLORS["black"])
        ax.set_xticks(range(8), CLASSES, fontsize=8)
        ax.set_yticks(range(8), CLASSES, fontsize=8)
        ax.set(xlabel="answer", ylabel="true order", title=f"{name}: {np.trace(table)} of {len(y)} right")
    save_figure(fig, path)


def draw_gates(shown, path):
    """Eight sequences letter by letter, each over the largest input gate at that step."""
    fig, axes = figure(len(shown.classes), 1, width=11, height=1.05 * len(shown.classes))
    T = len(shown.symbols)
    for k, ax in enumerate(np.atleast_1d(axes)):
        open_to = np.zeros(T) if shown.s.config.kind == "rnn" else shown.s.i[:, :, k].max(axis=1)
        letters = [SYMBOLS[v] if v != NOTHING else "" for v in shown.symbols[:, k]]
        ax.bar(range(T), open_to, color=[MARKS.get(a, COLORS["grey"]) for a in letters], width=0.9)
        for t, letter in enumerate(letters):
            ax.text(t, -0.08, letter, ha="center", va="top", fontsize=9 if letter in MARKS else 8,
                    color=MARKS.get(letter, COLORS["grey"]), weight="bold" if letter in MARKS else "normal")
        ax.set(xlim=(-0.7, T - 0.3), ylim=(0, 1), xticks=[], yticks=[0, 1])
        ax.set_ylabel(CLASSES[shown.classes[k]], rotation=0, ha="right", va="center")
        ax.spines["bottom"].set_visible(False)
    fig.suptitle("largest input gate at each letter: 0 shut, 1 open", fontsize=12)
    save_figure(fig, path)


def heatmap(ax, cells, symbols):
    """The cells, tanh c (T, H), over time as an image, with lines at the marks."""
    ax.clear()
    ax.imshow(cells.T, aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    for t, letter in marks_of(symbols):
        ax.axvline(t, color=MARKS[letter], linewidth=1.2)
        ax.text(t, -0.62, letter, ha="center", va="bottom", color=MARKS[letter], fontsize=10, weight="bold")
    ax.set(xticks=[], yticks=[])


def draw_heatmaps(shown, path):
    """The state of every cell at every step, a panel per class."""
    fig, axes = figure(2, 4, width=11, height=4.6)
    for k, ax in zip(range(len(shown.classes)), axes.flat, strict=False):
        heatmap(ax, shown.s.tanh_c[:, :, k], shown.symbols[:, k])
        ax.set(xlabel=f"{CLASSES[shown.classes[k]]}: time", ylabel="cell")
    fig.suptitle("what the cells hold, tanh c (red +1, blue -1): each order of the marks ends in a pattern of its own",
                 fontsize=12)
    save_figure(fig, path)


def draw_trajectories(shown, path):
    """Each cell's state over time, a line per class, coloured by what the marks were."""
    c = shown.s.c[1:]
    H = c.shape[1]
    fig, axes = figure(2, -(-H // 2), width=11, height=5)
    palette = [COLORS[n] for n in ("blue", "sky", "green", "purple", "orange", "red", "black", "grey")]
    for cell, ax in zip(range(H), axes.flat, strict=False):
        for k, klass in enumerate(shown.classes):
            ax.plot(c[:, cell, k], color=palette[klass], linewidth=1.4, label=CLASSES[klass])
        ax.set(title=f"cell {cell + 1}", xlabel="time", ylabel="c" if cell % 3 == 0 else "")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=8, fontsize=9)
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir = Path(options.outdir)
    run, plain = record(config, options.seed), record(replace(config, cells="rnn"), options.seed)
    shown = examples(run)
    show(run, shown, -1)
    draw_curves(run, plain, outdir / "training_curves.png")
    draw_confusions(run, plain, outdir / "confusion_matrix.png")
    draw_gates(shown, outdir / "input_gate_activity.png")
    draw_heatmaps(shown, outdir / "cell_state_heatmap.png")
    draw_trajectories(shown, outdir / "cell_trajectories.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
