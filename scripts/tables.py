"""Write every table of numbers from the committed records: RESULTS.md and the marked blocks of the READMEs.

A block stands between `<!-- generated: NAME -->` and `<!-- end -->`. `--check` writes nothing and exits 1 on drift.
"""

import argparse
import re
from dataclasses import fields
from pathlib import Path

from catalog import ROOT, folders, load, metadata, module_name, records

from shared.experiment import as_text, verdict
from shared.options import allowed_values, flag_of

MARK = {"yes": "yes", "partial": "**partial**", "no": "**no**", None: "no record yet"}


def table(header, rows):
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def number(value):
    """Four significant digits without an exponent for everyday sizes; counts in full."""
    if isinstance(value, float) and value == int(value) and abs(value) < 1e7:
        return str(int(value))
    return as_text(value)


def cell(summary, name):
    """A metric's summary for a table: rate with its interval, or median with its range."""
    if name not in summary:
        return ""
    s = summary[name]
    if "rate" in s:
        return f"{round(s['rate'] * s['n'])}/{s['n']} [{s['ci95'][0]:.3f}, {s['ci95'][1]:.3f}]"
    return f"{number(s['median'])} [{number(s['min'])}, {number(s['max'])}]"


def ours(claim, record):
    """A claim's measured statistic in words, with its interval where it is a rate."""
    s = record["summary"][claim["metric"]]
    if claim["statistic"] == "rate":
        return cell(record["summary"], claim["metric"])
    return f"{claim['statistic']} {number(claim['ours'])} (n = {s['n']})"


def seconds_per_seed(record):
    """Mean wall-clock of a seed in a record's sweep."""
    return sum(run["wallclock_s"] for run in record["runs"]) / len(record["runs"])


def claims_of(found):
    """(claim, record) of every claim in the records `found`, the headline record's first."""
    return [(claim, record) for record in found.values() for claim in record["claims"]]


def verdict_of(found):
    """The problem's verdict: over the claims of all its records."""
    return verdict([claim for claim, _ in claims_of(found)])


def results_block(folder):
    """Tables of a folder's Results section: claims, sweeps, headline seed."""
    found = records(folder)
    if not found:
        return "No record yet."
    rows = [[c["claim"], ours(c, r), as_text(c["paper"]), as_text(c.get("earlier")), "yes" if c["holds"] else "**no**"]
            for c, r in claims_of(found)]
    parts = [table(["Claim", "Ours", "Paper", "Earlier catalog", "Holds"], rows)]
    names = {name: name.removeprefix("results").removesuffix(".json").lstrip("-") or "default" for name in found}
    main = list(next(iter(found.values()))["summary"])
    rows = []
    for name, record in zip(names.values(), found.values(), strict=True):
        summary = record["summary"]
        extra = "; ".join(f"`{metric}` {cell(summary, metric)}" for metric in summary if metric not in main)
        rows.append([name, *(cell(summary, metric) for metric in main), extra, number(seconds_per_seed(record))])
    parts.append("Sweeps (rates with their 95 % Wilson interval; other metrics as median [smallest, largest]):\n\n"
                 + table(["Sweep", *(f"`{metric}`" for metric in main), "Further metrics", "Seconds per seed"], rows))
    rows = [[name, f"`{found[f]['command']} --json {folder.name}/{f}`", f"{found[f]['wallclock_s']:.1f} s"]
            for f, name in names.items()]
    parts.append(table(["Sweep", "Command", "Whole sweep"], rows))
    if "results.json" in found:
        first = found["results.json"]["runs"][0]
        said = ", ".join(f"`{name}` {number(value)}" for name, value in first["metrics"].items())
        parts.append(f"The headline seed alone (`--seed {first['seed']}`): {said}.")
        measured = ", ".join(f"{k} {v}" for k, v in found["results.json"]["environment"].items())
        parts.append(f"Measured with {measured}.")
    return "\n\n".join(parts)


def options_block(folder):
    """The table of a problem's options, from its Config."""
    config_class = load(folder).Config
    rows = [[f"`{flag_of(f)}`", f"`{as_text(f.default)}`", allowed_values(f), f.metadata["help"]]
            for f in fields(config_class)]
    return table(["Option", "Default", "Allowed", "Meaning"], rows)


