"""A metric of the quantised network against the number of bits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends import Calibration, load_model, run_model
from nanosieve.compiler.graph import Graph
from nanosieve.errors import SampleError, SettingsError
from nanosieve.executor import run_tasks
from nanosieve.figure import Figure, Provenance
from nanosieve.progress import Progress, silent

__all__ = ["Metric", "PrecisionScan", "ScanPoint", "area_under_roc", "scan_precision"]

Values = NDArray[Any]
Outputs = Mapping[str, Values]
Metric = Callable[[Outputs, Values], float]
"""Real outputs by name, shape (events, …), and labels (events, …), to a number."""
Source = str | Path | Callable[[Calibration], Graph]


@dataclass(frozen=True)
class ScanPoint:
    """One number of bits.

    Attributes:
        bits: the number.
        precision: the types of the graph.
        value: the metric of the graph.
        ratio: the metric of the graph over that of the float model, on the same events.
    """

    bits: int
    precision: str | Mapping[str, str]
    value: Figure
    ratio: Figure


@dataclass(frozen=True)
class PrecisionScan:
    """A metric against bits.

    Attributes:
        name: of the network.
        metric: what the metric is called.
        reference: of the float model.
        points: one for each number of bits, ascending.
    """

    name: str
    metric: str
    reference: Figure
    points: tuple[ScanPoint, ...]

    def rows(self) -> list[list[str]]:
        """The table: bits, precision, metric and ratio to the float model, with their errors."""
        return [[str(p.bits), _short(p.precision), p.value.number(), p.ratio.number()] for p in self.points]

    def fewest(self, ratio: float = 0.99) -> ScanPoint | None:
        """The point of fewest bits from which on the metric stays at or above a part of the float model's."""
        found = None
        for point in reversed(self.points):
            if point.ratio.value < ratio:
                break
            found = point
        return found


