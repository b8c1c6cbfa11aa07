"""Device profiles: points, budget of time, files, the table, and workloads made from them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.onnx_models import constants, model_of, node
from nanosieve.compiler.graph import Builder, Fixed, Relu, TensorType
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.devices import Trust
from nanosieve.errors import InputFileError, SettingsError, UnknownNameError, UnsupportedLayerError
from nanosieve.farm.measurement import (
    COLUMNS,
    DeviceProfile,
    Point,
    Subject,
    known_profiles,
    load_profile,
    measure_networks,
    points,
    profile_text,
    published_cells,
    table_cells,
    times_of_profile,
    workload_text,
)
from nanosieve.farm.measurement.clocked import Clock, clocked
from nanosieve.farm.measurement.jax_forward import PRECISIONS, forward_of
from nanosieve.farm.workload import load_workload, service_time
from nanosieve.figure import Provenance

pytest.importorskip("onnxruntime")
jax = pytest.importorskip("jax")

WIDTH = 8


def dense(width: int = WIDTH) -> Any:
    weights = np.random.default_rng(1).normal(size=(width, width)).astype(np.float32)
    nodes = [node("MatMul", "x w", "h"), node("Relu", "h", "r"), node("MatMul", "r w", "y")]
    return model_of(nodes, constants(w=weights), ["events", width])


def recurrent() -> Any:
    rng = np.random.default_rng(2)
    arrays = constants(
        w=rng.normal(size=(1, 12, 3)).astype(np.float32),
        r=rng.normal(size=(1, 12, 3)).astype(np.float32),
        b=rng.normal(size=(1, 24)).astype(np.float32),
    )
    nodes = [
        node("Transpose", "x", "t", perm=[1, 0, 2]),
        node("LSTM", "t w r b", "_ last", hidden_size=3),
        node("ReduceSum", "last zero", "y", keepdims=0),
    ]
    arrays["zero"] = np.array([0], np.int64)
    return model_of(nodes, arrays, ["events", 5, 3])


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> str:
    """The CPU of JAX in place of a GPU: the same code, other numbers."""
    name = "stand-in"
    monkeypatch.setattr("nanosieve.farm.measurement.measure.gpu", lambda: (jax.devices("cpu")[0], name))
    return name


@pytest.fixture(scope="module")
def profile() -> DeviceProfile:
    """One network on this CPU."""
    subjects = {"tiny": Subject("tiny network", "none", dense(), 128)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nanosieve.farm.measurement.clocked.LONGEST", 0.2)
        return measure_networks(subjects, name="here", threads=[1], batches=[1, 16])


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is time for all points, but each takes little of it."""
    monkeypatch.setattr("nanosieve.farm.measurement.clocked.LONGEST", 0.1)


def measured(profile: DeviceProfile, network: str, **wanted: Any) -> list[Point]:
    found = [p for p in profile.networks[network].points if not p.not_measured]
    return [p for p in found if all(getattr(p, name) == value for name, value in wanted.items())]


def test_calls_of_known_length() -> None:
    found = clocked(lambda: time.sleep(0.002), 0.5, batch=4)
    assert 0.002 <= found["time"] < 0.02
    assert found["throughput"] == pytest.approx(4 / found["time"], rel=0.1)
    assert found["calls"] >= 10
    assert list(found["quantiles"].values()) == sorted(found["quantiles"].values())
    (reason,) = clocked(lambda: time.sleep(0.02), 0.01, batch=4).items()
    assert reason[0] == "not_measured"
    assert re.fullmatch(r"a call of 4 events takes 0\.\d+ s: no time for 10 of them", reason[1])


def test_time_that_is_not_needed_is_shared() -> None:
    now = iter([0.0, 0.0, 0.5, 9.0, 10.5])
    clock = Clock(10.0, 4, now=lambda: next(now))
    assert clock.share() == pytest.approx(2.5)
    assert clock.share() == pytest.approx(3.0)  # of 9.5 / 3, at most 3
    assert clock.share() == pytest.approx(0.5)
    assert clock.share() == 0
    assert clock.used_up == "the time budget of 0.167 minutes was used up"