def catalog_block(root):
    """The catalog by era: one table per decade, in order of year."""
    about = sorted(((metadata(f), f) for f in folders(root)), key=lambda pair: (pair[0]["year"], pair[1].name))
    parts = []
    for decade in dict.fromkeys(entry["year"][:3] for entry, _ in about):
        rows = []
        for entry, folder in about:
            if entry["year"].startswith(decade):
                found = records(folder)
                said = "; ".join(f"{c['claim']}: {ours(c, r)}" for c, r in claims_of(found)[:1])
                rows.append([f"[{folder.name}]({folder.name}/README.md)", f"{entry['authors']} {entry['year']}",
                             entry["rule"], entry["summary"], said, MARK[verdict_of(found)]])
        header = ["Problem", "Source", "Learning rule", "What is learned", "First claim, measured", "Claims hold"]
        parts.append(f"### The {decade}0s\n\n" + table(header, rows))
    return "\n\n".join(parts)


def tour_block(root):
    """The GIFs of all problems, in order of year."""
    about = sorted(((metadata(f), f) for f in folders(root)), key=lambda pair: (pair[0]["year"], pair[1].name))
    return "\n\n".join(
        f"**[{entry['title']}]({f.name}/README.md)**: {entry['summary']}\n\n"
        f'<img src="{f.name}/{module_name(f.name)}.gif" width="600" alt="{f.name}: {entry["summary"]}">'
        for entry, f in about
    )


def flags_block(root):
    """Every flag of every Config with its meaning and the folders that have it."""
    used = {}
    for folder in folders(root):
        for f in fields(load(folder).Config):
            used.setdefault(flag_of(f), []).append((folder.name, f))
    rows = [[f"`{flag}`", entries[0][1].metadata["help"], ", ".join(name for name, _ in entries)]
            for flag, entries in sorted(used.items())]
    return table(["Flag", "Meaning", "Folders"], rows)


def results_page(root):
    """RESULTS.md as a whole."""
    header = ["Problem", "Claim", "Source", "Paper", "Earlier catalog", "Ours", "Holds", "Seconds per seed", "Command"]
    rows, verdicts = [], []
    for folder in folders(root):
        found = records(folder)
        verdicts.append([f"[{folder.name}]({folder.name}/README.md)", MARK[verdict_of(found)]])
        for c, r in claims_of(found):
            rows.append([f"[{folder.name}]({folder.name}/README.md)", c["claim"], c["source"], as_text(c["paper"]),
                         as_text(c.get("earlier")), ours(c, r), "yes" if c["holds"] else "**no**",
                         number(seconds_per_seed(r)), f"`{r['command']}`"])
    held = sum(row[6] == "yes" for row in rows)
    hours = sum(r["wallclock_s"] for folder in folders(root) for r in records(folder).values()) / 3600
    return (
        "# Results\n\nGenerated by `python3 scripts/tables.py` from the records `<slug>/results*.json`; nothing on "
        "this page is typed by hand.\nRates come with their 95 % Wilson interval, other metrics as the statistic that "
        "the claim names. Every row is checked again by\n`python3 scripts/reproduce.py <slug>`.\n\n"
        "All recorded commands, claims and ablations alike (`python3 scripts/reproduce.py --all`), took "
        f"{number(hours)} hours.\n\n"
        f"{held} of {len(rows)} claims hold.\n\n" + table(["Problem", "All its claims hold"], verdicts) + "\n\n"
        + table(header, rows) + "\n"
    )


def fill(text, blocks):
    """`text` with the content of each marked block replaced by `blocks[name]()`."""
    pattern = re.compile(r"(<!-- generated: (\w+) -->\n).*?<!-- end -->", re.S)
    return pattern.sub(lambda m: f"{m[1]}{blocks[m[2]]()}\n<!-- end -->", text)


def pages(root):
    """{path: text it should have} for every page with generated content."""
    wanted = {root / "RESULTS.md": results_page(root)}
    whole = {name: lambda make=make: make(root)
             for name, make in {"catalog": catalog_block, "tour": tour_block, "flags": flags_block}.items()}
    for name in ("README.md", "CONTRIBUTING.md"):
        wanted[root / name] = fill((root / name).read_text(), whole)
    for folder in folders(root):
        blocks = {"results": lambda f=folder: results_block(f), "options": lambda f=folder: options_block(f)}
        wanted[folder / "README.md"] = fill((folder / "README.md").read_text(), blocks)
    return wanted


def main(argv=None):
    """Write or check the pages; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is not up to date")
    parser.add_argument("--root", type=Path, default=ROOT, help="the catalog's folder")
    args = parser.parse_args(argv)
    stale = [(path, text) for path, text in pages(args.root).items() if not path.exists() or path.read_text() != text]
    for path, text in stale:
        print(f"{path.relative_to(args.root)}: " + ("run python3 scripts/tables.py" if args.check else "written"))
        if not args.check:
            path.write_text(text)
    return int(args.check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main())
