"""The convolutional autoencoder and variational autoencoder of arXiv:2108.03986, quantisation-aware.

The 19 objects are the rows of an image of (pT, eta, phi), with a row of zeros on top. Encoder: 16 filters of
3 × 3, ReLU, means of three rows, 32 filters of 3 × 1, ReLU, means of three rows, 8 latent dimensions; the
decoder goes the same way back. No convolution has a bias. What differs from the publication:

- The first batch normalisation, one scale and shift for the whole image, is a power of two for each quantity;
  the rest of its scale is contained in the first convolution.
- The mean of three rows is their sum: the third is contained in the weights behind, and nothing is divided.
- The variational encoder predicts ``lambda = -log sigma²``, so that ``mu²/sigma² = mu² exp(lambda)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nanosieve._require import require
from nanosieve.errors import SettingsError
from nanosieve.networks.objects import OBJECTS, PHYSICAL_LIMITS, TARGET_EXPONENTS
from nanosieve.networks.parts import bounded_model, dense, initialiser, latent_sample, physical_range
from nanosieve.networks.quantisers import LayerQuantisers

__all__ = [
    "ConvolutionalSettings",
    "build_convolutional_autoencoder",
    "build_convolutional_variational_autoencoder",
]

PURPOSE = "building a network"
POOL = 3
"""Rows that are summed, and made out of one on the way back."""
CHANNELS = (3,)
COLUMNS = (2,)


@dataclass(frozen=True)
class ConvolutionalSettings:
    """Shape and starting precision of a convolutional (variational) autoencoder.

    Attributes:
        filters: of the two convolutions of the encoder; the decoder has them in reverse order.
        latent: size of the latent space.
        port: (width, integer) of the hardware port, ap_fixed conventions.
        learned: bit widths are learned; otherwise training is as good as one in floating point, and
            `quantise_after_training` follows.
        seed: of the initial weights.

    Raises:
        SettingsError: a layer without filters, or no latent space.
    """

    filters: tuple[int, int] = (16, 32)
    latent: int = 8
    port: tuple[int, int] = (16, 10)
    learned: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        if min(*self.filters, self.latent) < 1:
            message = f"filters {self.filters!r} and latent {self.latent!r} must be positive numbers"
            raise SettingsError(message)

    @property
    def quantisers(self) -> LayerQuantisers:
        """Of all its layers."""
        return LayerQuantisers(self.learned)


def build_convolutional_autoencoder(settings: ConvolutionalSettings | None = None) -> Any:
    """The autoencoder: (N, 57) objects → (N, 57) reconstruction in scaled units (pT · 2**-3, eta, phi)."""
    settings = settings or ConvolutionalSettings()
    keras = require("keras", extra="train", purpose=PURPOSE)
    layers = keras.layers
    inputs, values = _encoder(settings)
    seed, quantisers = settings.seed, settings.quantisers
    values = dense("latent", values, settings.latent, seed=seed, quantisers=quantisers)
    few, many = settings.filters
    values = dense("decoder_dense", values, 2 * many, seed=seed, quantisers=quantisers)
    values = layers.ReLU(name="decoder_dense_relu")(values)
    values = layers.Reshape((2, 1, many), name="decoder_image")(values)
    values = _convolution(settings, "decoder_1", values, many, (3, 1), "same")
    values = layers.UpSampling2D((POOL, 1), name="decoder_1_rows")(values)
    values = layers.ZeroPadding2D(((0, 0), (1, 1)), name="decoder_1_pad")(values)
    values = _convolution(settings, "decoder_2", values, few, (3, 1), "same")
    values = layers.UpSampling2D((POOL, 1), name="decoder_2_rows")(values)
    values = layers.ZeroPadding2D(((1, 0), (0, 0)), name="decoder_2_pad")(values)
    values = _convolution(settings, "output", values, 1, (3, 3), "same", linear=True)
    raw = layers.Reshape((len(PHYSICAL_LIMITS),), name="output_flat")(values)
    bounded = physical_range(table=settings.learned)(raw)
    return keras.Model(inputs, bounded, name=_name(settings, "autoencoder"))


def build_convolutional_variational_autoencoder(settings: ConvolutionalSettings | None = None) -> Any:
    """The variational autoencoder: (N, 57) objects and (N, latent) unit-normal noise → reconstruction, mean,
    lambda.

    The decoder stays in floating point: it is needed in training only.
    """
    settings = settings or ConvolutionalSettings()
    keras = require("keras", extra="train", purpose=PURPOSE)
    layers = keras.layers
    inputs, features = _encoder(settings)
    latent = latent_sample(features, settings.latent, seed=settings.seed, quantisers=settings.quantisers)
    few, many = settings.filters

    def convolution(name: str, values: Any, filters: int, kernel: tuple[int, int], activation: str) -> Any:
        start = initialiser(settings.seed, name)
        return layers.Conv2D(
            filters, kernel, padding="same", use_bias=False, activation=activation, kernel_initializer=start,
            name=name,
        )(values)  # fmt: skip

    values = layers.Dense(
        2 * many, activation="relu", kernel_initializer=initialiser(settings.seed, "decoder_dense"),
        name="decoder_dense",
    )(latent[0])  # fmt: skip
    values = layers.Reshape((2, 1, many), name="decoder_image")(values)
    values = convolution("decoder_1", values, many, (3, 1), "relu")
    values = layers.UpSampling2D((POOL, 1), name="decoder_1_rows")(values)
    values = layers.ZeroPadding2D(((0, 0), (1, 1)), name="decoder_1_pad")(values)
    values = convolution("decoder_2", values, few, (3, 1), "relu")
    values = layers.UpSampling2D((POOL, 1), name="decoder_2_rows")(values)
    values = layers.ZeroPadding2D(((1, 0), (0, 0)), name="decoder_2_pad")(values)
    values = convolution("output", values, 1, (3, 3), "linear")
    raw = layers.Reshape((len(PHYSICAL_LIMITS),), name="output_flat")(values)
    return bounded_model(inputs, raw, latent, _name(settings, "variational_autoencoder"))


def _encoder(settings: ConvolutionalSettings) -> tuple[Any, Any]:
    """Input tensor and the features behind the second sum."""
    keras = require("keras", extra="train", purpose=PURPOSE)
    ports = require("nanosieve.compiler.frontends.keras_layers", extra="train", purpose=PURPOSE)
    layers = keras.layers
    few, many = settings.filters
    inputs = keras.Input((len(TARGET_EXPONENTS),), name="x")
    values = ports.InputPort(*settings.port, name="port")(inputs)
    values = ports.PowerOfTwoScale(TARGET_EXPONENTS, name="normalised")(values)
    values = layers.Reshape((OBJECTS, 3, 1), name="encoder_image")(values)
    values = layers.ZeroPadding2D(((1, 0), (0, 0)), name="encoder_pad")(values)
    values = _convolution(settings, "encoder_1", values, few, (3, 3), "valid", axes=COLUMNS)
    values = _sum_of_rows("encoder_1", values, 6, few)
    values = _convolution(settings, "encoder_2", values, many, (3, 1), "same", summed=POOL)
    values = _sum_of_rows("encoder_2", values, 2, many)
    return inputs, layers.Flatten(name="encoder_flat")(values)


def _convolution(
    settings: ConvolutionalSettings,
    name: str,
    values: Any,
    filters: int,
    kernel: tuple[int, int],
    padding: str,
    *,
    axes: tuple[int, ...] = CHANNELS,
    summed: int = 1,
    linear: bool = False,
) -> Any:
    """A convolution without bias, and ReLU behind it unless `linear`; widths of data differ along `axes`."""
    keras = require("keras", extra="train", purpose=PURPOSE)
    hgq = require("hgq.layers", extra="train", purpose=PURPOSE)
    values = hgq.QConv2D(
        filters,
        kernel,
        padding=padding,
        use_bias=False,
        kernel_initializer=initialiser(settings.seed, name, summed=summed),
        iq_conf=settings.quantisers.data(axes),
        kq_conf=settings.quantisers.weight(),
        name=name,
    )(values)
    return values if linear else keras.layers.ReLU(name=f"{name}_relu")(values)


def _sum_of_rows(name: str, values: Any, rows: int, channels: int) -> Any:
    """(N, 3 · rows, 1, channels) → (N, rows, 1, channels)."""
    keras = require("keras", extra="train", purpose=PURPOSE)
    hgq = require("hgq.layers", extra="train", purpose=PURPOSE)
    values = keras.layers.Reshape((rows, POOL, channels), name=f"{name}_rows")(values)
    values = hgq.QSum(axes=2, keepdims=True, enable_iq=False, enable_oq=False, name=f"{name}_sum")(values)
    return keras.layers.Reshape((rows, 1, channels), name=f"{name}_image")(values)


def _name(settings: ConvolutionalSettings, kind: str) -> str:
    return f"convolutional_{kind}" + ("" if settings.learned else "_float")
