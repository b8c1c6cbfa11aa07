"""The area under the ROC curve in fixed point over that in floating point, against bits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder, write_text
from nanosieve.compiler.precision_scan import PrecisionScan, ScanPoint, area_under_roc, scan_precision
from nanosieve.executor import run_tasks
from nanosieve.figure import Figure
from nanosieve.progress import Progress
from nanosieve.studies.rnn.networks import TrainedNetwork
from nanosieve.studies.rnn.samples import StudySequences
from nanosieve.studies.rnn.settings import TABLE_BITS, Settings
from nanosieve.studies.study import StudyOptions

__all__ = ["CHOSEN", "bits_needed", "precision_of", "scan_networks"]

CHOSEN = "integer bits chosen"
FORMAT = 2
_TABLES = {"LSTM": ("gates", "candidate", "cell_output"), "GRU": ("gates", "candidate")}


def precision_of(cell: str, bits: int | str, integer: int | None = None) -> dict[str, str]:
    """Types of all values: `bits` in all, `integer` of them before the binary point or as many as needed.

    The tables of sigmoid, tanh and softmax are entered with at most `TABLE_BITS` bits.
    """
    word = f"fixed<{bits}>" if integer is None else f"fixed<{bits},{integer}>"
    return {
        "default": word,
        **{f"default.{role}_table": f"fixed<{TABLE_BITS}>" for role in _TABLES[cell]},
        "score.table": f"fixed<{TABLE_BITS}>",
    }


@dataclass(frozen=True)
class _Task:
    """One curve, and the folder that keeps it."""

    kept: Path
    name: str
    path: Path
    cell: str
    integer: int | None
    bits: tuple[int, ...]
    calibration: NDArray[np.float32]
    test: NDArray[np.float32]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    seed: int

    @property
    def file(self) -> Path:
        """Where the curve is kept: the name holds everything that it depends on.

        The network is told by its scores: its file states when it was written, and never is the same.
        """
        settings = (FORMAT, self.cell, self.integer, self.bits, self.seed, TABLE_BITS)
        digest = hashlib.sha256(repr(settings).encode())
        for values in (self.calibration, self.test, self.labels, self.scores):
            digest.update(np.ascontiguousarray(values).tobytes())
        return self.kept / f"{self.name}-{digest.hexdigest()[:16]}.json"


def _scan(task: _Task) -> PrecisionScan:
    """The curve, or the one that an earlier call has kept."""
    path = task.file
    if path.is_file():
        return _read(path)
    scan = scan_precision(
        task.path,
        task.calibration,
        area_under_roc,
        inputs=task.test,
        labels=task.labels,
        bits=task.bits,
        precision=precision_of(task.cell, "{bits}", task.integer),
        reference={"score": task.scores},
        name=CHOSEN if task.integer is None else f"{task.integer} integer bits",
        called="AUC",
        seed=task.seed,
    )
    _write(scan, path)
    return scan


def _write(scan: PrecisionScan, path: Path) -> None:
    points = [
        {**asdict(point), "value": point.value.to_dict(), "ratio": point.ratio.to_dict()}
        for point in scan.points
    ]
    record = {
        "name": scan.name, "metric": scan.metric, "reference": scan.reference.to_dict(), "points": points
    }  # fmt: skip
    write_text(path, json.dumps(record, indent=1) + "\n")


def _read(path: Path) -> PrecisionScan:
    record = json.loads(path.read_text(encoding="utf-8"))
    points = tuple(
        ScanPoint(
            point["bits"],
            point["precision"],
            Figure.from_dict(point["value"]),
            Figure.from_dict(point["ratio"]),
        )
        for point in record["points"]
    )
    return PrecisionScan(record["name"], record["metric"], Figure.from_dict(record["reference"]), points)


def scan_networks(
    networks: Mapping[str, tuple[TrainedNetwork, StudySequences]],
    settings: Settings,
    options: StudyOptions,
    progress: Progress,
) -> dict[str, tuple[PrecisionScan, ...]]:
    """Name of the network → its curves, that with chosen integer bits first.

    The float network and the graph are judged on the same events, so that most of the statistical error
    drops out of their ratio; what is left is its error, from resampled events.
    """
    folder = output_folder(options.out / "scans")
    tasks: list[_Task] = []
    owners: list[str] = []
    for name, (network, sequences) in networks.items():
        number = network.benchmark.test
        for integer in (None, *network.benchmark.integer_bits):
            bits = tuple(b for b in network.benchmark.total_bits if integer is None or b > integer)
            owners.append(name)
            tasks.append(
                _Task(
                    folder,
                    name,
                    network.path,
                    network.cell,
                    integer,
                    bits,
                    sequences.train[: settings.calibration],
                    sequences.test[:number],
                    sequences.test_labels[:number],
                    network.scores[:number],
                    options.seed,
                )
            )
    found: dict[int, PrecisionScan] = {}
    progress("scan of bits", 0, len(tasks), "curves")
    for done, (place, scan) in enumerate(
        run_tasks(_scan, tasks, workers=options.workers, scheduler=options.scheduler), start=1
    ):
        found[place] = scan
        progress("scan of bits", done, len(tasks), f"last: {tasks[place].name}, {scan.name}")
    return {
        name: tuple(found[place] for place, owner in enumerate(owners) if owner == name) for name in networks
    }


def bits_needed(scans: tuple[PrecisionScan, ...], kept: float) -> ScanPoint:
    """The fewest bits, their binary points chosen, that keep this part of the AUC; else the most."""
    (chosen,) = (scan for scan in scans if scan.name == CHOSEN)
    return chosen.fewest(kept) or replace(chosen.points[-1])
