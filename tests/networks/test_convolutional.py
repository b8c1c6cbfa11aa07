"""The convolutional autoencoders: published sizes, and exactness down to the graph."""

from functools import cache

import keras
import numpy as np
import pytest

from nanosieve.compiler.design import load
from nanosieve.compiler.graph import decode, encode, interpret
from nanosieve.errors import SettingsError
from nanosieve.networks.convolutional import (
    ConvolutionalSettings,
    build_convolutional_autoencoder,
    build_convolutional_variational_autoencoder,
)
from nanosieve.networks.exactness import FLOAT32_BITS, widest_sums
from nanosieve.networks.model_file import save_model
from nanosieve.networks.objects import flatten_objects
from nanosieve.networks.scores import anomaly_scores
from nanosieve.networks.trigger import assemble_trigger

SMALL = ConvolutionalSettings(filters=(2, 3), latent=2, seed=4)


@cache
def small(kind):
    build = build_convolutional_autoencoder if kind == "autoencoder" else (
        build_convolutional_variational_autoencoder
    )  # fmt: skip
    return build(SMALL)


def parameters(model, first, last):
    """Weights of the layers from `first` to `last`, without those of quantisers."""
    names = [layer.name for layer in model.layers]
    layers = model.layers[names.index(first) : names.index(last) + 1]
    return sum(
        int(np.prod(weight.shape))
        for layer in layers
        for weight in layer.trainable_variables
        if weight.name in ("kernel", "bias")
    )


def test_the_numbers_of_parameters_are_the_published_ones():
    """2,204 and 5,328 of the autoencoder, 2,724 of the variational encoder; 4 are the normalisation's."""
    model = build_convolutional_autoencoder()
    assert parameters(model, "encoder_1", "latent") + 4 == 2204
    assert parameters(model, "decoder_dense", "output") == 5328
    model = build_convolutional_variational_autoencoder()
    assert parameters(model, "encoder_1", "latent_lambda") + 4 == 2724
    assert parameters(model, "decoder_dense", "output") == 5328


@pytest.mark.parametrize(
    ("kind", "score"), [("autoencoder", "reconstruction"), ("variational", "rz"), ("variational", "kl")]
)
def test_network_graph_and_reference_score_agree(kind, score, toy, tmp_path):
    trigger = assemble_trigger(small(kind), score=score, threshold=20.0)
    assert max(widest_sums(trigger).values()) <= FLOAT32_BITS
    x = flatten_objects(toy(400, seed=5, hardness=2.0))
    values, fired = trigger.predict(x, batch_size=len(x), verbose=0)
    graph = load(save_model(trigger, tmp_path / "trigger.keras"))
    codes = interpret(graph, encode(graph, {"x": x}))
    assert np.array_equal(decode(codes["score"], graph.types[graph.outputs["score"]]), values)
    assert np.array_equal(fired == 1, values >= 20)
    reference = anomaly_scores(small(kind), x)[score]
    assert np.corrcoef(values[:, 0], reference)[0, 1] > 0.99


def test_three_rows_are_summed(toy):
    model = small("variational")
    x = flatten_objects(toy(50))
    both = keras.Model(
        model.inputs[0], [model.get_layer("encoder_1_relu").output, model.get_layer("encoder_1_sum").output]
    )
    before, after = both.predict(x, batch_size=50, verbose=0)
    assert np.array_equal(before.reshape(50, 6, 3, 2).sum(axis=2), after[:, :, 0])


def test_bad_settings():
    with pytest.raises(SettingsError, match=r"filters \(0, 32\) and latent 8 must be positive"):
        ConvolutionalSettings(filters=(0, 32))
