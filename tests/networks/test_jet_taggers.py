"""The networks of the study of jets: sizes, symmetry, and the way through compression into exact graphs."""

import numpy as np
import pytest

from nanosieve.compiler.design import load
from nanosieve.compiler.graph import Fixed
from nanosieve.errors import SettingsError
from nanosieve.networks.compress import Widths, quantised
from nanosieve.networks.jet_taggers import deep_sets, dense_tagger, linear_attention, table_tagger
from nanosieve.networks.model_file import save_model

PORT = Fixed(8, 4)


def particles(number=40):
    return np.random.default_rng(1).normal(size=(number, 4, 3)).astype(np.float32)


def small_networks():
    return [
        deep_sets(4, inner=(6, 5), outer=(4,)),
        linear_attention(4, width=5, outer=(4,)),
    ]


def test_the_published_network_has_its_published_size():
    assert dense_tagger().count_params() == 4389


@pytest.mark.parametrize("which", [0, 1])
def test_the_order_of_particles_does_not_matter(which):
    model, x = small_networks()[which], particles()
    shuffled = x[:, [2, 0, 3, 1]]
    assert np.allclose(model.predict(x, verbose=0), model.predict(shuffled, verbose=0), atol=1e-5)


def test_the_mean_of_linear_messages_is_the_message_of_the_mean():
    """Σ_j (A x_i + B x_j) / N over all pairs, written out."""
    model, x = linear_attention(4, width=5, outer=(4,)), particles(3)
    own, a = (np.asarray(weight) for weight in model.get_layer("own").get_weights())
    others, b = (np.asarray(weight) for weight in model.get_layer("others").get_weights())
    pairs = (x[:, :, None] @ own + a) + (x[:, None, :] @ others + b)
    import keras

    part = keras.Model(model.inputs, model.get_layer("attended").output)
    assert np.allclose(part.predict(x, verbose=0), pairs.mean(axis=2), atol=1e-5)


def test_the_seed_decides():
    one, same, other = dense_tagger(seed=1), dense_tagger(seed=1), dense_tagger(seed=2)
    assert np.array_equal(one.get_weights()[0], same.get_weights()[0])
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])
    first, again, third = (table_tagger(PORT, hidden=2, seed=seed).get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, third, strict=True))


@pytest.mark.parametrize("particles", [0, 1, 3, 12])
def test_means_must_be_exact(particles):
    with pytest.raises(SettingsError, match=r"accepted: a power of two"):
        deep_sets(particles)
    with pytest.raises(SettingsError, match=r"accepted: a power of two"):
        linear_attention(particles)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_their_graphs_are_exact(tmp_path, which):
    x = particles()
    if which == 2:
        x = x.reshape(len(x), -1)
        model = table_tagger(PORT, features=12, hidden=3)
        for variable in model.trainable_variables:
            if "kernel" in variable.path:  # what untrained tables give is below their step
                variable.assign(4 * variable)
    else:
        model = quantised(small_networks()[which], x, Widths(5, learned=True, port=PORT), name="small")
    graph = load(save_model(model, tmp_path / "small.keras"))
    (found,) = graph.emulate(x).values()
    assert graph.exact
    assert np.array_equal(found, model.predict(x, verbose=0).astype(np.float64))
    assert np.ptp(found) > 0
