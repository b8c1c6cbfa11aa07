"""A rate with its error, or the upper limit where there are too few events for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nanosieve._require import require
from nanosieve.figure import Figure, Provenance

__all__ = ["CONFIDENCE", "FEWEST", "Rate", "make_rate", "ratio"]

FEWEST = 10.0
"""Effective events below which a limit is shown instead of a value."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rate:
    """A rate in Hz or kHz.

    Attributes:
        figure: ``L Σ w`` with the error ``L √Σ w²``.
        effective_events: ``(Σ w)² / Σ w²`` of the events that fire.
        limit: upper limit where these are fewer than 10, else None. It is the Poisson limit at 95 %
            confidence on the effective events, each of the weight ``Σ w² / Σ w``, and, where the events that
            come nearest are heavier, that on none of those: for pure and proportional rates the events of the
            line, for a line those of its item, for an item the whole sample. Without it, a few light events
            of a rare process would hide that none of a common one has been seen.
    """

    figure: Figure
    effective_events: float
    limit: Figure | None = None

    @property
    def shown(self) -> Figure:
        """The figure, or the limit where there is one; which of both must be said beside it."""
        return self.figure if self.limit is None else self.limit

    def number(self) -> str:
        """The value with its error, or the limit after ``<``."""
        return self.figure.number() if self.limit is None else f"< {self.limit.number()}"

    def to_dict(self) -> dict[str, Any]:
        """The figure with ``effective_events`` and ``limit``."""
        limit = None if self.limit is None else self.limit.to_dict() | {"confidence": CONFIDENCE}
        return self.figure.to_dict() | {"effective_events": self.effective_events, "limit": limit}


def make_rate(total: float, squares: float, per_weight: float, unit: str, weight: float) -> Rate:
    """The rate of events with the weight sums `total` and `squares`.

    Args:
        total: Σ w.
        squares: Σ w².
        per_weight: rate of a weight of one, in `unit`.
        unit: ``"Hz"`` or ``"kHz"``.
        weight: of an event that comes nearest, for the limit.
    """
    effective = total**2 / squares if squares > 0 else 0.0
    error = per_weight * squares**0.5
    figure = Figure(per_weight * total, unit, Provenance.SIMULATED, error=error)
    if effective >= FEWEST:
        return Rate(figure, effective)
    inverse = require("scipy.special", extra="events", purpose="an upper limit").gammaincinv
    scale = squares / total if total > 0 else 0.0
    limit = float(inverse(effective + 1, CONFIDENCE)) * scale * per_weight
    if weight > scale:
        limit += float(inverse(1.0, CONFIDENCE)) * weight * per_weight
    return Rate(figure, effective, Figure(limit, unit, Provenance.SIMULATED))


def ratio(rate: Rate, reference: float) -> Figure | None:
    """`rate` over a number without error; None where there is no rate or nothing to divide by."""
    if reference <= 0 or rate.limit is not None:
        return None
    error = None if rate.figure.error is None else rate.figure.error / reference
    return Figure(rate.figure.value / reference, "", Provenance.SIMULATED, error=error)
