"""One run of the bench: what enters in every cycle, and what is looked at in which cycles."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.verification.bench import Bench
from nanosieve.compiler.verification.bits import pack, unpack, words
from nanosieve.compiler.verification.folder import Bus, Element
from nanosieve.compiler.verification.stimulus import Schedule
from nanosieve.compiler.verification.verilator import build
from nanosieve.errors import ToolError
from nanosieve.progress import Progress

__all__ = ["Look", "run_bench"]

Codes = NDArray[np.int64]
Words = NDArray[np.uint32]


@dataclass(frozen=True)
class Look:
    """Elements to be read from one of the wires that the bench observes.

    Attributes:
        number: of the wire in `Bench.observed`.
        elements: where they lie.
        times: in which cycle after the entry of a vector each is there, (elements,).
    """

    number: int
    elements: Sequence[Element]
    times: Codes


def run_bench(
    bench: Bench,
    given: Mapping[str, Codes],
    schedule: Schedule,
    looks: Sequence[Look],
    *,
    entered: Codes,
    seed: int,
    progress: Progress,
) -> tuple[list[Codes], Codes]:
    """Simulate a schedule. Only what enters and what `looks` name takes room, and a byte for each cycle.

    Args:
        given: input name → codes (vectors, elements).
        looks: what is read for each of `entered`.
        entered: the cycles in which the vectors that are looked at entered.
        seed: of the random bits between the vectors.

    Returns:
        For each of `looks` int64 (entered, elements); the cycles after the first in which valid_out is high.
    """
    control, records = _records(bench, given, schedule, seed)
    sizes = np.array([words(seen.width) for seen in bench.observed], dtype=np.int64)
    plans = []
    for look in looks:
        times, place = np.unique(look.times, return_inverse=True)
        plans.append(((entered[:, np.newaxis] + times) * len(sizes) + look.number, place))
    # two vectors may want the same wire in the same cycle
    wanted = np.unique(np.concatenate([np.zeros(0, np.int64), *(keys.ravel() for keys, _ in plans)]))
    pairs = np.stack(np.divmod(wanted, len(sizes)), axis=1)
    response, valid = _simulate(bench, control, records, pairs.astype(np.uint32), seed, progress)
    ends = np.cumsum(sizes[pairs[:, 1]])
    found = []
    for look, (keys, place) in zip(looks, plans, strict=True):
        size = sizes[look.number]
        first = ends[np.searchsorted(wanted, keys)] - size
        found.append(unpack(response[first[..., np.newaxis] + np.arange(size)], look.elements, place))
    return found, valid


def _records(
    bench: Bench, given: Mapping[str, Codes], schedule: Schedule, seed: int
) -> tuple[NDArray[np.uint8], Words]:
    """What the driver reads: a byte for each cycle, and words for those in which beats or weights enter.

    Bits of these words in which no element of the beat lies are random; so are address and data of the
    weights where none is written.
    """
    design = bench.design
    writing = np.zeros(len(schedule.valid), dtype=bool)
    if schedule.writes is not None:
        writing = schedule.writes[:, 0] >= 0
    beats = np.arange(max(bus.beats for bus in design.inputs))
    busy = writing.copy()
    busy[schedule.entered[:, np.newaxis] + beats] = True
    flags = (schedule.valid, schedule.reset, writing, busy)
    control = np.packbits(np.stack(flags, axis=1), axis=1, bitorder="little")[:, 0]
    cycles = np.flatnonzero(busy)
    shape = (len(cycles), len(bench.input_masks))
    records = np.random.default_rng(seed).integers(0, 2**32, shape, dtype=np.uint32)
    records &= np.array(bench.input_masks, dtype=np.uint32)
    first = 0
    for bus in design.inputs:
        last = first + words(bus.width)
        _enter(records[:, first:last], bus, given[bus.name], cycles, schedule.entered)
        first = last
    if schedule.writes is not None:
        records[writing[cycles], first:] = schedule.writes[writing]
    return control, records


def _enter(port: Words, bus: Bus, codes: Codes, cycles: Codes, entered: Codes) -> None:
    """Put the vectors, beat by beat, over the noise on a port; what enters after a reset cuts it short.

    Args:
        port: the words in each of `cycles`.
    """
    shape = (bus.beats, port.shape[1])
    own = pack(np.full((1, codes.shape[1]), -1), bus.elements, bus.times, shape)
    packed = pack(codes, bus.elements, bus.times, shape)
    # in the order of the cycles, so that of two vectors the later one counts
    for beat in reversed(range(bus.beats)):
        at = np.searchsorted(cycles, entered + beat)
        port[at] = port[at] & ~own[:, beat] | packed[:, beat]


def _simulate(
    bench: Bench, control: NDArray[np.uint8], records: Words, pairs: Words, seed: int, progress: Progress
) -> tuple[Words, Codes]:
    program = build(bench, progress=progress)
    stage = f"simulate {bench.design.level}"
    with tempfile.TemporaryDirectory(prefix="nanosieve-sim-") as name:
        files = [Path(name, file) for file in ("control", "stimulus", "wanted", "response", "valid")]
        control.tofile(files[0])
        records.tofile(files[1])
        pairs.tofile(files[2])
        command = [str(program.resolve()), *map(str, files), str(len(control)), str(seed)]
        said: list[str] = []
        pipe, into = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(command, stdout=pipe, stderr=into, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip().isdecimal():
                    progress(stage, int(line), len(control), "cycles")
                else:
                    said.append(" ".join(line.split()))
        if process.returncode != 0:
            why = f"code {process.returncode}" + (f": {said[0]}" if said else "")
            message = f"the {bench.design.level} simulator of {str(bench.design.path)!r} ended with {why}"
            raise ToolError(message)
        progress(stage, len(control), len(control), "cycles")
        response, valid = (np.fromfile(file, dtype=np.uint32) for file in files[3:])
        return response, valid.astype(np.int64)
