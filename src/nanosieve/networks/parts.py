"""What the networks of arXiv:2108.03986 share: dense layers, the latent space, the bounded output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nanosieve._require import require
from nanosieve.networks.objects import PHYSICAL_LIMITS
from nanosieve.networks.quantisers import LayerQuantisers, per_quantity_quantiser

__all__ = [
    "LAMBDA_BITS",
    "MEAN_BITS",
    "bounded_model",
    "dense",
    "initialiser",
    "latent_sample",
    "physical_range",
]

PURPOSE = "building a network"
MEAN_BITS = (4, 3)
"""Integer and fraction bits of the latent means, beside the sign: ±16 in steps of 1/8, 8-bit tables."""
LAMBDA_BITS = (2, 5)
"""Integer and fraction bits of ``lambda``, beside the sign: sigma between 0.14 and 7.4."""


def dense(
    name: str,
    values: Any,
    units: int,
    *,
    seed: int,
    quantisers: LayerQuantisers,
    bias: Sequence[float] = (0.0,),
) -> Any:
    """A quantised dense layer with a bias that starts at `bias`."""
    keras = require("keras", extra="train", purpose=PURPOSE)
    hgq = require("hgq.layers", extra="train", purpose=PURPOSE)
    return hgq.QDense(
        units,
        kernel_initializer=initialiser(seed, name),
        bias_initializer=keras.initializers.Constant(list(bias)),
        iq_conf=quantisers.data(),
        kq_conf=quantisers.weight(),
        bq_conf=quantisers.bias(),
        name=name,
    )(values)


def initialiser(seed: int, name: str, *, summed: int = 1) -> Any:
    """He-uniform with a seed of its own for each layer; `summed` inputs are sums of so many values."""
    keras = require("keras", extra="train", purpose=PURPOSE)
    return keras.initializers.VarianceScaling(
        2.0 / summed**2, "fan_in", "uniform", seed=1000 * seed + sum(name.encode())
    )


def latent_sample(features: Any, size: int, *, seed: int, quantisers: LayerQuantisers) -> tuple[Any, ...]:
    """Behind an encoder: the sampled latent vector, mean, lambda, and the input of the noise."""
    keras = require("keras", extra="train", purpose=PURPOSE)
    layers = require("nanosieve.networks.layers", extra="train", purpose=PURPOSE)
    hgq = require("hgq.quantizer", extra="train", purpose=PURPOSE)
    noise = keras.Input((size,), name="noise")
    mean = dense("latent_mean", features, size, seed=seed, quantisers=quantisers)
    mean = hgq.Quantizer(quantisers.stated(*MEAN_BITS), name="mean")(mean)
    lam = dense("latent_lambda", features, size, seed=seed, quantisers=quantisers)
    lam = hgq.Quantizer(quantisers.stated(*LAMBDA_BITS), name="lambda")(lam)
    return layers.SampleLatent(name="latent")([mean, lam, noise]), mean, lam, noise


def bounded_model(inputs: Any, raw: Any, latent: tuple[Any, ...], name: str) -> Any:
    """The variational autoencoder of a floating-point decoder: its output bounded, mean and lambda."""
    keras = require("keras", extra="train", purpose=PURPOSE)
    _, mean, lam, noise = latent
    bounded = physical_range(table=False)(raw)
    return keras.Model([inputs, noise], [bounded, mean, lam], name=name)


def physical_range(*, table: bool) -> Any:
    """``limit tanh(x)``: in floating point, or a table of 6-bit addresses; pT in steps of 4 GeV."""
    if not table:
        layers = require("nanosieve.networks.layers", extra="train", purpose=PURPOSE)
        return layers.PhysicalRange(PHYSICAL_LIMITS, name="physical")
    ports = require("nanosieve.compiler.frontends.keras_layers", extra="train", purpose=PURPOSE)
    address = per_quantity_quantiser(pt=(0, 6, 1), angle=(1, 2, 3))
    content = per_quantity_quantiser(pt=(0, 6, 1), angle=(1, 2, 3), nearest=True)
    return ports.PhysicalRangeLUT(PHYSICAL_LIMITS, iq_conf=address, oq_conf=content, name="physical")
