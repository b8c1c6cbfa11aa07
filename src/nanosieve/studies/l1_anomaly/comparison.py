"""Each design beside its row of arXiv:2108.03986 Table III: what is better, what is worse, and why."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.compiler.design import Design
from nanosieve.devices import find_device
from nanosieve.figure import Figure, Provenance
from nanosieve.report.published import Published, published
from nanosieve.studies.l1_anomaly.hardware import Hardware
from nanosieve.studies.l1_anomaly.performance import Performance
from nanosieve.studies.l1_anomaly.settings import SIGNALS
from nanosieve.studies.verdict import Verdict

__all__ = ["RESOURCES", "Built", "counterpart", "estimated", "interval", "loss", "note", "verdicts"]

RESOURCES = {"LUT": "lut", "FF": "ff", "DSP": "dsp", "BRAM": "bram36"}


@dataclass(frozen=True)
class Built:
    """A design and what it buys with each score; the first is the one of the hardware."""

    hardware: Hardware
    performances: tuple[Performance, ...]

    @property
    def performance(self) -> Performance:
        """With the score of the hardware."""
        return self.performances[0]


def counterpart(hardware: Hardware) -> Published:
    """The published row that a design stands beside."""
    rows = {row.model: row for row in published("2108.03986", "anomaly-hardware")}
    return rows[hardware.trigger.settings.published]


def interval(design: Design) -> Figure:
    """Time between two events at the clock of the delay model."""
    cycles = design.timing["interval_cycles"].value
    return Figure(cycles * design.hardware.budget.period_ns, "ns", Provenance.ESTIMATED)


def estimated(design: Design) -> list[Figure]:
    """Resources of a design that was only compiled, in percent of its device, in the order of `RESOURCES`."""
    device = find_device(design.hardware.budget.device)
    found = []
    for kind in RESOURCES.values():
        count, share = design.hardware.estimate[kind], 100 / device.count(kind)
        error = None if count.error is None else count.error * share
        found.append(Figure(count.value * share, "%", count.provenance, error, count.source))
    return found


def loss(performance: Performance) -> tuple[str, Figure]:
    """The signal that loses most of the float network's AUC, and what it loses in percent."""
    worst = min(performance.signals, key=lambda process: performance.signals[process].kept.value)
    kept = performance.signals[worst].kept
    return worst, Figure(
        100 * (1 - kept.value), "%", Provenance.SIMULATED, None if kept.error is None else 100 * kept.error
    )


def verdicts(hardware: Hardware) -> list[Verdict]:
    """Resources in percent of the device, latency and interval."""
    theirs = counterpart(hardware).figures
    found = [
        Verdict(name, hardware.synthesis.percent_of_device(kind), theirs[name])
        for name, kind in RESOURCES.items()
    ]
    found.append(Verdict("latency", hardware.timing["latency_ns"], theirs["latency"]))
    found.append(Verdict("interval", interval(hardware.design), theirs["interval"]))
    return found


def note(built: Built) -> str:
    """One paragraph about a design."""
    own = built.hardware.trigger.settings
    row = counterpart(built.hardware)
    process, lost = loss(built.performance)
    quantised = (
        f"quantisation costs {lost.number()} % of the float network's AUC at most ({SIGNALS[process]}; none "
        "published)"
    )
    numbers = "; ".join(str(verdict) for verdict in verdicts(built.hardware))
    return (
        f"{own.title}, beside {row.model}: {numbers}; {quantised}. {_why(built.hardware)} Score and "
        "threshold are part of ours."
    )


def _why(hardware: Hardware) -> str:
    own, cycles = hardware.trigger.settings, hardware.timing["interval_cycles"].value
    bits = (
        "every weight has the type of its tensor"
        if own.bits
        else "every weight keeps only the bits that the loss pays for"
    )
    if cycles == 1:
        return f"Products with constants are shared adders where the published design has DSPs, and {bits}."
    return (
        f"In the {cycles:g} cycles between two events a convolution is made row by row with the same adders, "
        f"and {bits}."
    )
