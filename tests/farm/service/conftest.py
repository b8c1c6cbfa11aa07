"""Services that the tests of this folder share, each a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from helpers.designs import toy_design
from helpers.onnx_models import constants, model_of, node, saved
from nanosieve.farm.service import DesignModel
from nanosieve.farm.service.process import Running, running_service


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_design(tmp_path_factory.mktemp("service") / "toy")


@pytest.fixture(scope="session")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """y = x w for three numbers, as an ONNX file."""
    weights = np.arange(6, dtype=np.float32).reshape(3, 2)
    model = model_of([node("MatMul", "x w", "y")], constants(w=weights), ["events", 3])
    return saved(model, tmp_path_factory.mktemp("service"), "dense.onnx")


@pytest.fixture(scope="session")
def model(toy: Path) -> DesignModel:
    return DesignModel(toy)


@pytest.fixture(scope="session")
def service(toy: Path, dense: Path) -> Iterator[Running]:
    """Two versions of the toy design and an ONNX model; requests of at most 64 events and 64 KiB."""
    limits = ("--max-batch", "64", "--max-bytes", str(1 << 16))
    with running_service([str(toy), f"toy={toy}", str(dense)], *limits) as running:
        yield running
