"""Pictures of Forward-Forward learning: labelled images, goodness of the candidate labels, curves, receptive fields."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from ff_label_in_input import AGGREGATIONS, N_CLASSES, QUICK, Config, encode, error, label_goodness, load, train
from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure

HERE = Path(__file__).resolve().parent
N_MEASURED = 1000  # training images that the curve of the error is measured on: the test images are not looked at
LAYER_COLORS = [COLORS[name] for name in ("blue", "orange", "green", "purple", "sky", "red")]


def record(config, seed, every, shown=None):
    """Train `seed`, with a snapshot before every `every`-th update and one at the end.

    A snapshot holds epoch, loss and mean goodness of positive and negative cases (since the one before), the error of
    each aggregation on training images, goodness (L, n, 10) of the images `shown` (n, 784), and W1. Returns a
    namespace of snapshots, params, data, config.
    """
    config, recent, snapshots = config.filled(), [], []
    data = load(config, generators(seed))
    measured = SimpleNamespace(x=data.train.x[:N_MEASURED], y=data.train.y[:N_MEASURED])
    shown = data.held_out.x[:20] if shown is None else shown

    def snapshot(epoch, params):
        goodness = label_goodness(params, measured.x, config)
        means = {name: np.mean([info[name] for info in recent], axis=0) for name in ("loss", "positive", "negative")}
        snapshots.append(SimpleNamespace(
            epoch=epoch, **means, shown=label_goodness(params, shown, config), W1=params["W1"].copy(),
            errors={name: error(goodness, measured.y, name) for name in AGGREGATIONS if name != "skip-first"},
        ))
        recent.clear()

    def on_step(epoch, info):
        recent.append({name: info[name] for name in ("loss", "positive", "negative")})
        on_step.calls += 1
        if on_step.calls % every == 1 or every == 1:
            snapshot(epoch, info["params"])

    on_step.calls = 0
    params, log = train(config, generators(seed), on_step=on_step)
    recent = recent or [vars(snapshots[-1])]
    snapshot(log["epoch"], params)
    return SimpleNamespace(snapshots=snapshots, params=params, data=data, config=config)


def show_image(ax, image, label_scale=1.0):
    """An image (784,) in grey, its ten label pixels in a frame, the label at full white."""
    pixels = image.reshape(28, 28).copy()
    pixels[0, :N_CLASSES] /= label_scale
    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1)
    x, y = [-0.5, N_CLASSES - 0.5], [-0.5, 0.5]
    ax.plot([x[0], x[1], x[1], x[0], x[0]], [y[0], y[0], y[1], y[1], y[0]], color=COLORS["sky"], clip_on=False)
    ax.set(xticks=[], yticks=[])


def draw_labels(run, path):
    """Images with the right label in the first ten pixels, above, and with a wrong one, below."""
    x, y = run.data.train.x[:6], run.data.train.y[:6]
    wrong = (y + 1 + np.arange(len(y))) % N_CLASSES
    fig, axes = figure(2, len(x), width=11, height=4.4)
    for row, labels, kind, color in zip(axes, (y, wrong), ("positive", "negative"), ("green", "red"), strict=True):
        for ax, image, label in zip(row, encode(x, labels, run.config), labels, strict=True):
            show_image(ax, image, run.config.label_scale)
            ax.set_title(f"{kind}: label {label}", color=COLORS[color], fontsize=10.5)
    save_figure(fig, path)


def layer_names(n_layers):
    """`layer 1`, `layer 2`, ..."""
    return [f"layer {k}" for k in range(1, n_layers + 1)]


def draw_goodness(run, path):
    """Goodness of each layer for the ten candidate labels of held-out images, the right label marked."""
    x, y, final = run.data.held_out.x, run.data.held_out.y, run.snapshots[-1].shown
    chosen = [int(np.flatnonzero(y[: final.shape[1]] == digit)[0]) for digit in np.unique(y[: final.shape[1]])][:8]
    fig, axes = figure(2, len(chosen), width=1.55 * len(chosen), height=3.9, height_ratios=(1, 1.3))
    for (above, below), i in zip(axes.T, chosen, strict=True):
        above.imshow(x[i].reshape(28, 28), cmap="gray")
        above.set(xticks=[], yticks=[])
        bars(below, final[:, i], y[i])
    axes[1, 0].legend(layer_names(len(final)), fontsize=8, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2,
                      handlelength=1, columnspacing=0.8)
    axes[1, 0].set_ylabel("goodness above\nthat of the lowest")
    fig.supxlabel("candidate label (bold: the right one)", fontsize=10)
    save_figure(fig, path)


def bars(ax, goodness, right):
    """Stacked bars of the layers' goodness (L, 10) for ten labels: what each has above the lowest of the ten."""
    above, bottom = goodness - goodness.min(axis=1, keepdims=True), np.zeros(N_CLASSES)
    for layer, color in zip(above, LAYER_COLORS, strict=False):
        ax.bar(range(N_CLASSES), layer, bottom=bottom, color=color, width=0.85)
        bottom += layer
    ax.set(xticks=range(N_CLASSES), yticks=[], ylim=(0, 1.05 * bottom.max()), xlim=(-0.6, N_CLASSES - 0.4))
    ax.tick_params(labelsize=7, length=0)
    ax.get_xticklabels()[right].set(weight="bold", color=COLORS["green"], fontsize=10)


