"""Networks trained with wide quantisers, narrowed afterwards."""

import numpy as np
import pytest

from nanosieve.errors import SettingsError
from nanosieve.networks.autoencoder import NetworkSettings, build_autoencoder, build_variational_autoencoder
from nanosieve.networks.exactness import FLOAT32_BITS, widest_sums
from nanosieve.networks.layers import copy_weights
from nanosieve.networks.post_training import quantise_after_training
from nanosieve.networks.pruning import PruningSchedule, sparsity
from nanosieve.networks.quantisers import MOST_FRACTION
from nanosieve.networks.scores import anomaly_scores
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import train
from nanosieve.networks.trigger import assemble_trigger

NETWORK = NetworkSettings(hidden=(8, 6), latent=2, learned=False, seed=2)
LAYERS = ("encoder_1", "encoder_2", "latent_mean", "latent_lambda")


def test_every_tensor_has_the_bits_and_the_range_of_its_values(toy):
    model = build_variational_autoencoder(NETWORK)
    kernels = {name: np.asarray(model.get_layer(name).qkernel) for name in LAYERS}
    quantise_after_training(model, toy(500), 8)
    for name in LAYERS:
        layer = model.get_layer(name)
        kernel, largest = np.asarray(layer.qkernel), np.abs(kernels[name]).max()
        sign, integer, fraction = (np.asarray(part) for part in layer.kq.quantizer.kif)
        assert len(np.unique(integer)) == 1
        assert 2.0 ** integer.flat[0] >= largest > 2.0 ** (integer.flat[0] - 1)
        assert (sign + integer + fraction <= 8).all()
        assert fraction.flat[0] == min(7 - integer.flat[0], MOST_FRACTION)
        step = 2.0 ** -fraction.flat[0]
        assert np.abs(kernel - kernels[name]).max() <= step  # half a step, and saturation at the end
        data = [np.asarray(part) for part in layer.iq.quantizer.kif]
        assert (sum(data) <= 8).all()
    assert max(widest_sums(assemble_trigger(model, score="rz", threshold=1.0)).values()) <= FLOAT32_BITS


def test_scores_come_closer_with_more_bits(toy):
    x = toy(500)
    reference = anomaly_scores(build_variational_autoencoder(NETWORK), x)["kl"]
    distances = []
    for bits in (4, 8, 14):
        model = quantise_after_training(build_variational_autoencoder(NETWORK), x, bits)
        distances.append(np.abs(anomaly_scores(model, x)["kl"] - reference).mean() / reference.std())
    assert distances[0] > 2 * distances[1] > 2 * distances[2]


def test_the_autoencoder_too(toy):
    model = quantise_after_training(build_autoencoder(NETWORK), toy(300), 6)
    trigger = assemble_trigger(model, score="reconstruction", threshold=1.0)
    assert max(widest_sums(trigger).values()) <= FLOAT32_BITS


def test_another_number_of_bits_is_refused(toy):
    with pytest.raises(SettingsError, match=r"1 bits for post-training quantisation; accepted: 2 to 16"):
        quantise_after_training(build_autoencoder(NETWORK), toy(30), 1)


def test_half_of_the_weights_are_pruned_while_it_is_trained(toy, tmp_path):
    model = build_variational_autoencoder(NETWORK)
    spare = [layer.name for layer in model.layers if layer.name in ("decoder_1", "decoder_2", "output")]
    schedule = PruningSchedule(0.5, end=0.4, spare=spare)
    settings = TrainingSettings(epochs=4, batch=64, bits_price=0.0)
    trained = train(model, toy(400), tmp_path, settings=settings, pruning=schedule)
    zeros = sparsity(trained.model)
    assert all(zeros[name] >= 0.5 for name in LAYERS)
    assert all(zeros[name] < 0.1 for name in spare)
    assert trained.best_epoch >= 2, "not before the schedule has ended"
    again = train(
        build_variational_autoencoder(NETWORK), toy(400), tmp_path, settings=settings, pruning=schedule
    )
    assert again.history == trained.history
    other = train(build_variational_autoencoder(NETWORK), toy(400), tmp_path, settings=settings)
    assert other.history != trained.history, "without pruning it is another training"


def test_learned_bits_begin_with_the_weights_of_the_float_network(toy):
    floating = build_variational_autoencoder(NETWORK)
    floating.get_layer("encoder_1").moving_mean.assign(np.full(8, 0.25))
    learned = build_variational_autoencoder(NetworkSettings(hidden=(8, 6), latent=2, seed=9))
    other = build_variational_autoencoder(NetworkSettings(hidden=(8, 6), latent=2, learned=False, seed=9))
    x = toy(200)
    reference = anomaly_scores(floating, x)["kl"]
    assert not np.allclose(anomaly_scores(other, x)["kl"], reference)
    for model in (learned, other):
        copy_weights(model, floating)
        for name in LAYERS:
            ours, theirs = (np.asarray(m.get_layer(name)._kernel) for m in (model, floating))
            assert np.array_equal(ours, theirs)
    assert np.array_equal(anomaly_scores(other, x)["kl"], reference)
