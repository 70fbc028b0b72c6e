"""What the scripts and the tests know about the tree: its problem folders, their records, modules and metadata."""

import importlib
import importlib.util
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _helpers():
    """The package shared/ of the root, importable as `shared` from now on, wherever the script was started."""
    if "shared" not in sys.modules:
        spec = importlib.util.spec_from_file_location("shared", ROOT / "shared" / "__init__.py")
        sys.modules["shared"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["shared"])
    return sys.modules["shared"]


shared = _helpers()


def module_name(slug):
    """The Python name of a slug: `encoder-4-2-4` gives `encoder_4_2_4`."""
    return slug.replace("-", "_")


def folders(root=ROOT):
    """The problem folders of the catalog at `root`, sorted by name: those with `<slug>/<slug_>.py`."""
    return [f for f in sorted(root.iterdir()) if f.is_dir() and (f / f"{module_name(f.name)}.py").exists()]


def choose(slugs, root=ROOT):
    """The folders named by `slugs` (all if none is named); raises SystemExit naming the known ones."""
    known = {f.name: f for f in folders(root)}
    for slug in slugs:
        if slug not in known:
            raise SystemExit(f"{slug}: no such problem; there are {', '.join(known)}")
    return [known[slug] for slug in slugs] or list(known.values())


def load(folder, name=None):
    """Import `<slug_>.py` (or script `name`) of `folder` with that folder's own `shared`, whatever was loaded before.

    Every folder calls its helpers `shared`, and modules are cached by name: so those of this folder are taken out of
    the cache again, and two folders in one process keep their own.
    """
    own = {path.stem for path in folder.glob("*.py")}
    saved = {key: sys.modules.pop(key) for key in list(sys.modules) if key.split(".")[0] in own | {"shared"}}
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        return importlib.import_module(name or module_name(folder.name))
    finally:
        sys.path.remove(str(folder))
        for key in own:
            sys.modules.pop(key, None)
        sys.modules.update(saved)


def records(folder):
    """{file name: record} of a folder, the headline record results.json first."""
    paths = sorted(folder.glob("results*.json"), key=lambda path: (path.name != "results.json", path.name))
    return {path.name: json.loads(path.read_text()) for path in paths}


def metadata(folder):
    """The block `<!-- catalog ... -->` of a folder's README as {key: text}, with `title` from its heading."""
    text = (folder / "README.md").read_text()
    block = re.search(r"<!-- catalog\n(.*?)-->", text, re.S)
    if not block:
        raise ValueError(f"{folder.name}/README.md: has no <!-- catalog --> block")
    entries = dict(line.split(": ", 1) for line in block.group(1).strip().splitlines())
    return {"title": text.splitlines()[0].lstrip("# "), **entries}
