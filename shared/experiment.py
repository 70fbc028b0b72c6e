"""The command line, the sweep and the record that every problem folder has in common."""

import json
import math
import os
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from .files import write_whole
from .options import COMPARE, InputError, Options, errors_in_one_line, flag_of, option, parse_options, writable_file


@dataclass(frozen=True)
class RunOptions(Options):
    """The flags that every `<slug_>.py` has beside its own `Config`."""

    seed: int = option(0, "seed of the headline run", low=0)
    sweep: int = option(None, "run seeds 0..N-1 and summarise them", low=1, alias=("--multi-seed",))
    jobs: int = option(None, "processes of a sweep", low=1)
    quick: bool = option(False, "a smoke run of about a second; no claims are made")
    json: str = option(None, "write the record to this file")
    gradcheck: bool = option(False, "check the hand-written gradients and stop")


def generators(seed):
    """One independent `numpy.random.Generator` per role (data, init, noise, test), spawned from `seed` (>= 0)."""
    roles = ("data", "init", "noise", "test")
    children = np.random.SeedSequence(seed).spawn(len(roles))
    return {role: np.random.default_rng(child) for role, child in zip(roles, children, strict=True)}


def wilson(k, n, z=1.959964):
    """The 95 % Wilson score interval [low, high] of a rate of `k` in `n` (Wilson 1927)."""
    p, shrink = k / n, 1 + z * z / n
    centre = (p + z * z / (2 * n)) / shrink
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    return [0.0 if k == 0 else centre - half, 1.0 if k == n else centre + half]


def summarize(runs):
    """{metric: statistics} over `runs` (records with "metrics"): a boolean gets a rate, a number mean to max."""
    summary = {}
    for name, first in runs[0]["metrics"].items():
        x = np.array([run["metrics"][name] for run in runs], dtype=float)
        if isinstance(first, bool):
            summary[name] = {"n": len(x), "rate": float(x.mean()), "ci95": wilson(int(x.sum()), len(x))}
        else:
            std = float(x.std(ddof=1)) if len(x) > 1 else 0.0
            summary[name] = {"n": len(x), "mean": float(x.mean()), "std": std, "median": float(np.median(x))}
            summary[name] |= {"min": float(x.min()), "max": float(x.max())}
    return summary


def changed(config):
    """The settings of `config` that differ from their defaults, by name; incidental options are left out."""
    settings = {f.name: getattr(config, f.name) for f in fields(config) if not f.metadata["incidental"]}
    return {f.name: settings[f.name] for f in fields(config) if settings.get(f.name, f.default) != f.default}


def judge(claims, summary, overrides):
    """The `claims` made for exactly these non-default settings, each with `ours` and `holds` computed."""
    judged = []
    for claim in claims:
        if claim.get("config", {}) == overrides:
            ours = summary[claim["metric"]][claim["statistic"]]
            judged.append({**claim, "ours": ours, "holds": COMPARE[claim["op"]](ours, claim["threshold"])})
    return judged


def verdict(judged):
    """'yes' when all judged claims hold, 'partial' when some do, 'no' when none does; None where no claim is made."""
    holds = [claim["holds"] for claim in judged]
    return None if not holds else "yes" if all(holds) else "partial" if any(holds) else "no"


def environment():
    """What the numbers were measured on: python, numpy, blas, cpu, threads and platform."""
    import platform  # slow to import, and needed for a record only

    cpu, listing = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if listing.exists():
        lines = listing.read_text().splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    build = np.show_config(mode="dicts")
    blas, simd = build["Build Dependencies"]["blas"], build["SIMD Extensions"].get("found") or ["baseline"]
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name')} {blas.get('version')}",
        "cpu": f"{cpu} with {simd[-1]}",  # the last bits of exp and of sums depend on the vector unit
        "threads": int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count()),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def write_json(path, record):
    """Write a record as readable JSON, one line per run, whole or not at all."""
    rows = ",\n    ".join(json.dumps(run, allow_nan=False) for run in record["runs"])
    text = json.dumps(record | {"runs": ["@"]}, indent=2, allow_nan=False)
    text = text.replace('[\n    "@"\n  ]', f"[\n    {rows}\n  ]")
    write_whole(path, lambda temporary: temporary.write_text(text + "\n"))


