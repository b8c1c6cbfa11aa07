"""`make` says clearly what a machine lacks, before it installs anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEEDED = ("bash", "sh", "sed", "test", "touch", "echo")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(target: str, *variables: str, path: Path | None = None) -> tuple[int, str]:
    """Exit code and all output of ``make -s TARGET``; with `path`, only the programs in that folder exist."""
    environment = {**os.environ, "PATH": str(path)} if path else dict(os.environ)
    program = shutil.which("make")
    assert program
    done = subprocess.run(
        [program, "-s", target, *variables],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def programs(tmp_path):
    """A folder with little more than a shell; give it the names of further programs."""

    def folder(*names: str) -> Path:
        for name in (*NEEDED, *names):
            found = shutil.which(name)
            if found:
                (tmp_path / name).symlink_to(found)
        return tmp_path

    return folder


def test_help_names_the_two_commands():
    code, text = make("help")
    assert code == 0
    assert "make demo" in text
    assert "make test" in text


def test_a_python_that_is_too_old_or_missing_is_named():
    code, text = make("tools", "PYTHON=/nowhere/python2")
    assert code != 0
    assert "nanosieve needs Python 3.11 or newer" in text


@pytest.mark.parametrize(("present", "missing"), [(("perl",), "g++"), (("g++",), "perl")])
def test_a_missing_tool_is_named_with_the_remedy(programs, present, missing):
    code, text = make("tools", f"PYTHON={sys.executable}", path=programs(*present))
    assert code != 0
    assert f"{missing} is missing" in text
    assert "apt-get install g++ perl" in text


@pytest.mark.skipif(not (shutil.which("g++") and shutil.which("perl")), reason="needs g++ and perl")
def test_a_complete_machine_passes(programs):
    assert make("tools", f"PYTHON={sys.executable}", path=programs("g++", "perl")) == (0, "")
