"""Measure networks on everything that is there, within a budget of time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from nanosieve._machine import processor
from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.farm.measurement.clocked import Clock
from nanosieve.farm.measurement.jax_forward import PRECISIONS
from nanosieve.farm.measurement.points import cores, cpu_point, fpga_point, gpu, gpu_points
from nanosieve.farm.measurement.profile_schema import DeviceProfile, Machine, NetworkTimes, Point
from nanosieve.progress import Progress, silent

__all__ = ["BATCHES", "CARDS", "Subject", "measure_networks"]

BATCHES = (1, 4, 64, 1024)
CARDS = ("alveo-u50", "alveo-u250")
"""Of the table of arXiv:2307.05152: a profile says of each network whether it has a design for them."""
_WITH_GPU = 0.35
"""Part of the time for the CPU where there is a GPU."""
_METHOD = """\
Calls one after the other after some that do not count; time: mean and standard deviation of single calls; \
throughput: mean and standard deviation of five rounds. CPU: ONNX Runtime in float32, its threads pinned to \
one core each. GPU: JAX, compiled for the batch, in each precision, with inputs and outputs copied in each \
call and with them on the device. FPGA: latency and interval of a compiled design at its clock, no \
measurement. Inputs are standard normal numbers.\
"""


@dataclass(frozen=True)
class Subject:
    """A network to measure.

    Attributes:
        title, reference: of it.
        model: ``onnx.ModelProto`` with one input, float32, the number of events free.
        parameters: how many.
        weights: whether they are trained.
    """

    title: str
    reference: str
    model: Any
    parameters: int
    weights: Literal["random", "trained"] = "random"


def measure_networks(
    subjects: Mapping[str, Subject],
    *,
    name: str = "",
    designs: Sequence[tuple[str, str | Path]] = (),
    threads: Sequence[int] = (),
    batches: Sequence[int] = BATCHES,
    minutes: float = 8.0,
    progress: Progress = silent,
) -> DeviceProfile:
    """The times of all networks on this CPU, on a GPU that JAX sees, and on FPGAs from compiled designs.

    Args:
        subjects: by name.
        name: of the profile [default: processor or GPU, and date].
        designs: network and folder of a compiled design, as many as there are.
        threads: of the CPU [default: 1, 2, 4 … and all cores].
        batches: events of a call.
        minutes: for all calls together; points beyond it are marked as not measured.
        progress: told of every point.

    Raises:
        SettingsError: threads, batches or minutes out of their domains.
        UnknownNameError: a design of a network that is not measured.
        InputFileError: no compiled design.
        MissingDependencyError: ONNX Runtime is not installed.
    """
    number = len(cores())
    chosen = sorted(set(threads)) or sorted(
        {2**n for n in range(number.bit_length()) if 2**n <= number} | {number}
    )
    _check(chosen, batches, minutes, number)
    for network, _ in designs:
        if network not in subjects:
            raise UnknownNameError.among("network", network, subjects)
    today, before = datetime.now(UTC).date(), _load()
    device, on = gpu()
    points: dict[str, list[Point]] = {network: [] for network in subjects}
    _measure_cpu(subjects, points, chosen, batches, minutes * (_WITH_GPU if device else 1.0), progress)
    if device is None:
        for each in points.values():
            each.append(Point(device="gpu", on="GPU", not_measured=on))
    else:
        _measure_gpu(subjects, points, device, on, batches, minutes * (1 - _WITH_GPU), progress)
    for network, each in points.items():
        each += _on_fpgas([folder for owner, folder in designs if owner == network])
    return DeviceProfile(
        name=name or _name(on if device else processor(), today),
        date=today,
        machine=Machine(
            processor=processor(), cores=number, gpu=on if device else None,
            memory_gb=_memory(), load_before=before, load_after=_load(),
        ),
        versions=_versions(),
        method=_METHOD,
        networks={
            network: NetworkTimes(
                title=subject.title, reference=subject.reference, parameters=subject.parameters,
                inputs=_size(subject.model.graph.input), outputs=_size(subject.model.graph.output),
                weights=subject.weights, points=tuple(points[network]),
            )
            for network, subject in subjects.items()
        },
    )  # fmt: skip


def _check(threads: Sequence[int], batches: Sequence[int], minutes: float, number: int) -> None:
    if not 1 <= threads[0] <= threads[-1] <= number:
        message = (
            f"threads {', '.join(map(str, threads))}: accepted are 1 … {number}, the cores of this process"
        )
        raise SettingsError(message)
    if not batches or min(batches) < 1:
        message = f"batches {', '.join(map(str, batches)) or 'none'}: accepted are whole numbers of 1 or more"
        raise SettingsError(message)
    if not 0 < minutes <= 24 * 60:
        message = f"a budget of {minutes:g} minutes is not accepted; give more than 0, for example 8"
        raise SettingsError(message)


def _measure_cpu(
    subjects: Mapping[str, Subject],
    points: dict[str, list[Point]],
    threads: Sequence[int],
    batches: Sequence[int],
    minutes: float,
    progress: Progress,
) -> None:
    # the small batches of all networks come first: if time runs out, every network has some points
    order = [(network, t, batch) for batch in sorted(batches) for t in threads for network in subjects]
    clock, name = Clock(60 * minutes, len(order)), processor()
    for done, (network, number, batch) in enumerate(order):
        progress("CPU", done, len(order), f"{network}, {number} threads, batch {batch}")
        points[network].append(cpu_point(subjects[network].model, name, number, batch, clock))
    progress("CPU", len(order), len(order), "done")


def _measure_gpu(
    subjects: Mapping[str, Subject],
    points: dict[str, list[Point]],
    device: Any,
    on: str,
    batches: Sequence[int],
    minutes: float,
    progress: Progress,
) -> None:
    order = [(network, p, batch) for p in PRECISIONS for batch in sorted(batches) for network in subjects]
    clock = Clock(60 * minutes, len(order))
    for done, (network, precision, batch) in enumerate(order):
        progress("GPU", done, len(order), f"{network}, {precision}, batch {batch}")
        points[network] += gpu_points(subjects[network].model, device, on, precision, batch, clock)
    progress("GPU", len(order), len(order), "done")


def _on_fpgas(folders: Sequence[str | Path]) -> list[Point]:
    found = [fpga_point(folder) for folder in folders]
    there = {point.on for point in found}
    reason = "no compiled design was given"
    return found + [Point(device="fpga", on=card, not_measured=reason) for card in CARDS if card not in there]


def _size(tensors: Any) -> int:
    """Values of an event in all inputs or outputs."""
    total = 0
    for each in tensors:
        values = 1
        for dimension in each.type.tensor_type.shape.dim[1:]:
            values *= dimension.dim_value
        total += values
    return total


def _memory() -> float | None:
    if not hasattr(os, "sysconf"):
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)


def _load() -> float:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0


def _versions() -> dict[str, str]:
    found = {}
    for package in ("nanosieve", "onnxruntime", "onnx", "numpy", "jax", "jaxlib", "keras"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _name(device: str, today: date) -> str:
    words = "".join(c if c.isalnum() else " " for c in device.lower()).split()
    dull = {"r", "tm", "cpu", "processor", "with", "core"}
    return "-".join([*[word for word in words if word not in dull][:4], today.isoformat()])
