"""Our hardware beside the published times, number by number."""

from __future__ import annotations

from collections.abc import Sequence

from nanosieve.figure import Figure
from nanosieve.report import Published, published
from nanosieve.studies.llp.hardware import Card

__all__ = ["ARXIV", "GPU", "card_note", "published_row", "published_rows"]

ARXIV = "2307.05152"
GPU = "GPU"
"""The row that our throughput is to beat."""


def published_rows() -> tuple[Published, ...]:
    """CPU, GPU, U50 and U250."""
    return published(ARXIV, "decay-times")


def published_row(model: str) -> Published:
    """One of them."""
    return next(row for row in published_rows() if row.model == model)


def card_note(cards: Sequence[Card]) -> tuple[str, ...]:
    """A sentence for each design: against the published card, and against the published GPU."""
    notes = []
    gpu = published_row(GPU).figures["throughput"]
    for card in cards:
        theirs = published_row(card.settings.published).figures
        frames, latency = card.throughput, card.latency
        clock = card.design.timing["fmax_mhz"]
        cycles = card.design.timing["interval_cycles"].value
        needed = gpu.value * cycles / 1e6
        word = "above" if frames.value > gpu.value else "below"
        notes.append(
            f"{card.settings.title}: {frames.value / theirs['throughput'].value:.1f} times the published "
            f"throughput of the {card.settings.published} ({_pair(frames, theirs['throughput'])}) and "
            f"{word} the published GPU ({gpu.number()}); its latency is "
            f"{_pair(latency, theirs['inference time'])} "
            f"there. The published GPU is passed from {needed:.0f} MHz on; the delay model expects "
            f"{clock.number()} MHz."
        )
    return tuple(notes)


def _pair(ours: Figure, theirs: Figure) -> str:
    return f"{ours.number()} against {theirs.number()} {ours.unit}"
