"""Runs that can be stopped and gone on with: one .npz file with parameters, moments of Adam, generators and log."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from .files import write_whole
from .options import InputError, option


def checkpoint_option(*alias):
    """The `checkpoint` field of a `Config`: it does not change a result, so it is no setting of a record."""
    return option(None, "file NAME.npz to go on from after an interruption; each seed adds its number", incidental=True,
                  alias=alias)


def check_checkpoint(path):
    """Raise InputError unless `path` (text, or None for no checkpoint) is NAME.npz in a folder that exists."""
    if path is not None and (Path(path).suffix != ".npz" or not Path(path).parent.is_dir()):
        raise InputError(f"--checkpoint {path}: must be a file NAME.npz in an existing folder")


def checkpoint_of(config, seed):
    """`config` with the seed's own checkpoint file: NAME-<seed>.npz for NAME.npz."""
    if config.checkpoint is None:
        return config
    path = Path(config.checkpoint)
    return replace(config, checkpoint=str(path.with_stem(f"{path.stem}-{seed}")))


def save_checkpoint(config, rng, theta, adam, log):
    """Write the state of a run to its checkpoint, if it has one: parameters, moments, generators and log."""
    if config.checkpoint is None:
        return
    state = {"config": asdict(replace(config, checkpoint=None)), "log": log, "t": adam.t}
    state |= {"rng": {role: generator.bit_generator.state for role, generator in rng.items()}}
    text = np.array(json.dumps(state))
    arrays = {"theta": theta, "m": adam.m["theta"], "v": adam.v["theta"]}
    write_whole(config.checkpoint, lambda path: np.savez(path, text=text, **arrays))


def resume(config, rng, theta, adam, log):
    """Put the state of the checkpoint in place and return its log; `log` itself where there is none yet.

    Raises InputError where the file belongs to a run with other settings.
    """
    if config.checkpoint is None or not Path(config.checkpoint).exists():
        return log
    with np.load(config.checkpoint, allow_pickle=False) as file:
        state = json.loads(str(file["text"]))
        if state["config"] != asdict(replace(config, checkpoint=None)):
            raise InputError(f"--checkpoint {config.checkpoint}: must come from a run with the same settings")
        theta[:], adam.m["theta"][:], adam.v["theta"][:] = file["theta"], file["m"], file["v"]
    adam.t = state["t"]
    for role, generator in rng.items():
        generator.bit_generator.state = state["rng"][role]
    return state["log"]
