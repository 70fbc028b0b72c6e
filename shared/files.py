"""Writing files whole or not at all."""

import os
from pathlib import Path


def write_whole(path, write):
    """Call `write(temporary_path)` and rename the result to `path`, so that a killed run leaves the old file whole.

    The temporary file stands in the same folder (a rename is atomic only within one file system) and keeps the
    suffix of `path`, because image writers choose the format by it. It is removed when `write` fails.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        write(temporary)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
