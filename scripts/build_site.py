"""Build the catalog's site: gather READMEs, pictures, GIFs and records into pages, then run MkDocs on them, strictly.

Whatever folder is complete gets a card and a page; the others are named with what they lack. `--serve` shows the site.
"""

import argparse
import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

from catalog import ROOT, folders, metadata, module_name, records
from PIL import Image
from tables import seconds_per_seed, verdict_of

KINDS = {  # what a folder's `rule` is filed under; a rule that fits none is a kind of its own
    "Boltzmann": "boltzmann",
    "contrastive divergence": "contrastive",
    "back-propagation": "back-?prop",
    "recurrent": "through time|recurrent|lstm",
    "Forward-Forward": "forward-forward",
}
VERDICTS = {"yes": "all claims hold", "partial": "some claims hold", "no": "no claim holds", None: "no claims"}
WATCH = (
    "Point at a picture below, or tap it, to watch the problem being learned; open its page for the script, the record "
    "of every run and what the paper said."
)
CODE = r"^```.*?^```|`[^`\n]+`"
LINK = re.compile(CODE + r"|(?P<image>!?)\[(?P<text>(?:`[^`]*`|[^\]`])*)\]\((?P<target>[^)\s]+)\)", re.M | re.S)


@dataclass(frozen=True)
class Problem:
    """What the pages say of a complete folder."""

    folder: Path
    title: str  # without the citation in brackets
    about: dict  # its catalog block
    kinds: tuple
    verdict: str | None
    wallclock_s: float  # of a seed of the headline sweep
    alt: str  # the README's text for the GIF
    size: tuple  # of the GIF, in pixels

    @property
    def slug(self):
        """The folder's name, which is also its address."""
        return self.folder.name

    @property
    def name(self):
        """The slug as a file name's stem."""
        return module_name(self.folder.name)

    @property
    def era(self):
        """The decade, such as 1980s."""
        return f"{self.about['year'][:3]}0s"

    @property
    def command(self):
        """The command of the headline run."""
        return f"python3 {self.slug}/{self.name}.py --seed 0"


# ---- what there is -------------------------------------------------------------------------------------------------


def what_lacks(folder):
    """Why a folder cannot have a page yet, or None."""
    name = module_name(folder.name)
    for wanted in ("README.md", "results.json", f"{name}.gif"):
        if not (folder / wanted).exists():
            return f"no {wanted}"
    try:
        about = metadata(folder)
    except ValueError as error:
        return str(error)
    for key in ("year", "authors", "rule", "data", "summary"):
        if not about.get(key) or about[key].startswith("TODO"):
            return f"no {key} in the catalog block of its README.md"
    return None


def kinds_of(rule):
    """The kinds that a learning rule is filed under."""
    found = tuple(kind for kind, pattern in KINDS.items() if re.search(pattern, rule, re.I))
    return found or (main_rule(rule),)


def main_rule(rule):
    """A rule without its refinements: what stands before the first comma."""
    return rule.split(",")[0].strip()


def problem(folder):
    """The Problem of a complete folder."""
    about, found, name = metadata(folder), records(folder), module_name(folder.name)
    text = (folder / "README.md").read_text()
    shown = re.search(rf"!\[([^\]]*)\]\({name}\.gif\)", text)
    with Image.open(folder / f"{name}.gif") as image:
        size = image.size
    return Problem(
        folder=folder,
        title=re.sub(r"\s*\([^()]*\d{4}[^()]*\)$", "", about["title"]),
        about=about,
        kinds=kinds_of(about["rule"]),
        verdict=verdict_of(found),
        wallclock_s=seconds_per_seed(found["results.json"]),
        alt=shown[1] if shown else about["summary"],
        size=size,
    )


def problems(root):
    """(the complete problems of the catalog in order of year, {name of another folder: what it lacks})."""
    lacking = {folder.name: what_lacks(folder) for folder in folders(root)}
    complete = [problem(folder) for folder in folders(root) if lacking[folder.name] is None]
    complete.sort(key=lambda p: (p.about["year"], p.slug))
    return complete, {name: lack for name, lack in lacking.items() if lack}


def duration(seconds):
    """A wall-clock time for people: 3 ms, 4.9 s, 2.5 min."""
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.1f} min" if seconds < 5940 else f"{seconds / 3600:.1f} h"