def command_of(slug, options, config):
    """The shortest command that repeats a run from the catalog's root: defaults are left out."""
    words = [f"python3 {slug}/{slug.replace('-', '_')}.py"]
    words.append(f"--sweep {options.sweep}" if options.sweep else f"--seed {options.seed}")
    words += ["--quick"] * options.quick
    by_name = {f.name: flag_of(f) for f in fields(config)}
    for name, value in changed(config).items():
        flag = by_name[name]
        words.append({True: flag, False: flag.replace("--", "--no-", 1)}[value] if value is True or value is False
                     else f"{flag} {value}")
    return " ".join(words)


class Progress:
    """The `on_step` hook of a run: a line now and then with step, scalars of `info`, speed and time left."""

    def __init__(self, total):
        self.total, self.started, self.due = total, time.perf_counter(), 1.0

    def __call__(self, step, info):
        """Print a line if one is due; `step` of `total` updates are done; arrays over seeds show their mean."""
        elapsed = time.perf_counter() - self.started
        if elapsed >= self.due:
            self.due = elapsed + min(elapsed, 10)
            shown = {k: v for k, v in info.items() if np.ndim(v) < 2 and np.asarray(v).dtype.kind in "biuf"}
            scalars = "  ".join(f"{k} {np.mean(v):.4g}" for k, v in shown.items())
            left = elapsed / max(step, 1) * (self.total - step)
            pace = step / elapsed  # of a large net a step is an epoch, and it takes many seconds
            speed = f"{pace:.{0 if pace >= 10 else 2}f} steps/s  {elapsed:.0f} s, at most {left:.0f} s left"
            print(f"step {step:.6g}/{self.total}  {scalars}  {speed}", flush=True)


def timed_runs(run, run_batch, seeds, settings, on_step=None):
    """The records of `seeds`; seeds trained together are charged an equal share of the time each."""
    started = time.perf_counter()
    with np.errstate(over="ignore", invalid="ignore"):  # a loss that is not finite ends the run with its own message
        if run_batch:
            metrics = run_batch(seeds, on_step=on_step, **settings)
        else:
            metrics = [run(seed, on_step=on_step, **settings) for seed in seeds]
    share = round((time.perf_counter() - started) / len(seeds), 4)
    return [{"seed": s, "wallclock_s": share, "metrics": m} for s, m in zip(seeds, metrics, strict=True)]


def sweep(n, jobs, run, run_batch, settings):
    """Yield the records of seeds 0..n-1 in order, from `jobs` processes of one BLAS thread each (1: this process)."""
    size = math.ceil(n / jobs) if run_batch else 1
    parts = [list(range(i, min(i + size, n))) for i in range(0, n, size)]
    if jobs == 1:
        total = settings.get("n_epochs") or settings.get("n_steps")
        for part in parts:
            yield from timed_runs(run, run_batch, part, settings, Progress(total) if run_batch else None)
        return
    import multiprocessing  # these two take longer to import than a small problem takes to run
    from concurrent.futures import ProcessPoolExecutor

    os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")})
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(timed_runs, run, run_batch, part, settings) for part in parts]
        for future in futures:
            yield from future.result()


def as_text(value):
    """A cell of a table: yes, no, four significant digits, or the word itself."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)


def print_table(header, rows):
    """Print `rows` under `header` in aligned columns."""
    cells = [[as_text(cell) for cell in row] for row in [header, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_claims(metrics, judged):
    """The closing table: *metric, ours, paper, holds*; a metric without a claim shows a dash."""
    rows = []
    for name, ours in metrics.items():
        claims = [c for c in judged if c["metric"] == name]
        rows += [[name, ours, c["paper"], c["holds"]] for c in claims] or [[name, ours, None, None]]
    print_table(["metric", "ours", "paper", "holds"], rows)


def describe(statistics):
    """A metric's summary in words: rate and interval, or median, mean, deviation and range."""
    s = statistics
    if "rate" in s:
        return f"rate {s['rate']:.3f}, 95 % [{s['ci95'][0]:.3f}, {s['ci95'][1]:.3f}]"
    return f"median {s['median']:.4g}, mean {s['mean']:.4g} +- {s['std']:.3g}, {s['min']:.4g} to {s['max']:.4g}"


