"""GIF of damage and recovery: what is read for the two words not rehearsed and four others, and the timeline."""

from pathlib import Path

from grapheme_sememe import N_OUT, QUICK, Config
from visualize_grapheme_sememe import record, spelling, stretched, strips, timeline, wrong

from shared import COLORS, errors_in_one_line, figure, frame, plot_command, save_gif

HERE = Path(__file__).resolve().parent
SAID = ("learning all twenty words", "damaged", "learning eighteen words again")
N_SHOWN = 6  # words


def frames(result, snapshots, config, every):
    """Images of the first learning and a few moments later, of the damage, and of every `every`-th cycle after it."""
    before = [s for s in snapshots if s["stage"] == 0]
    before = before[:20] + before[20::15]
    after = [s for s in snapshots if s["stage"] == 2]
    after = after[:: max(every, -(-len(after) // 60))]
    fig, (left, right) = figure(1, 2, width=10.5, height=3.8, width_ratios=(1.25, 1))
    fig.set_dpi(80)
    d = result["words"][1][0][:N_SHOWN]
    names = [f"{spelling(result, word)}{' *' if word < N_OUT else ''}" for word in range(N_SHOWN)]
    images = []
    for s in [*before, *[s for s in snapshots if s["stage"] == 1], *after]:
        strips(left, s["p"][:N_SHOWN], names, f"{SAID[s['stage']]}, cycle {s['epoch']}")
        wrong(left, s["p"][:N_SHOWN], d)
        left.set_xlabel("30 sememes of six words, dark is on (x: wrong; *: not rehearsed)")
        for label, word in zip(left.get_yticklabels(), range(N_SHOWN), strict=True):
            label.set_color(COLORS["red" if word < N_OUT else "blue"])
        timeline(right, snapshots, config, 0, upto=stretched(s, config))
        now = s["scores"]["unrehearsed"][0]
        right.set_title(f"words not rehearsed: {now:.0%} of sememes right", fontsize=11)
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "grapheme_sememe.gif", fps=8,
                                   snapshot_every=1)
    images = frames(*record(config, options.seed, every=5), config, options.snapshot_every)
    save_gif(options.out, images, fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
