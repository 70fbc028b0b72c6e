"""Options written once: a dataclass field is flag, default, range, help, check and record entry."""

import argparse
import functools
import math
import operator
import os
import sys
from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path


class InputError(ValueError):
    """Input that a user can mend; the message names the flag, the value and what is allowed."""


class NonFiniteError(ArithmeticError):
    """The loss became infinite or not a number at update `step`."""

    def __str__(self):
        return f"the loss is no longer finite at step {self.args[0]}; a smaller --lr may help"


def option(default, help, *, low=None, above=None, high=None, below=None, choices=None, alias=(),
           incidental=False):
    """A field of `Config` with range (`low`, `high` inclusive; `above`, `below` not), help and hidden aliases.

    An `incidental` option cannot change a result: it is no setting that a claim or a recorded command depends on.
    """
    limits = {">=": low, ">": above, "<=": high, "<": below}
    limits = {sign: bound for sign, bound in limits.items() if bound is not None}
    about = {"help": help, "limits": limits, "choices": choices, "alias": alias, "incidental": incidental}
    return field(default=default, metadata=about)


def flag_of(f):
    """The command-line spelling of a field: `n_epochs` gives `--n-epochs`."""
    return "--" + f.name.replace("_", "-")


def allowed_values(f):
    """What a field may be, in words: 'a finite number > 0', 'one of 2-2-1, 2-1-2-skip'."""
    if f.metadata["choices"]:
        return "one of " + ", ".join(f.metadata["choices"])
    kind = {int: "a whole number", float: "a finite number", bool: "yes or no", str: "text"}[f.type]
    return f"{kind} {' and '.join(f'{sign} {bound}' for sign, bound in f.metadata['limits'].items())}".strip()


COMPARE = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq}


@dataclass(frozen=True)
class Options:
    """Base of every `Config`: a field outside its range raises InputError, so a `Config` that exists is valid."""

    def __post_init__(self):
        for f in fields(self):
            value, kinds = getattr(self, f.name), (int, float) if f.type is float else (f.type,)
            fits = value is f.default or (
                type(value) in kinds
                and (f.type is not float or math.isfinite(value))
                and (not f.metadata["choices"] or value in f.metadata["choices"])
                and all(COMPARE[sign](value, bound) for sign, bound in f.metadata["limits"].items())
            )
            if not fits:
                raise InputError(f"{flag_of(f)} {value}: must be {allowed_values(f)}")


class _Parser(argparse.ArgumentParser):
    def error(self, message):  # argparse prints its whole usage; people want the one line
        raise InputError(message)


def parse_options(argv, doc, *classes, quick=None):
    """One instance of each of `classes` (dataclasses of options) from the command line; `quick` overrides defaults."""
    parser = _Parser(description=doc.replace("%", "%%"), allow_abbrev=False,
                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for f in (f for c in classes for f in fields(c)):
        told = f.default is None or f.default is False or f.name in ("out", "outdir")
        default = "" if told else f" (default: {f.default})"
        allowed = "" if f.type is bool else f": {allowed_values(f)}"
        shown = {"help": f"{f.metadata['help']}{allowed}{default}".replace("%", "%%")}
        for i, flag in enumerate((flag_of(f), *f.metadata["alias"])):
            style = {"metavar": {int: "N", float: "X"}.get(f.type, "TEXT")}
            if f.type is bool:  # what is on by default gets a --no- form
                style = {"action": argparse.BooleanOptionalAction if f.default else "store_true"}
            style |= {"help": argparse.SUPPRESS} if i else shown
            parser.add_argument(flag, dest=f.name, default=argparse.SUPPRESS, **style)
    given = vars(parser.parse_args(argv))
    if "sweep" in given and "seed" in given:
        raise InputError(f"--sweep {given['sweep']}: runs seeds 0..N-1, so --seed must be left out")
    instances = []
    for c in classes:
        values = {}
        for f in (f for f in fields(c) if f.name in given):
            try:
                values[f.name] = given[f.name] if f.type in (bool, str) else f.type(given[f.name])
            except ValueError:
                raise InputError(f"{flag_of(f)} {given[f.name]}: must be {allowed_values(f)}") from None
        base = quick or {} if given.get("quick") else {}
        instances.append(c(**{**{k: v for k, v in base.items() if k in {f.name for f in fields(c)}}, **values}))
    return instances


def writable_file(flag, text):
    """The path `text` if a file can be written there, else InputError: found out before the work, not after."""
    path = Path(text)
    if not text or path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"{flag} {text}: must be a file in an existing folder that can be written")
    return path


def errors_in_one_line(main):
    """Decorator of a `main(argv)`: wrong input ends with exit status 2, a diverged run with 1, each in one line."""

    @functools.wraps(main)
    def wrapped(*args, **kwargs):
        try:
            return main(*args, **kwargs)
        except (InputError, NonFiniteError, OSError) as error:
            print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
            return 1 if isinstance(error, NonFiniteError) else 2
        except KeyboardInterrupt:
            print(f"{Path(sys.argv[0]).name}: interrupted", file=sys.stderr)
            return 130

    return wrapped


_PLOT_OPTIONS = {
    "seed": lambda _: (int, option(0, "seed of the run that is drawn", low=0)),
    "quick": lambda _: (bool, option(False, "draw the smoke run")),
    "outdir": lambda default: (str, option(str(default), "folder of the pictures, by default viz beside the script")),
    "out": lambda default: (str, option(str(default), "the GIF to write, beside this script by default")),
    "fps": lambda default: (int, option(default, "frames per second", low=1, high=50)),
    "snapshot_every": lambda default: (int, option(default, "updates between frames", low=1)),
}


def plot_command(argv, doc, config_class, *, quick, **defaults):
    """Parse the flags of a plotting script: `--seed`, `--quick`, its `Config`, and those of `defaults`.

    `defaults` may give `outdir`, `out`, `fps`, `snapshot_every`. Returns (options, config); paths are checked.
    """
    chosen = {name: _PLOT_OPTIONS[name](default) for name, default in {"seed": 0, "quick": False, **defaults}.items()}
    plot_class = make_dataclass("PlotOptions", [(k, *v) for k, v in chosen.items()], bases=(Options,), frozen=True)
    options, config = parse_options(argv, doc, plot_class, config_class, quick=quick)
    if "out" in defaults:
        writable_file("--out", options.out)
    if "outdir" in defaults:
        folder = Path(options.outdir)
        if not os.access(folder if folder.is_dir() else folder.parent, os.W_OK) or folder.is_file():
            raise InputError(f"--outdir {folder}: must be a folder that can be written")
        folder.mkdir(exist_ok=True)
    return options, config
