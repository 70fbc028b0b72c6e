"""Pictures of the family trees: the tree, the person code, its plane, curves, answers, facts that generalise."""

from pathlib import Path

import numpy as np
from family_trees import ENGLISH, ITALIAN, MARRIED, PEOPLE, QUICK, RELATIONS, Config, fact_table, features
from family_trees import CHILDREN, forward, metrics_of, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
FAMILY_COLORS = [COLORS["blue"], COLORS["red"]]  # English, Italian
MARKERS = ["s", "o", "^"]  # generations, the eldest first


def record(config, seed):
    """Train `seed`; returns a snapshot per tenth sweep: dicts of epoch, params, loss, train_accuracy, test_correct."""
    snapshots = []

    def on_step(epoch, info):
        params = {name: value[:1].copy() for name, value in info["params"].items()}
        snapshots.append({"epoch": epoch, "params": params, "held_out": info["held_out"][0],
                          **{name: info[name][0] for name in ("loss", "train_accuracy", "test_correct")}})

    train(config, generators(seed), on_step=on_step)
    return snapshots


def person_code(params):
    """The code (24, 6) of every person."""
    return np.tanh(params["Wp"] + params["bp"])[0]


def plane(snapshots):
    """Mean and first two principal directions of the final person code: the same plane for all frames."""
    code = person_code(snapshots[-1]["params"])
    centre = code.mean(axis=0)
    return centre, np.linalg.svd(code - centre)[2][:2].T


