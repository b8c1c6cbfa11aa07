"""Running vectors through the RTL of a design, cycle by cycle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.verification.bench import Bench
from nanosieve.compiler.verification.bench_run import Look, run_bench
from nanosieve.compiler.verification.folder import DesignFolder, read_design
from nanosieve.compiler.verification.stimulus import BACK_TO_BACK, Schedule, Stimulus, Timing
from nanosieve.errors import SampleError, VerificationError
from nanosieve.progress import Progress, silent

__all__ = ["Simulation", "probe", "simulate"]

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Simulation:
    """What came out of the RTL.

    Attributes:
        outputs: output name → int64 codes (vectors, elements); rows of lost vectors are 0.
        delivered: bool (vectors,): False for those in flight at a reset, or of whose outputs it met a beat.
        cycles: clock cycles simulated.
    """

    outputs: Mapping[str, Codes]
    delivered: NDArray[np.bool_]
    cycles: int


def simulate(
    design: str | Path | DesignFolder,
    codes: Mapping[str, NDArray[Any]],
    stimulus: Stimulus = BACK_TO_BACK,
    *,
    name: Callable[[int], str] = "vector {}".format,
    progress: Progress = silent,
) -> Simulation:
    """Send vectors through the design and check that each comes out `latency_cycles` later, and nothing else.

    Between vectors the inputs carry random bits, as do the bits of a beat in which no element lies, and
    `valid_in` is random while the design is busy; registers wake up with random bits.

    Args:
        design: a compiled design, by its folder.
        codes: input name → integer codes (vectors, …); the shape after the first axis is flattened.
        name: what messages call a vector, by its number.

    Raises:
        InputFileError: `design` is not a design.
        SampleError: an input is missing, has a wrong shape, or a code outside its range.
        VerificationError: valid_out rises in a cycle in which no vector is due, or is missing.
        MissingDependencyError, ToolError: the simulator cannot be built or fails.
    """
    design = _folder(design)
    given = check_codes(design, codes)
    vectors = len(next(iter(given.values())))
    timing = Timing(design.latency_cycles, design.interval_cycles, max(bus.beats for bus in design.outputs))
    schedule = _loaded(design, stimulus.schedule(vectors, timing))
    looks = [Look(n, bus.elements, design.latency_cycles + bus.times) for n, bus in enumerate(design.outputs)]
    found, valid = run_bench(
        Bench(design),
        given,
        schedule,
        looks,
        entered=schedule.entered[schedule.delivered],
        seed=stimulus.seed,
        progress=progress,
    )
    _check_cycles(design, valid, schedule, name)
    outputs = {}
    for bus, codes_of in zip(design.outputs, found, strict=True):
        outputs[bus.name] = np.zeros((vectors, len(bus.elements)), dtype=np.int64)
        outputs[bus.name][schedule.delivered] = codes_of
    return Simulation(outputs, schedule.delivered, len(schedule.valid))


def probe(
    design: str | Path | DesignFolder, codes: Mapping[str, NDArray[Any]], *, progress: Progress = silent
) -> dict[str, Codes]:
    """The codes that every layer's wire carries for each vector: layer name → int64 (vectors, elements).

    The vectors enter back to back, and each element is read on its wire `stage` cycles after its vector
    entered; those that the hardware does not make are 0. The errors are those of `simulate`, but for
    VerificationError, which is not raised.
    """
    design = _folder(design)
    given = check_codes(design, codes)
    vectors = len(next(iter(given.values())))
    deepest = max((layer.stage for layer in design.layers), default=0)
    timing = Timing(max(design.latency_cycles, deepest), design.interval_cycles)
    schedule = _loaded(design, BACK_TO_BACK.schedule(vectors, timing))
    looks = [
        Look(n, layer.made, layer.times) for n, layer in enumerate(design.layers, start=len(design.outputs))
    ]
    found, _ = run_bench(
        Bench(design), given, schedule, looks, entered=schedule.entered, seed=0, progress=progress
    )
    values: dict[str, Codes] = {}
    for layer, codes_of in zip(design.layers, found, strict=True):
        values[layer.name] = np.zeros((vectors, len(layer.elements)), dtype=np.int64)
        values[layer.name][:, [element is not None for element in layer.elements]] = codes_of
    return values


def _folder(design: str | Path | DesignFolder) -> DesignFolder:
    return design if isinstance(design, DesignFolder) else read_design(design)


def _loaded(design: DesignFolder, schedule: Schedule) -> Schedule:
    """The schedule behind the loads of the weights."""
    return (
        schedule.after(design.loads, design.weights.settle_cycles, len(schedule.valid))
        if design.weights
        else schedule
    )


def check_codes(design: DesignFolder, codes: Mapping[str, NDArray[Any]]) -> dict[str, Codes]:
    """The codes of every input as int64 (vectors, elements), in the order of the ports.

    Raises:
        SampleError: an input is missing or unknown, has a wrong shape, or a code outside its range.
    """
    names = [bus.name for bus in design.inputs]
    if sorted(names) != sorted(codes):
        given_names = ", ".join(sorted(codes)) or "none"
        message = f"design {design.name!r} takes the inputs {', '.join(names)}, not {given_names}"
        raise SampleError(message)
    given: dict[str, Codes] = {}
    for bus in design.inputs:
        array = np.asarray(codes[bus.name])
        size = int(np.prod(array.shape[1:])) if array.ndim else 0
        if array.ndim == 0 or len(array) == 0 or size != len(bus.elements) or array.dtype.kind not in "iu":
            message = (
                f"input {bus.name!r} takes integer codes (vectors, {len(bus.elements)}), one or more, "
                f"not {array.dtype} {array.shape}"
            )
            raise SampleError(message)
        flat = array.reshape(len(array), size).astype(np.int64)
        low, high = (np.array([getattr(element, end) for element in bus.elements]) for end in ("low", "high"))
        outside = (flat < low) | (flat > high)
        if outside.any():
            vector, element = (int(n[0]) for n in np.nonzero(outside))
            message = (
                f"input {bus.name!r}, vector {vector}, element {element}: code {flat[vector, element]} "
                f"is outside {low[element]} to {high[element]}"
            )
            raise SampleError(message)
        given[bus.name] = flat
    if len({len(array) for array in given.values()}) != 1:
        message = "the inputs hold different numbers of vectors: " + ", ".join(
            f"{name} {len(array)}" for name, array in given.items()
        )
        raise SampleError(message)
    return given


def _check_cycles(design: DesignFolder, seen: Codes, schedule: Schedule, name: Callable[[int], str]) -> None:
    due = schedule.entered[schedule.announced] + design.latency_cycles
    if np.array_equal(seen, due):
        return
    cycle = int(np.setxor1d(seen, due)[0])
    if cycle in due:
        vector = int(np.flatnonzero(schedule.announced)[np.flatnonzero(due == cycle)[0]])
        entered = int(schedule.entered[vector])
        what = f"is low in cycle {cycle}, when {name(vector)} (entered in cycle {entered}) is due"
    else:
        what = f"is high in cycle {cycle}, when no vector is due"
    resets = np.flatnonzero(schedule.reset)
    before = int(resets[resets <= cycle][-1])
    message = (
        f"design {design.name!r}: valid_out of the {design.level} {what}; "
        f"the latency is {design.latency_cycles} cycles, the interval {design.interval_cycles}, "
        f"the last reset was in cycle {before}"
    )
    raise VerificationError(message)
