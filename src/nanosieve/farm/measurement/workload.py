"""Measured times as a workload in YAML, to be used in a design or taken over into another workload."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from nanosieve._yaml import parse_yaml, validated
from nanosieve.farm.measurement.timing import Measured
from nanosieve.farm.workload import Workload

__all__ = ["workload_text"]

_HEADER = """\
# Service times of a network. The task can be copied into another workload, beside the whole selection.
# The network has a fixed size, so that its time does not depend on pile-up; one class stands for all events.
"""


def workload_text(name: str, measured: Sequence[Measured], *, title: str = "", pileup: float = 60.0) -> str:
    """The YAML of a workload with one task, `name`, on every device that was measured.

    Args:
        name: of workload and task: lower case, digits, hyphens.
        measured: one for each device.
        title: in words [default: the name].
        pileup: of the workload.

    Raises:
        SettingsError: a name that is none.
    """
    every = {"fraction": 1.0, "trust": "assumed", "source": "all events alike"}
    content = {
        "format": 1,
        "name": name,
        "title": title or f"network {name}",
        "pileup": pileup,
        "classes": {"all": every},
        "tasks": {
            name: {
                "title": title or f"network {name}",
                "devices": {each.device: _service(each) for each in measured},
            }
        },
    }
    text = _HEADER + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    validated(Workload, parse_yaml(text, f"{name}.yaml", kind="workload", needs="name and tasks"))
    return text


def _service(measured: Measured) -> dict[str, Any]:
    origin = {"trust": str(measured.trust), "source": measured.source}
    if measured.cycles is not None:
        interval, latency, clock = measured.cycles
        cycles = {"interval_cycles": interval, "latency_cycles": latency, "clock": f"{clock / 1e6:.10g} MHz"}
        return {**cycles, **origin}
    found = {"mean": f"{measured.mean * 1e6:.6g} us"}
    return {**found, "shape": "quantiles", "quantiles": measured.quantiles, **origin}
