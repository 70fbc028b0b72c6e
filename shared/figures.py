"""One visual style for the whole catalog, and a GIF writer with one palette for all frames. Needs no display."""

import io
from pathlib import Path

import numpy as np

from .files import write_whole

# Okabe & Ito (2008): told apart by colour-blind readers. One colour, one meaning.
COLORS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "sky": "#56B4E9",
    "purple": "#CC79A7",
    "black": "#222222",
    "grey": "#9A9A9A",
}
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "figure.dpi": 100,
    "savefig.dpi": 130,
    "figure.constrained_layout.use": True,
}


def figure(n_rows=1, n_cols=1, *, width=9.0, height=3.6, **grid):
    """A figure in the common style, `width` by `height` inches; returns (figure, axes) like `plt.subplots`."""
    import matplotlib  # imported here so that a training script, which never draws, needs numpy alone

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(STYLE)
    return plt.subplots(n_rows, n_cols, figsize=(width, height), gridspec_kw=grid or None)


def hinton(ax, weights, *, scale=None, root=False, rows=None, cols=None, title=None):
    """Hinton diagram of `weights` (n_rows, n_cols): the area of a square is |w| (or its root), its colour the sign.

    A square that fills its cell has |w| = `scale` (default: the largest |w|); give it to compare panels or frames.
    `rows` and `cols` name the axes.
    """
    w = np.asarray(weights, dtype=float)
    size = np.sqrt(np.clip(np.abs(w) / (scale or np.abs(w).max() or 1.0), 0, 1))
    size = 0.92 * (np.sqrt(size) if root else size)
    ax.clear()
    ax.set(xlim=(-0.5, w.shape[1] - 0.5), ylim=(w.shape[0] - 0.5, -0.5), aspect="equal", facecolor="#EDEDED")
    for (i, j), s in np.ndenumerate(size):
        color = COLORS["red"] if w[i, j] > 0 else COLORS["blue"]
        ax.barh(i, s, height=s, left=j - s / 2, color=color, linewidth=0)
    ax.set_xticks(range(w.shape[1]), cols if cols is not None else range(w.shape[1]))
    ax.set_yticks(range(w.shape[0]), rows if rows is not None else range(w.shape[0]))
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if title:
        ax.set_title(title)


def curves(ax, x, series, *, xlabel, ylabel, marks=(), upto=None, **axes):
    """Training curves: `series` is {label: (y, color)} over `x`; `marks` are vertical lines (x, label, color).

    `upto` draws only the points with x <= upto, on axes that already have their final extent (for animations).
    """
    ax.clear()
    shown = slice(None) if upto is None else slice(0, int(np.searchsorted(x, upto, side="right")))
    for label, (y, color) in series.items():
        named = label if len(series) > 1 else None  # a single curve is named by its axis
        ax.plot(np.asarray(x)[shown], np.asarray(y)[shown], label=named, color=color)
    told = set()
    for at, label, color in marks:
        if upto is None or at <= upto:
            ax.axvline(at, color=color, linestyle="--", linewidth=1.3, label=None if label in told else label)
            told.add(label)
    low, high = min(x), max(x)
    ax.set(xlabel=xlabel, ylabel=ylabel, **{"xlim": (low, high if high > low else low + 1), **axes})
    if len(series) > 1 or told:
        ax.legend(fontsize=9)


def frame(fig):
    """The figure as an image (height, width, 3) uint8."""
    fig.canvas.draw()
    return np.asarray(fig.canvas.buffer_rgba())[..., :3].copy()


def save_figure(fig, path):
    """Write the figure to `path` (format by its suffix), whole or not at all, and close it."""
    import matplotlib.pyplot as plt

    write_whole(path, lambda temporary: fig.savefig(temporary))
    plt.close(fig)


def save_gif(path, frames, *, fps=12, hold=2.0, n_colors=96):
    """Write `frames` (equal-sized uint8 images) as an endless GIF; the last stands for `hold` seconds.

    All frames share one palette, made from every eighth frame, the last, and the catalog's colours (thin lines would
    lose theirs to the large areas): unchanged pixels then stay the same from frame to frame, and the file small.
    """
    from PIL import Image, ImageColor

    images = [Image.fromarray(f) for f in frames]
    sample = Image.fromarray(np.concatenate([*frames[::8], frames[-1]]))
    colors = sample.quantize(n_colors, dither=Image.Dither.NONE).getpalette()[: 3 * n_colors]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colors + [c for name in COLORS.values() for c in ImageColor.getrgb(name)])
    images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    durations = [round(1000 / fps)] * (len(images) - 1) + [round(1000 * hold)]
    buffer = io.BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=False)
    write_whole(Path(path), lambda temporary: temporary.write_bytes(buffer.getvalue()))
