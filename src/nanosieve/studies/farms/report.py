"""The report of the study, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nanosieve.figure import Figure
from nanosieve.report import Numbers, Section, Text, write_report
from nanosieve.studies.farms.assumptions import ASSUMPTIONS
from nanosieve.studies.farms.physics import MEAN, shown
from nanosieve.studies.farms.report_farms import farm_sections
from nanosieve.studies.farms.report_physics import physics_sections
from nanosieve.studies.farms.results import Found
from nanosieve.studies.farms.settings import COMPARED, Settings
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["write_study_report"]


def write_study_report(
    out: Path,
    settings: Settings,
    options: StudyOptions,
    found: Found,
    times: Mapping[str, Figure],
    remarks: tuple[str, ...],
) -> Path:
    """Write ``report.html`` into `out`.

    Raises:
        OutputError: the folder cannot be written to.
    """
    farms, physics = farm_sections(found), physics_sections(found)
    impact = found.physics.equal
    conditions = (
        *(("Remark", remark) for remark in remarks),
        ("Size", str(options.size)),
        ("Seed", str(options.seed)),
        ("Menu", impact.menu),
        ("Luminosity", impact.luminosity),
        ("Pile-up", f"{impact.pileup:g}"),
        ("Crossings", f"{found.crossings['background']:,} of the background"),
        ("Fill", f"{impact.fill:g} / pb"),
        ("Machine", machine()),
        *((f"Time of {name}", figure.number() + " s") for name, figure in times.items()),
    )
    return write_report(
        out,
        "Which farm?",
        [_answer(found), *physics, *farms, _assumptions(settings)],
        summary=(
            "Seven designs of trigger farms, simulated event by event from the bunch crossing to storage: "
            "what each costs, draws, loses, and keeps of eight signals. The interactive page `farms.html` "
            "lies beside this one."
        ),
        conditions=conditions,
    )


def _answer(found: Found) -> Section:
    ranking, power = found.rankings["cost"], found.rankings["power"]
    letters = [COMPARED[name] for name in ranking.order]
    first, second = letters[:2]
    turning = [swing.name for swing in ranking.swings if min(swing.low, swing.high) < 1]
    decides = (
        f"The order of these two turns with: {', '.join(turning)}."
        if turning
        else "No assumption alone turns the order of these two within its band."
    )
    entries: list[tuple[str, Figure]] = []
    for name, letter in COMPARED.items():
        entries += [
            (f"{letter}: physics at one output rate, A = 1", shown(found.physics.equal.designs[name]))
        ]
    entries += [(f"{letter}: cost", found.runs[name].planned.cost.total) for name, letter in COMPARED.items()]
    text = Text(
        (
            f"At one output rate of {found.physics.output_rate / 1e3:g} kHz, physics over cost gives the "
            f"order {' > '.join(letters)}; physics over power "
            f"{' > '.join(COMPARED[name] for name in power.order)}. {first} over {second} in physics over "
            f"cost is {ranking.ratio.number()}. {decides}",
            f"Physics is the {MEAN}, with the thresholds that the rates of each design allow. At their own "
            "output rates designs keep more where they may store more: that is a choice of storage, not "
            "of the farm, and stands apart below.",
        )
    )
    return Section("The answer", (Numbers(tuple(entries)), text))


def _moved() -> str:
    return "; ".join(f"{name} ({assumption.source})" for name, assumption in ASSUMPTIONS.items())


def _assumptions(settings: Settings) -> Section:
    return Section(
        "Assumptions, and what is not modelled",
        (
            Text(
                (
                    f"Pile-up: designs A to E all run at {settings.pileup:g}, whatever they were planned "
                    "for; service times grow with it as a power between 1.0 and 2.2, taken in the middle. "
                    "F and G run as planned.",
                    "Moved one at a time, with simulations of their own, for the question which assumption "
                    f"would change the order: {_moved()}.",
                    "Prices: none was confirmed by a quote. Every price, power and lifetime is a band, "
                    "drawn log-uniform; figures are medians with the central 90 %. One draw stands for "
                    "all designs.",
                    "Networks: the gains of the networks on the FPGAs of design B are placeholders, no "
                    "measurement. Its place in the order stands and falls with them.",
                    "FPGA cards: no published design does the whole task of E; its service time is assumed.",
                    "More rate: the hardware trigger lowers its thresholds until it accepts 1.5 or 2 "
                    "times as much, at the same luminosity and output rate. Classes of events stay in the "
                    "shares of the plan.",
                    "Output: one output rate for all separates the farm from the storage. The menu of "
                    "2018 has all its thresholds multiplied by one factor for each level; a menu made for "
                    "the rate would be better.",
                    "Statistical errors come from a bootstrap over crossings. Few crossings of background "
                    "carry a large weight, so that the threshold at the output rate is the largest error; "
                    "it is nearly common to all signals, and the error of their mean is taken as if it "
                    "were common.",
                    "Bands of physics: gains of networks, and losses with all service times at their "
                    "lower or upper edge; those of cost: all inputs.",
                    "Time-outs store without a decision. Where that alone would fill half of the output, "
                    "what is over time is taken as lost.",
                    "Farms are simulated in part: waiting is longer than in the whole farm, losses by "
                    "overload are not.",
                    "Not modelled: buffers of hours between levels; event sizes that grow with pile-up; "
                    "decisions that take time away from the "
                    "menu at high pile-up; offline selections; muon chambers for long-lived particles; "
                    "staff, software, buildings and disks; resale.",
                )
            ),
        ),
    )
