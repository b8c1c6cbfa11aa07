"""A plain design with closed formulae: one stage of exponential times on two nodes with 16 slots each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from nanosieve.farm.designs import Design, load_design

PLAIN: dict[str, Any] = {
    "name": "plain",
    "title": "two nodes, no accelerators",
    "workload": "plain-work.yaml",
    "collisions": {"pileup": 50},
    "hardware_trigger": {"accept": "1 kHz", "latency": "2.5 us", "buffer": 128},
    "event_building": {"bandwidth": "100 GB/s", "buffer": "1 TB"},
    "event": {"size": "1 MB", "distribution": "constant"},
    "nodes": {"count": 2, "hardware": {"dual-epyc": 1}, "slots": 16, "queue": 0},
    "stages": [{"name": "full", "task": "all"}],
    "output": {"rate": "100 Hz", "bandwidth": "10 GB/s"},
    "run": {"years": 1},
}
WORK: dict[str, Any] = {
    "name": "plain-work",
    "title": "exponential times",
    "pileup": 50,
    "classes": {"all": {"fraction": 1.0, "trust": "assumed", "source": "test"}},
    "tasks": {
        "all": {
            "title": "everything",
            "pileup_exponent": {"value": 1.0, "trust": "assumed", "source": "test"},
            "devices": {
                "cpu": {"mean": "30 ms", "shape": "exponential", "trust": "assumed", "source": "test"},
            },
        }
    },
}


def plain_design(folder: Path, **changes: Any) -> Design:
    """The design, with parts replaced: ``nodes={"queue": 10}`` changes that key alone."""
    content = {key: {**value, **changes.get(key, {})} if isinstance(value, dict) else changes.get(key, value)
               for key, value in PLAIN.items()}  # fmt: skip
    content |= {key: value for key, value in changes.items() if key not in content}
    (folder / "plain-work.yaml").write_text(yaml.safe_dump(WORK), encoding="utf-8")
    path = folder / "plain.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_design(path)