def address(label):
    """A label as a value in the address: lower case, no spaces."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


# ---- files ---------------------------------------------------------------------------------------------------------


def write_still(gif, target):
    """The first frame of `gif` as a small picture."""
    with Image.open(gif) as image:
        image.convert("RGB").save(target, quality=80, method=4)


def write_zip(folder, target):
    """The folder as an archive; the same files give the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder.parent)
            if path.is_file() and not any(part.startswith((".", "__")) for part in inside.parts):
                entry = zipfile.ZipInfo(inside.as_posix())
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())


def without_comments(text):
    """Markdown without its catalog block and the marks of its generated tables."""
    text = re.sub(r"^<!-- catalog\n.*?-->\n", "", text, flags=re.M | re.S)
    return re.sub(r"^<!-- (generated: \w+|end) -->$", "", text, flags=re.M)


def section(text, heading):
    """What stands under `## heading`."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not found:
        raise ValueError(f"README.md: has no section {heading!r}")
    return found[1].strip()


def relinked(text, page, root, docs, lacking):
    """The Markdown of `page` (a path below `root`) with its links turned to what the site has.

    The front page stands for the root's README.md; a folder for its README.md; a linked file is copied to `docs`. Of a
    link to what has no page (a folder in the making, one that is no problem) the text remains. What does not exist is
    left as it is, for MkDocs to complain about.
    """

    def turn(match):
        target = match["target"]
        if target is None or re.match(r"[a-z]+:|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        goal = Path(os.path.normpath(page.parent / path))
        if goal.is_dir():
            goal = goal / "README.md"
        elif not goal.exists() or not goal.is_relative_to(root):
            return match[0]
        inside = goal.relative_to(root)
        if goal == root / "README.md":
            inside = Path("index.md")
        elif inside.parts[0] in lacking or not goal.exists():
            return match["text"]
        elif goal.suffix != ".md":
            (docs / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(goal, docs / inside)
        elif goal.name != "README.md" and goal.parent != root:
            return match["text"]
        size = picture_size(goal) if match["image"] else ""
        path = os.path.relpath(docs / inside, docs / page.parent.relative_to(root))
        return f"{match['image']}[{match['text']}]({path}{'#' * bool(anchor)}{anchor}){size}"

    return LINK.sub(turn, text)


def picture_size(path):
    """Attributes that keep the place of a picture until it is loaded."""
    with Image.open(path) as image:
        return f"{{ loading=lazy width={image.width} height={image.height} }}"


# ---- pages ---------------------------------------------------------------------------------------------------------


def front_matter(**entries):
    """The head of a page; JSON is YAML."""
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in entries.items()) + "---\n\n"


def player(entry, base=""):
    """The GIF of a problem as a still picture that plays when asked to."""
    (width, height), stem = entry.size, f"{base}{entry.name}"
    return (
        f'<button class="player" type="button" aria-pressed="false" data-gif="{stem}.gif">'
        f'<img src="{stem}.webp" width="{width}" height="{height}" loading="lazy" alt="{escape(entry.alt)}">'
        '<span class="player__mark"><span>Play</span></span></button>'
    )


def badge(entry):
    """The verdict as a small coloured mark."""
    return f'<span class="verdict verdict--{entry.verdict or "none"}">{VERDICTS[entry.verdict]}</span>'


def card(entry):
    """The card of a problem in the gallery."""
    about = entry.about
    words = " ".join([entry.slug, entry.title, *entry.kinds, *(about[k] for k in about if k != "title")])
    return (
        f'<li class="card" data-era="{entry.era}" data-rule="{" ".join(map(address, entry.kinds))}" '
        f'data-verdict="{entry.verdict or "none"}" data-words="{escape(words)}">\n'
        f'{player(entry, f"{entry.slug}/")}\n'
        f'<div class="card__text"><h3><a href="{entry.slug}/">{escape(entry.title)}</a></h3>\n'
        f'<p class="card__source">{escape(about["authors"])}, {about["year"]}</p>\n'
        f'<p class="card__claim">{escape(about["summary"])}</p>\n'
        f'<p class="card__facts">{badge(entry)} <span class="card__clock" title="Wall-clock of one seed">'
        f"{duration(entry.wallclock_s)} a run</span></p></div>\n</li>"
    )


def chips(name, legend, labels):
    """A group of choices of the gallery; `labels` is {value in the address: text}."""
    boxes = "".join(
        f'<label class="chip"><input type="checkbox" name="{name}" value="{value}"><span>{escape(text)}</span></label>'
        for value, text in labels.items()
    )
    return f"<fieldset><legend>{legend}</legend>{boxes}</fieldset>"


def filters(found):
    """The form over the gallery: search, era, rule, verdict. Only what occurs can be chosen."""
    present = [kind for entry in found for kind in entry.kinds]
    kinds = [kind for kind in KINDS if kind in present] + sorted(set(present) - set(KINDS))
    verdicts = {key or "none": text for key, text in VERDICTS.items() if any(e.verdict == key for e in found)}
    return "\n".join([
        '<form class="filters" hidden>',
        '<label class="filters__search">Search<input type="search" name="words" autocomplete="off" '
        'placeholder="author, rule, data, year ..."></label>',
        chips("era", "Era", {era: era for era in dict.fromkeys(entry.era for entry in found)}),
        chips("rule", "Learning rule", {address(kind): kind for kind in kinds}),
        chips("verdict", "Verdict", verdicts),
        '<p class="filters__state"><output aria-live="polite"></output> <button type="reset">Show all</button></p>',
        "</form>",
    ])


def front_page(root, found):
    """The purpose in three sentences, and the gallery."""
    readme = (root / "README.md").read_text()
    heading, purpose = re.match(r"# (.+?)\n+(.+?)\n\n", readme, re.S).groups()
    head = front_matter(title="Gallery", hide=["navigation", "toc"])
    cards = "\n".join(card(entry) for entry in found)
    return (
        f'{head}# {heading}\n\n<div class="purpose" markdown>\n\n{purpose} {WATCH}\n\n</div>\n\n{filters(found)}\n\n'
        f'<ul class="gallery">\n{cards}\n</ul>\n\n'
        '<p class="gallery__none" hidden>No problem has all of this. Take a choice back, or use fewer words.</p>\n'
    )


def facts(entry):
    """The panel under the title of a problem's page: what, how long, download, source."""
    rules = ", ".join(f'<a href="../?rule={address(kind)}">{escape(kind)}</a>' for kind in entry.kinds)
    rows = {
        "Source": f"{escape(entry.about['authors'])}, <a href=\"../?era={entry.era}\">{entry.about['year']}</a>",
        "Learning rule": f"{escape(entry.about['rule'])} <small>({rules})</small>",
        "Data": escape(entry.about["data"]),
        "Verdict": badge(entry),
        "Wall-clock": f"{duration(entry.wallclock_s)} <small>a run</small>",
    }
    items = "\n".join(f"<div><dt>{key}:</dt> <dd>{value}</dd></div>" for key, value in rows.items())
    return (
        f'<dl class="facts">{items}</dl>\n\n'
        f'<div class="run" markdown>\n\n```text\n{entry.command}\n```\n\n'
        f"[Download the folder (zip)]({entry.slug}.zip){{ .md-button .md-button--primary download }}\n"
        f"[Read the source](source.md){{ .md-button }}\n\n</div>\n"
    )


