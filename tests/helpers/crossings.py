"""Random crossings and the sample that holds them."""

import numpy as np

from nanosieve.physics.events import (
    COLLECTIONS,
    SCALARS,
    Collection,
    TriggerEvents,
    TriggerProcess,
    TriggerSample,
)

INTEGERS = ("run", "event", "bunch", "interactions")


def random_events(events, seed, process="hard_qcd"):
    """`events` crossings of random objects, ordered by falling pT."""
    draw = np.random.default_rng(seed)
    scalars = {}
    for name in SCALARS:
        if name == "process":
            scalars[name] = np.full(events, process)
        elif name in INTEGERS:
            scalars[name] = draw.integers(0, 60, events).astype(np.int32)
        elif name == "genWeight":
            scalars[name] = draw.random(events)
        else:
            scalars[name] = (100 * draw.random(events)).astype(np.float32)
    return TriggerEvents(scalars, {name: collection(name, events, draw) for name in COLLECTIONS})


def collection(name, events, draw):
    """Up to five objects of a kind in each event."""
    counts = draw.integers(0, 6, events)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    total = int(offsets[-1])
    event = np.repeat(np.arange(events), counts)
    fields = {}
    for field in COLLECTIONS[name]:
        if field == "charge":
            values = draw.choice([-1, 1], total).astype(np.int32)
        elif field == "quality":
            values = draw.integers(0, 4, total).astype(np.int32)
        elif field == "btag":
            values = draw.choice([0, 40, 60, 70], total).astype(np.int32)
        elif field in ("pt", "pthat"):
            values = (5 + draw.exponential(30, total)).astype(np.float32)
            values = values[np.lexsort((-values, event))]
        elif field in ("eta", "phi"):
            values = draw.uniform(-2.5, 2.5, total).astype(np.float32)
        else:
            values = draw.exponential(0.2 if field == "iso" else 10, total).astype(np.float32)
        fields[field] = values
    return Collection(offsets, fields)


def sample_at(path, events, process="hard_qcd", **changes):
    """A sample of one process, not written yet."""
    summary = TriggerProcess(process, "QCD jets", events, 1e6, 1e3, events, 1.0, float(events))
    values = {
        "path": path, "energy": 13_000.0, "pileup": 52.0, "pileup_mode": "objects",
        "inelastic_cross_section": 8e10, "detector": "cms", "filling": "lhc-2544-48b", "seed": 1,
        "request": {process: events}, "processes": {process: summary}, "versions": {},
    }  # fmt: skip
    return TriggerSample(**{**values, **changes})
