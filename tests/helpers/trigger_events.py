"""Synthetic trigger events: falling spectra, every column of a trigger sample, no physics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from nanosieve.physics.events import (
    COLLECTIONS,
    Collection,
    TriggerEvents,
    TriggerProcess,
    TriggerSample,
    write_trigger_sample,
)

MEAN = {
    "L1Mu": 0.3,
    "L1EG": 2.0,
    "L1Tau": 1.5,
    "L1Jet": 3.0,
    "L1LargeJet": 0.5,
    "Muon": 0.3,
    "Electron": 0.3,
    "Photon": 0.5,
    "Tau": 0.4,
    "Jet": 4.0,
    "FatJet": 0.5,
}
INELASTIC = 8.0e10
"""pb"""


def random_collection(
    rng: np.random.Generator, name: str, events: int, mean: float, scale: float
) -> Collection:
    counts = rng.poisson(mean, events)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    total = int(offsets[-1])
    pt = np.round(3.0 + rng.exponential(scale, total) * rng.uniform(0.3, 3.0, total), 1)
    event = np.repeat(np.arange(events), counts)
    order = np.lexsort((-pt, event))
    values = {
        "pt": pt[order],
        "eta": np.round(rng.uniform(-3.2, 3.2, total), 2),
        "phi": np.round(rng.uniform(-np.pi, np.pi, total), 2),
        "mass": rng.exponential(20.0, total),
        "charge": rng.choice([-1, 1], total),
        "iso": rng.exponential(0.1, total),
        "quality": rng.integers(0, 4, total),
        "btag": rng.choice([0, 0, 40, 60, 70], total),
    }
    kinds = {"charge": np.int32, "quality": np.int32, "btag": np.int32}
    return Collection(
        offsets,
        {
            field: values.get(field, values["pt"]).astype(kinds.get(field, np.float32))
            for field in COLLECTIONS[name]
        },
    )


def random_events(
    events: int,
    *,
    seed: int = 1,
    scale: float = 15.0,
    mean: Mapping[str, float] | None = None,
    processes: Sequence[str] = ("minbias",),
    weights: Sequence[float] = (1000.0,),
    pileup: float = 50.0,
) -> TriggerEvents:
    """A block; ``weights`` are those of the events of each process, in pb."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(processes), events)
    scalars = {
        "run": np.zeros(events, dtype=np.int32),
        "event": np.arange(events, dtype=np.int32),
        "process": np.array(processes, dtype=str)[chosen],
        "bunch": rng.integers(0, 3564, events).astype(np.int32),
        "interactions": rng.poisson(pileup, events).astype(np.int32),
        "genWeight": np.array(weights)[chosen] * rng.uniform(0.5, 1.5, events),
    }
    for name in ("L1MET_pt", "L1HT", "MET_pt", "HT", "GenMET_pt"):
        scalars[name] = rng.exponential(2 * scale, events).astype(np.float32)
    for name in ("L1MET_phi", "MET_phi"):
        scalars[name] = rng.uniform(-np.pi, np.pi, events).astype(np.float32)
    means = MEAN | dict(mean or {})
    return TriggerEvents(
        scalars,
        {name: random_collection(rng, name, events, means.get(name, 1.0), scale) for name in COLLECTIONS},
    )


def sample_of(
    path: Path,
    blocks: Sequence[TriggerEvents],
    *,
    energy: float = 13000.0,
    pileup: float = 50.0,
    detector: str = "synthetic",
) -> TriggerSample:
    """What a sample of `blocks` says of itself; nothing is written."""
    names = np.concatenate([block.scalars["process"] for block in blocks])
    weights = np.concatenate([block.weights for block in blocks])
    processes = {}
    for name in np.unique(names).tolist():
        w = weights[names == name]
        total, squares = float(w.sum()), float((w**2).sum())
        effective = total**2 / squares if squares else 0.0
        processes[name] = TriggerProcess(name, name, len(w), total, 0.0, len(w), total, effective)
    known = {
        "path": path,
        "energy": energy,
        "pileup": pileup,
        "pileup_mode": "objects",
        "inelastic_cross_section": INELASTIC,
        "detector": detector,
        "seed": 1,
        "request": {name: process.events for name, process in processes.items()},
        "processes": processes,
        "versions": {},
    }
    rest = {field.name: "synthetic" for field in fields(TriggerSample) if field.name not in known}
    return TriggerSample(**known, **rest)


def synthetic_sample(path: Path, blocks: Sequence[TriggerEvents], **conditions: Any) -> TriggerSample:
    """`blocks` on disk; `conditions` as of `sample_of`."""
    sample = sample_of(path, blocks, **conditions)
    write_trigger_sample(sample, blocks)
    return sample
