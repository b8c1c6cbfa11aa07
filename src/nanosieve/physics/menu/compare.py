"""Our rates beside those of the publication, each with its trust."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from nanosieve.figure import Figure, Provenance
from nanosieve.physics.menu.rate import Rate, ratio
from nanosieve.physics.menu.rates import MenuRates
from nanosieve.physics.menu.schema import Trust

__all__ = ["Comparison", "LineComparison", "compare"]


@dataclass(frozen=True)
class Comparison:
    """One rate and what is known of it.

    Attributes:
        rate: ours.
        reference: of the publication; None if it gives none.
        reference_error: its statistical error; None where none is stated.
        trust: ``published`` where it was read there; anything else is no published number.
        source: publication.
    """

    rate: Rate
    reference: float | None
    trust: Trust
    source: str
    reference_error: float | None = None

    @property
    def published(self) -> Figure | None:
        """The reference, if it was read in the publication."""
        if self.reference is None or self.trust != "published":
            return None
        unit, error = self.rate.figure.unit, self.reference_error
        return Figure(self.reference, unit, Provenance.PUBLISHED, error=error, source=self.source)

    @property
    def ratio(self) -> Figure | None:
        """Our rate over the reference, whatever its trust; None where we have a limit only."""
        if self.reference is None:
            return None
        found = ratio(self.rate, self.reference)
        if found is None or not self.reference_error:
            return found
        spread = found.value * self.reference_error / self.reference
        return replace(found, error=math.hypot(found.error or 0.0, spread))

    def to_dict(self) -> dict[str, Any]:
        """The rate, the reference with its trust, and their ratio."""
        reference = None
        if self.reference is not None:
            known = self.published.to_dict() if self.published else {"value": self.reference}
            reference = known | {"unit": self.rate.figure.unit, "trust": self.trust}
        found = self.ratio
        return {
            "rate": self.rate.to_dict(),
            "reference": reference,
            "ratio": None if found is None else found.to_dict(),
        }


@dataclass(frozen=True)
class LineComparison:
    """A line: its Level-1 item in kHz, and the high-level trigger in Hz."""

    name: str
    category: str
    item: str
    l1: Comparison
    hlt: Comparison


def compare(rates: MenuRates) -> list[LineComparison]:
    """Every line of the menu, in its order."""
    source = rates.menu.source
    found = []
    for name, line in rates.menu.lines.items():
        known = line.published
        l1 = Comparison(
            rates.l1.total[line.l1], known.l1_khz, known.trust_of("l1_khz"), source, known.l1_khz_error
        )
        hlt = Comparison(rates.hlt.total[name], known.hlt_hz, known.trust_of("hlt_hz"), source)
        found.append(LineComparison(name, line.category, line.l1, l1, hlt))
    return found
