"""Running vectors through the RTL of a design, cycle by cycle."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.verification.bench import Bench, word_count
from nanosieve.compiler.verification.bits import pack, unpack, words
from nanosieve.compiler.verification.folder import Bus, DesignFolder, Layer, read_design
from nanosieve.compiler.verification.stimulus import BACK_TO_BACK, Schedule, Stimulus
from nanosieve.compiler.verification.verilator import build
from nanosieve.errors import SampleError, ToolError, VerificationError
from nanosieve.progress import Progress, silent

__all__ = ["Simulation", "probe", "simulate"]

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Simulation:
    """What came out of the RTL.

    Attributes:
        outputs: output name → int64 codes (vectors, elements); rows of lost vectors are 0.
        delivered: bool (vectors,): False for those in flight at a reset.
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
    progress: Progress = silent,
) -> Simulation:
    """Send vectors through the design and check that each comes out `latency_cycles` later, and nothing else.

    Between vectors the inputs carry random bits, and registers wake up with random bits.

    Args:
        design: a compiled design, by its folder.
        codes: input name → integer codes (vectors, …); the shape after the first axis is flattened.

    Raises:
        InputFileError: `design` is not a design.
        SampleError: an input is missing, has a wrong shape, or a code outside its range.
        VerificationError: valid_out rises in a cycle in which no vector is due, or is missing.
        MissingDependencyError, ToolError: the simulator cannot be built or fails.
    """
    design = _folder(design)
    given = check_codes(design, codes)
    vectors = len(next(iter(given.values())))
    schedule = stimulus.schedule(vectors, design.latency_cycles)
    bench = Bench(design)
    response = _run(bench, _records(design, given, schedule, stimulus.seed), every=False, progress=progress)
    _check_cycles(design, response[:, 0].astype(np.int64), schedule)
    outputs = {}
    for bus, columns in _columns(design.outputs):
        outputs[bus.name] = np.zeros((vectors, len(bus.elements)), dtype=np.int64)
        outputs[bus.name][schedule.delivered] = unpack(response[:, columns], bus.elements)
    return Simulation(outputs, schedule.delivered, len(schedule.valid))


def probe(
    design: str | Path | DesignFolder, codes: Mapping[str, NDArray[Any]], *, progress: Progress = silent
) -> dict[str, Codes]:
    """The codes that every layer's wire carries for each vector: layer name → int64 (vectors, elements).

    The vectors enter back to back, and each wire is read `stage` cycles after its vector entered. The errors
    are those of `simulate`, but for VerificationError, which is not raised.
    """
    design = _folder(design)
    given = check_codes(design, codes)
    vectors = len(next(iter(given.values())))
    deepest = max((layer.stage for layer in design.layers), default=0)
    schedule = BACK_TO_BACK.schedule(vectors, max(design.latency_cycles, deepest))
    bench = Bench(design)
    response = _run(bench, _records(design, given, schedule, 0), every=True, progress=progress)
    values: dict[str, Codes] = {}
    for seen, columns in _columns(bench.observed):
        if isinstance(seen, Layer):
            cycles = schedule.entered + seen.stage
            values[seen.name] = unpack(response[cycles - 1][:, columns], seen.elements)  # row 0 is cycle 1
    return values


def _folder(design: str | Path | DesignFolder) -> DesignFolder:
    return design if isinstance(design, DesignFolder) else read_design(design)


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


def _records(
    design: DesignFolder, given: Mapping[str, Codes], schedule: Schedule, seed: int
) -> NDArray[np.uint32]:
    """What the driver reads: per cycle the control word and the input words."""
    cycles = len(schedule.valid)
    random = np.random.default_rng(seed)
    idle = np.flatnonzero(~schedule.valid)
    records = np.zeros((cycles, 1 + word_count(design.inputs)), dtype=np.uint32)
    records[:, 0] = schedule.valid + 2 * schedule.reset.astype(np.uint32)
    for bus, columns in _columns(design.inputs, first=1):
        noise = random.integers(-(2**62), 2**62, (len(idle), len(bus.elements)))
        records[schedule.entered, columns] = pack(given[bus.name], bus.elements)
        records[idle, columns] = pack(noise, bus.elements)
    return records


def _columns(buses: Sequence[Bus | Layer], first: int = 2) -> list[tuple[Any, slice]]:
    placed = []
    for bus in buses:
        size = words(bus.elements)
        placed.append((bus, slice(first, first + size)))
        first += size
    return placed


def _run(bench: Bench, records: NDArray[np.uint32], *, every: bool, progress: Progress) -> NDArray[np.uint32]:
    program = build(bench, progress=progress)
    stage = f"simulate {bench.design.level}"
    with tempfile.TemporaryDirectory(prefix="nanosieve-sim-") as name:
        stimulus, response = Path(name, "stimulus"), Path(name, "response")
        records.tofile(stimulus)
        command = [str(program.resolve()), str(stimulus), str(response), str(len(records)), str(int(every))]
        said: list[str] = []
        pipe, into = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(command, stdout=pipe, stderr=into, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip().isdecimal():
                    progress(stage, int(line), len(records), "cycles")
                else:
                    said.append(" ".join(line.split()))
        if process.returncode != 0:
            why = f"code {process.returncode}" + (f": {said[0]}" if said else "")
            message = f"the {bench.design.level} simulator of {str(bench.design.path)!r} ended with {why}"
            raise ToolError(message)
        progress(stage, len(records), len(records), "cycles")
        return np.fromfile(response, dtype=np.uint32).reshape(-1, 2 + word_count(bench.observed))


def _check_cycles(design: DesignFolder, seen: Codes, schedule: Schedule) -> None:
    due = schedule.entered[schedule.delivered] + design.latency_cycles
    if np.array_equal(seen, due):
        return
    cycle = int(np.setxor1d(seen, due)[0])
    if cycle in due:
        vector = int(np.flatnonzero(schedule.delivered)[np.flatnonzero(due == cycle)[0]])
        entered = int(schedule.entered[vector])
        what = f"is low in cycle {cycle}, when vector {vector} (entered in cycle {entered}) is due"
    else:
        what = f"is high in cycle {cycle}, when no vector is due"
    resets = np.flatnonzero(schedule.reset)
    before = int(resets[resets <= cycle][-1])
    message = (
        f"design {design.name!r}: valid_out {what}; "
        f"the latency is {design.latency_cycles} cycles, the last reset was in cycle {before}"
    )
    raise VerificationError(message)
