"""Scans of precision and plans do not depend on the workers that do them."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.scans import events, graph_of, labels_of, wide_graph
from nanosieve.compiler.hardware import Budget, DelayModel
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.pareto import Point, pareto_front
from nanosieve.compiler.precision_scan import PrecisionScan, area_under_roc, scan_precision
from nanosieve.errors import SettingsError


def scan(**scale_out: object) -> PrecisionScan:
    x = events(400, seed=1)
    return scan_precision(
        graph_of, events(100, seed=2), area_under_roc, inputs=x, labels=labels_of(x), bits=[3, 5, 8],
        reference={"score": x[:, :1]}, resamples=5, **scale_out,
    )  # type: ignore[arg-type]  # fmt: skip


def front(**scale_out: object) -> list[Point]:
    budget = Budget(every="500 ns", latency="1 us", clock="200 MHz", device="xcvu9p")
    settings = Settings(DelayModel(), budget.period_ns)
    return pareto_front(wide_graph(), budget, settings, prices={"lut": 1.0}, **scale_out)  # type: ignore[arg-type]


def texts(points: list[Point]) -> list[tuple[object, ...]]:
    return [(point.merits, point.share, point.sketch.plan.to_dict()) for point in points]


def test_two_workers_scan_as_one() -> None:
    seen: list[tuple[float, float]] = []
    one = scan(progress=lambda stage, done, total, note="": seen.append((done, total)))
    assert scan(workers=2) == one
    assert len({point.value.value for point in one.points}) > 1
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_two_workers_search_as_one() -> None:
    one = front()
    assert texts(front(workers=2)) == texts(one)
    assert len(one) > 1


def test_a_metric_that_cannot_be_sent_is_refused() -> None:
    x = events(50, seed=1)
    with pytest.raises(SettingsError, match=r"^the work cannot be sent to other processes"):
        scan_precision(
            graph_of, x, lambda outputs, labels: float(np.mean(labels)), inputs=x, labels=labels_of(x),
            bits=[3, 5], reference={"score": x[:, :1]}, workers=2,
        )  # fmt: skip


@pytest.mark.slow
def test_three_workers_and_dask_scan_and_search_as_one() -> None:
    distributed = pytest.importorskip("distributed")
    one, searched = scan(), texts(front())
    assert scan(workers=3) == one
    assert texts(front(workers=3)) == searched
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        assert scan(scheduler=cluster.scheduler_address) == one
        assert texts(front(scheduler=cluster.scheduler_address)) == searched
