"""GIF of timing-counting-spikes: the outputs for every distance, one trial, and the error, update by update."""

from dataclasses import replace
from pathlib import Path

from timing_counting_spikes import QUICK, Config
from visualize_timing_counting_spikes import profile, record, trial

from shared import COLORS, curves, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def frames(run, every):
    """Images of every `every`-th update and the last."""
    fig, axes = figure(2, 2, width=9.4, height=4.4, width_ratios=(1.15, 1))
    fig.set_dpi(80)
    grid = axes[0, 0].get_gridspec()
    for ax in axes[:, 0]:
        ax.remove()
    left, (top, bottom) = fig.add_subplot(grid[:, 0]), axes[:, 1]
    steps, k = [s["step"] for s in run.snapshots], len(run.probe.D) // 2
    series = {"exactly right": ([s["solve_rate"] for s in run.snapshots], COLORS["blue"]),
              "error / that of silence": ([s["test_mse"] * run.config.seq_len for s in run.snapshots], COLORS["red"])}
    images = []
    for s in run.snapshots:
        if s["step"] % every and s is not run.snapshots[-1]:
            continue
        profile(left, s["y"], run.probe)
        left.set_title("output for every distance")
        trial(top, run.probe.x[:, k], run.probe.target[:, k], {"output": (s["y"][:, k], COLORS["blue"])})
        top.set(title=f"update {s['step']}: D = {run.probe.D[k]}", xlabel="time step")
        top.legend(fontsize=8, ncols=3, loc="upper right", columnspacing=1, handlelength=1.2)
        top.set_ylim(-0.3, 1.7)
        curves(bottom, steps, series, xlabel="updates", ylabel="held out", upto=s["step"], ylim=(0, 1.1))
        bottom.legend(fontsize=8, loc="center right")
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "timing_counting_spikes.gif", fps=8,
                                   snapshot_every=50)
    every = max(options.snapshot_every, -(-config.n_steps // 110))
    run = record(replace(config, task="msd"), options.seed, every=every)
    save_gif(options.out, frames(run, every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
