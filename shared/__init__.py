"""Helpers of the catalog, written once; `scripts/vendor.py` copies what a folder imports into `<slug>/shared.py`."""

from .adam import Adam, clip_global_norm
from .checkpoint import check_checkpoint, checkpoint_of, checkpoint_option, resume, save_checkpoint
from .experiment import command_line, generators
from .figures import COLORS, curves, figure, frame, hinton, save_figure, save_gif
from .files import write_whole
from .gradcheck import gradcheck
from .mnist import drawn_digits, load_mnist, scale_images
from .options import InputError, NonFiniteError, Options, errors_in_one_line, option, plot_command
from .parameters import n_parameters, unpack

__all__ = [
    "COLORS",
    "Adam",
    "InputError",
    "NonFiniteError",
    "Options",
    "check_checkpoint",
    "checkpoint_of",
    "checkpoint_option",
    "clip_global_norm",
    "command_line",
    "curves",
    "drawn_digits",
    "errors_in_one_line",
    "figure",
    "frame",
    "generators",
    "gradcheck",
    "hinton",
    "load_mnist",
    "n_parameters",
    "option",
    "plot_command",
    "resume",
    "save_checkpoint",
    "save_figure",
    "save_gif",
    "scale_images",
    "unpack",
    "write_whole",
]