def scatter(ax, code, view, config, names=False):
    """The persons in the plane `view`: colour is the family, shape the generation; lines join counterparts."""
    centre, directions = view
    points, generation = (code - centre) @ directions, features(config.tree)["generation"]
    ax.clear()
    for i in range(12):
        ax.plot(*points[[i, i + 12]].T, color="#D5D5D5", linewidth=1, zorder=0)
    for i, point in enumerate(points):
        ax.plot(*point, MARKERS[generation[i]], ms=9, color=FAMILY_COLORS[i // 12], mec="white")
        if names:
            ax.annotate(PEOPLE[i], point, xytext=(6, 4), textcoords="offset points", fontsize=8)
    ax.set(xticks=[], yticks=[], xlabel="first principal direction", ylabel="second")


def legend(ax, loc="best", **layout):
    """Legend of `scatter`."""
    for i, family in enumerate(("English", "Italian")):
        ax.plot([], [], "o", color=FAMILY_COLORS[i], label=family)
    for marker, name in zip(MARKERS, ("grandparents", "parents", "children"), strict=True):
        ax.plot([], [], marker, color=COLORS["grey"], label=name)
    ax.legend(fontsize=9, loc=loc, **layout)


def unit_weights(axes, params, scale=None):
    """Weights from the 24 persons into each of the six units: English above Italian, as in the figure of 1986."""
    W = params["Wp"][0]
    for unit, ax in enumerate(axes):
        last = unit == len(axes) - 1
        hinton(ax, W[:, unit].reshape(2, 12), scale=scale or np.abs(W).max(), rows=["Eng.", "It."],
               cols=[f"{a} / {b}" for a, b in zip(ENGLISH, ITALIAN, strict=True)])
        ax.tick_params(axis="x", rotation=90, labelsize=8, labelbottom=last)
        ax.tick_params(axis="y", labelsize=8)
        ax.set_title(f"unit {unit + 1}", fontsize=10, pad=2)


def draw_tree(config, path):
    """The tree with both families' names."""
    fig, ax = figure(width=10, height=4.2)
    place, level = {}, {}
    couples = [(0, 1.5, 2), (1, 7.5, 2)]
    order = {"1986": [("Margaret", "Arthur"), ("Victoria", "James"), ("Jennifer", "Charles")],
             "two-daughters": [("James", "Victoria"), ("Arthur", "Margaret"), ("Jennifer", "Charles")]}[config.tree]
    for i, x, y in couples:
        place[MARRIED[i][0]], place[MARRIED[i][1]] = x, x + 1.6
        level[MARRIED[i][0]] = level[MARRIED[i][1]] = y
    for k, pair in enumerate(order):
        for j, person in enumerate(pair):
            place[person], level[person] = 0.3 + 3.8 * k + 1.6 * j, 1
    for person, x in zip(("Colin", "Charlotte"), (4.1, 5.7), strict=True):
        place[person], level[person] = x, 0
    for a, b in MARRIED:
        ax.plot([place[a], place[b]], [level[a]] * 2, color=COLORS["orange"], linewidth=3, zorder=0)
    for i, born in CHILDREN[config.tree].items():
        middle = np.mean([place[p] for p in MARRIED[i]])
        y = level[MARRIED[i][0]]
        for child in born:
            ax.plot([middle, middle, place[child], place[child]], [y, y - 0.45, y - 0.45, y - 1],
                    color=COLORS["grey"], zorder=-1)
    for person, twin in zip(ENGLISH, ITALIAN, strict=True):
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": COLORS["grey"]}
        ax.text(place[person], level[person], f"{person}\n{twin}", ha="center", va="center", fontsize=9, bbox=box)
    ax.set(xlim=(-0.6, 10.6), ylim=(-0.35, 2.35), title="one tree, two families (orange: married)")
    ax.axis("off")
    save_figure(fig, path)


def draw_weights(snapshots, path):
    """The six units' weights from the persons."""
    fig, axes = figure(6, 1, width=6.6, height=8.6)
    unit_weights(axes, snapshots[-1]["params"])
    fig.suptitle("weights from the persons into the six units (red +, blue -)", fontsize=11)
    save_figure(fig, path)


def draw_plane(config, snapshots, path):
    """The person code in its first two principal directions, before and after learning."""
    fig, axes = figure(1, 2, width=11, height=5)
    for ax, s in zip(axes, (snapshots[0], snapshots[-1]), strict=True):
        scatter(ax, person_code(s["params"]), plane([s]), config, names=True)
        ax.set_title(f"person code, sweep {s['epoch']}")
        ax.margins(0.12)
    legend(axes[0])
    save_figure(fig, path)


def draw_curves(config, snapshots, path):
    """Error, training facts and held-out facts right over the sweeps."""
    epochs = [s["epoch"] for s in snapshots]
    relaxed = [((1 - config.relax) * epochs[-1], "decay is let go", COLORS["orange"])]
    fig, axes = figure(1, 3, width=11, height=3.4)
    curves(axes[0], epochs, {"error E": ([s["loss"] for s in snapshots], COLORS["blue"])}, xlabel="sweep",
           ylabel="error E", marks=relaxed, yscale="log")
    curves(axes[1], epochs, {"": ([s["train_accuracy"] for s in snapshots], COLORS["black"])}, xlabel="sweep",
           ylabel="training facts right", marks=relaxed, ylim=(0, 1.05))
    curves(axes[2], epochs, {"": ([s["test_correct"] for s in snapshots], COLORS["green"])}, xlabel="sweep",
           ylabel=f"held-out facts right, of {config.n_test}", marks=relaxed, ylim=(0, config.n_test * 1.05))
    save_figure(fig, path)


def draw_answers(config, snapshots, path):
    """What the net answers to the held-out facts."""
    cases, x, answers = fact_table(config.tree)
    y = forward(snapshots[-1]["params"], x)[0][0]
    held_out = np.flatnonzero(snapshots[-1]["held_out"])[:4]
    fig, axes = figure(1, len(held_out), width=12, height=4.6)
    for ax, n in zip(np.atleast_1d(axes), held_out, strict=True):
        colors = [COLORS["green"] if right else COLORS["grey"] for right in answers[n]]
        ax.barh(range(24), y[n], color=colors)
        ax.set(xlim=(0, 1), ylim=(23.6, -0.6), xlabel="probability", title=f"{PEOPLE[cases[n][0]]},\n"
               f"{RELATIONS[cases[n][1]]}?")
        ax.set_yticks(range(24), PEOPLE, fontsize=8)
        for label, right in zip(ax.get_yticklabels(), answers[n], strict=True):
            label.set(color=COLORS["green"] if right else COLORS["black"], weight="bold" if right else "normal")
    save_figure(fig, path)


def draw_relations(config, result, path):
    """Held-out facts right per relation, all seeds of `result` together, and how many facts each seed has right."""
    n_seeds = len(result["theta"])
    relation = np.array([r for _, r in fact_table(config.tree)[0]])
    fig, (left, right) = figure(1, 2, width=11, height=4, width_ratios=(1.5, 1))
    for r, name in enumerate(RELATIONS):
        chosen = result["held_out"] & (relation == r)
        n, k = int(chosen.sum()), int((result["correct"] & chosen).sum())
        left.bar(name, k / max(n, 1), color=COLORS["green"])
        left.text(r, 0.02, f"{k}/{n}", ha="center", fontsize=9)
    left.tick_params(axis="x", rotation=45)
    left.set(ylim=(0, 1.05), ylabel="held-out facts right", title=f"by relation, {n_seeds} seeds together")
    scores = (result["correct"] & result["held_out"]).sum(axis=1)
    right.hist(scores, bins=np.arange(config.n_test + 2) - 0.5, color=COLORS["green"], rwidth=0.9)
    right.axvline(scores.mean(), color=COLORS["black"], linestyle="--", label=f"mean {scores.mean():.2f}")
    right.axvline(2, color=COLORS["red"], label="paper: 2")
    right.set(xlabel=f"held-out facts right, of {config.n_test}", ylabel="seeds")
    right.legend(fontsize=9)
    save_figure(fig, path)


def draw_probes(config, result, rngs, path):
    """Linear probes of the person code beside their chance level, each seed of `result` a point."""
    metrics = [metrics_of(result, i, config, rng) for i, rng in enumerate(rngs)]
    fig, ax = figure(width=6.5, height=3.6)
    for k, name in enumerate(features(config.tree)):
        values = [m[f"probe_{name}"] for m in metrics]
        spread = np.random.default_rng(0).uniform(-0.18, 0.18, len(values))
        ax.plot(k + spread, values, "o", color=COLORS["blue"], alpha=0.5, label=None if k else "a seed")
        ax.plot([k - 0.3, k + 0.3], [np.mean(values)] * 2, color=COLORS["black"], label=None if k else "mean")
        ax.plot([k - 0.3, k + 0.3], [np.mean([m[f"chance_{name}"] for m in metrics])] * 2, "--", color=COLORS["red"],
                label=None if k else "chance: shuffled labels")
    ax.set_xticks(range(3), list(features(config.tree)))
    ax.set(ylim=(0, 1.05), ylabel="left-out persons right", title=f"probes of the person code, {len(rngs)} seeds")
    ax.legend(fontsize=9, loc="lower left")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir = Path(options.outdir)
    rngs = [generators(seed) for seed in range(3 if options.quick else 30)]
    result = train(config, rngs)
    snapshots = record(config, options.seed)
    draw_tree(config, outdir / "tree.png")
    draw_weights(snapshots, outdir / "person_weights.png")
    draw_plane(config, snapshots, outdir / "person_plane.png")
    draw_curves(config, snapshots, outdir / "training_curves.png")
    draw_answers(config, snapshots, outdir / "held_out_answers.png")
    draw_relations(config, result, outdir / "relations.png")
    draw_probes(config, result, rngs, outdir / "probes.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