def test_a_profile_says_what_was_measured_and_what_was_not(profile: DeviceProfile) -> None:
    single, many = measured(profile, "tiny", device="cpu")
    assert (single.batch, many.batch, single.threads) == (1, 16, 1)
    assert many.throughput is not None
    assert single.throughput is not None
    assert many.throughput > 2 * single.throughput
    assert single.trust is Trust.MEASURED
    missing = {p.on: p.not_measured for p in profile.networks["tiny"].points if p.not_measured}
    assert missing["alveo-u50"] == missing["alveo-u250"] == "no compiled design was given"
    assert "GPU" in missing["GPU"]
    assert profile.networks["tiny"].inputs == WIDTH
    assert profile.machine.cores == len(points.cores())


def test_threads_are_pinned_and_the_process_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.sched_getaffinity(0)
    seen: list[set[int]] = []

    def spy(call: Callable[[], Any], seconds: float, *, batch: int) -> dict[str, Any]:
        seen.append(os.sched_getaffinity(0))
        return clocked(call, seconds, batch=batch)

    monkeypatch.setattr(points, "clocked", spy)
    found = points.cpu_point(dense(), "here", 1, 1, Clock(0.5, 1))
    assert (found.threads, found.not_measured) == (1, "")
    assert seen == [{min(before)}]
    assert os.sched_getaffinity(0) == before


def test_a_device_of_jax_is_measured_in_all_precisions(stand_in: str, short: None) -> None:
    subjects = {
        "tiny": Subject("tiny", "none", dense(), 128),
        "lstm": Subject("lstm", "none", recurrent(), 96),
    }
    found = measure_networks(subjects, threads=[1], batches=[4])
    for network, precisions in (("tiny", set(PRECISIONS)), ("lstm", set(PRECISIONS) - {"int8"})):
        for way in ("included", "excluded"):
            there = measured(found, network, device="gpu", transfers=way)
            assert {p.precision for p in there} == precisions
            assert {p.on for p in there} == {stand_in}
    (reason,) = {p.not_measured for p in found.networks["lstm"].points if p.precision == "int8"}
    assert reason == "LSTM has no products of 8-bit integers"
    assert found.machine.gpu == stand_in
    assert found.name.startswith("stand-in-")


def test_what_a_device_cannot_do_is_a_point_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no such\nkernel")

    monkeypatch.setattr(points, "forward_of", broken)
    pair = points.gpu_points(dense(), jax.devices("cpu")[0], "GPU", "fp16", 1, Clock(1.0, 1))
    assert [p.not_measured for p in pair] == ["not supported: no such kernel"] * 2
    assert [p.transfers for p in pair] == ["included", "excluded"]


def test_when_time_runs_out_the_rest_is_marked() -> None:
    subjects = {name: Subject(name, "none", dense(256), 1) for name in ("a", "b")}
    found = measure_networks(subjects, threads=[1], batches=[1, 4096], minutes=1e-4)
    reasons = {p.not_measured for each in found.networks.values() for p in each.points if p.device == "cpu"}
    assert any("time budget" in reason or "no time for" in reason for reason in reasons)


@pytest.mark.parametrize("make", [dense, recurrent])
def test_jax_computes_what_onnx_runtime_computes(make: Callable[[], Any]) -> None:
    import onnxruntime

    model = make()
    x = points.inputs_of(model, 6)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (wanted,) = session.run(None, {"x": x})
    size = np.abs(wanted).max()
    for precision, tolerance in (("fp32", 1e-5), ("bf16", 0.05), ("fp16", 5e-3), ("int8", 0.05)):
        if precision == "int8" and make is recurrent:
            with pytest.raises(UnsupportedLayerError, match="LSTM has no products"):
                forward_of(model, precision)
            continue
        forward = forward_of(model, precision)
        (found,) = jax.jit(forward.function)(forward.weights, x.astype(forward.dtype))
        error = np.abs(np.asarray(found, np.float32) - wanted).max() / size
        assert error <= tolerance
        assert (error > 0) or precision == "fp32"


def design(folder: Path, device: str) -> Path:
    builder = Builder("toy")
    x = builder.input("x", TensorType.of(Fixed(8, 4), (2,)))
    graph = builder.finish({"y": builder.add(Relu(), x, layer="relu")})
    build_design(graph, Budget(every="25 ns", latency="1 us", clock="200 MHz", device=device)).write(folder)
    return folder


