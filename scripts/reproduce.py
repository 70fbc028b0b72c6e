"""Run the recorded commands again and compare with the committed records: for the reader who doubts.

Claims must hold again, and every metric must agree within the record's own spread. Exit status 1 if one does not.
"""

import argparse
import json
import math
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from catalog import ROOT, choose, records

from shared.experiment import print_table


def agrees(old, new):
    """Whether two summaries of one metric agree: overlapping 95 % intervals of the rates, or of the means.

    A metric that is the same on every recorded seed must come out the same again, to rounding.
    """
    if "rate" in old:
        return old["ci95"][0] <= new["ci95"][1] and new["ci95"][0] <= old["ci95"][1]
    error = math.sqrt(old["std"] ** 2 / old["n"] + max(old["std"], new["std"]) ** 2 / new["n"])
    return abs(old["mean"] - new["mean"]) <= 3 * error + 1e-6 * max(abs(old["mean"]), 1e-6)


def rerun(root, record, n):
    """The record that the recorded command gives now, over `n` seeds if given; raises RuntimeError if it fails."""
    words = shlex.split(record["command"])
    if n is not None and "--sweep" in words:
        words[words.index("--sweep") + 1] = str(min(n, int(words[words.index("--sweep") + 1])))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.json"
        words = [sys.executable, *words[1:], "--json", str(path)]
        done = subprocess.run(words, cwd=root, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(words[1:-2])}: exit {done.returncode}: {done.stderr.strip()}")
        return json.loads(path.read_text())


def compare(name, old, new):
    """Rows (record, what, recorded, now, agrees) of a comparison, claims first."""
    rows = []
    for before in old["claims"]:
        after = next(c for c in new["claims"] if c["claim"] == before["claim"])
        rows.append([name, before["claim"], before["ours"], after["ours"], before["holds"] == after["holds"]])
    for metric, before in old["summary"].items():
        after, key = new["summary"][metric], "rate" if "rate" in before else "mean"
        rows.append([name, f"{metric} ({key})", before[key], after[key], agrees(before, after)])
    return rows


def main(argv=None):
    """Run, compare, print; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slugs", nargs="*", metavar="slug", help="problems to reproduce")
    parser.add_argument("--all", action="store_true", help="reproduce every problem")
    parser.add_argument("--sweep", type=int, metavar="N", help="at most N seeds per record: quicker, a weaker check")
    parser.add_argument("--root", type=Path, default=ROOT, help="the catalog's folder")
    args = parser.parse_args(argv)
    if bool(args.slugs) == args.all:
        parser.error("name the problems, or give --all")
    if args.sweep is not None and args.sweep < 1:
        parser.error(f"--sweep {args.sweep}: must be a whole number >= 1")
    rows, started = [], time.perf_counter()
    for folder in choose(args.slugs, args.root):
        for file, record in records(folder).items():
            print(f"{folder.name}/{file}: {record['command']}", flush=True)
            try:
                rows += compare(f"{folder.name}/{file}", record, rerun(args.root, record, args.sweep))
            except RuntimeError as error:
                rows.append([f"{folder.name}/{file}", str(error), "-", "-", False])
    print()
    print_table(["record", "claim or metric", "recorded", "now", "agrees"], rows)
    failed = sum(not row[-1] for row in rows)
    print(f"\n{len(rows) - failed} of {len(rows)} agree; {time.perf_counter() - started:.0f} s")
    return int(failed > 0 or not rows)


if __name__ == "__main__":
    raise SystemExit(main())
