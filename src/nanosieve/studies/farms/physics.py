"""Physics kept by every design: at its own rates, at one output rate, and in every scenario.

One number stands for eight signals where designs are ranked: the geometric mean of the ratios to the
reference. Its error is the mean of the relative errors, as if they were fully correlated, which they nearly
are: all rest on the same threshold of the high-level trigger.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nanosieve.farm.designs import Design
from nanosieve.farm.impact import (
    DesignImpact,
    DesignInputs,
    Impact,
    ImpactEvents,
    Losses,
    design_inputs,
    physics_kept,
)
from nanosieve.farm.simulation import Scenario
from nanosieve.figure import Figure, Provenance
from nanosieve.studies.farms.settings import Settings
from nanosieve.studies.farms.simulation import Runs, losses_in

__all__ = ["MEAN", "Physics", "affordable", "inputs_in", "measure", "merit", "merit_band", "shown"]

MEAN = "geometric mean over the signals of the yield over that of A"


@dataclass(frozen=True)
class Physics:
    """What is kept.

    Attributes:
        own: each design at its own output rate.
        equal: all at the output rate of the reference.
        scenarios: design → scenario → at `equal` output, relative to the reference as planned.
        time_outs: design → s → the same.
        assumptions: design → key of `Runs.assumptions` → `merit` there, at `equal` output.
        inputs: of each design, as in `equal`.
        output_rate: Hz, that of `equal`.
    """

    own: Impact
    equal: Impact
    scenarios: Mapping[str, Mapping[str, DesignImpact]]
    time_outs: Mapping[str, Mapping[float, DesignImpact]]
    assumptions: Mapping[str, Mapping[str, float]]
    inputs: Mapping[str, DesignInputs]
    output_rate: float


def measure(
    designs: Mapping[str, Design],
    shares: Mapping[str, Mapping[str, Figure]],
    runs: Mapping[str, Runs],
    events: ImpactEvents,
    settings: Settings,
    seed: int,
) -> Physics:
    """Physics kept of `designs`, of which the first is the reference.

    In a scenario with more rate, the hardware trigger accepts that much more: its thresholds are lowered
    until it does, and the output rate stays.

    Raises:
        SettingsError, SampleError: as `nanosieve.farm.impact.physics_kept`.
    """
    planned = [
        design_inputs(
            design,
            losses_in(runs[name].planned),
            {edge: losses_in(run) for edge, run in runs[name].edges.items()},
        )
        for name, design in designs.items()
    ]
    rate = planned[0].output_rate
    equal = [replace(each, output_rate=rate) for each in planned]
    others: dict[tuple[str, str, str | float], DesignInputs] = {}
    for each in equal:
        own = runs[each.name]
        for key, run in own.scenarios.items():
            others[each.name, "scenario", key] = inputs_in(each, run.scenario, runs=own, key=key)
        for seconds, run in own.time_outs.items():
            plain = replace(each, name=f"{each.name} {seconds} s", edges={}, losses=losses_in(run))
            others[each.name, "time-out", seconds] = plain
    others = {key: affordable(each, shares[key[0]]) for key, each in others.items()}
    planned, equal = ([affordable(each, shares[each.name]) for each in some] for some in (planned, equal))
    everything = [*equal, *others.values()]
    varied = physics_kept(everything, events, seed=seed, replicas=settings.replicas)
    found = {key: varied.designs[each.name] for key, each in others.items()}
    return Physics(
        physics_kept(planned, events, seed=seed, replicas=settings.replicas),
        replace(varied, designs={name: varied.designs[name] for name in designs}),
        {name: {str(k): d for (of, what, k), d in found.items() if (of, what) == (name, "scenario")}
         for name in designs},
        {name: {float(k): d for (of, what, k), d in found.items() if (of, what) == (name, "time-out")}
         for name in designs},
        _at_edges(equal, shares, runs, events, seed),
        {each.name: each for each in equal},
        rate,
    )  # fmt: skip


def _at_edges(
    equal: Sequence[DesignInputs],
    shares: Mapping[str, Mapping[str, Figure]],
    runs: Mapping[str, Runs],
    events: ImpactEvents,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Design → edge of an assumption → its merit over that of the reference as planned."""
    moved = [
        affordable(
            replace(each, name=f"{each.name}: {key}", edges={}, losses=losses_in(run)), shares[each.name]
        )
        for each in equal
        for key, run in runs[each.name].assumptions.items()
    ]
    found = physics_kept([equal[0], *moved], events, seed=seed, replicas=2).designs
    return {
        each.name: {key: merit(found[f"{each.name}: {key}"]).value for key in runs[each.name].assumptions}
        for each in equal
    }


