"""Times are those of the calls, and come back from the workload that is written."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from helpers.onnx_models import constants, model_of, node, saved
from nanosieve.compiler.graph import Builder, Fixed, Relu, TensorType
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.devices import Trust
from nanosieve.errors import InputFileError, SettingsError
from nanosieve.farm.measurement import Measured, time_of_design, times_of_onnx, workload_text
from nanosieve.farm.measurement.timing import timed
from nanosieve.farm.workload import Workload, load_workload, service_time
from nanosieve.figure import Provenance

pytest.importorskip("onnxruntime")


def dense(folder: Path, width: int, batch: int | str = "events") -> Path:
    weights = np.random.default_rng(1).normal(size=(width, width)).astype(np.float32)
    nodes = [node("MatMul", "x w", "h"), node("MatMul", "h w", "y")]
    return saved(model_of(nodes, constants(w=weights), [batch, width]), folder, f"dense{width}.onnx")


def median(found: Measured) -> float:
    """In s; an interruption of the process does not change it."""
    return found.mean * found.quantiles[0.5]


def test_a_call_of_known_length_is_measured_for_each_event_of_its_batch() -> None:
    found = timed(lambda: time.sleep(0.004), device="cpu", batch=4, repeats=10, source="here")
    assert 0.001 <= found.mean < 0.004
    assert found.trust is Trust.MEASURED
    assert found.source == "here; 10 calls of 4 events"
    assert list(found.quantiles.values()) == sorted(found.quantiles.values())
    with pytest.raises(SettingsError, match=r"^repeats = 3 is not accepted; write a whole number of 10 or"):
        timed(lambda: None, device="cpu", batch=1, repeats=3, source="here")


def test_a_larger_network_takes_longer_and_a_batch_shares_the_overhead(tmp_path: Path) -> None:
    (small,) = times_of_onnx(dense(tmp_path, 8), repeats=200)
    (large,) = times_of_onnx(dense(tmp_path, 1024), repeats=50)
    (together,) = times_of_onnx(dense(tmp_path, 8), repeats=200, batch=100)
    assert small.device == "cpu"
    assert median(large) > 5 * median(small)
    assert median(together) < median(small) / 3
    assert "ONNX Runtime" in small.source


def test_every_device_that_is_there_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second provider stands in for a GPU; one that ONNX Runtime does not have is left out."""
    path = dense(tmp_path, 8)
    providers = {"cpu": "CPUExecutionProvider", "gpu": "CPUExecutionProvider", "fpga": "NoneSuch"}
    monkeypatch.setattr("nanosieve.farm.measurement.onnx.PROVIDERS", providers)
    found = times_of_onnx(path, repeats=10)
    assert [each.device for each in found] == ["cpu", "gpu"]
    assert set(parsed(tmp_path, workload_text("tagger", found)).tasks["tagger"].devices) == {"cpu", "gpu"}


def parsed(folder: Path, text: str) -> Workload:
    path = folder / "written.yaml"
    path.write_text(text, encoding="utf-8")
    return load_workload(path)


def test_what_is_written_is_a_workload_with_the_same_times(tmp_path: Path) -> None:
    measured = times_of_onnx(dense(tmp_path, 64), repeats=100)
    fpga = Measured("fpga", 4 / 200e6, {}, Trust.DERIVED, "schedule", (4, 30, 200e6))
    workload = parsed(tmp_path, workload_text("tagger", [*measured, fpga]))
    cpu = service_time(workload, "tagger", "cpu", event_class="all", pileup=200)
    assert cpu.mean.middle == pytest.approx(measured[0].mean, rel=1e-5)  # whatever the pile-up
    assert cpu.mean.figure.provenance is Provenance.MEASURED
    assert cpu.mean.figure.source == measured[0].source
    assert cpu.quantiles == measured[0].quantiles
    card = service_time(workload, "tagger", "alveo-u50")
    assert (card.mean.middle, card.latency) == pytest.approx((20e-9, 150e-9))
    assert card.mean.figure.provenance is Provenance.ESTIMATED


def test_the_time_on_an_fpga_is_the_interval_of_the_design(tmp_path: Path) -> None:
    builder = Builder("toy")
    x = builder.input("x", TensorType.of(Fixed(8, 4), (2,)))
    graph = builder.finish({"y": builder.add(Relu(), x, layer="relu")})
    design = build_design(graph, Budget(every="25 ns", latency="1 us", clock="200 MHz", device="xcvu9p"))
    design.write(tmp_path / "toy")
    fpga, cpu = time_of_design(tmp_path / "toy", repeats=10)
    assert fpga.cycles is not None
    interval, latency, clock = fpga.cycles
    assert clock == 200e6
    assert fpga.mean == interval / clock <= 25e-9
    assert latency == design.manifest()["latency_cycles"]
    assert fpga.trust is Trust.DERIVED
    assert cpu.trust is Trust.MEASURED
    assert "emulator" in cpu.source
    assert [each.device for each in time_of_design(tmp_path / "toy", emulate=False)] == ["fpga"]


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"none\.onnx"):
        times_of_onnx(tmp_path / "none.onnx")
    with pytest.raises(
        SettingsError, match=r"input 'x' has the shape \[1, 8\], which does not take 5 events"
    ):
        times_of_onnx(dense(tmp_path, 8, batch=1), batch=5)
    broken = saved(model_of([node("Nonsense", "x", "y")], {}, [1, 8]), tmp_path, "broken.onnx")
    with pytest.raises(InputFileError, match=r"^'broken\.onnx' cannot be run by ONNX Runtime"):
        times_of_onnx(broken)
    with pytest.raises(SettingsError, match="name"):
        workload_text("Not a name", [Measured("cpu", 1e-3, {0.5: 1.0, 1.0: 1.0}, Trust.MEASURED, "here")])