def see_also(entry, found):
    """Links to the neighbours in time and to the problems with the same data or rule."""
    place = found.index(entry)
    others = [p for p in found if p is not entry]
    rule = main_rule(entry.about["rule"])
    groups = {
        "Before": found[max(0, place - 1) : place],
        "After": found[place + 1 : place + 2],
        f"Same data: {entry.about['data']}": [p for p in others if p.about["data"] == entry.about["data"]],
        f"Same rule: {rule}": [p for p in others if main_rule(p.about["rule"]) == rule],
    }
    lines = ["## Neighbours", '<div class="neighbours" markdown>']
    for label, members in groups.items():
        links = "\n".join(f"- [{p.title}](../{p.slug}/README.md) <small>{p.about['year']}</small>" for p in members)
        lines += [f'<div markdown>\n\n**{escape(label)}**\n\n{links}\n\n</div>'] if members else []
    return "\n\n".join([*lines, "</div>"]) + "\n"


def problem_page(entry, text, found):
    """A README with the panel under its title, its GIF still, and its neighbours at the end."""
    heading, _, rest = without_comments(text).partition("\n")
    rest = re.sub(rf"!\[[^\]]*\]\({entry.name}\.gif\)({{[^}}]*}})?", lambda _: player(entry), rest)
    head = front_matter(title=entry.title, description=entry.about["summary"])
    return f"{head}{heading}\n\n{facts(entry)}\n{rest.strip()}\n\n{see_also(entry, found)}"


