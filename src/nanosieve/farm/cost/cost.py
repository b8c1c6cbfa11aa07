"""Total cost of ownership of a farm, with the bands of all inputs carried through to the result.

All that is known of a price is that it lies between two edges, often a factor of two or more apart. Inputs
are drawn log-uniform between them: every input enters the cost as a factor, and a factor of which nothing but
the edges is known is as likely in one octave as in the next. A triangle would claim to know the most likely
price, and the result would look better than its inputs are. For narrow bands, as of the PUE, it is the same
as uniform.

One draw stands for all units of a kind (what is unknown is the level of the market, not the price of one
card), and an input of one name has the same draws in all designs, so that differences between designs are not
blurred by what they share.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nanosieve.devices import Band
from nanosieve.errors import SettingsError
from nanosieve.farm.cost.bill import Bill, Utilisation, bill
from nanosieve.farm.cost.purchases import inputs
from nanosieve.farm.designs import Demand, Design, demand
from nanosieve.figure import Figure, Provenance

__all__ = ["CONFIDENCE", "Cost", "Influence", "draw", "farm_cost", "relative_cost"]

CONFIDENCE = 0.9
"""Part of the trials within the interval of a figure, in the middle."""
TRIALS = 20_000
_BINS = 40
"""of an input, for its share of the spread"""
_SOURCE = f"median and central {100 * CONFIDENCE:.0f} % of bands drawn log-uniform"

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Influence:
    """What the band of one input does to the total cost.

    Attributes:
        name: of the input, as ``price of t4``.
        band: its edges, with source and trust.
        low, high: USD, the total with the input at its lower and upper edge and all others in their middle.
        share: part of the variance of the total that it explains alone, ``Var E[C | x] / Var C``, 0 to 1.
    """

    name: str
    band: Band
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class Cost:
    """What a design costs over its run period.

    Figures hold the median, and as interval the central 90 % of the trials.

    Attributes:
        design: its name.
        years: length of the run period.
        demand: what the design asks of its resources on average; loads above 1 are more than it can do.
        utilisation: of nodes and accelerators while data are taken.
        total: million USD.
        lines: ``hardware_trigger``, ``nodes``, ``accelerators``, ``network``, ``replacement``, ``racks``,
            ``electricity`` → million USD.
        power: kW in the wall while data are taken, cooling included.
        energy: GWh over the run period.
        energy_per_event: J for an event that enters the farm.
        racks: how many.
        influences: all inputs with a band, the one that explains most of the spread first.
        trials: (trials,) USD, the total in each trial.
    """

    design: str
    years: float
    demand: Demand
    utilisation: Utilisation
    total: Figure
    lines: Mapping[str, Figure]
    power: Figure
    energy: Figure
    energy_per_event: Figure
    racks: Figure
    influences: tuple[Influence, ...]
    trials: Values = field(repr=False, compare=False)


def farm_cost(
    design: Design, *, utilisation: Utilisation | None = None, seed: int = 1, trials: int = TRIALS
) -> Cost:
    """The total cost of ownership of `design`, its power and energy, and which inputs make the spread.

    Args:
        design: the farm.
        utilisation: busy parts while data are taken, as a simulation found them [default: the mean demand, at
            most 1].
        seed: of the draws; the same seed gives the same result.
        trials: how many.

    Raises:
        SettingsError: a utilisation outside 0 to 1, or fewer than 1000 trials.
        UnknownNameError: the workload of the design is not there any more.
    """
    asked = demand(design)
    if utilisation is None:
        utilisation = Utilisation(min(asked.nodes, 1.0), min(asked.accelerators, 1.0))
    for name in ("nodes", "accelerators"):
        value = getattr(utilisation, name)
        if not 0 <= value <= 1:
            message = f"utilisation of {name} = {value!r} is outside 0 to 1; write for example 0.8"
            raise SettingsError(message)
    if trials < 1000:
        message = f"trials = {trials!r} are too few for an interval; write for example {TRIALS}"
        raise SettingsError(message)
    bands = inputs(design)
    draws = {name: draw(band, name, seed, trials) for name, band in bands.items()}
    found = bill(design, utilisation, draws)
    energy_per_event = found.power * 1000 / asked.input_rate
    return Cost(
        design=design.name,
        years=design.run.years,
        demand=asked,
        utilisation=utilisation,
        total=_figure(found.total / 1e6, "MUSD"),
        lines={name: _figure(line / 1e6, "MUSD") for name, line in found.lines.items()},
        power=_figure(found.power, "kW"),
        energy=_figure(found.energy, "GWh"),
        energy_per_event=_figure(energy_per_event, "J"),
        racks=_figure(found.racks, ""),
        influences=_influences(design, utilisation, bands, draws, found),
        trials=found.total,
    )


def relative_cost(cost: Cost, reference: Cost) -> Figure:
    """The total of `cost` over that of `reference`, trial by trial: what both share cancels.

    Raises:
        SettingsError: different numbers of trials.
    """
    if len(cost.trials) != len(reference.trials):
        message = f"{len(cost.trials)} and {len(reference.trials)} trials; compare costs of as many"
        raise SettingsError(message)
    return _figure(cost.trials / reference.trials, "")


def draw(band: Band, name: str, seed: int, trials: int) -> Values:
    """(trials,) values of an input, log-uniform between its edges; the same for the same name and seed."""
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    steps = generator.random(trials)
    return band.low * (band.high / band.low) ** steps


def _figure(values: Values, unit: str) -> Figure:
    edge = (1 - CONFIDENCE) / 2
    low, median, high = map(float, np.quantile(values, [edge, 0.5, 1 - edge]))
    return Figure(median, unit, Provenance.ESTIMATED, source=_SOURCE, interval=(low, high))


def _influences(
    design: Design,
    utilisation: Utilisation,
    bands: Mapping[str, Band],
    draws: Mapping[str, Values],
    found: Bill,
) -> tuple[Influence, ...]:
    middles = {name: np.array([band.middle]) for name, band in bands.items()}
    totals = found.total
    influences = []
    for name, band in bands.items():
        if band.low == band.high:
            continue
        at = [
            float(bill(design, utilisation, middles | {name: np.array([edge])}).total[0])
            for edge in (band.low, band.high)
        ]
        influences.append(Influence(name, band, at[0], at[1], share_of_variance(draws[name], totals)))
    return tuple(sorted(influences, key=lambda influence: -influence.share))


def share_of_variance(values: Values, totals: Values) -> float:
    """First-order share of the variance, ``Var E[total | value] / Var total``, from bins of equal content.

    With n trials in B bins, an input without influence would show ``B / n`` by chance, which is subtracted.
    """
    spread = float(np.var(totals))
    if spread == 0:
        return 0.0
    ordered = totals[np.argsort(values, kind="stable")]
    means = [part.mean() for part in np.array_split(ordered, _BINS)]
    chance = _BINS / len(totals)
    return min(max((float(np.var(means)) / spread - chance) / (1 - chance), 0.0), 1.0)
