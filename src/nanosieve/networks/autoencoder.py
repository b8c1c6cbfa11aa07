"""The dense autoencoder and variational autoencoder of arXiv:2108.03986, quantisation-aware.

57-32-16-3(-16-32-57), batch normalisation and leaky ReLU behind every hidden layer. Three things differ from
the publication, each because the hardware pays for it:

- The slope of the leaky ReLU is 0.3125 = 5/16; the published 0.3 is no binary fraction.
- The first batch normalisation is replaced by powers of two on the inputs (`normalising_exponents`); its
  shift and the rest of its scale are linear and thus contained in the dense layer behind.
- The variational encoder predicts ``lambda = -log sigma²``, so that ``mu²/sigma² = mu² exp(lambda)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nanosieve._require import require
from nanosieve.errors import SettingsError
from nanosieve.networks.objects import ETA_LIMITS, PHYSICAL_LIMITS, TARGET_EXPONENTS
from nanosieve.networks.parts import bounded_model, dense, initialiser, latent_sample, physical_range
from nanosieve.networks.quantisers import LayerQuantisers, data_quantiser

__all__ = ["NetworkSettings", "build_autoencoder", "build_variational_autoencoder"]

MOST_INTEGER = 6
"""Normalised inputs saturate at 64 standard deviations."""


@dataclass(frozen=True)
class NetworkSettings:
    """Shape and starting precision of a dense (variational) autoencoder.

    Attributes:
        hidden: units of the encoder's hidden layers; the decoder has them in reverse order.
        latent: size of the latent space.
        slope: slope of the leaky ReLU below zero, a binary fraction.
        port: (width, integer) of the hardware port, ap_fixed conventions.
        input_exponents: powers of two that normalise the 57 inputs; see `normalising_exponents`.
        learned: bit widths are learned; otherwise training is as good as one in floating point, and
            `quantise_after_training` follows.
        seed: of the initial weights.

    Raises:
        SettingsError: a slope that is no short binary fraction, or a layer without units.
    """

    hidden: tuple[int, ...] = (32, 16)
    latent: int = 3
    slope: float = 0.3125
    port: tuple[int, int] = (16, 10)
    input_exponents: tuple[int, ...] = tuple(TARGET_EXPONENTS)
    learned: bool = True
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
    free = [float(limit is None) for limit in PHYSICAL_LIMITS]
    raw = _dense(settings, "output", features, len(PHYSICAL_LIMITS), bias=free)
    bounded = physical_range(table=settings.learned)(raw)
    return keras.Model(inputs, bounded, name="autoencoder" + _suffix(settings))


def build_variational_autoencoder(settings: NetworkSettings | None = None) -> Any:
    """The variational autoencoder: (N, 57) objects and (N, latent) unit-normal noise → reconstruction, mean,
    lambda.

    The decoder stays in floating point: it is needed in training only.
    """
    settings = settings or NetworkSettings()
    keras = require("keras", extra="train", purpose="building a network")
    inputs, features = _encoder(settings)
    latent = latent_sample(
        features, settings.latent, seed=settings.seed, quantisers=LayerQuantisers(settings.learned)
    )
    values = latent[0]
    for index, units in enumerate(reversed(settings.hidden), start=1):
        name = f"decoder_{index}"
        values = keras.layers.Dense(
            units, use_bias=False, kernel_initializer=initialiser(settings.seed, name), name=name
        )(values)
        values = keras.layers.BatchNormalization(momentum=0.98, name=f"{name}_norm")(values)
        values = keras.layers.LeakyReLU(negative_slope=settings.slope, name=f"{name}_leaky")(values)
    raw = keras.layers.Dense(
        len(PHYSICAL_LIMITS), kernel_initializer=initialiser(settings.seed, "output"), name="output"
    )(values)
    return bounded_model(inputs, raw, latent, "variational_autoencoder" + _suffix(settings))


def _suffix(settings: NetworkSettings) -> str:
    return "" if settings.learned else "_float"


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
    quantisers = LayerQuantisers(settings.learned)
    of_inputs = first and settings.learned
    values = layers.DenseBatchNorm(
        units,
        kernel_initializer=initialiser(settings.seed, name),
        iq_conf=_input_quantiser(settings) if of_inputs else quantisers.data(),
        kq_conf=quantisers.weight(),
        bq_conf=quantisers.bias(),
        name=name,
    )(values)
    return keras.layers.LeakyReLU(negative_slope=settings.slope, name=f"{name}_leaky")(values)


def _dense(settings: NetworkSettings, name: str, values: Any, units: int, **bias: Any) -> Any:
    return dense(
        name, values, units, seed=settings.seed, quantisers=LayerQuantisers(settings.learned), **bias
    )


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
