"""Each network beside the publication: what is better, what is worse, and why, from the numbers at hand."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from nanosieve.compiler.precision_scan import PrecisionScan
from nanosieve.figure import Figure, Provenance
from nanosieve.networks.recurrent import RecurrentNetwork
from nanosieve.studies.rnn.hardware import BuiltDesign
from nanosieve.studies.rnn.scan import CHOSEN

__all__ = ["Note", "note", "weights_per_event"]

GATES = {"LSTM": 4, "GRU": 3}


@dataclass(frozen=True)
class Note:
    """What there is to say about one network.

    Attributes:
        loss: part of the AUC that the bits of the hardware cost, in percent.
        reuse: products of an event over DSPs × interval: the part of the time in which a DSP multiplies; None
            without DSPs.
        text: in words.
    """

    loss: Figure
    reuse: Figure | None
    text: str


def weights_per_event(network: RecurrentNetwork, cell: str) -> int:
    """Products with weights that one event takes: all steps of the cell, and the dense layers."""
    gates = GATES[cell] * network.hidden
    step = gates * (network.features + network.hidden)
    widths = (network.hidden, *network.dense, network.outputs)
    return network.steps * step + sum(a * b for a, b in pairwise(widths))


def note(
    network: RecurrentNetwork,
    cell: str,
    scans: tuple[PrecisionScan, ...],
    bits: int,
    designs: tuple[BuiltDesign, ...],
) -> Note:
    """The note of one network.

    Hardware numbers of arXiv:2207.00559 that were read in the publication itself are not at hand, so that
    better or worse is said against a design with one multiplier for each weight of a step, which is what a
    reuse of one means there.
    """
    (scan,) = (each for each in scans if each.name == CHOSEN)
    (point,) = (each for each in scan.points if each.bits == bits)
    loss = Figure(
        100 * (1 - point.ratio.value), "%", Provenance.SIMULATED,
        None if point.ratio.error is None else 100 * point.ratio.error, point.ratio.source,
    )  # fmt: skip
    parts = [
        f"Quantisation: {bits} bits in all values cost {loss.number()} % of the AUC of the float network "
        f"({'within' if abs(loss.value) <= 2 * (loss.error or 0.0) else 'beyond'} two standard deviations of "
        "nothing), for the binary point of each tensor is chosen from a sample and sums are exact; stated "
        "integer bits, as in the publication, need more (see the scan)."
    ]
    static = next((d for d in designs if d.mode.name == "static" and d.resources and d.timing), None)
    reuse = None
    if static is not None and static.resources is not None and static.timing is not None:
        dsp, lut = static.resources["dsp"].value, static.resources["lut"]
        interval, latency = (static.timing[f"{n}_cycles"].value for n in ("interval", "latency"))
        products = weights_per_event(network, cell)
        each_step = products // network.steps
        if dsp:
            reuse = Figure(100 * products / (dsp * interval), "%", Provenance.ESTIMATED)
        parts.append(
            f"DSP: {dsp:,.0f} in the static design, better than one multiplier for each of the {each_step:,} "
            f"weights of a step, because the cell makes {network.hidden} units one after the other"
            + (f"; they multiply {reuse.number()} % of the time." if reuse else ".")
            if dsp < each_step
            else f"DSP: {dsp:,.0f} in the static design, worse than one multiplier for each weight of a step."
        )
        parts.append(
            f"LUT: {lut.number()} ({lut.provenance}), mostly tables of sigmoid and tanh, and what brings "
            "each slot its weights."
        )
        parts.append(
            f"Latency {latency:,.0f} and interval {interval:,.0f} cycles: a step waits for the state of the "
            f"step before, so that {network.steps} steps of {network.hidden} slots bound both from below by "
            f"{network.steps * network.hidden:,} cycles in this mode; worse than a cell that makes the whole "
            "state at once, in exchange for its resources."
        )
    more = [d for d in designs if d.mode.cells > 1]
    if more and static is not None and static.timing is not None:
        for design in more:
            if design.timing is None:
                parts.append(f"{design.mode.name.capitalize()}: no such design ({design.problem})")
                continue
            gain = static.timing["interval_cycles"].value / design.timing["interval_cycles"].value
            parts.append(
                f"{design.mode.name.capitalize()}: {gain:.1f} times the events in the same time at about the "
                "same latency, as the publication says of its non-static mode."
            )
    return Note(loss, reuse, " ".join(parts))
