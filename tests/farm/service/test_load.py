"""Loads: arrivals, quantiles, loops against a real service, and what they notice."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.services import NEEDS_SERVE
from nanosieve.errors import SettingsError, ToolError
from nanosieve.farm.service import Tensor
from nanosieve.farm.service.client import Target
from nanosieve.farm.service.load import Arrivals, LoadRun, Quantiles, closed_loop, make_work, scan_load
from nanosieve.farm.service.load.distance import at_distance
from nanosieve.farm.service.overhead import measure_overhead


@pytest.mark.parametrize("burst", [1, 5])
def test_arrivals_have_their_rate_and_are_poisson_or_bursts(burst):
    times = np.array(list(Arrivals(2000.0, burst, seed=3).times(20.0)))
    assert len(times) / 20 == pytest.approx(2000, rel=0.05)
    apart = np.diff(times)
    assert (apart >= 0).all()
    assert np.mean(apart == 0) == pytest.approx(1 - 1 / burst, abs=0.02)
    gaps = apart[apart > 0]
    assert gaps.std() / gaps.mean() == pytest.approx(1, rel=0.1)  # exponential
    assert list(Arrivals(10.0, seed=3).times(1.0)) == list(Arrivals(10.0, seed=3).times(1.0))


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_rate_that_is_none(rate):
    with pytest.raises(SettingsError, match="write requests a second above zero"):
        Arrivals(rate)


def test_errors_of_quantiles_cover_the_true_value():
    rng = np.random.default_rng(1)
    pulls = []
    for _ in range(300):
        value, error = Quantiles.of(rng.exponential(size=400)).values[0.95]
        pulls.append((value - np.log(20)) / error)
    assert np.std(pulls) == pytest.approx(1, abs=0.25)
    assert abs(np.mean(pulls)) < 0.3
    assert Quantiles.of(np.array([])).values == {}


def test_a_run_adds_up():
    latency, queue, compute = np.array([4.0, 6.0]), np.array([1.0, 1.0]), np.array([2.0, 2.0])
    run = LoadRun("gRPC", "closed", 10, 1, None, 2.0, latency, queue, compute, 100, 20, {"lost": 3}, 0)
    assert (run.answered, run.lost, run.rate, run.throughput, run.bandwidth) == (2, 3, 1, 10, 120)
    assert run.parts == {"network and protocol": 2, "queue": 1, "compute": 2}
    assert run.to_dict()["latency_s"]["p50"] == 5


def test_work_of_every_kind_of_number_and_wrong_answers():
    inputs = (Tensor("a", "FP32", (3,)), Tensor("b", "UINT8", (2,)))
    work = make_work(inputs, (Tensor("y", "FP64", ()),), 5, compute=lambda x: {"y": x["a"].sum(1)})
    assert (work.sent, work.received) == (5 * 14, 40)
    assert work.requests[0]["b"].dtype == np.uint8
    right = dict(work.answers[1])
    assert not work.wrong(1, right)
    assert not work.wrong(9, right)
    assert work.wrong(0, right)
    right["y"] = np.nextafter(right["y"], 1)
    assert work.wrong(1, right)


def test_addresses():
    assert Target("grpcs://host:1", "m").tls
    assert Target("http://host:1", "m").protocol == "REST"
    for url in ("host:1", "ftp://host:1", "grpc://"):
        with pytest.raises(SettingsError, match="is no address of a server; write grpc"):
            Target(url, "m")


@NEEDS_SERVE
def test_nobody_answers():
    work = make_work((Tensor("x", "FP32", (5,)),), (), 1)
    with pytest.raises(ToolError, match=r"http://127.0.0.1:9, model 'toy'"):
        closed_loop(Target("http://127.0.0.1:9", "toy", timeout=2), work, connections=2)


@NEEDS_SERVE
def test_a_scan_of_a_service(service, model):
    scan = scan_load(
        Target(service.url("grpc"), "toy"),
        batches=(1, 32),
        most_connections=2,
        parts=(0.5,),
        seconds=0.4,
        compute=model,
    )
    assert {run.batch for run in scan.closed} == {1, 32} == set(scan.saturation)
    assert [run.loop for run in scan.open] == ["poisson"]
    for run in (*scan.closed, *scan.open):
        assert (run.lost, run.wrong) == (0, 0)
        assert run.answered > 0
        assert set(run.parts) == {"network and protocol", "queue", "compute"}


@NEEDS_SERVE
def test_answers_that_are_not_those_of_the_design_are_counted(service, model):
    work = make_work(model.inputs, model.outputs, 4, compute=model)
    flipped = tuple({**a, "score": np.nextafter(a["score"], np.float32(99))} for a in work.answers)
    wrong = type(work)(work.batch, work.requests, flipped, work.sent, work.received)
    run = closed_loop(Target(service.url("http"), "toy"), wrong, seconds=0.3)
    assert run.wrong == run.answered > 0


@NEEDS_SERVE
def test_overhead_of_the_service(service, model):
    target = Target(service.url("grpc"), "toy")
    (found,) = measure_overhead(target, model, batches=(64,), seconds=0.2)
    direct, served = found.direct.values[0.5][0], found.alone.quantiles.values[0.5][0]
    assert found.added == pytest.approx(served - direct)
    assert 0 < found.part < 10
    assert (found.alone.wrong, found.several.wrong) == (0, 0)


@NEEDS_SERVE
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_client_far_away_waits_for_the_way_there_and_back(service, model, protocol):
    target = Target(service.url(protocol), "toy")
    work = make_work(model.inputs, model.outputs, 64, compute=model)
    with at_distance(target, 0.03) as far:
        assert far.url != target.url
        run = closed_loop(far, work, seconds=0.4)
    assert run.latency.min() >= 0.03
    assert (run.lost, run.wrong) == (0, 0)
    assert run.answered > 0


def test_distances_that_are_none():
    for url, round_trip in (("grpc://127.0.0.1:1", -1.0), ("grpcs://127.0.0.1:1", 1.0)):
        with (
            pytest.raises(SettingsError, match="give zero or more"),
            at_distance(Target(url, "m"), round_trip),
        ):
            pass
