"""The assembled trigger: folding is exact, the score is the reference score up to its stated rounding."""

import subprocess
import sys
from functools import cache

import keras
import numpy as np
import pytest
from hgq.layers import QDense

from nanosieve.compiler.design import load
from nanosieve.errors import InputFileError, SettingsError, UnsupportedLayerError
from nanosieve.networks.autoencoder import NetworkSettings, build_autoencoder, build_variational_autoencoder
from nanosieve.networks.exactness import FLOAT32_BITS, widest_sums
from nanosieve.networks.losses import squared_error
from nanosieve.networks.model_file import load_model, save_model
from nanosieve.networks.objects import TARGET_EXPONENTS, flatten_objects
from nanosieve.networks.scores import anomaly_scores
from nanosieve.networks.trigger import assemble_trigger, round_threshold, score_step


@cache
def network(kind):
    """A network with batch statistics that are not the trivial ones."""
    build = build_autoencoder if kind == "autoencoder" else build_variational_autoencoder
    model = build(NetworkSettings(hidden=(6, 5), seed=3))
    random = np.random.default_rng(1)
    for layer in model.layers:
        if hasattr(layer, "moving_mean") and hasattr(layer, "folded"):
            layer.moving_mean.assign(random.normal(0, 0.5, layer.units))
            layer.moving_variance.assign(random.uniform(0.3, 3, layer.units))
            layer.gamma.assign(random.uniform(0.5, 2, layer.units))
    return model


@cache
def assembled(kind, score):
    """The trigger with a threshold of 20, shared by the tests."""
    return assemble_trigger(network(kind), score=score, threshold=20.0)


def outputs(model, x):
    """All outputs, in one compiled call."""
    return model.predict(x, batch_size=len(x), verbose=0)


def at(model, name, x):
    """Output of the layer `name`."""
    return outputs(keras.Model(model.inputs[0], model.get_layer(name).output), x)


SCORES = [("autoencoder", "reconstruction"), ("variational", "rz"), ("variational", "kl")]


@pytest.mark.parametrize(("kind", "score"), SCORES)
def test_score_and_trigger(kind, score, toy):
    x = flatten_objects(toy(2000, seed=5, hardness=2.0))
    step = score_step(score)
    values, fired = outputs(assembled(kind, score), x)
    assert values.shape == fired.shape == (2000, 1)
    assert np.array_equal(values / step, np.round(values / step)), "the score is a multiple of its step"
    assert np.array_equal(fired == 1, values >= 20)
    threshold = float(np.quantile(values, 0.9)) + 0.3 * step
    again, fired = outputs(assemble_trigger(network(kind), score=score, threshold=threshold), x)
    assert np.array_equal(values, again)
    assert np.array_equal(fired == 1, values >= threshold)
    assert 0 < fired.mean() < 0.5


@pytest.mark.parametrize(("kind", "score"), SCORES)
def test_only_plain_layers_are_left_and_they_survive_the_file(kind, score, toy, tmp_path):
    trigger = assembled(kind, score)
    assert {type(layer).__name__ for layer in trigger.layers} <= {
        "Concatenate", "InputLayer", "InputPort", "LeakyReLU", "Nonzero", "PhysicalRangeLUT",
        "PowerOfTwoScale", "QDense", "QMultiply", "QSubtract", "QSum", "QUnaryFunctionLUT",
        "Quantizer", "Threshold",
    }  # fmt: skip
    loaded = load_model(save_model(trigger, tmp_path / "trigger.keras"))
    assert [path.name for path in tmp_path.iterdir()] == ["trigger.keras"]
    x = flatten_objects(toy(300))
    for before, after in zip(outputs(trigger, x), outputs(loaded, x), strict=True):
        assert np.array_equal(before, after)
    assert loaded.get_layer("trigger").value == 20.0


def test_folded_layers_equal_the_trained_ones(toy):
    model = network("autoencoder")
    x = flatten_objects(toy(500))
    trigger = assembled("autoencoder", "reconstruction")
    assert np.array_equal(at(model, "physical", x), at(trigger, "physical", x))
    dense = trigger.get_layer("encoder_1")
    assert type(dense) is QDense
    assert np.array_equal(dense.qkernel, model.get_layer("encoder_1").qkernel)


def test_reconstruction_score_in_rational_steps(toy):
    """Target cut to steps of 1/2 and 1/8, squares rounded to 1/2, padding masked."""
    model = network("autoencoder")
    x = flatten_objects(toy(1000))
    trigger = assembled("autoencoder", "reconstruction")
    port, bounded = at(trigger, "port", x), at(model, "physical", x)
    fraction, largest = np.array([2, 8, 8] * 19), np.array([63.5, 3.875, 3.875] * 19)
    target = np.clip(np.floor(np.ldexp(port, TARGET_EXPONENTS) * fraction) / fraction, -4, largest)
    squares = np.floor((target - bounded * (port != 0)) ** 2 * 2 + 0.5) / 2
    hardware = outputs(trigger, x)[0][:, 0]
    assert np.array_equal(hardware, squares.sum(axis=1))
    reference = anomaly_scores(model, x)["reconstruction"]
    assert np.asarray(squared_error(x, bounded)) == pytest.approx(reference, rel=1e-4)
    assert np.corrcoef(hardware, reference)[0, 1] > 0.999


