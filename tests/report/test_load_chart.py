"""Pictures of a service under load."""

from __future__ import annotations

import numpy as np
import pytest

from nanosieve.errors import SettingsError
from nanosieve.farm.service.load import LoadRun
from nanosieve.report.load_chart import LoadPoint, latency_throughput_chart, parts_chart, points_of


def run(loop: str, batch: int, latency: list[float]) -> LoadRun:
    times, none = np.array(latency), np.array([])
    return LoadRun("gRPC", loop, batch, 1, None, 1.0, times, none, none, 1, 1, {}, 0)


def test_loads_become_points_by_kind_and_batch():
    found = points_of(
        [
            run("closed", 1, [1.0]),
            run("closed", 1, [2.0, 2.0]),
            run("poisson", 4, [3.0]),
            run("closed", 9, []),
        ]
    )
    assert found == {
        "closed loop, batch 1": [LoadPoint(1, 1, 1), LoadPoint(2, 2, 2)],
        "open, poisson, batch 4": [LoadPoint(4, 3, 3)],
    }


def test_curves_and_bars_are_drawn():
    points = [LoadPoint(10.0, 1e-3, 2e-3), LoadPoint(100.0, 5e-3, 9e-3)]
    drawing = latency_throughput_chart({"closed": points, "none": []}, title="toy", conditions="gRPC")
    assert [key.label for key in drawing.key] == ["closed"]
    assert "Latency [ms]" in drawing.panels[0]
    drawing = parts_chart({"batch 1": {"queue": 1e-3, "compute": 2e-3}, "old": {}}, title="toy")
    assert [key.label for key in drawing.key] == ["queue", "compute"]
    assert "batch 1" in drawing.panels[0]
    assert "old" not in drawing.panels[0]


def test_nothing_to_draw():
    with pytest.raises(SettingsError, match="needs a load that was answered"):
        latency_throughput_chart({"a": []}, title="toy")
    with pytest.raises(SettingsError, match="no load has parts"):
        parts_chart({"a": {}}, title="toy")
