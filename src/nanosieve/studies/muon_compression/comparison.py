"""Our designs beside the published estimate, number by number."""

from __future__ import annotations

from nanosieve.figure import Figure
from nanosieve.report import Published, published
from nanosieve.studies.muon_compression.hardware import Hardware
from nanosieve.studies.verdict import Verdict

__all__ = [
    "DOI",
    "comparison_row",
    "note",
    "published_hardware",
    "published_row",
    "published_turn_on",
    "verdicts",
]

DOI = "10.1140/epjc/s10052-021-09770-w"
COLUMNS = ("LUT", "FF", "DSP", "latency", "interval")


def published_hardware() -> Published:
    """The student of the follow-up, estimated by HLS."""
    return published(DOI, "muon-hardware")[0]


def published_row() -> dict[str, Figure]:
    """Its numbers under the names of the table; the interval in time is its cycles times its clock."""
    row = published_hardware()
    period = 1e3 / (row.clock_mhz or 1.0)
    cycles = row.figures["interval cycles"]
    interval = Figure(
        round(cycles.value * period, 2), "ns", cycles.provenance, source=f"{cycles.source}; cycles × clock"
    )
    return {**{name: row.figures[name] for name in COLUMNS[:-1]}, "interval": interval}


def published_turn_on() -> tuple[dict[float, Figure], Figure]:
    """pT in GeV → efficiency of the trigger at 10 GeV, read off the published figure; and its plateau."""
    figures = dict(published(DOI, "muon-turn-on")[0].figures)
    plateau = figures.pop("plateau")
    return {float(name.split()[0]): figure for name, figure in figures.items()}, plateau


def comparison_row(hardware: Hardware) -> dict[str, Figure]:
    """Our numbers under the names of the published ones."""
    counted = hardware.synthesis.resources
    return {
        "LUT": counted.lut,
        "FF": counted.ff,
        "DSP": counted.dsp,
        "latency": hardware.latency,
        "interval": hardware.interval,
    }


def verdicts(hardware: Hardware) -> list[Verdict]:
    """LUT, FF, DSP, latency and interval beside the published estimate."""
    theirs = published_row()
    return [Verdict(name, ours, theirs[name]) for name, ours in comparison_row(hardware).items()]


def note(hardware: Hardware) -> str:
    """What is better or worse than published, and why."""
    ours, theirs = comparison_row(hardware)["LUT"], published_row()["LUT"]
    factor = theirs.value / max(ours.value, 1.0)
    parts = "; ".join(str(verdict) for verdict in verdicts(hardware))
    return (
        f"{hardware.settings.title}: {parts}. LUTs are fewer by a factor of {factor:.1f}, of which the "
        "stage has "
        "its part: theirs is an estimate of HLS, ours a count of a netlist. The rest is that constant "
        "products "
        "are graphs of shared adders of the bits that are there, that a strip is one bit, and that the "
        "schedule "
        "is static, without FIFOs between the layers."
    )
