"""Networks that tell gluon, light-quark, W, Z and top jets apart; their outputs are five logits.

The float ones are plain Keras, to be quantised by `nanosieve.networks.compress` or after training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nanosieve._require import require
from nanosieve.compiler.graph import Fixed
from nanosieve.errors import SettingsError

__all__ = ["deep_sets", "dense_tagger", "linear_attention", "table_tagger"]

CLASSES = 5


def _keras() -> Any:
    return require("keras", extra="train", purpose="building a jet tagger")


def dense_tagger(
    features: int = 16, hidden: Sequence[int] = (64, 32, 32), *, seed: int = 1, name: str = "dense_tagger"
) -> Any:
    """(events, 16) → (events, 5): dense layers with ReLU, as in arXiv:1804.06913.

    With the default sizes it has 4,389 parameters.

    >>> dense_tagger().count_params()
    4389
    """
    inputs = _keras().Input((features,), name="features")
    return _keras().Model(inputs, _head(inputs, hidden, seed), name=name)


def deep_sets(
    particles: int,
    quantities: int = 3,
    *,
    inner: Sequence[int] = (16, 16),
    outer: Sequence[int] = (16,),
    seed: int = 1,
    name: str = "deep_sets",
) -> Any:
    """(events, particles, 3) → (events, 5): dense layers for each particle, the mean over them, dense layers
    (arXiv:1703.06114); the order of the particles does not matter.

    Args:
        particles: a power of two, so that the mean is exact in hardware.
        inner, outer: sizes before and behind the mean.

    Raises:
        SettingsError: another number of particles.
    """
    _check_particles(particles)
    layers = _keras().layers
    inputs = x = _keras().Input((particles, quantities), name="particles")
    for number, width in enumerate(inner, start=1):
        x = layers.Dense(width, "relu", kernel_initializer=_start(seed, number), name=f"particle_{number}")(x)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    return _keras().Model(inputs, _head(x, outer, seed), name=name)


def linear_attention(
    particles: int,
    quantities: int = 3,
    *,
    width: int = 16,
    outer: Sequence[int] = (16,),
    seed: int = 1,
    name: str = "linear_attention",
) -> Any:
    """(events, particles, 3) → (events, 5): every particle looks at all others at a cost that grows as their
    number, not as that of the pairs (JEDI-linear, arXiv:2508.15468).

    What a particle hears of the others is linear in them, ``Σ_j (A x_i + B x_j) / N = A x_i + B <x>``, so
    that the sum over pairs is a mean over particles. A dense layer for each particle and a second mean
    follow.

    Args:
        particles: a power of two, so that the means are exact in hardware.
        width: features of a particle inside.
        outer: sizes behind the mean.

    Raises:
        SettingsError: another number of particles.
    """
    _check_particles(particles)
    layers = _keras().layers
    inputs = _keras().Input((particles, quantities), name="particles")
    own = layers.Dense(width, kernel_initializer=_start(seed, 1), name="own")(inputs)
    average = layers.GlobalAveragePooling1D(keepdims=True, name="average")(inputs)
    others = layers.Dense(width, kernel_initializer=_start(seed, 2), name="others")(average)
    heard = layers.ReLU(name="heard")(layers.Add(name="attended")([own, others]))
    x = layers.Dense(width, "relu", kernel_initializer=_start(seed, 3), name="particle")(heard)
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    return _keras().Model(inputs, _head(x, outer, seed), name=name)


def table_tagger(
    port: Fixed, features: int = 16, *, hidden: int = 20, seed: int = 1, name: str = "table_tagger"
) -> Any:
    """(events, 16) → (events, 5): two layers whose every edge is a table of one value (HGQ-LUT,
    arXiv:2604.22293); quantised, with learned widths of what enters and leaves the tables.

    Args:
        port: type of the input.
        hidden: sums between the two layers; published are 20.
        seed: of the starting weights.
    """
    keras = _keras()
    hgq = require("hgq.layers", extra="train", purpose="building a jet tagger")
    ports = require("nanosieve.compiler.frontends.keras_layers", extra="train", purpose="a quantised network")
    keras.utils.set_random_seed(seed)  # the networks inside of the tables take no seed of their own
    inputs = keras.Input((features,), name="features")
    x = ports.InputPort(port.width, port.integer, port.signed, name="port")(inputs)
    for layer, outputs in (("tables", hidden), ("output", CLASSES)):
        x = hgq.QDenseT(
            outputs,
            batch_norm=layer == "tables",
            iq_conf=_table_quantiser("datalane", 2, 3),
            toq_conf=_table_quantiser("table", 2, 4),
            parallelization_factor=1,
            name=layer,
        )(x)
    return keras.Model(inputs, x, name=name)


def _table_quantiser(place: str, integer: int, fraction: int) -> Any:
    """Learned widths, one for each edge; saturating, and narrow enough for a table in LUTs."""
    config = require("hgq.quantizer", extra="train", purpose="a quantised network").QuantizerConfig
    between = require("hgq.constraints", extra="train", purpose="a quantised network").MinMax
    return config(
        "kif", place, k0=True, i0=integer, f0=fraction, round_mode="RND", overflow_mode="SAT",
        ic=between(-3, 3), fc=between(-3, 5),
    )  # fmt: skip


def _head(x: Any, hidden: Sequence[int], seed: int) -> Any:
    layers = _keras().layers
    for number, width in enumerate(hidden, start=1):
        x = layers.Dense(width, "relu", kernel_initializer=_start(seed, 10 + number), name=f"dense_{number}")(
            x
        )
    return layers.Dense(CLASSES, kernel_initializer=_start(seed, 20), name="output")(x)


def _start(seed: int, number: int) -> Any:
    return _keras().initializers.LecunUniform(seed=1000 * seed + number)


def _check_particles(particles: int) -> None:
    if particles < 2 or particles & (particles - 1):
        message = f"{particles} particles; accepted: a power of two, whose mean is exact in hardware"
        raise SettingsError(message)
