"""The problem folders as a fixture: whatever stands in the tree is tested, there is no list to maintain."""

import os
import subprocess
import sys

import pytest
from catalog import folders, load, module_name


def pytest_generate_tests(metafunc):
    if "folder" in metafunc.fixturenames:
        metafunc.parametrize("folder", folders(), ids=lambda f: f.name, scope="module")


@pytest.fixture(scope="module")
def module(folder):
    """The `<slug_>.py` of a folder, imported with that folder's own helpers."""
    return load(folder)


@pytest.fixture
def python():
    """Run a script in a new interpreter from another directory; returns the finished process with its output."""

    def run(*words, cwd, **env):
        return subprocess.run(
            [sys.executable, *map(str, words)], cwd=cwd, capture_output=True, text=True, env={**os.environ, **env}
        )

    return run


@pytest.fixture
def script(folder):
    """The path of a folder's `<slug_>.py`."""
    return folder / f"{module_name(folder.name)}.py"