def draw_curves(run, path):
    """Loss, goodness of positive and negative cases, and error of each aggregation on training images."""
    s = run.snapshots
    epochs, names = [p.epoch for p in s], layer_names(len(s[0].positive))
    fig, (left, middle, right) = figure(1, 3, width=12, height=3.7)
    curves(left, epochs, {"loss": ([p.loss for p in s], COLORS["black"])}, xlabel="epoch",
           ylabel="loss, all layers", ylim=(0, None))
    for k, (name, color) in enumerate(zip(names, LAYER_COLORS, strict=False)):
        middle.plot(epochs, [p.positive[k] for p in s], color=color, label=f"{name}, positive")
        middle.plot(epochs, [p.negative[k] for p in s], color=color, linestyle=":", label=f"{name}, negative")
    middle.set(xlabel="epoch", ylabel="mean goodness", xlim=(epochs[0], epochs[-1]), ylim=(0, None))
    middle.legend(fontsize=8)
    kinds = {"first": "blue", "last": "orange", "all": "black"}
    curves(right, epochs, {f"by goodness of {name} layer" + "s" * (name == "all"):
                           ([100 * p.errors[name] for p in s], COLORS[color]) for name, color in kinds.items()
                           if name in s[0].errors}, xlabel="epoch", ylabel="errors in 100 training images",
           ylim=(0, 10))
    save_figure(fig, path)


def draw_receptive_fields(run, path):
    """Weights from the pixels to forty units of the first layer, and above each its weights from the ten labels."""
    W1, used = run.params["W1"], run.data.train.x.any(axis=0)
    fig, axes = figure(5, 8, width=9.6, height=6.6)
    for ax, w in zip(axes.flat, W1.T[:: max(W1.shape[1] // 40, 1)], strict=False):
        field(ax, w, used, run.config.label_scale)
    save_figure(fig, path)


def field(ax, w, used, label_scale):
    """One unit's weights w (784,) from the pixels that are ever `used` (784,), red positive; the label's as a strip."""
    image, strip = np.where(used, w, 0).reshape(28, 28), label_scale * w[:N_CLASSES]
    picture = np.zeros((33, 30))
    picture[5:, 1:29] = image / np.abs(image).max()
    picture[:4] = np.repeat(strip, 3)[None] / np.abs(strip).max()
    ax.clear()
    ax.imshow(picture, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.axhline(4, color=COLORS["grey"], linewidth=0.6)
    ax.set(xticks=[], yticks=[])


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    run, outdir = record(config, options.seed, every=468), Path(options.outdir)
    draw_labels(run, outdir / "labelled_images.png")
    draw_goodness(run, outdir / "candidate_goodness.png")
    draw_curves(run, outdir / "training_curves.png")
    draw_receptive_fields(run, outdir / "receptive_fields.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
