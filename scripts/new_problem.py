"""Write the skeleton of a new problem folder: it runs, and passes the layout tests apart from its missing results."""

import argparse
import re
from pathlib import Path

import vendor
from catalog import ROOT, module_name

TEMPLATE = Path(__file__).resolve().parent / "template-problem"


def create(slug, root):
    """Write `root/<slug>` from the template; returns the folder. Raises ValueError for a slug that will not do."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug):
        raise ValueError(f"slug {slug!r}: must be lower-case words and numbers joined by '-', starting with a letter")
    folder = root / slug
    if folder.exists():
        raise ValueError(f"slug {slug!r}: {folder.name}/ exists already")
    folder.mkdir()
    old, new = module_name(TEMPLATE.name), module_name(slug)
    for source in sorted(TEMPLATE.iterdir()):
        if source.is_file():
            text = source.read_text().replace(TEMPLATE.name, slug).replace(old, new)
            (folder / source.name.replace(old, new)).write_text(text)
    (folder / "shared.py").write_text(vendor.vendored(folder, root / "shared"))
    return folder


def main(argv=None):
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slug", help="name of the folder, such as encoder-8-3-8")
    parser.add_argument("--root", type=Path, default=ROOT, help="the catalog's folder")
    args = parser.parse_args(argv)
    try:
        folder = create(args.slug, args.root)
    except ValueError as error:
        parser.error(str(error))
    print(f"{folder.name}/ written; CONTRIBUTING.md tells what comes next")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
