"""Time a training step of every problem: microseconds per step, steps per second, share of the GEMM peak.

Each problem's headline run trains for a short while; the hook of `train` takes the times. Only a problem whose steps
are bound by matrix products defines `step_flops(config)`, and only for those is the share printed; they are timed at
the size of the paper, too.
"""

import argparse
import time
from dataclasses import fields

import numpy as np
from catalog import choose, load

from shared.experiment import generators, print_table


class Enough(Exception):
    """Raised by the hook to end a run that has been timed for long enough."""


def gemm_peak(dtype, n=1536, repeats=5):
    """The best floating-point operations per second of an n x n matrix product on this machine."""
    a = np.ones((n, n), dtype)
    best = np.inf
    for _ in range(repeats + 1):
        started = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - started)
    return 2 * n**3 / best


def time_steps(module, config, seconds):
    """The median seconds between two calls of the hook in a run of `config`, over at most `seconds`."""
    stamps = []
    started = time.perf_counter()

    def on_step(step, info):
        now = time.perf_counter()
        stamps.append(now)
        if now - started > seconds:
            raise Enough

    seed = 0
    while time.perf_counter() - started < seconds:  # a run may be solved sooner than that: take the next seed
        try:
            module.train(config, generators(seed), on_step=on_step)
            seed += 1
        except Enough:
            break
    return float(np.median(np.diff(stamps)))


def main(argv=None):
    """Print the table; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slugs", nargs="*", metavar="slug", help="problems to time (default: all)")
    parser.add_argument("--seconds", type=float, default=2.0, help="time spent on each problem (default 2)")
    args = parser.parse_args(argv)
    peaks = {np.float32: gemm_peak(np.float32), np.float64: gemm_peak(np.float64)}
    rows = []
    for folder in choose(args.slugs):
        module = load(folder)
        matrix_bound = hasattr(module, "step_flops")
        paper_size = matrix_bound and "preset" in {f.name for f in fields(module.Config)}
        for settings in [{}, {"preset": "paper"}][: 1 + paper_size]:
            config, share = module.Config(**settings), "-"
            step = time_steps(module, config, args.seconds)
            if matrix_bound:
                share = f"{module.step_flops(config) / step / peaks[module.DTYPE]:.0%}"
            name = " ".join([folder.name, *(f"--{k} {v}" for k, v in settings.items())])
            rows.append([name, f"{step * 1e6:.1f}", f"{1 / step:.{0 if step < 0.1 else 2}f}", share])
    print_table(["problem", "us per step", "steps per s", "of GEMM peak"], rows)
    print("A step is what a problem counts: an update, a sweep, a learning cycle or an epoch.")
    print(f"GEMM peak: {peaks[np.float32] / 1e9:.0f} GFLOP/s float32, {peaks[np.float64] / 1e9:.0f} GFLOP/s float64")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
