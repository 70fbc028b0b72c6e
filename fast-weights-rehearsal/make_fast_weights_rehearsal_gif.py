"""GIF of the three phases: each pair of A and the mean recall, random patterns above, prototypes below."""

from pathlib import Path

from fast_weights_rehearsal import QUICK, Config
from visualize_fast_weights_rehearsal import PHASES, bars, kinds, record, timeline

from shared import errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent


def chosen(snapshots, every):
    """Indices of the frames: every sweep at the start of a phase and in the rehearsal, then every `every`-th."""
    return [i for i, s in enumerate(snapshots) if s["phase"] == 3 or s["sweep"] <= 8 or s["sweep"] % every == 0]


def frames(config, seed, every):
    """Images of the pairs of A and of the recall so far."""
    fig, axes = figure(2, 2, width=9.6, height=5.2, width_ratios=(1, 1.35))
    fig.set_dpi(80)
    runs = [(kind, record(kind, seed)) for kind in kinds(config)]
    images = []
    for i in chosen(runs[0][1], every):
        for k, ((left, right), (kind, snapshots)) in enumerate(zip(axes, runs, strict=True)):
            s = snapshots[i]
            bars(left, kind, s)
            left.set_title(f"{kind.patterns}: {PHASES[s['phase'] - 1]}, sweep {s['sweep']}")
            timeline(right, kind, snapshots, upto=s["time"], labels=k == 0)
        images += [frame(fig)] * (2 if s["phase"] == 3 else 1)
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "fast_weights_rehearsal.gif", fps=8,
                                   snapshot_every=4)
    save_gif(options.out, frames(config, options.seed, options.snapshot_every), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