def scan_precision(
    model: Source,
    calibrate: Mapping[str, Values] | Values,
    metric: Metric,
    *,
    inputs: Mapping[str, Values] | Values,
    labels: Values,
    bits: Iterable[int] = range(4, 17),
    precision: str | Mapping[str, str] = "fixed<{bits}>",
    per_channel: bool = False,
    reference: Outputs | None = None,
    name: str = "",
    called: str = "",
    resamples: int = 50,
    seed: int = 0,
    workers: int | None = 1,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> PrecisionScan:
    """The metric for each number of bits, beside that of the float model.

    Args:
        model: a file, or what makes a graph from a `Calibration`.
        calibrate: events from which the types are chosen; not those on which the metric is taken.
        metric: of the outputs and the labels, e.g. `area_under_roc`.
        inputs: events (events, *input shape) on which it is taken, by input name or of the only input.
        labels: shape (events, …).
        bits: what ``{bits}`` in `precision` stands for.
        precision: a type, or types by layer; ``"fixed<{bits}>"`` varies the width of everything,
            ``{"default": "fixed<24>", "default.kernel": "fixed<{bits}>"}`` that of the kernels alone.
        per_channel: see `Calibration`.
        reference: outputs of the float model; needed if `model` is no file.
        name: of the network; default the name of the graph.
        called: of the metric; default the name of its function.
        resamples: bootstrap samples of the events for the errors; 0 for none.
        seed: of the resampling.
        workers, scheduler: as in `nanosieve.executor.run_tasks`; a point does not depend on them. With
            several workers the model and the metric must be picklable.
        progress: told of every point.

    Raises:
        SettingsError: no bits, no ``{bits}`` in the precision, or no reference for a model that is no file.
        SampleError: events and labels differ in number.
    """
    numbers = sorted(set(bits))
    if not numbers or _filled(precision, 4) == _filled(precision, 5):
        message = (
            f"a scan takes some bits and a precision with {{bits}} in it, not {numbers} and {precision!r}"
        )
        raise SettingsError(message)
    graph = _made(model, Calibration(calibrate, _filled(precision, numbers[-1]), per_channel))
    values = inputs if isinstance(inputs, Mapping) else {next(iter(graph.inputs)): inputs}
    labels = np.asarray(labels)
    if any(len(array) != len(labels) for array in values.values()):
        message = (
            f"{len(labels)} labels do not fit {len(next(iter(values.values())))} events; give one for each"
        )
        raise SampleError(message)
    if reference is None:
        if callable(model):
            message = "the float outputs are not known for a model that is no file; give reference="
            raise SettingsError(message)
        reference = run_model(model, values)
    full = _values(metric, reference, labels, resamples, seed)
    task = _Task(
        model, calibrate, precision, per_channel, metric, values, labels, tuple(full), resamples, seed
    )
    points: dict[int, ScanPoint] = {}
    progress("precision", 0, len(numbers), "points")
    for place, point in run_tasks(_point, numbers, shared=task, workers=workers, scheduler=scheduler):
        points[place] = point
        progress("precision", len(points), len(numbers), "points")
    called = called or getattr(metric, "__name__", "metric").replace("_", " ")
    return PrecisionScan(
        name or graph.name, called, _figure(full, len(labels)), tuple(points[n] for n in sorted(points))
    )


@dataclass(frozen=True)
class _Task:
    """What all points need; as the arguments of `scan_precision`, and the metric of the float model."""

    model: Source
    calibrate: Mapping[str, Values] | Values
    precision: str | Mapping[str, str]
    per_channel: bool
    metric: Metric
    values: Mapping[str, Values]
    labels: Values
    full: tuple[float, ...]
    resamples: int
    seed: int


def _point(task: _Task, bits: int) -> ScanPoint:
    stated = _filled(task.precision, bits)
    outputs = _made(task.model, Calibration(task.calibrate, stated, task.per_channel)).emulate(task.values)
    found = _values(task.metric, outputs, task.labels, task.resamples, task.seed)
    ratios = [a / b if b else float("nan") for a, b in zip(found, task.full, strict=True)]
    return ScanPoint(bits, stated, _figure(found, len(task.labels)), _figure(ratios, len(task.labels)))


def _made(model: Source, calibration: Calibration) -> Graph:
    return model(calibration) if callable(model) else load_model(model, calibration)


def _values(metric: Metric, outputs: Outputs, labels: Values, resamples: int, seed: int) -> list[float]:
    """The metric of all events, and of each bootstrap sample of them."""
    draws = (_draw(len(labels), n, seed) for n in range(resamples))
    return [metric(outputs, labels), *(metric(_taken(outputs, d), labels[d]) for d in draws)]


def area_under_roc(outputs: Outputs, labels: Values) -> float:
    """Area under the ROC curve of the first output; the mean over the classes, each against the others.

    Args:
        outputs: the first is (events, classes), or (events,) or (events, 1) for signal against background.
        labels: numbers of the classes (events,), or one column per class.
    """
    scores = np.asarray(next(iter(outputs.values())))
    scores = scores.reshape(len(scores), -1)
    if labels.ndim > 1 and labels.shape[1] > 1:
        labels = labels.argmax(axis=1)
    labels = labels.reshape(-1)
    classes = range(scores.shape[1]) if scores.shape[1] > 1 else [1]
    areas = [_area(scores[:, n] if len(classes) > 1 else scores[:, 0], labels == n) for n in classes]
    return float(np.mean([area for area in areas if np.isfinite(area)]))


def _area(scores: Values, signal: NDArray[np.bool_]) -> float:
    """The part of pairs of signal and background in the right order; equal scores count half."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place.reshape(-1)]
    few, rest = int(signal.sum()), int((~signal).sum())
    if not few or not rest:
        return float("nan")
    return float((rank[signal].sum() - few * (few + 1) / 2) / (few * rest))


def _taken(outputs: Outputs, rows: NDArray[np.int64]) -> dict[str, Values]:
    return {name: np.asarray(array)[rows] for name, array in outputs.items()}


def _draw(events: int, number: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, number)).integers(0, events, events)


def _figure(values: list[float], events: int) -> Figure:
    """The first value; the spread of the others is its error."""
    error = float(np.std(values[1:], ddof=1)) if len(values) > 2 else None
    return Figure(float(values[0]), "", Provenance.SIMULATED, error, f"{events:,} events")


def _filled(precision: str | Mapping[str, str], bits: int) -> str | dict[str, str]:
    if isinstance(precision, str):
        return precision.replace("{bits}", str(bits))
    return {name: text.replace("{bits}", str(bits)) for name, text in precision.items()}


def _short(precision: str | Mapping[str, str]) -> str:
    if isinstance(precision, str):
        return precision
    return ", ".join(f"{name}: {text}" for name, text in precision.items())
