"""Sections of the report on the farms themselves: designs, losses, latencies, scenarios."""

from __future__ import annotations

from dataclasses import replace

from nanosieve.farm.cost import relative_cost
from nanosieve.farm.simulation import DesignRun
from nanosieve.figure import Figure
from nanosieve.report import Cell, Picture, Section, Table, Text
from nanosieve.report.latency import latency_chart
from nanosieve.report.loss_budget import LossBudget, loss_budget_chart
from nanosieve.report.scenarios import scenario_chart
from nanosieve.studies.farms.physics import merit
from nanosieve.studies.farms.results import Found
from nanosieve.studies.farms.settings import APART, COMPARED

__all__ = ["farm_sections", "trouble"]

TITLES = {
    "planned": "as planned",
    "rate-1.5": "1.5 × rate",
    "rate-2": "2 × rate",
    "nodes-lost": "10 % nodes gone",
}

PARTS = {"builder": "event building", "slots": "nodes", "farm": "queue"}
"""Part of a farm → its name in the report."""


def _letters(found: Found) -> dict[str, str]:
    """Name → letter of all designs that were simulated."""
    return {**COMPARED, **{name: APART[name][0] for name in found.apart}}


def farm_sections(found: Found) -> list[Section]:
    """Designs, losses, latencies, scenarios, time-outs."""
    return [_designs(found), _losses(found), _latencies(found), _scenarios(found), _time_outs(found)]


def trouble(run: DesignRun) -> str:
    """Where a farm falls behind most, and how fast; empty if it keeps up."""
    grown = {part: each.value for part, each in run.growth.items()} or run.excess
    if not grown:
        return ""
    part = max(grown, key=lambda name: grown[name])
    kilohertz = grown[part] / 1e3
    return f"{PARTS.get(part, part)} +{kilohertz:,.{0 if kilohertz >= 100 else 1}f} kHz"


def _designs(found: Found) -> Section:
    letters = _letters(found)
    columns = (
        "Design",
        "Cost",
        "Cost over A",
        "Power",
        "Energy/event",
        "Racks",
        "Lost",
        "Median",
        "99 %",
    )
    without = tuple(name for name in columns if name != "Cost over A")
    reference = found.runs["cpu-2018"].planned.cost

    def row(name: str) -> tuple[Cell, ...]:
        run = found.runs[name].planned
        latency = run.latency.get("all", {})
        over = (relative_cost(run.cost, reference),) if name in found.designs else ()
        label = f"{letters[name]} {name}"
        return (
            label, run.cost.total, *over, run.cost.power, run.energy_per_event, run.cost.racks, run.lost,
            _short(latency.get(0.5)), _short(latency.get(0.99)),
        )  # fmt: skip

    titles = [f"{letters[name]}: {found.runs[name].planned.design.title}" for name in letters]
    why = [
        f"{letter} ({name}) stands apart: {reason}."
        for name, (letter, reason) in APART.items()
        if name in found.apart
    ]
    years = f"{found.designs['cpu-2018'].run.years:g}"
    return Section(
        "The designs",
        (
            Text(("; ".join(titles) + ".",)),
            Table(
                columns, tuple(map(row, found.designs)),
                f"As planned. Cost over {years} years, median and central 90 %; latency from arrival at "
                "the farm to decision.",
            ),
            Text(tuple(why)),
            Table(
                without, tuple(map(row, found.apart)),
                f"As planned, over {_years(found)} years; no comparison with A to E.",
            ),
        ),
    )  # fmt: skip


def _short(latency: Figure | None) -> Figure | None:
    """A latency in ms where it is below a second."""
    if latency is None or latency.value >= 1:
        return latency
    error = None if latency.error is None else 1e3 * latency.error
    return replace(latency, value=1e3 * latency.value, unit="ms", error=error)


def _years(found: Found) -> str:
    return " and ".join(f"{design.run.years:g}" for design in found.apart.values())


