"""Ours beside the published, number by number: better, worse or equal, and why."""

from __future__ import annotations

from nanosieve.figure import Figure, Provenance
from nanosieve.report.published import Published, published
from nanosieve.studies.jets.hardware import Hardware
from nanosieve.studies.jets.settings import PTQ_ROW, Counterpart
from nanosieve.studies.verdict import Verdict

__all__ = ["counterpart_of", "note", "published_loss", "verdicts"]

BEST_FLOAT: Counterpart = PTQ_ROW
"""No accuracy in floating point was read in arXiv:2103.05579; losses there are counted from 16 bits."""


def counterpart_of(row: Counterpart | None) -> Published | None:
    """The published row, if there is one."""
    return None if row is None else _row(row)


def _row(row: Counterpart) -> Published:
    arxiv, table, model = row
    return {each.model: each for each in published(arxiv, table)}[model]


def published_loss(row: Counterpart | None) -> Figure | None:
    """Accuracy that the published row has lost to that of 16 bits; None where it is of another table."""
    if row is None or row[:2] != BEST_FLOAT[:2] or row == BEST_FLOAT:
        return None
    best, own = _row(BEST_FLOAT), _row(row)
    lost = best.figures["accuracy"].value - own.figures["accuracy"].value
    return Figure(round(lost, 6), "%", Provenance.PUBLISHED, source=f"{own.source}, difference of two rows")


def verdicts(hardware: Hardware) -> list[Verdict]:
    """Quantisation loss, LUT, DSP, latency and interval beside the published ones."""
    rung = hardware.built.rung
    row = counterpart_of(rung.counterpart)
    theirs = row.figures if row is not None else {}
    found = [
        Verdict("LUT", hardware.count("lut"), theirs.get("LUT")),
        Verdict("DSP", hardware.count("dsp"), theirs.get("DSP")),
        Verdict("latency", hardware.timing["latency_ns"], theirs.get("latency")),
        Verdict("interval", hardware.interval, theirs.get("interval")),
    ]
    if hardware.built.loss is not None:
        found.insert(0, Verdict("quantisation loss", hardware.built.loss, published_loss(rung.counterpart)))
    return found


def note(hardware: Hardware) -> str:
    """One paragraph about a rung: what is better, worse or equal, and why."""
    rung = hardware.built.rung
    row = counterpart_of(rung.counterpart)
    if row is None:
        return f"{rung.title}: no row of its kind was read in its source, so it stands alone. {rung.why}"
    parts = [str(verdict) for verdict in verdicts(hardware)]
    return f"{rung.title}, beside {row.model} of {row.source.split(',')[0]}: {'; '.join(parts)}. {rung.why}"
