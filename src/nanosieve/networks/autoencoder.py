"""The dense autoencoder and variational autoencoder of arXiv:2108.03986, quantisation-aware.

57-32-16-3(-16-32-57), batch normalisation and leaky ReLU behind every hidden layer. Three things differ from
the publication, each because the hardware pays for it:

- The slope of the leaky ReLU is 0.3125 = 5/16; the published 0.3 is no binary fraction.
- The first batch normalisation is replaced by powers of two on the inputs (`normalising_exponents`); its
  shift and the rest of its scale are linear and thus contained in the dense layer behind.
- The variational encoder predicts ``lambda = -log sigma²``, so that ``mu²/sigma² = mu² exp(lambda)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve._require import require
from nanosieve.errors import SettingsError
from nanosieve.networks.objects import ETA_LIMITS, PHYSICAL_LIMITS, TARGET_EXPONENTS
from nanosieve.networks.quantisers import (
    bias_quantiser,
    data_quantiser,
    fixed_quantiser,
    per_quantity_quantiser,
    weight_quantiser,
)

__all__ = [
    "LAMBDA_BITS",
    "LEAST_INTEGER",
    "MEAN_BITS",
    "NetworkSettings",
    "build_autoencoder",
    "build_variational_autoencoder",
]

MEAN_BITS = (4, 3)
"""Integer and fraction bits of the latent means, beside the sign: ±16 in steps of 1/8, 8-bit tables."""

LAMBDA_BITS = (2, 5)
"""Integer and fraction bits of ``lambda``, beside the sign: sigma between 0.14 and 7.4."""

MOST_INTEGER = 6
"""Normalised inputs saturate at 64 standard deviations."""

LEAST_INTEGER = 3
"""Values between layers keep a range of at least ±8: some eight standard deviations behind a batch
normalisation.
The background alone would be content with less, and all anomalies would look the same."""


@dataclass(frozen=True)
class NetworkSettings:
    """Shape and starting precision of a dense (variational) autoencoder.

    Attributes:
        hidden: units of the encoder's hidden layers; the decoder has them in reverse order.
        latent: size of the latent space.
        slope: slope of the leaky ReLU below zero, a binary fraction.
        port: (width, integer) of the hardware port, ap_fixed conventions.
        input_exponents: powers of two that normalise the 57 inputs; see `normalising_exponents`.
        seed: of the initial weights.

    Raises:
        SettingsError: a slope that is no short binary fraction, or a layer without units.
    """

    hidden: tuple[int, ...] = (32, 16)
    latent: int = 3
    slope: float = 0.3125
    port: tuple[int, int] = (16, 10)
    input_exponents: tuple[int, ...] = tuple(TARGET_EXPONENTS)
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.slope < 1 or not (self.slope * 256).is_integer():
            message = f"slope {self.slope!r} is no multiple of 1/256 in [0, 1); use for example 0.3125"
            raise SettingsError(message)
        if min(*self.hidden, self.latent) < 1:
            message = f"hidden {self.hidden!r} and latent {self.latent!r} must be positive numbers of units"
            raise SettingsError(message)


def build_autoencoder(settings: NetworkSettings | None = None) -> Any:
    """The autoencoder: (N, 57) objects → (N, 57) reconstruction in scaled units (pT · 2**-3, eta, phi)."""
    settings = settings or NetworkSettings()
    keras = require("keras", extra="train", purpose="building a network")
    inputs, features = _encoder(settings)
    features = _dense(settings, "latent", features, settings.latent)
    for index, units in enumerate(reversed(settings.hidden), start=1):
        features = _hidden(settings, f"decoder_{index}", features, units)
    raw = _dense(
        settings, "output", features, len(PHYSICAL_LIMITS), bias=[float(x is None) for x in PHYSICAL_LIMITS]
    )
    table = _physical_range_table()
    return keras.Model(inputs, table(raw), name="autoencoder")


def build_variational_autoencoder(settings: NetworkSettings | None = None) -> Any:
    """The variational autoencoder: (N, 57) objects and (N, latent) unit-normal noise → reconstruction, mean,
    lambda.

    The decoder stays in floating point: it is needed in training only.
    """
    settings = settings or NetworkSettings()
    keras = require("keras", extra="train", purpose="building a network")
    layers = require("nanosieve.networks.layers", extra="train", purpose="building a network")
    hgq = require("hgq.quantizer", extra="train", purpose="building a network")
    inputs, features = _encoder(settings)
    noise = keras.Input((settings.latent,), name="noise")
    mean = _dense(settings, "latent_mean", features, settings.latent)
    mean = hgq.Quantizer(fixed_quantiser(*MEAN_BITS), name="mean")(mean)
    lam = _dense(settings, "latent_lambda", features, settings.latent)
    lam = hgq.Quantizer(fixed_quantiser(*LAMBDA_BITS), name="lambda")(lam)
    latent = layers.SampleLatent(name="latent")([mean, lam, noise])
    for index, units in enumerate(reversed(settings.hidden), start=1):
        name = f"decoder_{index}"
        latent = keras.layers.Dense(
            units, use_bias=False, kernel_initializer=_initialiser(settings, name), name=name
        )(latent)
        latent = keras.layers.BatchNormalization(momentum=0.98, name=f"{name}_norm")(latent)
        latent = keras.layers.LeakyReLU(negative_slope=settings.slope, name=f"{name}_leaky")(latent)
    raw = keras.layers.Dense(
        len(PHYSICAL_LIMITS), kernel_initializer=_initialiser(settings, "output"), name="output"
    )(latent)
    bounded = layers.PhysicalRange(PHYSICAL_LIMITS, name="physical")(raw)
    return keras.Model([inputs, noise], [bounded, mean, lam], name="variational_autoencoder")


def _encoder(settings: NetworkSettings) -> tuple[Any, Any]:
    """Input tensor and the features behind the last hidden layer."""
    keras = require("keras", extra="train", purpose="building a network")
    ports = require("nanosieve.compiler.frontends.keras_layers", extra="train", purpose="building a network")
    inputs = keras.Input((len(TARGET_EXPONENTS),), name="x")
    values = ports.InputPort(*settings.port, name="port")(inputs)
    values = ports.PowerOfTwoScale(settings.input_exponents, name="normalised")(values)
    for index, units in enumerate(settings.hidden, start=1):
        values = _hidden(settings, f"encoder_{index}", values, units, first=index == 1)
    return inputs, values


def _hidden(settings: NetworkSettings, name: str, values: Any, units: int, *, first: bool = False) -> Any:
    keras = require("keras", extra="train", purpose="building a network")
    layers = require("nanosieve.networks.layers", extra="train", purpose="building a network")
    quantiser = _input_quantiser(settings) if first else data_quantiser(4, 3, least_integer=LEAST_INTEGER)
    values = layers.DenseBatchNorm(
        units,
        kernel_initializer=_initialiser(settings, name),
        iq_conf=quantiser,
        kq_conf=weight_quantiser(1, 4),
        bq_conf=bias_quantiser(3, 4),
        name=name,
    )(values)
    return keras.layers.LeakyReLU(negative_slope=settings.slope, name=f"{name}_leaky")(values)


def _dense(
    settings: NetworkSettings, name: str, values: Any, units: int, bias: Sequence[float] = (0.0,)
) -> Any:
    keras = require("keras", extra="train", purpose="building a network")
    hgq = require("hgq.layers", extra="train", purpose="building a network")
    return hgq.QDense(
        units,
        kernel_initializer=_initialiser(settings, name),
        bias_initializer=keras.initializers.Constant(list(bias)),
        iq_conf=data_quantiser(4, 3, least_integer=LEAST_INTEGER),
        kq_conf=weight_quantiser(1, 4),
        bq_conf=bias_quantiser(3, 4),
        name=name,
    )(values)


def _initialiser(settings: NetworkSettings, name: str) -> Any:
    """He-uniform, with a seed of its own for each layer."""
    keras = require("keras", extra="train", purpose="building a network")
    return keras.initializers.HeUniform(seed=1000 * settings.seed + sum(name.encode()))


def _input_quantiser(settings: NetworkSettings) -> Any:
    """The range that each quantity has by its physics, the step learned.

    pT is not negative and ends where the port ends; |eta| and |phi| stay below 4; the eta of MET does not
    exist.
    """
    keras = require("keras", extra="train", purpose="building a network")
    ports = require("nanosieve.compiler.frontends.keras_layers", extra="train", purpose="building a network")
    fraction = 3
    sign = [s for eta in ETA_LIMITS for s in (0, int(eta > 0), 1)]
    reach = [i for eta in ETA_LIMITS for i in (settings.port[1] - 1, 2 if eta > 0 else None, 2)]
    integer = [
        -fraction if bits is None else min(bits + exponent, MOST_INTEGER)
        for bits, exponent in zip(reach, settings.input_exponents, strict=True)
    ]
    config = data_quantiser(MOST_INTEGER, fraction)
    config.config["k0"] = keras.initializers.Constant(sign)
    config.config["i0"] = keras.initializers.Constant(integer)
    config.config["ic"] = ports.FixedTo(integer)
    return config


def _physical_range_table() -> Any:
    """``limit tanh(x)`` from 6-bit addresses; pT in steps of 4 GeV."""
    ports = require("nanosieve.compiler.frontends.keras_layers", extra="train", purpose="building a network")
    address = per_quantity_quantiser(pt=(0, 6, 1), angle=(1, 2, 3))
    content = per_quantity_quantiser(pt=(0, 6, 1), angle=(1, 2, 3), nearest=True)
    return ports.PhysicalRangeLUT(PHYSICAL_LIMITS, iq_conf=address, oq_conf=content, name="physical")
