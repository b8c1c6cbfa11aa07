"""What was measured, as a workload and a design of a farm: design D with FACILE on a pool of FPGA cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from nanosieve._files import output_folder, write_text
from nanosieve.devices import Trust
from nanosieve.farm.designs import load_design
from nanosieve.farm.measurement import Measured, time_of_design, workload_text
from nanosieve.farm.measurement.timing import QUANTILES
from nanosieve.farm.service.load import LoadRun
from nanosieve.farm.simulation import DesignRun, simulate_design
from nanosieve.studies.service.measurement import Found
from nanosieve.studies.study import machine

__all__ = ["Handover", "hand_over"]

PLANNED = "service"
"""Design D as it comes with the package."""


@dataclass(frozen=True)
class Handover:
    """Design D as planned, and with what was measured.

    Attributes:
        workloads: network → file.
        design: file of D with the measured network part and overhead.
        planned, measured: simulated.
        latency: s of a call without queue and computation, measured.
        overhead: s of a batch beside its events, measured.
    """

    workloads: Mapping[str, Path]
    design: Path
    planned: DesignRun
    measured: DesignRun
    latency: float
    overhead: float


def hand_over(found: tuple[Found, ...], out: Path, events: int, seed: int) -> Handover:
    """Write the workloads and the design, and simulate D with both.

    The call to and fro is the median of network and protocol of one gRPC connection at the smallest batch,
    the overhead of a batch the median of its computation at that size, which is nearly all overhead.

    Raises:
        SettingsError, UnknownNameError: as `load_design`; they do not occur for what is written here.
    """
    folder = output_folder(out / "farm")
    workloads = {each.served.name: _write_workload(each, folder) for each in found}
    small = found[0].overhead["gRPC"][0].alone
    latency = float(np.median(small.latency - small.queue - small.compute))
    overhead = float(np.median(small.compute))
    design = folder / "service-measured.yaml"
    source = f"{machine()}; gRPC over loopback, {small.answered} requests of one connection"
    origin = {"trust": "measured", "source": source}
    content: dict[str, Any] = {
        "format": 1,
        "extends": PLANNED,
        "name": "service-measured",
        "title": "D with the network part and the overhead of a batch that were measured",
        "accelerators": {
            "batch": {"overhead": f"{overhead * 1e3:.6g} ms"},
            "network": {"latency": f"{latency * 1e3:.6g} ms"},
        },
        "sources": {f"accelerators.{key}": {**origin} for key in ("network.latency", "batch.overhead")},
    }
    write_text(design, yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110))
    planned, measured = (
        simulate_design(load_design(name), events=events, seed=seed) for name in (PLANNED, design)
    )
    return Handover(workloads, design, planned, measured, latency, overhead)


def _write_workload(found: Found, folder: Path) -> Path:
    """The times of one event, at the batch size with which the service answers most."""
    # of one connection, so that a computation is of one request
    alone = [run for run in found.scans["gRPC"].closed if run.connections == 1]
    best = max(alone, key=lambda run: run.throughput)
    measured = [_measured(best)]
    if (found.served.path / "design.json").exists():
        measured += time_of_design(found.served.path, emulate=False)
    text = workload_text(found.served.name, measured, title=found.served.title)
    return write_text(folder / f"{found.served.name}.yaml", text)


def _measured(run: LoadRun) -> Measured:
    times = run.compute / run.batch
    mean = float(times.mean())
    relative = np.maximum.accumulate(np.quantile(times, QUANTILES) / mean)
    quantiles = {p: float(f"{value:.4g}") for p, value in zip(QUANTILES, relative, strict=True)}
    source = f"{machine()}; computed by the service, {run.answered} requests of {run.batch} events"
    return Measured("cpu", mean, quantiles, Trust.MEASURED, source)
