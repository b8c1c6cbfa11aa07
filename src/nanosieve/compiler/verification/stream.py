"""Running vectors through the AXI4-Stream wrapper of a design, with sources and sinks that stall."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.hardware.integration.axis import axis_name, events_in_flight
from nanosieve.compiler.hardware.integration.interface import Bus, Interface
from nanosieve.compiler.verification.folder import DesignFolder, read_design
from nanosieve.compiler.verification.simulation import check_codes
from nanosieve.compiler.verification.stream_bench import StreamBench
from nanosieve.compiler.verification.verilator import build
from nanosieve.errors import InputFileError, SettingsError, ToolError, VerificationError
from nanosieve.progress import Progress, silent

__all__ = ["Stalls", "StreamSimulation", "simulate_stream", "wrapper_path"]

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Stalls:
    """How sources and sinks stall.

    Attributes:
        source: probability that a source stalls after a beat, 0 to 1.
        sink: likewise for a sink.
        seed: of the random choices; one stall in eight × the beats of an event is so long that every queue
            fills or empties.
        reset: cycle of a reset in mid-stream, after which all vectors are sent again; 0 for none.

    Raises:
        SettingsError: a value out of its domain.
    """

    source: float = 0.0
    sink: float = 0.0
    seed: int = 1
    reset: int = 0

    def __post_init__(self) -> None:
        for what in ("source", "sink"):
            value = getattr(self, what)
            if not 0 <= value <= 1:
                message = f"stalls: {what} = {value!r} is a probability from 0 to 1"
                raise SettingsError(message)
        for what in ("seed", "reset"):
            value = getattr(self, what)
            if not 0 <= value < 2**32:
                message = f"stalls: {what} = {value!r} is not from 0 to 2**32 - 1"
                raise SettingsError(message)


@dataclass(frozen=True)
class StreamSimulation:
    """What came out of the streams.

    Attributes:
        outputs: output name → int64 codes (vectors, elements).
        cycles: output name → cycle in which the first beat of each vector was taken, int64 (vectors,).
        aborted: output name → codes of the vectors that had come out whole when the reset fell.
    """

    outputs: Mapping[str, Codes]
    cycles: Mapping[str, NDArray[np.int64]]
    aborted: Mapping[str, Codes]


def simulate_stream(
    design: str | Path | DesignFolder,
    codes: Mapping[str, NDArray[Any]],
    stalls: Stalls | None = None,
    *,
    progress: Progress = silent,
) -> StreamSimulation:
    """Send vectors through the AXI4-Stream wrapper of a design and collect what comes out.

    Args:
        design: a compiled design with ``axi/``, by its folder.
        codes: input name → integer codes (vectors, …); the shape after the first axis is flattened.
        stalls: of sources and sinks; none by default.

    Raises:
        InputFileError: `design` is not a design, or has no wrapper.
        SampleError: an input is missing, has a wrong shape, or a code outside its range.
        VerificationError: a beat is lost or comes twice, tlast is wrong, an output changes while it waits, a
            reset leaves a beat behind, or nothing moves any more.
        MissingDependencyError, ToolError: the simulator cannot be built or fails.
    """
    folder = design if isinstance(design, DesignFolder) else read_design(design)
    stalls = stalls or Stalls()
    interface, wrapper = _interface(folder), wrapper_path(folder)
    given = check_codes(folder, codes)
    vectors = len(next(iter(given.values())))
    if not wrapper.is_file():
        message = (
            f"design {str(folder.path)!r} has no AXI4-Stream wrapper; compile the model again with --axi"
        )
        raise InputFileError(message)
    bench = StreamBench(
        folder.model_copy(update={"level": "AXI"}), interface, wrapper.read_text(encoding="utf-8")
    )
    program = build(bench, progress=progress)
    progress("simulate AXI", 0, vectors, "vectors")
    beats = _run(program, interface, given, vectors, stalls)
    progress("simulate AXI", vectors, vectors, "vectors")
    outputs, cycles, aborted = {}, {}, {}
    for n, bus in enumerate(interface.outputs):
        seen = beats[n]
        early = int(np.searchsorted(seen.cycles, stalls.reset))
        whole = early // bus.beats * bus.beats
        aborted[bus.name] = _codes(bus, seen.words[:whole])
        _check(interface, bus, seen, slice(0, early))
        _check(interface, bus, seen, slice(early, None), vectors)
        outputs[bus.name] = _codes(bus, seen.words[early:])
        cycles[bus.name] = seen.cycles[early :: bus.beats]
    return StreamSimulation(outputs, cycles, aborted)


def wrapper_path(design: DesignFolder) -> Path:
    """Where the AXI4-Stream wrapper of a design is, if it has one."""
    return design.path / "axi" / f"{axis_name(_interface(design))}.v"


def _interface(design: DesignFolder) -> Interface:
    return Interface.of(json.loads((design.path / "design.json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class _Beats:
    """What a sink took: cycle, tlast and word (32-bit parts) of every beat."""

    cycles: NDArray[np.int64]
    last: NDArray[np.bool_]
    words: NDArray[np.uint32]


_ENDS = {
    10: "an output is withdrawn or changed before it is taken",
    11: "an output is valid while the reset holds",
    12: "framing_error rises though every packet is whole",
}


def _run(
    program: Path, interface: Interface, given: Mapping[str, Codes], vectors: int, stalls: Stalls
) -> list[_Beats]:
    flight = interface.latency + interface.interval * (events_in_flight(interface) + 4)
    longest = 2 * flight
    patience = 4 * longest + 100
    with tempfile.TemporaryDirectory(prefix="nanosieve-sim-") as name:
        stimulus, response = Path(name, "stimulus"), Path(name, "response")
        stimulus.write_bytes(b"".join(_bytes(bus, given[bus.name]) for bus in interface.inputs))
        chances = (round(1000 * stalls.source), round(1000 * stalls.sink))
        numbers = (vectors, stalls.seed, *chances, longest, patience, stalls.reset)
        command = [str(program.resolve()), str(stimulus), str(response), *map(str, numbers)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode in _ENDS:
            message = f"AXI4-Stream wrapper of {interface.name!r}: {_ENDS[done.returncode]}"
            raise VerificationError(message)
        if done.returncode != 0:
            message = f"the AXI simulator of {interface.name!r} ended with code {done.returncode}"
            raise ToolError(message)
        return _read(response.read_bytes(), interface)


def _bytes(bus: Bus, codes: Codes) -> bytes:
    """All beats of all vectors of an input, each in 32-bit words, least significant first."""
    size = 4 * -(-bus.bytes // 4)
    packed = []
    for row in codes.tolist():
        beats = [0] * bus.beats
        for code, element in zip(row, bus.elements, strict=True):
            beats[element.beat] |= (code & ((1 << element.width) - 1)) << element.lsb
        packed += [beat.to_bytes(size, "little") for beat in beats]
    return b"".join(packed)


def _read(response: bytes, interface: Interface) -> list[_Beats]:
    """The records of the driver by output."""
    words = np.frombuffer(response, dtype="<u4")
    sizes = [-(-bus.bytes // 4) for bus in interface.outputs]
    starts: list[list[int]] = [[] for _ in sizes]
    at = 0
    while at < len(words):
        stream = int(words[at])
        starts[stream].append(at)
        at += 3 + sizes[stream]
    found = []
    for rows, size in zip(starts, sizes, strict=True):
        records = words[np.add.outer(np.array(rows, dtype=np.int64), np.arange(3 + size))]
        found.append(_Beats(records[:, 1].astype(np.int64), records[:, 2] != 0, records[:, 3:]))
    return found


def _codes(bus: Bus, words: NDArray[np.uint32]) -> Codes:
    """The codes of whole vectors: int64 (vectors, elements)."""
    values = [int.from_bytes(row.astype("<u4").tobytes(), "little") for row in words]
    codes = np.zeros((len(values) // bus.beats, len(bus.elements)), dtype=np.int64)
    for n, element in enumerate(bus.elements):
        sign = (1 << element.width >> 1) if element.signed else 0
        mask = (1 << element.width) - 1
        column = [(value >> element.lsb & mask ^ sign) - sign for value in values[element.beat :: bus.beats]]
        codes[:, n] = column[: len(codes)]
    return codes


def _check(interface: Interface, bus: Bus, seen: _Beats, part: slice, vectors: int | None = None) -> None:
    """Every packet is whole and, if `vectors` is given, there are as many."""
    last, words = seen.last[part], seen.words[part]
    where = f"AXI4-Stream wrapper of {interface.name!r}, output {bus.name!r}"
    wrong = np.flatnonzero(last != (np.arange(len(last)) % bus.beats == bus.beats - 1))
    if len(wrong):
        message = f"{where}: tlast is {int(last[wrong[0]])} in beat {int(wrong[0])} of packets of {bus.beats}"
        raise VerificationError(message)
    if vectors is not None and len(last) != vectors * bus.beats:
        message = f"{where}: {len(last)} beats came, not {vectors * bus.beats}"
        raise VerificationError(message)
    spare = np.frombuffer(
        (((1 << 32 * words.shape[1]) - 1) >> bus.width << bus.width).to_bytes(4 * words.shape[1], "little"),
        dtype="<u4",
    )
    if (words & spare).any():
        message = f"{where}: a bit above the {bus.width} bits of the bus is not 0"
        raise VerificationError(message)
