"""What a problem folder must look like, as functions that return a list of complaints (empty: all is well)."""

import ast
import re
import sys
from itertools import pairwise

import imageio.v3 as iio
import numpy as np
from catalog import metadata, module_name
from PIL import Image

SECTIONS = ["Problem", "Files", "Running", "Results", "Visualizations", "Deviations from the original",
            "Open questions"]
DRAWING = {"matplotlib", "imageio", "PIL"}


def sources(folder):
    """{path: syntax tree} of the scripts written by hand."""
    return {p: ast.parse(p.read_text()) for p in sorted(folder.glob("*.py")) if p.name != "shared.py"}


def missing_files(folder, with_results=True):
    """Files that a folder must have, and has not."""
    name = module_name(folder.name)
    wanted = ["README.md", f"{name}.py", f"visualize_{name}.py", f"make_{name}_gif.py"]
    if with_results:
        wanted += ["results.json", f"{name}.gif", "viz/*.png"]
    return [w for w in wanted if not list(folder.glob(w))]


def readme_complaints(folder):
    """Sections in order, title with a year, GIF, catalog block, every picture shown, no placeholder left."""
    text = (folder / "README.md").read_text()
    found = re.findall(r"^## (.+)$", text, re.M)
    complaints = [] if found == SECTIONS else [f"sections are {found}"]
    about = metadata(folder)
    wanted = ("year", "authors", "rule", "data", "summary")
    complaints += [f"catalog block lacks {key}" for key in wanted if not about.get(key)]
    if not re.fullmatch(r"(19|20)\d\d", about.get("year", "")):
        complaints.append(f"year is {about.get('year')}")
    if f"]({module_name(folder.name)}.gif)" not in text:
        complaints.append("the GIF is not shown")
    pictures = sorted(folder.glob("viz/*.png"))
    complaints += [f"viz/{p.name} is not shown" for p in pictures if f"](viz/{p.name})" not in text]
    complaints += [f"{target} does not exist" for target in re.findall(r"\]\(((?!http|#)[^)]+)\)", text)
                   if not (folder / target.split("#")[0]).exists()]
    return complaints


def import_complaints(folder):
    """Imports outside numpy, the drawing packages (not in `<slug_>.py`), the standard library and the folder itself."""
    complaints, own = [], {path.stem for path in folder.glob("*.py")} | {"shared"}
    for path, tree in sources(folder).items():
        allowed = {"numpy"} | own | set(sys.stdlib_module_names)
        allowed |= set() if path.stem == module_name(folder.name) else DRAWING
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
            complaints += [f"{path.name} imports {n}" for n in names if n.split(".")[0] not in allowed]
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path":
                complaints.append(f"{path.name} touches sys.path")
    return complaints


def style_complaints(folder):
    """Missing docstrings, functions over 60 lines, files over 450, work under `__main__`, the wrong order."""
    complaints = []
    for path, tree in sources(folder).items():
        if not ast.get_docstring(tree) or len(ast.get_docstring(tree).splitlines()) > 25:
            complaints.append(f"{path.name}: needs a docstring of at most 25 lines")
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60:
                    complaints.append(f"{path.name}: {node.name} is over 60 lines")
                public = node in tree.body and not node.name.startswith("_")
                if public and not ast.get_docstring(node):
                    complaints.append(f"{path.name}: {node.name} has no docstring")
        if path.read_text().count("\n") > 450:
            complaints.append(f"{path.name}: over 450 lines")
        if len(tree.body[-1].body) != 1:
            complaints.append(f"{path.name}: more than one call under __main__")
    tree = sources(folder)[folder / f"{module_name(folder.name)}.py"]
    order = ["Config", "CLAIMS", "train", "run", "main"]
    lines = {}
    for node in tree.body:
        names = [node.name] if hasattr(node, "name") else [ast.unparse(t) for t in getattr(node, "targets", [])]
        lines.update({name: node.lineno for name in names if name in order})
    if list(lines) != order:
        complaints.append(f"the order should be {order}, is {list(lines)}")
    return complaints


def picture_complaints(folder):
    """PNGs that are blank or too small, and a GIF that is too large, too short, too narrow or does not move."""
    complaints = []
    for path in sorted(folder.glob("viz/*.png")):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("L"))
        if pixels.shape[1] < 400 or pixels.std() < 2:
            complaints.append(f"{path.name}: {pixels.shape[1]} pixels wide, contrast {pixels.std():.1f}")
    path = folder / f"{module_name(folder.name)}.gif"
    frames = iio.imread(path, index=None)
    if not 20 <= len(frames) <= 120 or frames.shape[2] < 600 or path.stat().st_size > 2_000_000:
        complaints.append(f"{path.name}: {frames.shape}, {path.stat().st_size} bytes")
    moving = sum((a != b).any() for a, b in pairwise(frames))
    if moving < 0.8 * (len(frames) - 1):
        complaints.append(f"{path.name}: only {moving} of {len(frames) - 1} frames change anything")
    return complaints