def run_sweep(options, run, run_batch, settings):
    """Run `options.sweep` seeds, printing a row per seed; returns their records."""
    runs, widths = [], {}
    for one in sweep(options.sweep, options.jobs or (1 if run_batch else os.cpu_count()), run, run_batch, settings):
        cells = {"seed": one["seed"], **one["metrics"], "wallclock_s": one["wallclock_s"]}
        if not runs:
            widths = {name: max(len(name), 8) for name in cells}
            print("  ".join(name.rjust(widths[name]) for name in cells))
        print("  ".join(as_text(value).rjust(widths[name]) for name, value in cells.items()), flush=True)
        runs.append(one)
    return runs


@errors_in_one_line
def command_line(argv, *, slug, doc, config_class, claims, quick, run, run_batch=None, gradient_check=None):
    """The command line of every `<slug_>.py` (CONTRIBUTING lists its flags); returns the exit status.

    `run(seed, on_step=None, **settings)` gives the metrics of one seed; `run_batch(seeds, on_step=None, **settings)`
    those of many trained at once, in order; `gradient_check(config, seed)` gives {parameter: largest relative error}
    and the tolerance; `quick` holds the settings of the smoke run.
    """
    options, config = parse_options(argv, doc, RunOptions, config_class, quick=quick)
    path = None if options.json is None else writable_file("--json", options.json)
    if options.gradcheck:
        if gradient_check is None:
            raise InputError("--gradcheck: must be left out, this model has no hand-written gradient")
        errors, tolerance = gradient_check(config, options.seed)
        print_table(["parameter", "largest relative error"], [[name, f"{e:.2e}"] for name, e in errors.items()])
        print(f"tolerance {tolerance:g}: {'passed' if max(errors.values()) <= tolerance else 'FAILED'}")
        return int(not max(errors.values()) <= tolerance)

    settings, overrides = asdict(config), changed(config)
    extent = f"seeds 0 to {options.sweep - 1}" if options.sweep else f"seed {options.seed}"
    print(", ".join([f"{slug}: {extent}", *(f"{k} {as_text(v)}" for k, v in overrides.items())]), flush=True)
    started = time.perf_counter()
    if options.sweep:
        runs = run_sweep(options, run, run_batch, settings)
    else:
        progress = Progress(settings.get("n_epochs") or settings.get("n_steps"))
        runs = timed_runs(run, None, [options.seed], settings, progress)
    wallclock_s = round(time.perf_counter() - started, 3)

    summary = summarize(runs)
    judged = [] if options.quick else judge(claims, summary, overrides)
    print()
    if options.sweep:
        print_table(["metric", f"over {options.sweep} seeds"], [[k, describe(v)] for k, v in summary.items()])
        rows = [[f"{c['claim']}: {c['statistic']} {c['op']} {c['threshold']:g}", c["ours"], c["paper"], c["holds"]]
                for c in judged]
        if rows:
            print()
            print_table(["claim", "ours", "paper", "holds"], rows)
    else:
        print_claims(runs[0]["metrics"], judged)
    print(f"{wallclock_s:.1f} s")
    if path is not None:
        told = {f.name: f.default if f.metadata["incidental"] else settings[f.name] for f in fields(config)}
        record = {"slug": slug, "command": command_of(slug, options, config), "config": told}
        record |= {"environment": environment(), "wallclock_s": wallclock_s, "runs": runs, "summary": summary}
        write_json(path, record | {"claims": judged, "verdict": verdict(judged)})
    return 0
