"""Pictures of the multiplication problem: curve, predictions, sequences, the inside of the cells, the square."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from multiplication_problem import CHANCE_MSE, LENGTHS, PAPER_MSE, QUICK, Config, buffers, forward, test_set, train
from multiplication_problem import draw, layout, unpack
from shared import COLORS, curves, errors_in_one_line, figure, generators, plot_command, save_figure

HERE = Path(__file__).resolve().parent


def record(config, seed, every=10):
    """Train `seed`; returns step, loss, test_mse of every update, flat parameters of every `every`-th, the test set."""
    rows, thetas, at = [], [], []

    def on_step(step, info):
        rows.append((step, info["loss"], info["test_mse"]))
        if step % every == 0 or step == config.n_steps - 1:
            at.append(step)
            thetas.append(np.concatenate([p.ravel() for p in info["params"].values()]))

    train(config, generators(seed), on_step=on_step)
    step, loss, test_mse = (np.array(column) for column in zip(*rows, strict=True))
    test = test_set(config, generators(seed)["test"], np.float32)
    return SimpleNamespace(config=config, step=step, loss=loss, test_mse=test_mse, theta=thetas, at=np.array(at),
                           test=test)


def predictions(run, k=-1):
    """Outputs (n_test,) for the held-out sequences with the `k`-th recorded parameters; fills the test buffers."""
    return forward(unpack(run.theta[k], layout(run.config)), run.test.x, run.test.buffers)[:, 0]


def smooth(y, n=51):
    """Mean of each value and its neighbours, `n` in all."""
    y, n = np.asarray(y), min(n, len(y))
    return np.convolve(y, np.ones(n), "same") / np.convolve(np.ones_like(y), np.ones(n), "same")


def lines(ax, run, upto=None):
    """Training and held-out error on a log scale, with what guessing and the paper get."""
    series = {"training": (smooth(run.loss), COLORS["sky"]), "held out": (run.test_mse, COLORS["blue"])}
    curves(ax, run.step, series, xlabel="update", ylabel="mean squared error", upto=upto, yscale="log",
           ylim=(min(1e-4, 0.7 * run.test_mse.min()), 0.15))
    for value, text, color in ((CHANCE_MSE, "constant 1/4", "grey"), (PAPER_MSE, "paper", "red")):
        ax.axhline(value, color=COLORS[color], linestyle=":", linewidth=1.2)
        ax.text(run.step[-1], value * 1.06, text, color=COLORS[color], ha="right", fontsize=9)
    ax.legend(fontsize=9, loc="center right")


def scatter(ax, d, y):
    """Outputs against products."""
    ax.clear()
    ax.plot([0, 1], [0, 1], color=COLORS["grey"], linewidth=1)
    ax.plot(d, y, "o", ms=3, color=COLORS["blue"], alpha=0.6, mew=0)
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="product", ylabel="output", xticks=[0, 0.5, 1],
           yticks=[0, 0.5, 1])


def numbers(ax, x, d, y):
    """One sequence `x` (T, 3): its numbers as bars, the marked ones coloured, with product and output."""
    ax.clear()
    marked = x[:, 1] == 1
    ax.bar(range(len(x)), x[:, 0], color=[COLORS["orange"] if m else "#D5D5D5" for m in marked], width=0.85)
    for t in np.flatnonzero(marked):
        ax.text(t, x[t, 0] + 0.03, f"{x[t, 0]:.2f}", ha="center", fontsize=9, color=COLORS["orange"], weight="bold")
    ax.set(xlim=(-0.6, len(x) - 0.4), ylim=(0, 1.15), xticks=[], yticks=[0, 1])
    ax.set_title(f"product {d:.2f}, output {y:.2f}", fontsize=11)


def cells(ax, tanh_c, x):
    """The cells, tanh c (T, H), over time, with lines at the marks."""
    ax.clear()
    ax.imshow(tanh_c.T, aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    for t in np.flatnonzero(x[:, 1] == 1):
        ax.axvline(t, color=COLORS["orange"], linewidth=1.5)
    ax.set(xticks=[], yticks=[], xlabel="time", ylabel="cells, tanh c")


def draw_curve(run, path):
    """Error over the updates."""
    fig, ax = figure(width=6.5, height=3.8)
    lines(ax, run)
    save_figure(fig, path)


def draw_predictions(run, path):
    """Outputs against products before training and after."""
    fig, axes = figure(1, 2, width=8.2, height=4)
    for ax, k, name in zip(axes, (0, -1), ("before", "after"), strict=True):
        y = predictions(run, k)
        scatter(ax, run.test.d[:, 0], y)
        ax.set_title(f"{name}: error {np.mean((y - run.test.d[:, 0]) ** 2):.4f}")
    save_figure(fig, path)


def draw_samples(run, path):
    """Four held-out sequences with product and output."""
    y = predictions(run)
    fig, axes = figure(2, 2, width=10, height=4.6)
    for k, ax in enumerate(axes.flat):
        numbers(ax, run.test.x[:, k % run.config.n_test], run.test.d[k % len(y), 0], y[k % len(y)])
    fig.suptitle("the two marked numbers are to be multiplied, the grey ones ignored", fontsize=12)
    save_figure(fig, path)


def draw_inside(run, path):
    """One sequence: numbers, cell states, gates."""
    y, s = predictions(run), run.test.buffers
    fig, axes = figure(3, 1, width=8, height=6.6, height_ratios=(1, 1.3, 1.3))
    x = run.test.x[:, 0]
    numbers(axes[0], x, run.test.d[0, 0], y[0])
    cells(axes[1], s.tanh_c[:, :, 0], x)
    names = (("input gate, largest", s.i.max(axis=1), "green"), ("output gate, largest", s.o.max(axis=1), "purple"))
    if run.config.forget_gate:
        names += (("forget gate, mean (1 keeps)", s.f.mean(axis=1), "black"),)
    for name, gate, color in names:
        axes[2].plot(gate[:, 0], label=name, color=COLORS[color])
    for t in np.flatnonzero(x[:, 1] == 1):
        axes[2].axvline(t, color=COLORS["orange"], linewidth=1.5)
    axes[2].set(xlim=(-0.6, len(x) - 0.4), ylim=(0, 1.05), xlabel="time", ylabel="gates")
    fig.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    save_figure(fig, path)


def draw_square(run, path):
    """The output over all pairs of marked numbers, beside the product; the rest of the sequence is the same for all."""
    T, n = LENGTHS[run.config.preset][1], 21
    x = np.repeat(draw(np.random.default_rng(0), T, 1, np.float32)[0], n * n, axis=1)
    a, b = (grid.ravel() for grid in np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n)))
    first, second = np.flatnonzero(x[:, 0, 1] == 1)
    x[first, :, 0], x[second, :, 0] = a, b
    y = forward(unpack(run.theta[-1], layout(run.config)), x, buffers(run.config, T, n * n, np.float32))
    fig, axes = figure(1, 2, width=8.2, height=4)
    for ax, values, name in zip(axes, (a * b, y[:, 0]), ("product", "output"), strict=True):
        image = ax.contourf(values.reshape(n, n), levels=np.linspace(-0.05, 1.05, 23), extent=(0, 1, 0, 1))
        ax.set(xlabel="first marked number", ylabel="second marked number", title=name, aspect="equal")
    fig.colorbar(image, ax=axes, ticks=[0, 0.25, 0.5, 0.75, 1], shrink=0.85)
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, run = Path(options.outdir), record(config, options.seed)
    draw_curve(run, outdir / "training_curve.png")
    draw_predictions(run, outdir / "pred_vs_target.png")
    draw_samples(run, outdir / "sample_sequences.png")
    draw_inside(run, outdir / "cell_state.png")
    draw_square(run, outdir / "product_surface.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