def test_fpgas_come_from_their_designs_into_table_and_workload(tmp_path: Path, short: None) -> None:
    folder = design(tmp_path / "toy", "alveo-u50")
    subjects = {"tiny": Subject("tiny", "none", dense(), 128)}
    found = measure_networks(subjects, name="here", threads=[1], batches=[1], designs=[("tiny", folder)])
    cells = table_cells(found.networks["tiny"])
    assert cells["U50"].time is not None
    assert cells["U50"].time.provenance is Provenance.ESTIMATED
    assert cells["CPU"].time is not None
    assert cells["CPU"].time.provenance is Provenance.MEASURED
    assert cells["CPU"].time.error is not None
    assert (cells["U250"].time, cells["U250"].how) == (None, "no compiled design was given")
    path = tmp_path / "w.yaml"
    path.write_text(workload_text("tiny", times_of_profile(found, "tiny")), encoding="utf-8")
    workload = load_workload(path)
    (cpu,) = measured(found, "tiny", device="cpu")
    assert service_time(workload, "tiny", "cpu").mean.middle == pytest.approx(cpu.time, rel=1e-4)
    card = service_time(workload, "tiny", "alveo-u50")
    (fpga,) = measured(found, "tiny", device="fpga")
    assert fpga.cycles is not None
    assert card.mean.middle == pytest.approx(fpga.cycles[0] / 200e6)
    with pytest.raises(UnknownNameError, match=r"^unknown network 'other'; "):
        measure_networks(subjects, designs=[("other", folder)])


def test_a_profile_is_written_and_read(profile: DeviceProfile, tmp_path: Path) -> None:
    path = tmp_path / "here.yaml"
    text = profile_text(profile)
    path.write_text(text, encoding="utf-8")
    assert load_profile(path) == profile
    path.write_text(text.replace("spread:", "spraed:", 1), encoding="utf-8")
    with pytest.raises(UnknownNameError, match=r"unknown key; nearest: spread"):
        load_profile(path)
    path.write_text(
        text.replace("not_measured: no compiled design was given", "batch: 1", 1), encoding="utf-8"
    )
    with pytest.raises(SettingsError, match=r"time, throughput and trust are needed, or not_measured"):
        load_profile(path)


def test_what_is_not_there_is_refused(profile: DeviceProfile) -> None:
    with pytest.raises(UnknownNameError, match=r"^unknown network 'tinny'; nearest: tiny"):
        times_of_profile(profile, "tinny")
    with pytest.raises(InputFileError, match=r"no time of 'tiny' with 7 events in a call; it has 1, 16"):
        times_of_profile(profile, "tiny", batch=7)
    with pytest.raises(UnknownNameError, match=r"^unknown device profile 'nowhere'"):
        load_profile("nowhere")
    subjects = {"tiny": Subject("tiny", "none", dense(), 128)}
    for wrong, message in (
        ({"threads": [10_000]}, r"^threads 10000: accepted are 1 …"),
        ({"batches": [0]}, r"^batches 0: accepted are whole numbers of 1 or more"),
        ({"minutes": 0.0}, r"^a budget of 0 minutes is not accepted"),
    ):
        with pytest.raises(SettingsError, match=message):
            measure_networks(subjects, **wrong)


def test_profiles_of_the_package_hold_every_network_and_its_table() -> None:
    for name in known_profiles():
        shipped = load_profile(name)
        assert shipped.name == name
        for times in shipped.networks.values():
            assert set(table_cells(times)) == set(COLUMNS)
            assert times.weights == "random"


def test_the_published_table() -> None:
    """Facts of arXiv:2307.05152, Table 1."""
    cells = published_cells()
    assert {c: cells[c].throughput.number() for c in COLUMNS if cells[c].throughput} == {
        "CPU": "302.0 ± 4.0",
        "GPU": "9,930 ± 187",
        "U50": "950.0 ± 5.0",
        "U250": "553.0 ± 4.0",
    }
    assert cells["CPU"].time is not None
    assert cells["CPU"].time.provenance is Provenance.PUBLISHED
