"""From a trained network to a trigger: encoder (and decoder), anomaly score and threshold in one model file.

The scores are those of arXiv:2108.03986:

- ``reconstruction``: sum over the entries that are not zero padding of (target - reconstruction)², in scaled
  units;
- ``rz``: ``R_z = sum mu²/sigma²``, the radius of the latent mean in units of its own spread;
- ``kl``: ``sum (mu² + sigma² - 1 - log sigma²) / 2``, the Kullback–Leibler distance from the unit normal.

All arithmetic behind the first quantiser is exact in float32: no sum is wider than 24 bits (`widest_sum`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nanosieve._require import require
from nanosieve.errors import SettingsError
from nanosieve.networks.objects import TARGET_EXPONENTS
from nanosieve.networks.parts import LAMBDA_BITS, MEAN_BITS, physical_range
from nanosieve.networks.quantisers import fixed_quantiser, per_quantity_quantiser, table_quantiser

__all__ = ["SCORES", "assemble_trigger", "round_threshold", "score_step"]

SCORES = ("reconstruction", "rz", "kl")

_SCORE_STEP = {"reconstruction": -1, "rz": -2, "kl": -4}


def score_step(score: str) -> float:
    """The resolution of a hardware score: every value is a multiple of it."""
    return float(2.0 ** _SCORE_STEP[score])


def round_threshold(threshold: float, score: str) -> float:
    """The lowest value of the score that fires for `threshold`: the next multiple of the step."""
    step = score_step(score)
    return float(np.ceil(threshold / step) * step)


def assemble_trigger(model: Any, *, score: str, threshold: float) -> Any:
    """The trigger as a Keras model: (N, 57) physical objects → ``score`` (N, 1) and ``trigger`` (N, 1), 0 or
    1.

    Args:
        model: a trained network of `build_autoencoder` (score ``reconstruction``) or
            `build_variational_autoencoder` (``rz``, ``kl``; the decoder is dropped).
        score: one of `SCORES`.
        threshold: the trigger fires where score >= threshold; rounded up to a multiple of the score's step.

    Batch normalisation is folded: only `QDense` layers with quantised weights are left.

    Raises:
        SettingsError: an unknown score, or one that the network has not.
    """
    keras = require("keras", extra="train", purpose="assembling a trigger")
    ports = require(
        "nanosieve.compiler.frontends.keras_layers", extra="train", purpose="assembling a trigger"
    )
    if score not in SCORES:
        message = f"unknown score {score!r}; accepted: {', '.join(SCORES)}"
        raise SettingsError(message)
    variational = any(layer.name == "latent_mean" for layer in model.layers)
    if variational == (score == "reconstruction"):
        kind = "a variational autoencoder" if variational else "an autoencoder"
        accepted = "rz, kl" if variational else "reconstruction"
        message = f"score {score!r} is not defined for {kind}; accepted: {accepted}"
        raise SettingsError(message)

    inputs = keras.Input(model.inputs[0].shape[1:], name="x")
    port = _apply(model, "port", inputs)
    first = "latent_mean" if variational else "latent"
    features = _between(model, "normalised", first, _apply(model, "normalised", port))
    if variational:
        mean = _apply(model, "mean", _apply(model, "latent_mean", features))
        lam = _apply(model, "lambda", _apply(model, "latent_lambda", features))
        value = _rz(mean, lam) if score == "rz" else _kl(mean, lam)
    else:
        features = _between(model, "latent", "physical", _apply(model, "latent", features))
        value = _reconstruction(port, physical_range(table=True)(features))
    decision = ports.Threshold(round_threshold(threshold, score), name="trigger")(value)
    return keras.Model(inputs, [value, decision], name=f"{model.name}_{score}")


def _apply(model: Any, name: str, values: Any) -> Any:
    """Apply a copy of the layer `name`; a dense layer with its batch normalisation folded."""
    hgq = require("hgq.layers", extra="train", purpose="assembling a trigger")
    layers = require("nanosieve.networks.layers", extra="train", purpose="assembling a trigger")
    layer = model.get_layer(name)
    return (
        layers.fold_batch_norm(layer)(values)
        if isinstance(layer, hgq.QDense)
        else layers.apply_copy(layer, values)
    )


def _between(model: Any, first: str, last: str, values: Any) -> Any:
    """Apply the chain of layers behind `first` and before `last`."""
    names = [layer.name for layer in model.layers if layer.name != "noise"]
    for name in names[names.index(first) + 1 : names.index(last)]:
        values = _apply(model, name, values)
    return values


def _reconstruction(port: Any, physical: Any) -> Any:
    """Masked differences in steps of 1/2 (4 GeV) and 1/8 (eta, phi), their squares in steps of 1/2."""
    step = -_SCORE_STEP["reconstruction"]
    hgq = require("hgq.layers", extra="train", purpose="assembling a trigger")
    quantizer = require("hgq.quantizer", extra="train", purpose="assembling a trigger")
    ports = require(
        "nanosieve.compiler.frontends.keras_layers", extra="train", purpose="assembling a trigger"
    )
    mask = ports.Nonzero(name="present")(port)
    scaled = ports.PowerOfTwoScale(TARGET_EXPONENTS, name="scaled")(port)
    target = quantizer.Quantizer(per_quantity_quantiser(pt=(0, 6, 1), angle=(1, 2, 3)), name="target")(scaled)
    masked = hgq.QMultiply(enable_iq=False, enable_oq=False, name="masked")([mask, physical])
    difference = hgq.QSubtract(enable_iq=False, enable_oq=False, name="difference")([target, masked])
    squares = hgq.QUnaryFunctionLUT(
        ports.square,
        iq_conf=per_quantity_quantiser(pt=(1, 6, 1), angle=(1, 3, 3)),
        oq_conf=per_quantity_quantiser(pt=(0, 12, step), angle=(0, 6, step), nearest=True),
        name="squares",
    )(difference)
    return _total(squares)


def _rz(mean: Any, lam: Any) -> Any:
    """Tables of mu² (steps of 1/4, below 256) and exp(lambda) (steps of 1/8, below 64), product, sum."""
    hgq = require("hgq.layers", extra="train", purpose="assembling a trigger")
    ports = require(
        "nanosieve.compiler.frontends.keras_layers", extra="train", purpose="assembling a trigger"
    )
    squares = _table("mean_squared", ports.square, mean, MEAN_BITS, (8, 2))
    precision = _table("inverse_variance", "exponential", lam, LAMBDA_BITS, (6, 3))
    content = fixed_quantiser(14, -_SCORE_STEP["rz"], signed=False)
    terms = hgq.QMultiply(enable_iq=False, enable_oq=True, oq_conf=content, name="radius_terms")(
        [squares, precision]
    )
    return _total(terms)


def _kl(mean: Any, lam: Any) -> Any:
    """Two tables in steps of 1/16 for each latent dimension, and their sum."""
    keras = require("keras", extra="train", purpose="assembling a trigger")
    ports = require(
        "nanosieve.compiler.frontends.keras_layers", extra="train", purpose="assembling a trigger"
    )
    step = -_SCORE_STEP["kl"]
    of_mean = _table("kl_mean", ports.half_square, mean, MEAN_BITS, (7, step))
    of_variance = _table("kl_variance", ports.variance_divergence, lam, LAMBDA_BITS, (5, step))
    return _total(keras.layers.Concatenate(name="kl_terms")([of_mean, of_variance]))


def _table(name: str, function: Any, values: Any, address: tuple[int, int], content: tuple[int, int]) -> Any:
    """A table of a function that is not negative; `address` and `content` are (integer, fraction) bits."""
    hgq = require("hgq.layers", extra="train", purpose="assembling a trigger")
    return hgq.QUnaryFunctionLUT(
        function,
        iq_conf=fixed_quantiser(*address),
        oq_conf=table_quantiser(*content, signed=False),
        name=name,
    )(values)


def _total(terms: Any) -> Any:
    """The score: the sum of its terms."""
    hgq = require("hgq.layers", extra="train", purpose="assembling a trigger")
    return hgq.QSum(axes=-1, keepdims=True, enable_iq=False, enable_oq=False, name="score")(terms)