def test_latent_scores_in_rational_steps(toy):
    model = network("variational")
    x = flatten_objects(toy(1000))
    triggers = {score: assembled("variational", score) for score in ("rz", "kl")}
    mean, lam = (at(triggers["rz"], name, x).astype(np.float64) for name in ("mean", "lambda"))

    def table(values, step, largest):
        return np.clip(np.floor(values / step + 0.5) * step, 0, largest)

    terms = table(mean**2, 1 / 4, 256 - 1 / 4) * table(np.exp(lam), 1 / 8, 64 - 1 / 8)
    radius = np.minimum(np.floor(terms * 4) / 4, 16384 - 1 / 4).sum(axis=1)
    assert np.array_equal(outputs(triggers["rz"], x)[0][:, 0], radius)
    divergence = table(mean**2 / 2, 1 / 16, 128 - 1 / 16)
    divergence += table((np.exp(-lam) - 1 + lam) / 2, 1 / 16, 32 - 1 / 16)
    assert np.array_equal(outputs(triggers["kl"], x)[0][:, 0], divergence.sum(axis=1))
    reference = anomaly_scores(model, x)
    assert np.corrcoef(divergence.sum(axis=1), reference["kl"])[0, 1] > 0.999


def test_a_changed_weight_changes_the_score(toy):
    x = flatten_objects(toy(200))
    trigger = assemble_trigger(network("autoencoder"), score="reconstruction", threshold=1.0)
    before = outputs(trigger, x)[0]
    kernel = trigger.get_layer("decoder_1")._kernel
    kernel.assign(np.asarray(kernel.value) + 0.25)
    assert not np.array_equal(before, outputs(trigger, x)[0])


@pytest.mark.parametrize("kind", ["autoencoder", "variational"])
def test_all_sums_are_exact_in_float32(kind, toy):
    score = "reconstruction" if kind == "autoencoder" else "rz"
    trigger = assembled(kind, score)
    widths = widest_sums(trigger)
    assert set(widths) >= {"encoder_1", "encoder_2"}
    assert max(widths.values()) <= FLOAT32_BITS
    # by another way: the float32 result equals that in float64, on values far beyond the sample
    x = flatten_objects(toy(500, hardness=20.0))
    for name in widths:
        layer = trigger.get_layer(name)
        reached = keras.Model(trigger.inputs[0], [layer.input, layer.output])
        inputs, results = outputs(reached, x)
        values = np.asarray(layer.iq(inputs), dtype=np.float64)
        exact = values @ np.asarray(layer.qkernel, dtype=np.float64) + np.asarray(
            layer.qbias, dtype=np.float64
        )
        assert np.array_equal(exact, results)


def test_widest_sum_of_a_hand_made_layer():
    from nanosieve.networks.quantisers import bias_quantiser, data_quantiser, weight_quantiser

    x = keras.Input((2,))
    layer = QDense(
        1,
        iq_conf=data_quantiser(3, 1),
        kq_conf=weight_quantiser(1, 4),
        bq_conf=bias_quantiser(3, 4),
        name="d",
    )
    model = keras.Model(x, layer(x))
    layer._kernel.assign([[1.0], [0.25]])
    layer.bias.assign([3.0])
    # up to 8 + 2 + 3 in steps of 0.5 * 0.25: 104 steps
    assert widest_sums(model) == {"d": 7}


def test_thresholds_are_rounded_up_to_the_step():
    assert round_threshold(3.01, "reconstruction") == 3.5
    assert round_threshold(3.5, "reconstruction") == 3.5
    assert score_step("kl") == 1 / 16


def test_bad_requests_are_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"^unknown score 'mse'; accepted: reconstruction, rz, kl$"):
        assemble_trigger(network("autoencoder"), score="mse", threshold=1.0)
    with pytest.raises(
        SettingsError, match=r"score 'rz' is not defined for an autoencoder; accepted: reconstruction"
    ):
        assemble_trigger(network("autoencoder"), score="rz", threshold=1.0)
    with pytest.raises(
        SettingsError, match=r"'reconstruction' is not defined for a variational .* accepted: rz, kl"
    ):
        assemble_trigger(network("variational"), score="reconstruction", threshold=1.0)
    with pytest.raises(SettingsError, match=r"slope 0\.3 is no multiple of 1/256"):
        NetworkSettings(slope=0.3)
    with pytest.raises(SettingsError, match=r"must be positive numbers of units"):
        NetworkSettings(latent=0)
    with pytest.raises(InputFileError, match=r"model '.*missing\.keras' does not exist"):
        load_model(tmp_path / "missing.keras")
    (tmp_path / "text.keras").write_text("no archive")
    with pytest.raises(InputFileError, match=r"text\.keras' is not a Keras model file \(.*\); save it"):
        load_model(tmp_path / "text.keras")


FRESH = """
import sys
from nanosieve.compiler.design import load
print(sorted(load(sys.argv[1]).outputs))
print("nanosieve.networks" in sys.modules)
"""


def test_a_fresh_process_loads_the_trigger_without_the_room_of_networks(tmp_path):
    path = save_model(assembled("variational", "kl"), tmp_path / "trigger.keras")
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split("\n")[:2] == ["['score', 'trigger']", "False"]


def test_the_network_of_the_training_is_no_trigger(tmp_path):
    path = save_model(network("variational"), tmp_path / "network.keras")
    assert load_model(path).name == "variational_autoencoder"
    with pytest.raises(
        UnsupportedLayerError, match=r"names nanosieve\.networks\.layers\.DenseBatchNorm, .*assemble_trigger"
    ):
        load(path)
