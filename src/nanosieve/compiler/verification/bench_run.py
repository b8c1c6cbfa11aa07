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
from nanosieve.compiler.verification.folder import Bus, DesignFolder, Element
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
    """Simulate a schedule. Only what `looks` name is recorded, so that a long interval costs no room.

    Args:
        given: input name → codes (vectors, elements).
        looks: what is read for each of `entered`.
        entered: the cycles in which the vectors that are looked at entered.
        seed: of the random bits between the vectors.

    Returns:
        For each of `looks` int64 (entered, elements); the cycles after the first in which valid_out is high.
    """
    records = _records(bench.design, given, schedule, seed)
    sizes = np.array([words(seen.width) for seen in bench.observed], dtype=np.int64)
    plans = []
    for look in looks:
        times, place = np.unique(look.times, return_inverse=True)
        plans.append(((entered[:, np.newaxis] + times) * len(sizes) + look.number, place))
    # two vectors may want the same wire in the same cycle
    wanted = np.unique(np.concatenate([np.zeros(0, np.int64), *(keys.ravel() for keys, _ in plans)]))
    pairs = np.stack(np.divmod(wanted, len(sizes)), axis=1)
    response, valid = _simulate(bench, records, pairs.astype(np.uint32), progress)
    ends = np.cumsum(sizes[pairs[:, 1]])
    found = []
    for look, (keys, place) in zip(looks, plans, strict=True):
        size = sizes[look.number]
        first = ends[np.searchsorted(wanted, keys)] - size
        found.append(unpack(response[first[..., np.newaxis] + np.arange(size)], look.elements, place))
    return found, valid


def _records(design: DesignFolder, given: Mapping[str, Codes], schedule: Schedule, seed: int) -> Words:
    """What the driver reads: per cycle the control word and the input words.

    Bits in which no element of the beat lies are random, and all bits where no vector enters; so are address
    and data of the weights where no word is written.
    """
    random, cycles = np.random.default_rng(seed), len(schedule.valid)
    control = schedule.valid + 2 * schedule.reset.astype(np.uint32)
    writing = schedule.writes is not None and schedule.writes[:, 0] >= 0
    control = control + 4 * np.asarray(writing, dtype=np.uint32)
    parts = [control[:, np.newaxis]]
    for bus in design.inputs:
        parts.append(random.integers(0, 2**32, (cycles, words(bus.width)), dtype=np.uint32))
        if bus.width % 32:
            parts[-1][:, -1] &= np.uint32((1 << bus.width % 32) - 1)
        _enter(parts[-1], bus, given[bus.name], schedule)
    if design.weights:
        parts.append(random.integers(0, 2**32, (cycles, 2), dtype=np.uint32))
        parts[-1][:, 0] >>= np.uint32(32 - design.weights.address_bits)
        if schedule.writes is not None:
            parts[-1][writing] = schedule.writes[writing]
    return np.concatenate(parts, axis=1)


def _enter(port: Words, bus: Bus, codes: Codes, schedule: Schedule) -> None:
    """Put the vectors, beat by beat, over the noise on a port; what enters after a reset cuts it short."""
    shape = (bus.beats, port.shape[1])
    own = pack(np.full((1, codes.shape[1]), -1), bus.elements, bus.times, shape)
    packed = pack(codes, bus.elements, bus.times, shape)
    # in the order of the cycles, so that of two vectors the later one counts
    for beat in reversed(range(bus.beats)):
        at = schedule.entered + beat
        port[at] = port[at] & ~own[:, beat] | packed[:, beat]


def _simulate(bench: Bench, records: Words, pairs: Words, progress: Progress) -> tuple[Words, Codes]:
    program = build(bench, progress=progress)
    stage = f"simulate {bench.design.level}"
    with tempfile.TemporaryDirectory(prefix="nanosieve-sim-") as name:
        files = [Path(name, file) for file in ("stimulus", "wanted", "response", "valid")]
        records.tofile(files[0])
        pairs.tofile(files[1])
        command = [str(program.resolve()), *map(str, files), str(len(records))]
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
        response, valid = (np.fromfile(file, dtype=np.uint32) for file in files[2:])
        return response, valid.astype(np.int64)
