"""What the physics needs to know of a farm design: its rate limits, its losses, and what it promises."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nanosieve.devices import Trust
from nanosieve.errors import SettingsError
from nanosieve.farm.designs import Design
from nanosieve.farm.impact.classes import CLASSES, class_numbers
from nanosieve.farm.workload import Workload
from nanosieve.figure import Figure, Provenance

__all__ = [
    "NO_LOSSES",
    "DesignInputs",
    "Losses",
    "check_inputs",
    "design_inputs",
    "error_of",
    "forced_fraction",
    "fraction",
    "with_mixture",
]

FURTHEST_PILEUP = 0.25
"""Largest relative difference between the pile-up of a design and that of the crossings."""
LEAST_SHARE = 1e-6
"""Of a class that no simulated crossing fell into: a workload has no empty classes."""


@dataclass(frozen=True)
class Losses:
    """What a farm loses, from a simulation. Figures are fractions, in % or without unit.

    Attributes:
        live: of the time, the hardware trigger may accept; 1 where there is none.
        kept: class → of its events that enter, those whose decision is made in time and that are stored if it
            is positive: what is left after losses in builder, queues, accelerators, time-outs and output.
        forced: class → of its events that enter, those stored without a decision because of a time-out.
    """

    live: Figure
    kept: Mapping[str, Figure]
    forced: Mapping[str, Figure] = field(default_factory=dict)


_ALL = Figure(1.0, "", Provenance.ESTIMATED)
NO_LOSSES = Losses(_ALL, dict.fromkeys(CLASSES, _ALL))
"""A farm that is always live and keeps up."""


@dataclass(frozen=True)
class DesignInputs:
    """A design as the physics sees it.

    Attributes:
        name: of the design.
        level1_rate: Hz that the hardware trigger may accept; None where every crossing is read out.
        output_rate: Hz that may be stored.
        losses: with the middles of all assumptions.
        edges: name of an assumption's edge, as ``slow`` → losses there; they make the band, not the error.
            The ratio of two designs compares edges of the same name.
        gains: signal → lowest and highest efficiency of its hardware trigger over that of the menu at the
            same rate, as promised by networks; the middle is the geometric mean.
        pileup: that the design is simulated with; None if it does not matter.
    """

    name: str
    level1_rate: float | None
    output_rate: float
    losses: Losses = NO_LOSSES
    edges: Mapping[str, Losses] = field(default_factory=dict)
    gains: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    pileup: float | None = None


def design_inputs(
    design: Design, losses: Losses = NO_LOSSES, edges: Mapping[str, Losses] | None = None
) -> DesignInputs:
    """The inputs of `design`; the gains of several networks for one signal are multiplied.

    >>> from nanosieve.farm.designs import load_design
    >>> design_inputs(load_design("l1-networks")).gains["di-higgs"]
    (1.0, 1.3)
    """
    trigger = design.hardware_trigger
    gains: dict[str, tuple[float, float]] = {}
    for network in trigger.networks.values() if trigger is not None else ():
        for signal, (low, high) in network.gain.items():
            before = gains.get(signal, (1.0, 1.0))
            gains[signal] = before[0] * low, before[1] * high
    return DesignInputs(
        design.name,
        None if trigger is None else trigger.accept,
        design.output.rate,
        losses,
        dict(edges or {}),
        gains,
        design.collisions.pileup,
    )


def with_mixture(workload: Workload, mixture: Mapping[str, Figure]) -> Workload:
    """`workload` with the classes in the shares that a hardware trigger accepts.

    Args:
        workload: whose classes have the names of `CLASSES`.
        mixture: class → share, as `DesignImpact.accepted` has it.

    Raises:
        UnknownNameError: a class of the workload without a rule.
        SettingsError: no share of a class of the workload, or shares that do not make 1.
    """
    class_numbers(workload.classes)
    shares = {name: fraction(mixture, name, "mixture") for name in workload.classes}
    total = sum(shares.values())
    if abs(total - 1) > 1e-6:
        message = f"the shares of the classes {', '.join(shares)} make {total:g}, not 1"
        raise SettingsError(message)
    shares = {name: max(share, LEAST_SHARE) for name, share in shares.items()}
    total = sum(shares.values())
    source = "share in what the hardware trigger accepts, simulated crossings"
    classes = {
        name: entry.model_copy(
            update={"fraction": shares[name] / total, "trust": Trust.DERIVED, "source": source}
        )
        for name, entry in workload.classes.items()
    }
    return workload.model_copy(update={"classes": classes})


def fraction(figures: Mapping[str, Figure], name: str, what: str) -> float:
    """The fraction under `name`, whether it is written in % or without unit.

    Raises:
        SettingsError: it is not there, has another unit, or lies outside of 0 … 1.
    """
    if name not in figures:
        message = f"{what}: nothing is said of {name!r}; known: {', '.join(sorted(figures)) or 'nothing'}"
        raise SettingsError(message)
    found = figures[name]
    if found.unit not in ("", "%"):
        message = f"{what} of {name!r} has the unit {found.unit!r}; accepted: % or none"
        raise SettingsError(message)
    value = found.value / (100 if found.unit == "%" else 1)
    if not (math.isfinite(value) and -1e-9 <= value <= 1 + 1e-9):
        message = f"{what} of {name!r} is {found.number()} {found.unit}; accepted: 0 to all of it"
        raise SettingsError(message)
    return min(max(value, 0.0), 1.0)


def forced_fraction(losses: Losses, name: str, where: str = "") -> float:
    """Of a class; 0 where nothing is said."""
    return fraction(losses.forced, name, f"{where}: forced") if name in losses.forced else 0.0


def error_of(figures: Mapping[str, Figure], name: str) -> float:
    """The standard deviation of `fraction`; 0 where none is known."""
    found = figures[name]
    return (found.error or 0.0) / (100 if found.unit == "%" else 1)


def check_inputs(designs: Iterable[DesignInputs], pileup: float) -> None:
    """Refuse impossible designs.

    Raises:
        SettingsError: no design, two of one name, rates that are not positive, gains below 0, or another
            pile-up than that of the crossings.
        UnknownNameError: losses of a class that no rule fills.
    """
    names: set[str] = set()
    for design in designs:
        where = f"design {design.name!r}"
        if design.name in names:
            message = f"{where} is given twice; give every design a name of its own"
            raise SettingsError(message)
        names.add(design.name)
        for what, rate in (("level1_rate", design.level1_rate), ("output_rate", design.output_rate)):
            if rate is not None and not (rate > 0 and math.isfinite(rate)):
                message = f"{where}: {what} is {rate:g} Hz; accepted: above 0"
                raise SettingsError(message)
        for signal, (low, high) in design.gains.items():
            if not 0 < low <= high < math.inf:
                message = f"{where}: the gain of {signal!r} is [{low:g}, {high:g}]; accepted: 0 < low <= high"
                raise SettingsError(message)
        if design.pileup is not None and not abs(design.pileup / pileup - 1) <= FURTHEST_PILEUP:
            message = (
                f"{where} has a pile-up of {design.pileup:g} and the crossings {pileup:g}; its physics is "
                "another: make crossings at its pile-up, or change that of the design"
            )
            raise SettingsError(message)
        for losses in (design.losses, *design.edges.values()):
            class_numbers([*losses.kept, *losses.forced])
            for name in CLASSES:
                both = fraction(losses.kept, name, f"{where}: kept") + forced_fraction(losses, name, where)
                if both > 1 + 1e-6:
                    message = (
                        f"{where}: of class {name!r} {100 * both:.4g} % are kept or forced; accepted: 100"
                    )
                    raise SettingsError(message)