def inputs_in(each: DesignInputs, scenario: Scenario, *, runs: Runs, key: str) -> DesignInputs:
    """The inputs of a design in a scenario: its losses there, and its Level-1 rate times that of the "
    "scenario."""
    level1 = None if each.level1_rate is None else each.level1_rate * scenario.rate
    losses = losses_in(runs.scenarios[key])
    return replace(each, name=f"{each.name} {key}", level1_rate=level1, losses=losses, edges={})


def affordable(each: DesignInputs, shares: Mapping[str, Figure]) -> DesignInputs:
    """The inputs of a design, without what time-outs store if that alone would fill half of the output.

    Events that are over time are then lost: a farm that stored them would have no room for what it selects.

    Args:
        each: its inputs.
        shares: class → % of what Level 1 accepts.
    """

    def checked(losses: Losses) -> Losses:
        forced = math.fsum(shares[name].value * part.value for name, part in losses.forced.items()) / 1e4
        too_much = each.level1_rate is not None and forced * each.level1_rate > 0.5 * each.output_rate
        return replace(losses, forced={}) if too_much else losses

    edges = {name: checked(losses) for name, losses in each.edges.items()}
    return replace(each, losses=checked(each.losses), edges=edges)


def merit(impact: DesignImpact) -> Figure:
    """The geometric mean of the yields over those of the reference, with error and band.

    The band is from edges of service times and gains, and holds the value; signals of which the reference
    keeps none do not count.
    """
    some = [each for each in impact.signals.values() if each.relative is not None and each.relative.value > 0]
    if not some:
        return Figure(0.0, "", Provenance.SIMULATED)
    ratios = [each.relative for each in some if each.relative is not None]
    mean = _geometric([ratio.value for ratio in ratios])
    relative_error = math.fsum((ratio.error or 0.0) / ratio.value for ratio in ratios) / len(ratios)
    return Figure(mean, "", Provenance.SIMULATED, error=mean * relative_error)


def merit_band(impact: DesignImpact) -> tuple[float, float]:
    """Lowest and highest `merit` within the edges of the assumptions, all signals at their edges at once."""
    bands = [
        each.relative_band
        for each in impact.signals.values()
        if each.relative_band is not None and each.relative is not None and each.relative.value > 0
    ]
    if not bands:
        return 0.0, 0.0
    return _geometric([low for low, _ in bands]), _geometric([high for _, high in bands])


def shown(impact: DesignImpact) -> Figure:
    """`merit` for a table: with its band instead where that is wider than the statistical error.

    Such a number rests on an assumption, as on the gains of networks, and says `estimated`.
    """
    figure, (low, high) = merit(impact), merit_band(impact)
    if high - low <= 2 * (figure.error or 0.0) + 1e-9:
        return figure
    interval = min(low, figure.value), max(high, figure.value)
    return Figure(
        figure.value, "", Provenance.ESTIMATED, source="assumed gains and service times", interval=interval
    )


def _geometric(values: Sequence[float]) -> float:
    if min(values) <= 0:
        return 0.0
    return math.exp(math.fsum(map(math.log, values)) / len(values))
