"""The two networks: a compiled design and an ONNX file, both with random weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nanosieve.compiler import design as compiler
from nanosieve.compiler.hardware import Budget
from nanosieve.farm.service import DesignModel, Model, OnnxModel
from nanosieve.networks import save_model
from nanosieve.networks.served import facile_model, write_resnet
from nanosieve.progress import Progress, silent
from nanosieve.studies.service.settings import Settings

__all__ = ["Served", "prepare_networks"]

DEVICE, CLOCK = "alveo-u250", "200 MHz"
"""The card of arXiv:2010.08556, and a clock that the delay model allows."""
PRECISION = "fixed<16,6>"
"""Of all values of FACILE in arXiv:2010.08556."""


@dataclass(frozen=True)
class Served:
    """A network of the study.

    Attributes:
        name: on the wire.
        title: in the report.
        path: folder of the design, or ONNX file.
        model: the same here, for direct calls.
        batches: events of a request.
    """

    name: str
    title: str
    path: Path
    model: Model
    batches: tuple[int, ...]


def prepare_networks(
    folder: Path, settings: Settings, seed: int, progress: Progress = silent
) -> tuple[Served, Served]:
    """Build, compile, write; what an earlier run left is made again, from the same seed.

    Raises:
        NanosieveError: whatever front end and compiler raise.
    """
    x = np.random.default_rng(seed).standard_normal((settings.calibration, 18)).astype(np.float32)
    file = save_model(facile_model(seed), folder / "facile.keras")
    graph = compiler.load(file, calibrate=x, precision=PRECISION)
    budget = Budget(every=settings.every, latency="2 us", clock=CLOCK, device=DEVICE)
    design = compiler.compile(graph, budget, out=folder / "facile")
    progress("networks", 1, 2, "facile")
    resnet = write_resnet(
        folder / "resnet.onnx", blocks=settings.blocks, width=settings.width, side=settings.side, seed=seed
    )
    progress("networks", 2, 2, "resnet")
    return (
        Served(
            "facile", "FACILE, 18-31-11-3-1", design.folder,
            DesignModel(design.folder, name="facile"), settings.batches,
        ),
        Served("resnet", "ResNet-50-sized CNN", resnet, OnnxModel(resnet, name="resnet"), settings.images),
    )  # fmt: skip
