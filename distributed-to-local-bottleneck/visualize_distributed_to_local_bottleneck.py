"""Pictures of the bottleneck: its four values, outputs over them, weights, curves, which spacings can be learned."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from distributed_to_local_bottleneck import GRADED, QUICK, Config, D, backward, forward, train
from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, n_parameters, plot_command
from shared import save_figure, unpack

HERE = Path(__file__).resolve().parent
CASES = ["00", "01", "10", "11"]
CASE_COLORS = [COLORS[name] for name in ("blue", "orange", "green", "purple")]


def further(config, sweeps=300):
    """`config` trained on past the criterion, so that the picture shows what stays."""
    return replace(config, n_hold=max(config.n_hold, sweeps))


def record(config, seed):
    """Train `seed`; returns a snapshot per sweep: dicts of epoch, params (1, ...), h (4,), loss, right and solved."""
    snapshots = []

    def on_step(epoch, info):
        params = {name: value[:1].copy() for name, value in info["params"].items()}
        snapshots.append({"epoch": epoch, "params": params, "h": info["h"][0].copy(), "loss": info["loss"][0],
                          "right": int(info["right"][0]), "solved": bool(info["solved"][0])})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def marks(snapshots):
    """The vertical line for `curves`: the criterion met."""
    solved = next((s["epoch"] for s in snapshots if s["solved"]), None)
    return [] if solved is None else [(solved, "solved", COLORS["black"])]


def hidden_curves(ax, snapshots, upto=None):
    """The bottleneck's value for each case over the sweeps, with the paper's four values."""
    series = {case: ([s["h"][i] for s in snapshots], CASE_COLORS[i]) for i, case in enumerate(CASES)}
    curves(ax, [s["epoch"] for s in snapshots], series, xlabel="sweep", ylabel="value of the hidden unit",
           ylim=(-0.03, 1.03), marks=marks(snapshots), upto=upto)
    for value in GRADED:
        ax.axhline(value, color=COLORS["grey"], linestyle=":", linewidth=1)


def outputs(ax, snapshot):
    """The four outputs as functions of the hidden value, and where the four cases lie."""
    params = snapshot["params"]
    upper = {f"{name[0]}{int(name[1]) - 1}": value for name, value in params.items() if int(name[1]) > 1}
    grid = np.linspace(0, 1, 201)[:, None]
    y = forward(upper, grid)[-1][0]
    ax.clear()
    for i, case in enumerate(CASES):
        ax.plot(grid[:, 0], y[:, i], color=CASE_COLORS[i], label=f"output {case}")
        ax.axvline(snapshot["h"][i], color=CASE_COLORS[i], linewidth=1, linestyle="--")
        ax.plot(snapshot["h"][i], -0.05, "^", color=CASE_COLORS[i], ms=9, clip_on=False)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.08, 1.05), xlabel="value of the hidden unit", ylabel="outputs")


def draw_values(config, path, n_seeds, hold):
    """The sorted hidden values of every seed: both nets, when solved and after further learning."""
    rows = [("2-1-4-4, solved", {}), ("2-1-4-4, later", {"n_hold": hold}), ("2-1-4, solved", {"arch": "2-1-4"}),
            ("2-1-4, later", {"arch": "2-1-4", "n_hold": hold})]
    fig, ax = figure(width=8, height=4.2)
    for row, (_, changes) in enumerate(rows):
        result = train(replace(config, **changes), [generators(seed) for seed in range(n_seeds)])
        h = np.sort(result["h"][result["converged"]], axis=1)
        spread = np.linspace(-0.25, 0.25, len(h))
        for k in range(4):
            ax.plot(h[:, k], row + spread, "o", ms=4, color=CASE_COLORS[k], alpha=0.7)
    for value in GRADED:
        ax.axvline(value, color=COLORS["grey"], linestyle=":", linewidth=1.3)
    ax.set_yticks(range(4), [name for name, _ in rows])
    ax.set(ylim=(3.5, -0.5), xlim=(-0.02, 1.02), xlabel="the four hidden values, sorted (dotted: the paper's)")
    save_figure(fig, path)


def draw_outputs(config, snapshots, other, path):
    """Outputs over the hidden value for both nets."""
    fig, axes = figure(1, 2, width=10, height=3.8)
    for ax, shots, name in zip(axes, (snapshots, other), ("2-1-4-4", "2-1-4"), strict=True):
        outputs(ax, shots)
        ax.set_title(f"{name}, sweep {shots['epoch']}: {shots['right']} of 4 largest")
    axes[1].legend(fontsize=8, loc="upper center")
    save_figure(fig, path)


def draw_curves(snapshots, other, path):
    """Hidden values and error over the sweeps, for both nets."""
    fig, axes = figure(2, 2, width=11, height=6.4)
    for row, shots, name in zip(axes, (snapshots, other), ("2-1-4-4", "2-1-4"), strict=True):
        hidden_curves(row[0], shots)
        row[0].set_title(f"{name}: the four values")
        curves(row[1], [s["epoch"] for s in shots], {"error E": ([s["loss"] for s in shots], COLORS["blue"])},
               xlabel="sweep", ylabel="error E", ylim=(0, None), marks=marks(shots))
    save_figure(fig, path)


def draw_weights(snapshots, path):
    """Weights and biases of every layer."""
    params = snapshots[-1]["params"]
    n_layers = len(params) // 2
    fig, axes = figure(1, n_layers, width=3.6 * n_layers, height=4.2)
    names = [["x1", "x2"], ["bottleneck"], ["u1", "u2", "u3", "u4"]]
    for i, ax in enumerate(axes, 1):
        table = np.concatenate([params[f"W{i}"][0], params[f"b{i}"][0]])
        cols = CASES if i == n_layers else names[i]
        title = f"layer {i} (largest {np.abs(table).max():.1f})"
        hinton(ax, table, rows=[*names[i - 1], "bias"], cols=cols, title=title)
    save_figure(fig, path)


def sweeps_of_spacing(config, values, seed):
    """Sweeps that the layers above need when the hidden values are fixed at `values` (S, 4); inf if over n_epochs."""
    names = {"W1": (1, 4), "b1": (1, 4), "W2": (4, 4), "b2": (1, 4)}
    start = generators(seed)["test"].uniform(-config.init_scale, config.init_scale, n_parameters(names))
    theta = np.tile(start, (len(values), 1))
    velocity, grad, needed = np.zeros_like(theta), np.empty_like(theta), np.full(len(values), np.inf)
    params, grads = unpack(theta, names), unpack(grad, names)
    for epoch in range(config.n_epochs):
        layers = forward(params, values[:, :, None])
        solved = np.abs(layers[-1] - D).max(axis=(1, 2)) < config.margin
        needed[solved & np.isinf(needed)] = epoch
        backward(params, D, layers, grads)
        velocity = config.momentum * velocity - config.lr * grad
        theta += velocity
    return needed


def draw_spacing(config, path, n_grid, n_seeds):
    """Which fixed spacings the upper layers can learn, and how fast; on top, where whole nets end."""
    axis = (np.arange(n_grid) + 0.5) / n_grid
    low, high = np.meshgrid(axis, axis, indexing="ij")
    keep = high > low
    values = np.stack([np.zeros(keep.sum()), low[keep], high[keep], np.ones(keep.sum())], axis=1)
    needed = np.full(keep.shape, np.nan)
    needed[keep] = sweeps_of_spacing(replace(config, n_epochs=min(config.n_epochs, 2000)), values, 0)
    result = train(config, [generators(seed) for seed in range(n_seeds)])
    h = np.sort(result["h"], axis=1)
    fig, ax = figure(width=6.4, height=4.8)
    shown = ax.imshow(np.where(np.isinf(needed), np.nan, needed).T, origin="lower", extent=(0, 1, 0, 1),
                      cmap="viridis_r", aspect="equal")
    fig.colorbar(shown, ax=ax, label="sweeps with these values fixed")
    ax.plot(h[:, 1], h[:, 2], "o", color=COLORS["red"], ms=5, label="learned, when solved")
    ax.plot(0.2, 0.6, "*", color=COLORS["black"], ms=14, label="paper")
    ax.plot(0.4, 0.8, "*", color=COLORS["black"], ms=14, mfc="none", label="its mirror image")
    ax.set(xlabel="second hidden value", ylabel="third hidden value")
    ax.legend(fontsize=9, loc="lower right")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, (n_seeds, n_grid, hold) = Path(options.outdir), (4, 6, 50) if options.quick else (30, 24, 5000)
    snapshots = record(further(config), options.seed)
    other = record(further(replace(config, arch="2-1-4"), min(hold, 1000)), options.seed)
    solved = next((s for s in other if s["solved"]), other[-1])
    draw_values(config, outdir / "hidden_values.png", n_seeds, hold)
    draw_outputs(config, snapshots[-1], solved, outdir / "outputs.png")
    draw_curves(snapshots, other, outdir / "training_curves.png")
    draw_weights(snapshots, outdir / "weights.png")
    draw_spacing(config, outdir / "spacing.png", n_grid, n_seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
