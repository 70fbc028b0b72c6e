"""Pictures of timing-counting-spikes: trials, the cells at work, curves, weights, the other tasks, the lengths."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from timing_counting_spikes import QUICK, Config, buffers, evaluate, forward, test_set, train

from shared import COLORS, curves, errors_in_one_line, figure, generators, hinton, plot_command, save_figure

HERE = Path(__file__).resolve().parent
CELLS = {True: ("peephole", "blue"), False: ("plain", "red")}


def probes(config):
    """One sequence for every distance D: D (n,), first spike t1, x and target (T, n)."""
    D = np.arange(config.d_min, config.d_max + 1)
    t1, n = min(5, config.seq_len - 1 - 2 * config.d_max), np.arange(len(D))
    x, target = np.zeros((2, config.seq_len, len(D)), np.float32)
    x[t1], x[t1 + D, n], target[t1 + 2 * D, n] = 1, 1, 1
    return SimpleNamespace(D=D, t1=t1, x=x, target=target, buffers=buffers(config, len(x), len(D), x.dtype))


def record(config, seed, every=50):
    """Train `seed`; returns config, params, held-out test and the snapshots, one every so many updates.

    A snapshot has step, the metrics, and of msd y (T, n): the outputs over the probes.
    """
    config, snapshots = replace(config, eval_every=every), []
    probe = probes(config) if config.task == "msd" else None

    def snap(step, metrics, params):
        y = forward(params, probe.x, probe.buffers).copy() if probe else None
        snapshots.append({"step": step, "y": y, **{k: v for k, v in metrics.items() if np.isscalar(v)}})

    def on_step(step, info):
        if step % every == 0:
            snap(step, info, info["params"])

    params, metrics = train(config, generators(seed), on_step=on_step)
    snap(config.n_steps, metrics, params)
    test = test_set(config, generators(seed)["test"])
    evaluate(config, params, test)
    return SimpleNamespace(config=config, params=params, test=test, probe=probe, snapshots=snapshots)


def trial(ax, x, target, outputs):
    """One sequence (T,): input spikes in grey, the target in green, and `outputs` {label: (y, color)}."""
    ax.clear()
    ax.vlines(np.flatnonzero(x), 0, 1, color=COLORS["black"], linewidth=2.5, label="input spikes")
    ax.vlines(np.flatnonzero(target), 0, 1, color=COLORS["green"], linewidth=6, alpha=0.4, label="target")
    for k, (label, (y, color)) in enumerate(outputs.items()):  # the first shows below the others
        ax.plot(y, color=color, label=label, linewidth=1.2 if k else 1 + len(outputs))
    ax.set(xlim=(0, len(x)), ylim=(-0.3, 1.25), yticks=[0, 1])


def profile(ax, y, probe):
    """Outputs over all probes: a row per distance; a net that has learned draws the line t = 2D."""
    ax.clear()
    end = 2 * probe.D[-1] + 6
    ax.imshow(y[probe.t1 : probe.t1 + end].T, aspect="auto", origin="lower", cmap="Blues", vmin=0, vmax=1,
              extent=(-0.5, min(end, len(y) - probe.t1) - 0.5, probe.D[0] - 0.5, probe.D[-1] + 0.5),
              interpolation="nearest")
    ax.plot(np.zeros(2), probe.D[[0, -1]], color=COLORS["black"], linewidth=2.5)
    ax.plot(probe.D, probe.D, color=COLORS["black"], linewidth=2.5)
    ax.plot(2 * probe.D + 2.5, probe.D, color=COLORS["green"], linestyle=":", linewidth=2)
    ax.text(2, probe.D[-1] - 1, "first\nspike", va="top", fontsize=9)
    ax.text(probe.D[-1] - 7, probe.D[-1] - 1, "second\nspike", va="top", ha="right", fontsize=9)
    ax.text(2 * probe.D[-1] - 14, probe.D[-1] - 1, "answer\ndue", va="top", ha="right", fontsize=9,
            color=COLORS["green"])
    ax.set(xlabel="steps since the first spike", ylabel="distance D of the spikes")


def draw_trials(runs, path):
    """Four distances, the outputs of both cells."""
    probe = runs[True].probe
    fig, axes = figure(4, 1, width=9, height=6.4)
    for ax, k in zip(axes, np.linspace(0, len(probe.D) - 1, 4).astype(int), strict=True):
        outputs = {f"{CELLS[peep][0]} cell": (run.snapshots[-1]["y"][:, k], COLORS[CELLS[peep][1]])
                   for peep, run in runs.items()}
        trial(ax, probe.x[:, k], probe.target[:, k], outputs)
        ax.set_ylabel(f"D = {probe.D[k]}")
    axes[0].legend(fontsize=9, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))
    axes[-1].set_xlabel("time step")
    save_figure(fig, path)


def draw_profile(runs, path):
    """The outputs for every distance, both cells."""
    fig, axes = figure(1, 2, width=10.5, height=4)
    for ax, (peep, run) in zip(axes, runs.items(), strict=True):
        profile(ax, run.snapshots[-1]["y"], run.probe)
        ax.set_title(f"{CELLS[peep][0]} cells: output for every D")
    save_figure(fig, path)


def draw_cells(run, path):
    """States and output gates of all cells over the longest distance; the cells in the order of their weight."""
    forward(run.params, run.probe.x, run.probe.buffers)
    s, order = run.probe.buffers, np.argsort(-np.abs(run.params["Wy"][:, 0]))
    c, o = s.c[1:, order, -1].T, s.o[:, order, -1].T
    fig, axes = figure(3, 1, width=9, height=6.4, height_ratios=(1, 1.5, 1.5))
    trial(axes[0], run.probe.x[:, -1], run.probe.target[:, -1], {"output": (run.snapshots[-1]["y"][:, -1],
                                                                          COLORS["blue"])})
    axes[0].legend(fontsize=9, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    extent = (-0.5, len(c.T) - 0.5, len(c) - 0.5, -0.5)
    panels = ((c / np.abs(c).max(axis=1, keepdims=True), "state c, by its largest", "RdBu_r", -1),
              (o, "output gate o", "Greens", 0))
    for ax, (a, label, cmap, low) in zip(axes[1:], panels, strict=True):
        image = ax.imshow(a, aspect="auto", cmap=cmap, vmin=low, vmax=1, extent=extent, interpolation="nearest")
        ax.set(ylabel="cell", yticks=range(len(c)), yticklabels=order + 1)
        fig.colorbar(image, ax=ax, label=label)
    axes[-1].set_xlabel("time step")
    save_figure(fig, path)


def draw_curves(runs, path):
    """Held-out error and share of exact answers over the updates."""
    fig, axes = figure(1, 2, width=9.5, height=3.5)
    panels = (("test_mse", "held-out squared error", {"yscale": "log"}),
              ("solve_rate", "spikes at exactly the right step", {"ylim": (0, 1.03)}))
    for ax, (key, label, style) in zip(axes, panels, strict=True):
        series = {f"{CELLS[peep][0]} cells": ([s[key] for s in run.snapshots], COLORS[CELLS[peep][1]])
                  for peep, run in runs.items()}
        curves(ax, [s["step"] for s in runs[True].snapshots], series, xlabel="updates", ylabel=label, **style)
    silent = 1 / runs[True].config.seq_len
    axes[0].axhline(silent, color=COLORS["grey"], linestyle=":", label="silent net")
    axes[0].legend(fontsize=9)
    save_figure(fig, path)


def draw_weights(run, path):
    """What each cell gets: spike, bias and peephole of each gate, and its weight to the output."""
    p, H = run.params, run.config.n_hidden
    names = ("i", "f", "o", "g")
    rows = [p["Wx"][0, k * H : (k + 1) * H] for k in range(4)] + [p["Wx"][1, k * H : (k + 1) * H] for k in range(4)]
    labels = [f"spike to {n}" for n in names] + [f"bias of {n}" for n in names]
    rows += [p["p_i"], p["p_f"], p["p_o"], p["Wy"][:, 0]]
    labels += ["peephole p_i", "peephole p_f", "peephole p_o", "cell to output"]
    fig, (left, right) = figure(1, 2, width=10.5, height=4.4, width_ratios=(1, 2.2))
    hinton(left, rows, root=True, rows=labels, cols=range(1, H + 1), title="each cell's own weights")
    hinton(right, p["Wh"], root=True, rows=range(1, H + 1), title="h of the last step (rows) to i, f, o, g (columns)")
    right.set_xticks([k * H + (H - 1) / 2 for k in range(4)], names)
    for k in range(1, 4):
        right.axvline(k * H - 0.5, color="white", linewidth=2)
    save_figure(fig, path)


def draw_other_tasks(config, seed, path):
    """Generated spikes and waves, in training and for three times as long again."""
    tasks = {"spikes": {"task": "gts", "period": 10, "seq_len": min(100, config.seq_len)}, "cosine": {"task": "pfg"},
             "triangle": {"task": "pfg", "wave": "triangle"}}
    fig, axes = figure(len(tasks), 1, width=9.5, height=6)
    for ax, (label, fields) in zip(axes, tasks.items(), strict=True):
        run = record(replace(config, **fields), seed, every=config.n_steps)
        T = run.config.seq_len
        ax.axvspan(0, T, color="#EDEDED", label="trained steps")
        ax.plot(run.test.target[:, 0], color=COLORS["green"], linewidth=4, alpha=0.4, label="target")
        ax.plot(run.test.y[:, 0], color=COLORS["blue"], linewidth=1.2, label="output")
        ax.set(ylabel=label, xlim=(0, 4 * T), ylim=(-0.3, 1.3), yticks=[0, 1])
    axes[0].legend(fontsize=9, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    axes[-1].set_xlabel("time step")
    save_figure(fig, path)


def draw_lengths(path):
    """Share of exact answers over the length of the sequences, every seed of the records in this folder."""
    fig, ax = figure(width=7, height=3.8)
    ticks = []
    for file in ("results.json", "results-T300.json", "results-T600.json"):
        if not (HERE / file).exists():
            continue
        found = json.loads((HERE / file).read_text())
        T = found["config"]["seq_len"]
        ticks.append(T)
        for prefix, (label, color), side in (("", CELLS[True], -1), ("plain_", CELLS[False], 1)):
            rates = np.array([run["metrics"][f"{prefix}solve_rate"] for run in found["runs"]])
            at = len(ticks) + side * 0.12 + 0.08 * np.linspace(-1, 1, len(rates))
            named = f"{label} cells" if len(ticks) == 1 else None
            ax.plot(at, rates, "o", color=COLORS[color], ms=5, alpha=0.7, label=named)
    ax.set(xlabel="length T; distances from T / 5 to 2 T / 5", ylabel="spikes at exactly the right step",
           ylim=(-0.03, 1.05), xlim=(0.5, max(len(ticks), 2) + 0.5), xticks=range(1, len(ticks) + 1), xticklabels=ticks)
    if ticks:
        ax.legend(fontsize=9, loc="lower left")
    save_figure(fig, path)


@errors_in_one_line
def main(argv=None):
    """Draw all pictures; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, outdir=HERE / "viz")
    outdir = Path(options.outdir)
    runs = {peep: record(replace(config, task="msd", peep=peep), options.seed) for peep in CELLS}
    draw_trials(runs, outdir / "trials.png")
    draw_profile(runs, outdir / "profile.png")
    draw_cells(runs[True], outdir / "cells.png")
    draw_curves(runs, outdir / "training_curves.png")
    draw_weights(runs[True], outdir / "weights.png")
    draw_other_tasks(config, options.seed, outdir / "other_tasks.png")
    draw_lengths(outdir / "lengths.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
