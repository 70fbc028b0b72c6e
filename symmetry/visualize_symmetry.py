"""Pictures of mirror symmetry learned by back-propagation: weights, their ratios, net inputs, curves, codes."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure
from shared import unpack
from symmetry import QUICK, D, Config, code_of, forward, inputs, layout, train

HERE = Path(__file__).resolve().parent
PALINDROME = D[:, 0] > 0.5
BITS = [f"x{i + 1}" for i in range(6)]


def record(config, seed):
    """Train `seed`; returns a snapshot per sweep: dicts of epoch, params, ratios, loss, correct."""
    snapshots = []

    def on_step(epoch, info):
        params = {name: value[:1].copy() for name, value in info["params"].items()}
        ratios = code_of(params["W1"][0])[1].mean(axis=0)
        snapshots.append({"epoch": epoch, "params": params, "ratios": ratios, "loss": info["loss"][0],
                          "correct": 64 - info["wrong"][0]})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def further(config):
    """`config` trained past the criterion, to outputs within 0.1, so that the picture shows the solution formed."""
    return replace(config, margin=min(config.margin, 0.1))


def marks(snapshots):
    """Vertical line for `curves`: the criterion met."""
    solved = next((s["epoch"] for s in snapshots if s["correct"] == 64), None)
    return [] if solved is None else [(solved, "all 64 right", COLORS["green"])]


def weight_squares(ax, params, scale=None, title=None):
    """Hinton diagram of the weights into the hidden units, with the middle of the row marked."""
    hinton(ax, params["W1"][0].T, rows=["h1", "h2"], cols=BITS, scale=scale, title=title)
    ax.axvline(2.5, color=COLORS["black"], linestyle="--", linewidth=1)


def number_line(ax, params, x, limit=None):
    """Net input of each hidden unit, without its bias, for all 64 cases: palindromes cancel, the others do not."""
    ax.clear()
    net = x @ params["W1"][0]  # (64, 2)
    limit = limit or 1.05 * np.abs(net).max()
    for j in range(2):
        for chosen, color, label in ((~PALINDROME, "sky", "56 others"), (PALINDROME, "red", "8 palindromes")):
            ax.plot(net[chosen, j], np.full(chosen.sum(), 1.0 - j), "|", ms=26, mew=2.2, color=COLORS[color],
                    label=None if j else label)
    ax.set(xlim=(-limit, limit), ylim=(-0.6, 1.9), yticks=[1, 0], yticklabels=["h1", "h2"], xlabel="net input")
    ax.legend(fontsize=9, ncols=2, loc="upper center")


def draw_weights(config, snapshots, path):
    """Hinton diagram of the weights into the hidden units, and of those into the output."""
    params = snapshots[-1]["params"]
    fig, (left, right) = figure(1, 2, width=9.0, height=2.7, width_ratios=(6, 3))
    weight_squares(left, params, title="weights into the hidden units (red +, blue -)")
    outward = np.concatenate([params["W2"][0].T, params["b2"][0]], axis=1)
    hinton(right, outward, rows=["out"], cols=["h1", "h2", "bias"], title="weights into the output")
    left.set_xlabel(f"largest square: {np.abs(params['W1']).max():.1f}")
    right.set_xlabel(f"largest square: {np.abs(outward).max():.1f}")
    save_figure(fig, path)


def draw_ratio(config, snapshots, path):
    """Size of each weight, and the three sizes in ascending order beside 1 : 2 : 4."""
    W1 = snapshots[-1]["params"]["W1"][0]
    fig, (left, right) = figure(1, 2, width=9.0, height=3.4, width_ratios=(6, 4))
    at = np.arange(6)
    for j, color in enumerate(("blue", "orange")):
        left.bar(at + 0.4 * j - 0.2, np.abs(W1[:, j]), 0.38, color=COLORS[color], label=f"h{j + 1}")
    left.axvline(2.5, color=COLORS["black"], linestyle="--", linewidth=1)
    left.set(xticks=at, xticklabels=BITS, ylabel="|weight|", title="sizes mirror each other")
    left.legend(fontsize=9)
    sizes = np.sort(np.abs(W1).mean(axis=1))[::2]
    right.bar(np.arange(3) - 0.2, sizes / sizes[0], 0.38, color=COLORS["purple"], label="learned")
    right.bar(np.arange(3) + 0.2, [1, 2, 4], 0.38, color=COLORS["grey"], label="1 : 2 : 4")
    right.set(xticks=range(3), xticklabels=["small", "middle", "large"], ylabel="relative to the smallest",
              title="one pair against the next")
    right.legend(fontsize=9)
    save_figure(fig, path)


def draw_net_inputs(config, snapshots, path):
    """Net inputs of the 64 cases, and the activations that come of them."""
    params, x = snapshots[-1]["params"], inputs(config)
    fig, (top, bottom) = figure(2, 1, width=8.0, height=5.4)
    number_line(top, params, x)
    top.set_title("bits weighed against their mirror images: palindromes cancel")
    f = forward(params, x)[1][0]
    order = np.lexsort((x @ params["W1"][0, :, 0], ~PALINDROME))
    for j, color in enumerate(("blue", "orange")):
        bottom.bar(np.arange(64) + 0.45 * j - 0.22, f[order, j], 0.45, color=COLORS[color], label=f"h{j + 1}")
    bottom.axvline(7.5, color=COLORS["red"], linewidth=1.3)
    bottom.set(xlabel="cases: the 8 palindromes (left of the line), then the others by net input of h1",
               ylabel="activation", xlim=(-1, 64), ylim=(0, 1.25), xticks=[])
    bottom.legend(fontsize=9, ncols=2, loc="upper center")
    save_figure(fig, path)


def draw_curves(config, snapshots, path):
    """Error, cases right and the two ratios over the sweeps."""
    epochs = [s["epoch"] for s in snapshots]
    fig, axes = figure(1, 3, width=11, height=3.4)
    panels = (("loss", "error E", "blue"), ("correct", "cases right", "black"))
    for ax, (key, label, color) in zip(axes[:2], panels, strict=True):
        y = [s[key] for s in snapshots]
        curves(ax, epochs, {label: (y, COLORS[color])}, xlabel="sweep", ylabel=label, marks=marks(snapshots),
               ylim=(0, 1.08 * max(y)))
    ratios = np.array([s["ratios"] for s in snapshots])
    series = {"middle : small": (ratios[:, 0], COLORS["purple"]), "large : middle": (ratios[:, 1], COLORS["orange"])}
    curves(axes[2], epochs, series, xlabel="sweep", ylabel="ratio of sizes", ylim=(0, 4), marks=marks(snapshots))
    axes[2].axhline(2, color=COLORS["grey"], linewidth=1)
    save_figure(fig, path)


def draw_codes(config, path, n_seeds):
    """The two ratios of `n_seeds` networks: which code each has found."""
    result = train(config, [generators(seed) for seed in range(n_seeds)])
    codes = [code_of(W1)[1].mean(axis=0) for W1 in unpack(result["theta"], layout(config))["W1"]]
    ratios = np.array(codes)[result["converged"]].reshape(-1, 2)
    exceeds = ratios[:, 0] * ratios[:, 1] > 1 + ratios[:, 0]
    fig, ax = figure(width=6.2, height=4.2)
    for chosen, color, sign in ((exceeds, "blue", ">"), (~exceeds, "orange", "<")):
        ax.plot(*ratios[chosen].T, "o", ms=5, alpha=0.6, mec="none", color=COLORS[color],
                label=f"large {sign} small + middle: {chosen.sum()} of {n_seeds}")
    for x, y, name in ((2, 2, "1 : 2 : 4"), (3 / 2, 4 / 3, "2 : 3 : 4")):
        ax.plot(x, y, "+", ms=16, mew=2.5, color=COLORS["black"])
        ax.annotate(name, (x, y), textcoords="offset points", xytext=(9, -14))
    ax.set(xlabel="middle : small", ylabel="large : middle", xlim=(1, 2.6), ylim=(1, 3),
           title=f"{result['converged'].sum()} of {n_seeds} seeds solved, by two codes")
    ax.legend(fontsize=9, loc="upper left")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 10 if options.quick else 300
    snapshots = record(further(config), options.seed)
    draw_weights(config, snapshots, outdir / "weights.png")
    draw_ratio(config, snapshots, outdir / "ratio.png")
    draw_net_inputs(config, snapshots, outdir / "net_inputs.png")
    draw_curves(config, snapshots, outdir / "training_curves.png")
    draw_codes(config, outdir / "codes.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
