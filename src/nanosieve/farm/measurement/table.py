"""The table of arXiv:2307.05152 for every network of a profile: CPU, GPU, U50, U250."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nanosieve.devices import Trust
from nanosieve.farm.measurement.profile_schema import NetworkTimes, Point
from nanosieve.figure import Figure, Provenance

__all__ = ["COLUMNS", "Cell", "published_cells", "table_cells"]

COLUMNS = ("CPU", "GPU", "U50", "U250")
PUBLISHED = "arXiv:2307.05152, Table 1"
_PUBLISHED = {
    "CPU": ((5.1, 1.1), (302.0, 4.0)),
    "GPU": ((1.0, 0.1), (9930.0, 187.0)),
    "U50": ((3.7, 0.1), (950.0, 5.0)),
    "U250": ((3.1, 0.4), (553.0, 4.0)),
}


@dataclass(frozen=True)
class Cell:
    """One device.

    Attributes:
        time: ms, of a single event; None if it was not measured.
        throughput: events/s, the best of all batches, threads and precisions.
        how: of both, or why they are missing.
    """

    time: Figure | None
    throughput: Figure | None
    how: str


def table_cells(times: NetworkTimes) -> dict[str, Cell]:
    """Column → what was measured. A GPU copies its inputs and outputs; FPGAs follow from cycles and clock."""
    places: dict[str, Callable[[Point], bool]] = {
        "CPU": lambda point: point.device == "cpu",
        "GPU": lambda point: point.device == "gpu" and point.transfers != "excluded",
        "U50": lambda point: point.on == "alveo-u50",
        "U250": lambda point: point.on == "alveo-u250",
    }
    return {name: _cell([p for p in times.points if here(p)]) for name, here in places.items()}


def published_cells() -> dict[str, Cell]:
    """What is published for the convolutional network; time and throughput are of different concurrency."""

    def figure(pair: tuple[float, float], unit: str) -> Figure:
        return Figure(pair[0], unit, Provenance.PUBLISHED, pair[1], PUBLISHED)

    return {n: Cell(figure(time, "ms"), figure(rate, "1/s"), "") for n, (time, rate) in _PUBLISHED.items()}


def _cell(points: Sequence[Point]) -> Cell:
    measured = [point for point in points if not point.not_measured]
    if not measured:
        return Cell(None, None, points[0].not_measured if points else "not measured")
    single = [point for point in measured if point.batch == 1]
    fastest = min(single, key=lambda point: point.time or 0.0) if single else None
    most = max(measured, key=lambda point: point.throughput or 0.0)
    time = None
    if fastest is not None and fastest.time is not None:
        time = Figure(
            fastest.time * 1e3,
            "ms",
            _provenance(fastest),
            (fastest.spread or 0.0) * 1e3 or None,
            _source(fastest),
        )
    rate = Figure(
        most.throughput or 0.0, "1/s", _provenance(most), most.throughput_error or None, _source(most)
    )
    how = "; ".join(dict.fromkeys([*([] if fastest is None else [_how(fastest)]), _how(most)]))
    return Cell(time, rate, how)


def _provenance(point: Point) -> Provenance:
    return Provenance.MEASURED if point.trust is Trust.MEASURED else Provenance.ESTIMATED


def _source(point: Point) -> str:
    return f"{point.on}, {point.engine}, {_how(point)}"


def _how(point: Point) -> str:
    if point.device == "fpga":
        return f"{point.cycles[1]} cycles at {point.clock_mhz:g} MHz" if point.cycles else ""
    threads = "" if point.threads is None else f", {point.threads} threads"
    return f"{point.precision}, batch {point.batch}{threads}"
