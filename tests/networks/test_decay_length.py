"""Networks for decays in a muon spectrometer: the published one, and students that a trigger has time for."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.hardware import Budget
from nanosieve.errors import SampleError, UnknownNameError
from nanosieve.networks.compress import Widths, quantised
from nanosieve.networks.compress.cost import sketched
from nanosieve.networks.decay_length import (
    DECAY_STUDENTS,
    PARAMETERS,
    PIXEL,
    bin_by_bin,
    build_anomaly_autoencoder,
    build_decay_length,
    build_decay_student,
    multiplications,
)
from nanosieve.networks.model_file import save_model


def test_the_network_is_the_published_one() -> None:
    model = build_decay_length()
    assert model.count_params() == PARAMETERS == 2_871_681
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    assert [shapes[f"pool_{n}"] for n in (3, 4, 5, 6)] == [
        (10, 111, 64), (5, 37, 128), (3, 11, 256), (1, 3, 256)
    ]  # fmt: skip
    linear = [model.get_layer(f"conv_{n}").activation is keras.activations.linear for n in range(1, 7)]
    assert linear == [True, True, True, False, False, False]
    found = multiplications(model)
    assert sum(found.values()) == pytest.approx(614.8e6, abs=0.05e6)
    assert (found["conv_2"] + found["conv_3"]) / sum(found.values()) == pytest.approx(0.80, abs=0.005)
    x = (np.random.default_rng(1).random((2, 20, 333, 1)) < 0.02).astype(np.float32)
    assert np.asarray(model.predict(x, verbose=0)).min() >= 0


def test_the_autoencoder_gives_back_an_image() -> None:
    model = build_anomaly_autoencoder()
    assert model.output.shape[1:] == model.input.shape[1:] == (20, 333, 1)
    assert model.get_layer("latent").output.shape[1:] == (16,)
    assert model.count_params() < PARAMETERS / 20


def test_students_are_in_order() -> None:
    work = [sum(multiplications(build_decay_student(name)).values()) for name in DECAY_STUDENTS]
    assert work == sorted(work, reverse=True)
    assert work[0] < 614.8e6 / 500
    with pytest.raises(UnknownNameError, match=r"student '2us'; nearest: .*2.5us"):
        build_decay_student("2us")


def test_a_bin_holds_all_layers() -> None:
    images = np.arange(2 * 20 * 333).reshape(2, 20, 333, 1)
    bins = bin_by_bin(images)
    assert bins.shape == (2, 333, 20)
    assert np.array_equal(bins[1, 7], images[1, :, 7, 0])
    with pytest.raises(SampleError, match=r"shape \(2, 333, 20\)"):
        bin_by_bin(bins)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "latency"), [("10us", "10 us"), ("2.5us", "2.5 us")])
def test_students_meet_the_latency_of_their_trigger(name: str, latency: str, tmp_path: Path) -> None:
    """At 200 MHz, one bin of 20 pixels a cycle, before any training: weights of six bits."""
    assert DECAY_STUDENTS[name].latency == latency
    x = (np.random.default_rng(1).random((40, 333, 20)) < 0.02).astype(np.float32)
    narrow = quantised(build_decay_student(name), x, Widths(6, port=PIXEL), name="narrow")
    graph = load_model(save_model(narrow, tmp_path / "narrow.keras"))
    assert graph.exact
    budget = Budget(every=latency, latency=latency, clock="200 MHz", device="alveo-u250")
    sketch = sketched(graph, budget)
    assert sketch.latency <= budget.latency_cycles
    assert sketch.cost.lut < 0.2 * 1_728_000