def _losses(found: Found) -> Section:
    letters = _letters(found)

    label = {name: f"{letter} {name}" for name, letter in letters.items()}
    budgets = []
    for key in found.runs["cpu-2018"].scenarios:
        runs = {label[name]: found.runs[name].scenarios[key] for name in letters}
        losses = {
            name: {cause: each.value for cause, each in run.losses.items()} for name, run in runs.items()
        }
        notes = {name: trouble(run) for name, run in runs.items() if trouble(run)}
        budgets.append(LossBudget(TITLES.get(key, key), losses, notes))
    caption = (
        "Of what the hardware trigger wants, or of all filled crossings. Where a farm cannot keep up, the "
        "events per second that are too many stand at the bar instead of its sum: what does not fit is "
        "lost."
    )
    return Section("What is lost", (Picture((loss_budget_chart(budgets),), caption),))


def _latencies(found: Found) -> Section:
    letters = _letters(found)
    quantiles = {
        f"{letters[name]} {name}": found.runs[name].planned.latency.get("all", {}) for name in letters
    }
    none = [name for name, each in quantiles.items() if not each]
    notes = [f"No latency, as the farm is unstable: {', '.join(none)}."] if none else []
    blocks: list[Text | Picture] = [Text(tuple(notes))] if notes else []
    if len(none) < len(quantiles):
        caption = (
            "Quantiles of 50, 90, 99 and 99.9 % as planned, with batch-means errors of the times. A and B "
            "have the same farm, and C, D and E nearly the same times."
        )
        blocks.append(Picture((latency_chart(quantiles, title="Latency"),), caption))
    return Section("How long decisions take", tuple(blocks))


def _scenarios(found: Found) -> Section:
    letters = _letters(found)
    keys = list(found.runs["cpu-2018"].scenarios)
    label = {name: f"{letter} {name}" for name, letter in COMPARED.items()}

    def over(pick: str) -> dict[str, dict[str, Figure]]:
        return {
            TITLES.get(key, key): {
                label[name]: getattr(found.runs[name].scenarios[key], pick) for name in COMPARED
            }
            for key in keys
        }

    kept = {
        TITLES.get(key, key): {label[name]: merit(found.physics.scenarios[name][key]) for name in COMPARED}
        for key in keys
    }
    chart = scenario_chart(
        {"Physics kept, A as planned = 1": kept, "Lost [% of the input]": over("lost")}, title="Scenarios"
    )
    rows = tuple(
        (f"{letters[name]} {name}, {TITLES.get(key, key)}", run.lost, run.processed.get("boosted"),
         run.latency.get("all", {}).get(0.99), run.cost.power, run.verdict())
        for name in letters for key, run in found.runs[name].scenarios.items()
    )  # fmt: skip
    columns = ("Design", "Lost", "Boosted decided", "Latency 99 %", "Power", "Farm")
    return Section(
        "More rate, fewer nodes",
        (
            Picture(
                (chart,),
                "At one output rate. With more rate, Level 1 lowers its thresholds; errors are statistical.",
            ),
            Table(columns, rows, "An unstable farm has a growth and no latency."),
        ),
    )  # fmt: skip


def _time_outs(found: Found) -> Section:
    label = {name: f"{letter} {name}" for name, letter in COMPARED.items()}
    seconds = [*found.runs["cpu-2018"].time_outs]
    boosted = {
        f"{each:g} s": {
            label[name]: found.runs[name].time_outs[each].processed["boosted"] for name in COMPARED
        }
        for each in seconds
    }
    physics = {
        f"{each:g} s": {label[name]: merit(found.physics.time_outs[name][each]) for name in COMPARED}
        for each in seconds
    }
    chart = scenario_chart(
        {"Boosted events decided [%]": boosted, "Physics kept, A as planned = 1": physics}, title="Time-out"
    )
    caption = (
        "A short time-out takes the slow classes first. What it takes is stored without a decision, takes "
        "its rate from the menu, and may leave none."
    )
    return Section("Time-outs", (Picture((chart,), caption),))
