"""``results.json``: every figure of the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from nanosieve.farm.service.overhead import Overhead
from nanosieve.figure import Figure
from nanosieve.studies.service.comparison import Beside
from nanosieve.studies.service.handover import Handover
from nanosieve.studies.service.measurement import Found
from nanosieve.studies.service.settings import Settings
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["study_results"]

FORMAT = 1
_PACKAGES = ("nanosieve", "mlserver", "tritonclient", "grpcio", "onnxruntime", "numpy", "numba")


def study_results(
    settings: Settings,
    options: StudyOptions,
    found: tuple[Found, ...],
    beside: tuple[Beside, ...],
    handover: Handover,
    times: Mapping[str, Figure],
) -> dict[str, Any]:
    """Everything that the report shows, for machines."""
    runs = [run for each in found for run in each.runs]
    return {
        "format": FORMAT,
        "study": "service",
        "reference": ["arXiv:1904.08986", "arXiv:2010.08556"],
        "size": str(options.size),
        "seed": options.seed,
        "machine": machine(),
        "versions": {name: version(name) for name in _PACKAGES},
        "settings": asdict(settings),
        "networks": {each.served.name: _network(each) for each in found},
        "verification": {
            "answers": sum(run.answered for run in runs),
            "wrong": sum(run.wrong for run in runs),
            "lost": sum(run.lost for run in runs),
        },
        "published": [
            {"what": each.what, "ours": each.ours, "published": each.theirs, "note": each.note}
            for each in beside
        ],
        "farm": {
            "workloads": {name: path.name for name, path in handover.workloads.items()},
            "design": handover.design.name,
            "latency_s": handover.latency,
            "overhead_s": handover.overhead,
            "planned": handover.planned.to_dict(),
            "measured": handover.measured.to_dict(),
        },
        "run_time": dict(times),
    }


def _network(found: Found) -> dict[str, Any]:
    return {
        "title": found.served.title,
        "weights": "random",
        "overhead": {
            protocol: [_overhead(each) for each in entries] for protocol, entries in found.overhead.items()
        },
        "loads": {protocol: scan.to_dict() for protocol, scan in found.scans.items()},
        "bursts": found.bursts.to_dict(),
        "distances": {f"{1e3 * trip:g} ms": run.to_dict() for trip, run in found.distances.items()},
    }


def _overhead(each: Overhead) -> dict[str, Any]:
    return {
        "batch": each.batch,
        "direct_p50_s": each.direct.values[0.5][0],
        "served_p50_s": each.alone.quantiles.values[0.5][0],
        "added_p50_s": each.added,
        "part_of_direct_throughput": each.part,
    }