def source_page(entry):
    """The script of a problem, to be read from top to bottom."""
    text = (entry.folder / f"{entry.name}.py").read_text()
    head = front_matter(title=f"{entry.name}.py", search={"exclude": True}, hide=["navigation", "toc"])
    return f"{head}# {entry.name}.py\n\n[{entry.title}](README.md)\n\n``````python\n{text}``````\n"


def general_pages(root):
    """{file name: Markdown} of the pages that are about no problem in particular."""
    readme, head = (root / "README.md").read_text(), front_matter(hide=["navigation"])
    wide = front_matter(title="Results", hide=["navigation", "toc"])
    made = section(readme, "How the numbers are made, and checked")
    commands, uses = section(readme, "Two commands"), section(readme, "What can be done with a folder")
    return {
        "RESULTS.md": f'{wide}<div class="sortable" markdown>\n\n{(root / "RESULTS.md").read_text()}\n</div>',
        "CONTRIBUTING.md": head + without_comments((root / "CONTRIBUTING.md").read_text()),
        "numbers.md": f"{head}# How the numbers are made\n\n{made}",
        "running.md": f"{head}# Run it yourself\n\n{commands}\n\n## What can be done with a folder\n\n{uses}",
    }


def gather(root, docs):
    """Write all pages and files to `docs`; returns (problems, {left-out folder: what it lacks})."""
    found, lacking = problems(root)
    link = functools.partial(relinked, root=root, docs=docs, lacking=lacking)
    docs.mkdir(parents=True)
    (docs / "index.md").write_text(front_page(root, found))
    for entry in found:
        target, page = docs / entry.slug, entry.folder / "README.md"
        target.mkdir()
        write_still(entry.folder / f"{entry.name}.gif", target / f"{entry.name}.webp")
        write_zip(entry.folder, target / f"{entry.slug}.zip")
        (target / "README.md").write_text(problem_page(entry, link(page.read_text(), page), found))
        (target / "source.md").write_text(source_page(entry))
    for name, text in general_pages(root).items():
        (docs / name).write_text(link(text, root / name) + "\n")
    return found, lacking


def navigation(found):
    """The menu: pages, and the problems by era."""
    eras = {}
    for entry in found:
        eras.setdefault(f"The {entry.era}", []).append({entry.title: f"{entry.slug}/README.md"})
    return [
        {"Gallery": "index.md"},
        *([{"Problems": [{era: pages} for era, pages in eras.items()]}] if eras else []),
        {"Results": "RESULTS.md"},
        {"How the numbers are made": "numbers.md"},
        {"Run it yourself": "running.md"},
        {"Add a problem": "CONTRIBUTING.md"},
    ]


# ---- building ------------------------------------------------------------------------------------------------------


def build(root, out, site_url=""):
    """Gather into `out/docs` and build `out/site`; returns MkDocs' exit status."""
    for part in ("docs", "site"):
        shutil.rmtree(out / part, ignore_errors=True)
    found, lacking = gather(root, out / "docs")
    for name, lack in lacking.items():
        print(f"{name}: left out: {lack}", flush=True)
    config = {
        "INHERIT": str(ROOT / "mkdocs.yml"),
        "docs_dir": str(out / "docs"),
        "site_dir": str(out / "site"),
        "theme": {"custom_dir": str(ROOT / "overrides")},
        "hooks": [str(ROOT / "scripts" / "site_mathematics.py")],
        "nav": navigation(found),
        **({"site_url": site_url} if site_url else {}),
    }
    path = out / "mkdocs.yml"
    path.write_text(json.dumps(config, indent=1))
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(path)]
    status = subprocess.run(command, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}).returncode
    print(f"{len(found)} problems: " + (f"{out / 'site'}" if status == 0 else "the site does not build"))
    return status


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, *_):
        """Print nothing."""


def server(site, port):
    """An HTTP server of the built site on this machine; port 0 is any free one."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=site))


def main(argv=None):
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the catalog's folder")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="where docs/ and site/ are written")
    parser.add_argument("--site-url", default="", help="address that the site will have")
    parser.add_argument("--serve", action="store_true", help="show the site on this machine once it is built")
    parser.add_argument("--port", type=int, default=8000, help="port of --serve")
    args = parser.parse_args(argv)
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    status = build(args.root.resolve(), out, args.site_url)
    if status == 0 and args.serve:
        with server(out / "site", args.port) as running:
            print(f"http://127.0.0.1:{running.server_port}/ (stop with Ctrl-C)", flush=True)
            try:
                running.serve_forever()
            except KeyboardInterrupt:
                print()
    return status


if __name__ == "__main__":
    raise SystemExit(main())
