"""GIF of a shift register that forms: recurrent weights along the chain, states over time, outputs right and leak."""

from pathlib import Path

import numpy as np

from recurrent_shift_register import QUICK, Config
from shared import errors_in_one_line, figure, frame, plot_command, save_gif
from visualize_recurrent_shift_register import chain, further, panels, record, recurrent, states

HERE = Path(__file__).resolve().parent


def frames(snapshots, every, config):
    """Images of every `every`-th snapshot and the last; units stand in the order of the final chain throughout."""
    fig, axes = figure(2, 2, width=9.6, height=6.0, height_ratios=(1.15, 1), width_ratios=(1, 1.5))
    fig.set_dpi(75)
    order = chain(snapshots[-1]["params"]["W_hh"])
    scale = max(np.abs(s["params"]["W_hh"]).max() for s in snapshots)
    images = []
    for s in [*snapshots[:-1:every], snapshots[-1]]:
        recurrent(axes[0, 0], s["params"]["W_hh"], order, f"recurrent weights, sweep {s['sweep']}", scale)
        states(axes[0, 1], s, order, config)
        axes[0, 1].set_title("states of the units (red +1, blue -1)")
        panels(axes[1, ::-1], snapshots, upto=s["sweep"])
        images.append(frame(fig))
    return images


@errors_in_one_line
def main(argv=None):
    """Write the GIF; returns the exit status."""
    options, config = plot_command(argv, __doc__, Config, quick=QUICK, out=HERE / "recurrent_shift_register.gif",
                                   fps=10, snapshot_every=1)
    snapshots = record(further(config), options.seed)
    save_gif(options.out, frames(snapshots, options.snapshot_every, config), fps=options.fps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
