"""Each network beside the publication: what is better, what is worse, and why, from the numbers at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from nanosieve.compiler.precision_scan import PrecisionScan
from nanosieve.figure import Figure, Provenance
from nanosieve.networks.recurrent import RecurrentNetwork
from nanosieve.studies.rnn.hardware import BuiltDesign
from nanosieve.studies.rnn.scan import CHOSEN

__all__ = ["Note", "note", "weights_of_a_step", "weights_per_event"]

GATES = {"LSTM": 4, "GRU": 3}
WHOLE = "static, whole state at once"


@dataclass(frozen=True)
class Note:
    """What there is to say about one network.

    Attributes:
        loss: part of the AUC that the bits of the hardware cost, in percent.
        reuse: products of an event over DSPs × interval of the static design: the part of the time in which a
            DSP multiplies, in percent; None without such a design or DSPs.
        text: in words.
    """

    loss: Figure
    reuse: Figure | None
    text: str


def weights_of_a_step(network: RecurrentNetwork, cell: str) -> int:
    """Products with weights in one step of the recurrent layer."""
    return GATES[cell] * network.hidden * (network.features + network.hidden)


def weights_per_event(network: RecurrentNetwork, cell: str) -> int:
    """Products with weights that one event takes: all steps of the cell, and the dense layers."""
    widths = (network.hidden, *network.dense, network.outputs)
    return network.steps * weights_of_a_step(network, cell) + sum(a * b for a, b in pairwise(widths))


def note(
    network: RecurrentNetwork,
    cell: str,
    scans: tuple[PrecisionScan, ...],
    bits: int,
    kept: float,
    designs: tuple[BuiltDesign, ...],
) -> Note:
    """The note of one network, its hardware having this many bits, which keep this part of the AUC.

    Hardware numbers of arXiv:2207.00559 that were read in the publication itself are not at hand, so that
    better or worse is said against a design with one multiplier for each weight of a step.
    """
    (scan,) = (each for each in scans if each.name == CHOSEN)
    (point,) = (each for each in scan.points if each.bits == bits)
    error = point.ratio.error
    loss = Figure(
        100 * (1 - point.ratio.value), "%", Provenance.SIMULATED, None if error is None else 100 * error,
        point.ratio.source,
    )  # fmt: skip
    near = "within" if abs(loss.value) <= 2 * (loss.error or 0.0) else "beyond"
    parts = [
        f"Quantisation: {bits} bits in all values, the binary point of each tensor chosen from a sample, "
        f"cost {loss.number()} % of the AUC of the float network, {near} two standard deviations of nothing.",
        *_stated(scans, kept),
    ]
    built = {d.mode.name: d for d in designs if d.resources is not None and d.timing is not None}
    reuse = None
    if "static" in built:
        dsp, interval = _dsp(built["static"]), _cycles(built["static"], "interval")
        if dsp:
            reuse = Figure(
                100 * weights_per_event(network, cell) / (dsp * interval), "%", Provenance.ESTIMATED
            )
        parts += _static(network, cell, built, reuse)
        parts += _copies(designs, built["static"])
    return Note(loss, reuse, " ".join(parts))


def _stated(scans: tuple[PrecisionScan, ...], kept: float) -> Iterator[str]:
    """How many bits the same takes where the integer bits are stated, as in the publication."""
    for scan in scans:
        if scan.name == CHOSEN:
            continue
        point = scan.fewest(kept)
        scanned = ", ".join(str(each.bits) for each in scan.points)
        takes = f"takes {point.bits} bits, of {scanned}" if point else "takes more bits than were scanned"
        yield f"With {scan.name} stated for all values the same {takes}."


def _static(
    network: RecurrentNetwork, cell: str, built: dict[str, BuiltDesign], reuse: Figure | None
) -> Iterator[str]:
    """DSP, LUT, latency and interval of the static design, and why they are so."""
    static, weights = built["static"], weights_of_a_step(network, cell)
    dsp = _dsp(static)
    yield (
        f"DSP: {dsp:,.0f} in the static design, {'better' if dsp < weights else 'worse'} than the "
        f"{weights:,} of one multiplier for each weight of a step, for the cell makes its "
        f"{network.hidden} units one after the other"
        + (f"; they multiply {reuse.number()} % of the time." if reuse else ".")
    )
    own = static.resources or {}
    lut = f"LUT: {own['lut'].number()} ({own['lut'].provenance})"
    whole = built.get(WHOLE)
    if whole is None:
        yield f"{lut}."
    else:
        other = (whole.resources or {})["lut"]
        more = other.value / max(own["lut"].value, 1.0)
        yield (
            f"{lut}; the design that makes the whole state at once, its weights as adders, takes {more:.1f} "
            f"times as many, and has {_cycles(whole, 'latency'):,} cycles of latency and an interval of "
            f"{_cycles(whole, 'interval'):,}."
        )
    yield (
        f"Latency {_cycles(static, 'latency'):,} and interval {_cycles(static, 'interval'):,} cycles: a step "
        f"waits for the state of the step before, so that {network.steps} steps of {network.hidden} slots "
        f"take {network.steps * network.hidden:,} cycles at least; worse than with all "
        "multipliers side by side, which is the price of having few."
    )


def _copies(designs: tuple[BuiltDesign, ...], static: BuiltDesign) -> Iterator[str]:
    for design in designs:
        if design.mode.cells == 1:
            continue
        name = design.mode.name.capitalize()
        if design.timing is None:
            yield f"{name}: no such design; {design.problem}."
            continue
        gain = _cycles(static, "interval") / _cycles(design, "interval")
        slower = _cycles(design, "latency") / _cycles(static, "latency")
        yield (
            f"{name}: {gain:.1f} times as many events in the same time with {_dsp(design):,.0f} DSPs, at "
            f"{slower:.2f} times the latency, for more steps of different events are worked on at once."
        )


def _dsp(design: BuiltDesign) -> float:
    return (design.resources or {})["dsp"].value


def _cycles(design: BuiltDesign, kind: str) -> int:
    return int((design.timing or {})[f"{kind}_cycles"].value)
