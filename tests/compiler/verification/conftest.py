from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from helpers.designs import hand_design, toy_design


@pytest.fixture(scope="session")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-written design; its simulator is built once."""
    return hand_design(tmp_path_factory.mktemp("a design") / "hand")


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled design; do not change it."""
    return toy_design(tmp_path_factory.mktemp("toy") / "toy")


@pytest.fixture
def toy_copy(toy: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may break."""
    return Path(copytree(toy, tmp_path / "toy", ignore=ignore_patterns("sim", "golden")))
