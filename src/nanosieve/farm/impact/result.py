"""The physics that designs keep, as it is shown: figures with statistical errors, bands beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from nanosieve.figure import Figure

__all__ = ["DesignImpact", "Impact", "Kept"]


@dataclass(frozen=True)
class Kept:
    """What a design keeps of a signal: ``kept = level1 × live × farm × high_level``.

    Statistical errors hold those of crossings of signal and background and of the simulated losses.

    Attributes:
        level1: efficiency of the hardware trigger, gains of networks included, in %.
        live: of the time, in %.
        farm: of what both levels want, not lost or timed out, in %; more than 100 where events that time out
            are stored without a decision; 0 where the levels want nothing.
        high_level: efficiency of the high-level trigger after Level 1, in %.
        kept: of the signal, in %.
        per_fill: events of it in a fill.
        relative: to the reference design, what both have in common cancelled; None where that keeps none.
        classes: class → share of what Level 1 accepts of the signal, in %.
        effective_events: that are kept, (Σ w)² / Σ w².
        kept_band: lowest and highest `kept` within the edges of the assumptions, in %.
        relative_band: the same of `relative`.
    """

    level1: Figure
    live: Figure
    farm: Figure
    high_level: Figure
    kept: Figure
    per_fill: Figure
    relative: Figure | None
    classes: Mapping[str, Figure]
    effective_events: float
    kept_band: tuple[float, float]
    relative_band: tuple[float, float] | None


@dataclass(frozen=True)
class DesignImpact:
    """A design at its rates.

    Attributes:
        level1_rate, output_rate: that the tuned menu has before dead time and losses, kHz and Hz.
        forced_rate: stored without a decision, Hz; taken off the output rate before the menu is tuned.
        level1_factor, high_level_factor: of the menu's thresholds; no hardware trigger: None.
        accepted: class → share of the background that Level 1 accepts, in %.
        signals: by name.
    """

    level1_rate: Figure
    output_rate: Figure
    forced_rate: Figure
    level1_factor: Figure | None
    high_level_factor: Figure
    accepted: Mapping[str, Figure]
    signals: Mapping[str, Kept]


@dataclass(frozen=True)
class Impact:
    """The result of `physics_kept`.

    Attributes:
        reference: design that the others are compared with.
        menu: whose thresholds were tuned.
        luminosity, pileup: that the rates hold for.
        fill: integrated luminosity of a fill, 1/pb.
        designs: by name.
    """

    reference: str
    menu: str
    luminosity: str
    pileup: float
    fill: float
    designs: Mapping[str, DesignImpact]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; figures as `Figure.to_dict`."""
        return {entry.name: _plain(getattr(self, entry.name)) for entry in fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, Figure):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, Kept | DesignImpact):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}
    return list(value) if isinstance(value, tuple) else value
