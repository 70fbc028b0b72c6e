"""Helpers of the catalog, written once; `scripts/vendor.py` copies what a folder imports into `<slug>/shared.py`."""

from .adam import Adam, clip_global_norm
from .experiment import command_line, generators
from .figures import COLORS, curves, figure, frame, hinton, save_figure, save_gif
from .files import write_whole
from .gradcheck import gradcheck
from .mnist import load_mnist, scale_images
from .options import InputError, NonFiniteError, Options, errors_in_one_line, option, plot_command

__all__ = [
    "COLORS",
    "Adam",
    "InputError",
    "NonFiniteError",
    "Options",
    "clip_global_norm",
    "command_line",
    "curves",
    "errors_in_one_line",
    "figure",
    "frame",
    "generators",
    "gradcheck",
    "hinton",
    "load_mnist",
    "option",
    "plot_command",
    "save_figure",
    "save_gif",
    "scale_images",
    "write_whole",
]
