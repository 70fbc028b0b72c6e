"""Pictures of three-bit parity: distributions with and without a hidden unit, curves, weights, units needed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from encoder_3_parity import EVEN, PAIRS, QUICK, STATES, TARGET, Config, layout, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure, unpack

HERE = Path(__file__).resolve().parent
NAMES = ["".join(map(str, state)) for state in STATES]
KINDS = {"without hidden units": "red", "with": "blue"}  # the two machines of most pictures


def record(config, seed):
    """Train `seed`; returns a snapshot per cycle: a dict of epoch, theta, p (8,), kl, p_even and solved."""
    snapshots = []

    def on_step(epoch, info):
        snapshots.append({"epoch": epoch, "theta": info["theta"][:1].copy(), "p": np.exp(info["log_p"][0]),
                          **{name: info[name][0] for name in ("kl", "p_even", "solved")}})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def both(config, seed):
    """{title: snapshots} of the machine without hidden units, and of `config`, which has one at least."""
    config = replace(config, n_hidden=max(config.n_hidden, 1))
    bare = replace(config, n_hidden=0, algorithm="exact")
    unit = "one hidden unit" if config.n_hidden == 1 else f"{config.n_hidden} hidden units"
    return {"no hidden unit": record(bare, seed), unit: record(config, seed)}


def bars(ax, p, title):
    """P(v) of the eight visible states (8,); the even ones are green."""
    ax.clear()
    ax.bar(NAMES, p, color=[COLORS["green" if even else "red"] for even in EVEN])
    for x, goal in enumerate(TARGET):
        ax.plot([x - 0.45, x + 0.45], [goal, goal], color=COLORS["black"], linewidth=1.6)
    ax.set(ylim=(0, 0.36), yticks=[0, 0.125, 0.25], xlabel="state of the three visible units", title=title)
    ax.tick_params(axis="x", labelsize=9)


def draw_distributions(runs, path):
    """P(v) at the end of each run of `runs`, beside the patterns."""
    fig, axes = figure(1, len(runs), width=4.6 * len(runs), height=3.4)
    for ax, (title, snapshots) in zip(axes, runs.items(), strict=True):
        bars(ax, snapshots[-1]["p"], f"{title}: even patterns {snapshots[-1]['p_even']:.3f}")
    axes[0].set_ylabel("P(v) (black line: wanted)")
    save_figure(fig, path)


def draw_curves(runs, path):
    """KL divergence and probability of the even patterns over the learning cycles, on a logarithmic axis."""
    fig, axes = figure(1, 2, width=9.5, height=3.6)
    panels = (("kl", "KL divergence (nats)", np.log(2), "ln 2"), ("p_even", "probability of even patterns", 0.5, ""))
    for ax, (key, label, floor, name) in zip(axes, panels, strict=True):
        series = {title: ([s[key] for s in snapshots], COLORS[color])
                  for (title, snapshots), color in zip(runs.items(), KINDS.values(), strict=True)}
        epochs = [s["epoch"] + 1 for s in next(iter(runs.values()))]
        curves(ax, epochs, series, xlabel="learning cycle", ylabel=label, xscale="log", ylim=(0, 1.25 * max(1, floor)))
        ax.axhline(floor, color=COLORS["grey"], linestyle=":")
        ax.text(epochs[-1], floor + 0.02, name, color=COLORS["grey"], ha="right", fontsize=9)
    save_figure(fig, path)


def draw_weights(snapshots, config, path):
    """Hinton diagram of all connections at the end: visible units among each other, to the hidden ones, biases."""
    params = {name: x[0] for name, x in unpack(snapshots[-1]["theta"], layout(config)).items()}
    table = np.zeros((3, 3 + config.n_hidden))
    for (i, j), w in zip(PAIRS, params.get("L", np.zeros(3)), strict=True):
        table[i, j] = table[j, i] = w
    table[:, 3:] = params["W"]
    table = np.column_stack([np.vstack([table, [*params["b_v"], *params["b_h"][0]]])])
    fig, ax = figure(width=5.2, height=4.2)
    hinton(ax, table, rows=["v1", "v2", "v3", "bias"], cols=["v1", "v2", "v3", *(f"h{j + 1}" for j in range(
        config.n_hidden))], title=f"weights (red +, blue -; largest {np.abs(table).max():.1f})")
    save_figure(fig, path)


def draw_hidden_units(path):
    """KL divergence of every seed by number of hidden units and wiring, from the records in this folder."""
    found = [json.loads(file.read_text()) for file in sorted(HERE.glob("results*.json"))]
    found = [r for r in found if r["config"]["units"] == "signed" and r["config"]["algorithm"] == "exact"]
    fig, ax = figure(width=8, height=3.8)
    for offset, (wiring, color) in enumerate((("paper", "blue"), ("bipartite", "orange"))):
        mine = sorted((r for r in found if r["config"]["connections"] == wiring), key=lambda r: r["config"]["n_hidden"])
        for r in mine:
            kl = np.array([run["metrics"]["kl"] for run in r["runs"]])
            x = r["config"]["n_hidden"] + 0.24 * offset - 0.12 + np.linspace(-0.07, 0.07, len(kl))
            ax.plot(x, kl, "o", ms=3, color=COLORS[color], alpha=0.6)
        ax.plot([], [], "o", color=COLORS[color], label={
            "paper": "visible units connected (1985)", "bipartite": "bipartite"}[wiring])
    for y, name in ((np.log(2), "ln 2: uniform"), (0.02, "solved below")):
        ax.axhline(y, color=COLORS["grey"], linestyle=":")
        ax.text(6.45, y * 1.18, name, color=COLORS["grey"], ha="right", fontsize=9)
    ax.set(yscale="log", xlabel="hidden units", ylabel="KL divergence (nats), a dot per seed", xlim=(-0.5, 6.5))
    ax.legend(fontsize=9, loc="lower left")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir, config = Path(options.outdir), replace(config, n_hidden=max(config.n_hidden, 1))
    runs = both(config, options.seed)
    draw_distributions(runs, outdir / "distributions.png")
    draw_curves(runs, outdir / "training_curves.png")
    draw_weights(list(runs.values())[1], config, outdir / "weights.png")
    draw_hidden_units(outdir / "hidden_units.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
