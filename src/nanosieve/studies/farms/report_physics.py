"""Sections of the report on what is kept, and what it takes: fronts, signals, ranking."""

from __future__ import annotations

from nanosieve.farm.impact import Impact
from nanosieve.farm.impact.signals import SIGNALS
from nanosieve.report import Cell, Picture, Section, Table, Text
from nanosieve.report.kept import KeptEntry, kept_chart
from nanosieve.report.style import Drawing
from nanosieve.report.tornado import tornado_chart
from nanosieve.report.tradeoff import TradeoffPoint, tradeoff_chart
from nanosieve.studies.farms.physics import merit, merit_band
from nanosieve.studies.farms.ranking import Ranking
from nanosieve.studies.farms.results import Found
from nanosieve.studies.farms.settings import COMPARED

__all__ = ["physics_sections"]

BARS = 14
"""Assumptions in a tornado."""


def physics_sections(found: Found) -> list[Section]:
    """Fronts, signals, ranking."""
    return [_fronts(found), _signals(found), _tornado(found)]


def _fronts(found: Found) -> Section:
    physics = found.physics
    rate = f"{physics.output_rate / 1e3:g} kHz stored by all"
    equal = tuple(_front(found, physics.equal, per, rate) for per in ("cost", "power"))
    own = tuple(_front(found, physics.own, per, "own output rates") for per in ("cost", "power"))
    caption = (
        "Boxes: central 90 % of cost or power from the bands of all inputs, and physics within gains and "
        "service times. Bars: statistical errors, of which the one of A is in the ratio and vanishes for "
        "A itself."
    )
    return Section(
        "Physics × cost, physics × power",
        (
            Picture(equal, f"All designs store the same rate. {caption}"),
            Picture(
                own,
                f"Every design stores its own rate: {_rates(found)}. {caption}",
            ),
        ),
    )


def _rates(found: Found) -> str:
    return ", ".join(
        f"{letter} {found.designs[name].output.rate / 1e3:g} kHz" for name, letter in COMPARED.items()
    )


def _front(found: Found, impact: Impact, per: str, conditions: str) -> Drawing:
    points = []
    for name, letter in COMPARED.items():
        cost = found.runs[name].planned.cost
        taken = cost.total if per == "cost" else cost.power
        low, high = taken.interval or (taken.value, taken.value)
        figure = merit(impact.designs[name])
        bottom, top = merit_band(impact.designs[name])
        band = min(bottom, figure.value), figure.value, max(top, figure.value)
        points.append(TradeoffPoint(letter, name, (low, taken.value, high), band, figure.error or 0.0))
    years = found.runs["cpu-2018"].planned.cost.years
    label = f"Total cost over {years:g} years [MUSD]" if per == "cost" else "Power in the wall [kW]"
    return tradeoff_chart(
        points,
        title=f"Physics × {per}",
        x_label=label,
        y_label="Physics kept, A = 1",
        conditions=conditions,
    )


def _signals(found: Found) -> Section:
    def chart(impact: Impact, title: str, relative: bool) -> Drawing:
        entries = []
        for name, letter in COMPARED.items():
            for signal, kept in impact.designs[name].signals.items():
                figure, band = (
                    (kept.relative, kept.relative_band) if relative else (kept.kept, kept.kept_band)
                )
                if figure is not None:
                    entries.append(KeptEntry(SIGNALS[signal].title, f"{letter} {name}", figure, band))
        label = "Yield over that of A" if relative else "Kept of the signal [%]"
        wide = relative and max(entry.figure.value for entry in entries) > 3
        return kept_chart(entries, title=title, label=label, logarithmic=wide)

    physics = found.physics
    equal = f"{physics.output_rate / 1e3:g} kHz for all"
    rows: list[tuple[Cell, ...]] = [
        (f"{SIGNALS[signal].title}", *(physics.equal.designs[name].signals[signal].kept for name in COMPARED))
        for signal in physics.equal.designs["cpu-2018"].signals
    ]
    own_rows: list[tuple[Cell, ...]] = [
        (
            f"{SIGNALS[signal].title}",
            *(physics.own.designs[name].signals[signal].relative for name in COMPARED),
        )
        for signal in physics.own.designs["cpu-2018"].signals
    ]
    columns = tuple(f"{letter} {name}" for name, letter in COMPARED.items())
    return Section(
        "What is kept of each signal",
        (
            Picture(
                (
                    chart(physics.equal, f"Kept, {equal}", False),
                    chart(physics.equal, f"Over A, {equal}", True),
                ),
                "Bars are statistical, shaded bands the edges of gains and service times.",
            ),
            Picture(
                (chart(physics.own, "Kept, own rates", False), chart(physics.own, "Over A, own rates", True)),
                f"The same where every design stores what it plans: {_rates(found)}.",
            ),
            Table(("Signal", *columns), tuple(rows), f"Kept of each signal, {equal}"),
            Table(("Signal", *columns), tuple(own_rows), "Yield over that of A, own output rates"),
        ),
    )


def _tornado(found: Found) -> Section:
    def chart(ranking: Ranking) -> Drawing:
        first, second = (COMPARED[name] for name in ranking.order[:2])
        return tornado_chart(
            [(swing.name, swing.low, swing.high) for swing in ranking.swings[:BARS]],
            middle=ranking.ratio.value,
            title=f"Physics over {ranking.per}",
            label=f"{first} over {second} in physics over {ranking.per}",
        )

    orders = "; ".join(
        f"by physics over {per}: "
        + ", ".join(f"{COMPARED[name]} {ranking.values[name]:.2f}" for name in ranking.order)
        for per, ranking in found.rankings.items()
    )
    return Section(
        "Which assumption would change the ranking",
        (
            Text((f"Simulated and estimated, A as planned = 1, {orders}.",)),
            Picture(
                tuple(chart(ranking) for ranking in found.rankings.values()),
                "The ratio of the two best designs with one assumption at the edges of its band and all "
                "others in their middle; what both share moves both, numbers of nodes one of them. The "
                "strongest first.",
            ),
        ),
    )
