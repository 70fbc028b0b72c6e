"""Pictures of the shift register: recurrent weights along the chain, projections, states, curves, pull, sweep."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from recurrent_shift_register import QUICK, Config, draw, forward, train
from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
DELAY_COLORS = ["blue", "orange", "green", "purple", "sky", "red"]


def further(config):
    """`config` with a stricter criterion, so that the picture shows the register formed; one that is met in time."""
    return replace(config, max_leak=min(config.max_leak, 0.02))


def record(config, seed):
    """Train `seed`; returns a snapshot per sweep: dicts of sweep, loss, params, right, leak and pulled."""
    snapshots = []

    def on_step(step, info):
        snapshots.append({"sweep": step, "params": {name: value[0].copy() for name, value in info["params"].items()},
                          "loss": info["loss"][0], "right": info["right"][0].copy(), "leak": info["leak"][0],
                          "is_shift": info["is_shift_matrix"][0] and info["converged"][0],
                          "pulled": bool(info["pulled"][0])})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def chain(W):
    """The units in the order in which a bit passes them: the path of largest weights through `W` (N, N), greedily."""
    size, N = np.abs(W), len(W)
    head = int(size.sum(axis=0).argmin())  # the unit that listens to no other
    order = [head]
    while len(order) < N:
        rest = [j for j in range(N) if j not in order]
        order.append(max(rest, key=lambda j: size[order[-1], j]))
    return order


def marks(snapshots):
    """Vertical lines for `curves`: the pull sets in, the criterion is met."""
    lines = [(next((s["sweep"] for s in snapshots if s["pulled"]), None), "pull sets in", COLORS["orange"]),
             (next((s["sweep"] for s in snapshots if s["is_shift"]), None), "shift matrix", COLORS["green"])]
    return [line for line in lines if line[0] is not None]


def recurrent(ax, W, order, title, scale=None):
    """Recurrent weights with the units sorted along the chain: a register is a line above the diagonal."""
    names = [str(i) for i in order]
    hinton(ax, W[np.ix_(order, order)], rows=names, cols=names, scale=scale, title=title)
    ax.set(xlabel="into unit", ylabel="from unit")


def states(ax, snapshot, order, config, n_shown=24):
    """Input and states of the units over time, sorted along the chain; signs as the input writes them."""
    x = draw([generators(1)], "test", 1, replace(config, seq_len=n_shown))
    params = {name: value[None] for name, value in snapshot["params"].items()}
    h = forward(params, x)[1][1:, 0, 0, order]
    sign = np.sign([np.sum(h[d:, d] * x[: n_shown - d, 0, 0, 0]) for d in range(len(order))])
    rows = np.concatenate([x[:, 0, 0], h * np.where(sign == 0, 1, sign)], axis=1).T
    ax.clear()
    ax.imshow(rows, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    ax.axhline(0.5, color="white", linewidth=4)
    ax.set_yticks(range(len(rows)), ["input", *(f"unit {i}" for i in order)])
    ax.set_xlabel("time")


def draw_recurrent_weights(runs, path):
    """Recurrent weights at the start, when all outputs are right, and at the end; a row per size of the net."""
    fig, axes = figure(len(runs), 3, width=10, height=3.6 * len(runs))
    for row, snapshots in zip(np.atleast_2d(axes), runs, strict=True):
        order = chain(snapshots[-1]["params"]["W_hh"])
        right = next((s for s in snapshots if (s["right"] == 1).all()), snapshots[-1])
        for ax, s, name in zip(row, (snapshots[0], right, snapshots[-1]), ("start", "all outputs right", "end"),
                               strict=True):
            recurrent(ax, s["params"]["W_hh"], order, f"{name}, sweep {s['sweep']}")
    save_figure(fig, path)


def draw_projections(snapshots, path):
    """Where the input writes, and where each delay reads."""
    params, order = snapshots[-1]["params"], chain(snapshots[-1]["params"]["W_hh"])
    fig, (left, right) = figure(1, 2, width=7, height=3.6, width_ratios=(1, 3))
    names = [str(i) for i in order]
    hinton(left, params["W_xh"][:, order].T, rows=names, cols=["input"], title="from the input")
    left.set_ylabel("into unit")
    delays = range(1, len(order))
    hinton(right, params["W_hy"][order], rows=names, cols=delays, title="to the outputs (red +, blue -)")
    right.set(xlabel="delay", ylabel="from unit")
    save_figure(fig, path)


def draw_states(config, snapshots, path):
    """States over time at the end, for bits never trained on."""
    fig, ax = figure(width=8.5, height=3.2)
    states(ax, snapshots[-1], chain(snapshots[-1]["params"]["W_hh"]), config)
    ax.set_title("each unit holds the bit of the one above, a step later (red +1, blue -1)")
    save_figure(fig, path)


def panels(axes, snapshots, upto=None):
    """Share of right outputs per delay, and the leak, over the sweeps."""
    sweeps, right = [s["sweep"] for s in snapshots], np.array([s["right"] for s in snapshots])
    series = {f"delay {d + 1}": (right[:, d], COLORS[DELAY_COLORS[d % 6]]) for d in range(right.shape[1])}
    curves(axes[0], sweeps, series, xlabel="sweep", ylabel="share of outputs right", ylim=(0.3, 1.03), upto=upto)
    curves(axes[1], sweeps, {"leak": ([s["leak"] for s in snapshots], COLORS["purple"])}, xlabel="sweep",
           ylabel="leak of the shift matrix", ylim=(0, 1.03), marks=marks(snapshots), upto=upto)


def draw_curves(snapshots, path):
    """Loss, share right per delay, and leak over the sweeps."""
    fig, axes = figure(1, 3, width=12, height=3.5)
    curves(axes[0], [s["sweep"] for s in snapshots], {"loss": ([s["loss"] for s in snapshots], COLORS["blue"])},
           xlabel="sweep", ylabel="error E", ylim=(0, None))
    panels(axes[1:], snapshots)
    save_figure(fig, path)


def draw_pull(config, path, n_seeds):
    """What the pull is for: leak against share of outputs right, without it, from the start, and while all is right."""
    kinds = {"no pull": replace(config, l1=0.0), "pull from the start": replace(config, l1_from=0.0),
             "pull while all is right": config}
    fig, axes = figure(1, 3, width=11, height=3.6)
    for ax, (name, chosen), color in zip(axes, kinds.items(), ("grey", "red", "green"), strict=True):
        result = train(chosen, [generators(seed) for seed in range(n_seeds)])
        solved = int((result["converged"] & result["is_shift_matrix"]).sum())
        ax.plot(result["right"].mean(axis=1), result["leak"], "o", color=COLORS[color], alpha=0.6, clip_on=False)
        ax.axhline(config.max_leak, color=COLORS["black"], linestyle="--", linewidth=1)
        ax.set(xlim=(0.45, 1.01), ylim=(0, 1.03), title=f"{name}: {solved} of {n_seeds} registers",
               xlabel="share of outputs right")
    axes[0].set_ylabel("leak (register: below the line)")
    save_figure(fig, path)


def draw_sweep(config, path, n_seeds):
    """How many sweeps each of `n_seeds` seeds needs, for nets of 3, 5 and 10 units, beside the paper's bound."""
    sizes = (3, 5, 10)
    fig, axes = figure(3, 1, width=7, height=5.2, hspace=0.05)
    for ax, n_hidden, color in zip(axes, sizes, ("sky", "blue", "purple"), strict=True):
        result = train(replace(config, n_hidden=n_hidden), [generators(seed) for seed in range(n_seeds)])
        solved = result["converged"] & result["is_shift_matrix"]
        ax.hist(result["sweeps"][solved], bins=np.arange(0, config.n_steps + 1, 10), color=COLORS[color])
        ax.axvline(200, color=COLORS["red"], label="paper: less than 200")
        ax.axvline(np.median(result["sweeps"]), color=COLORS["black"], linestyle="--",
                   label=f"our median: {np.median(result['sweeps']):.0f}")
        ax.set(xlim=(0, config.n_steps), ylabel="seeds")
        ax.set_title(f"{n_hidden} units: {solved.sum()} of {n_seeds} registers", fontsize=11)
        ax.legend(fontsize=9)
    axes[-1].set_xlabel("sweeps until all outputs are right and the weights are a shift matrix")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, n_seeds = Path(options.outdir), 4 if options.quick else 30
    snapshots = record(further(config), options.seed)
    small = record(further(replace(config, n_hidden=3)), options.seed)
    draw_recurrent_weights([small, snapshots], outdir / "recurrent_weights.png")
    draw_projections(snapshots, outdir / "projections.png")
    draw_states(config, snapshots, outdir / "states.png")
    draw_curves(snapshots, outdir / "training_curves.png")
    draw_pull(config, outdir / "pull.png", n_seeds)
    draw_sweep(config, outdir / "sweep.png", n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
