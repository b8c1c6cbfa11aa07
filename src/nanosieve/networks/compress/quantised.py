"""A trained Keras network with quantisers: widths that are stated, or learned with their price (HGQ)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.compiler.frontends.calibration import fitting
from nanosieve.compiler.graph import Fixed
from nanosieve.errors import SettingsError, UnsupportedLayerError
from nanosieve.networks.compress.plain import plain
from nanosieve.networks.quantisers import weight_quantiser

__all__ = ["Widths", "quantised"]

_CALIBRATION = 1000
"""Events from which ranges are taken, at most."""
_FINEST = 10
"""No bias is finer than 2**-10."""
_REMEDY = "compress with Recipe.after_training, which takes every layer that the compiler knows"


@dataclass(frozen=True)
class Widths:
    """Bits of weights and of values between layers.

    Attributes:
        bits: of weights and values, signs included; where they are learned, those at the start.
        learned: each weight and each channel learns its own width (HGQ, arXiv:2405.00645) against
            `TrainingSettings.bits_price`; a weight of no bits is no hardware.
        port: type of the input; by default of 8 bits with the range of the sample.

    Raises:
        SettingsError: a width outside 2 to 16.
    """

    bits: int = 6
    learned: bool = False
    port: Fixed | None = None

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:
            message = (
                f"{self.bits!r} bits; accepted: 2 (weights -1, 0, 1 times a power of two) to 16; for more, "
                "quantise after training"
            )
            raise SettingsError(message)


def quantised(model: Any, sample: NDArray[Any], widths: Widths, *, name: str | None = None) -> Any:
    """A copy of a trained model whose weights and values are fixed-point numbers, ready to be trained on.

    Dense layers and convolutions become those of HGQ2, which quantise what they read, their kernel and their
    bias; batch normalisation is folded first (`plain`). Binary points follow from the weights, channel by
    channel, and from what the layers read of the sample: the ones with the least mean squared error. All
    values are rounded to the nearest and saturate.

    Args:
        model: a built Keras model of one input and one output.
        sample: events (events, *input shape) from which ranges are taken.
        widths: how many bits.
        name: of the copy.

    Raises:
        UnsupportedLayerError: a layer with weights or a function that is neither dense, a convolution nor a
            rectifier.
    """
    keras = require("keras", extra="train", purpose="quantising a network")
    ports = require("nanosieve.compiler.frontends.keras_layers", extra="train", purpose="a quantised network")
    base = plain(model, name=name)
    found = [layer for layer in base.layers if _kind(layer) is not None]
    seen = keras.Model(base.inputs[0], [layer.input for layer in found])
    values = seen.predict(np.asarray(sample[:_CALIBRATION], dtype=np.float32), batch_size=256, verbose=0)
    read = dict(zip((layer.name for layer in found), values if len(found) > 1 else [values], strict=True))
    low, high = float(np.min(sample)), float(np.max(sample))
    port = widths.port or fitting(low, high, 8, signed=low < 0)
    entry = ports.InputPort(port.width, port.integer, port.signed, name="port")

    entered: list[Any] = []

    def cloned(layer: Any) -> Any:
        kind = _kind(layer)
        if kind is None:
            return type(layer).from_config(layer.get_config())
        first = any(layer.input is tensor for tensor in base.inputs)
        return kind(**_settings(layer, read[layer.name], widths, port if first else None))

    def called(layer: Any, *arguments: Any, **keywords: Any) -> Any:
        if isinstance(getattr(arguments[0], "_keras_history", (None,))[0], keras.layers.InputLayer):
            if not entered:
                entered.append(entry(arguments[0]))
            arguments = (entered[0], *arguments[1:])
        return layer(*arguments, **keywords)

    copy = keras.models.clone_model(base, clone_function=cloned, call_function=called)
    copy = keras.Model(copy.inputs[0], copy.outputs[0], name=name or model.name)
    for layer in found:
        for variable, weight in zip(("_kernel", "bias"), layer.get_weights(), strict=False):
            getattr(copy.get_layer(layer.name), variable).assign(weight)
    return copy


def _kind(layer: Any) -> Any:
    """The quantised class of a layer; None where the layer needs none.

    Raises:
        UnsupportedLayerError: it would need one and there is none here.
    """
    keras = require("keras", extra="train", purpose="quantising a network")
    hgq = require("hgq.layers", extra="train", purpose="quantising a network")
    kinds = {
        keras.layers.Dense: hgq.QDense,
        keras.layers.Conv1D: hgq.QConv1D,
        keras.layers.Conv2D: hgq.QConv2D,
    }
    exact = (keras.activations.linear, keras.activations.relu)
    function = getattr(layer, "activation", keras.activations.linear)
    if function not in exact or (layer.weights and type(layer) not in kinds):
        what = function.__name__ if function not in exact else type(layer).__name__
        message = f"layer {layer.name!r}: {what} has no quantised form here; {_REMEDY}"
        raise UnsupportedLayerError(message)
    return kinds.get(type(layer))


def _settings(layer: Any, read: NDArray[Any], widths: Widths, port: Fixed | None) -> dict[str, Any]:
    """The arguments of the quantised layer."""
    kept = ("filters", "units", "kernel_size", "strides", "padding", "dilation_rate", "groups")
    config = layer.get_config()
    kernel, *rest = (np.asarray(weight) for weight in layer.get_weights())
    bias = rest[0] if rest else np.zeros(kernel.shape[-1], dtype=np.float32)
    data = port or _best(read, widths.bits, signed=bool(read.min() < 0))
    by_channel = [_best(part, widths.bits, signed=True) for part in np.moveaxis(kernel, -1, 0)]
    finest = min(_FINEST, max(-each.exponent for each in by_channel) - data.exponent)
    spatial = tuple(range(read.ndim - 1))
    if widths.learned:
        above = max(each.integer for each in by_channel) - 1
        weights, values = weight_quantiser(above, widths.bits - 1), _learned(data, spatial)
    else:
        weights, values = _stated("weight", by_channel, kernel.ndim - 1), _stated("datalane", [data])
    largest = fitting(float(bias.min()), float(bias.max()), 24, signed=True).integer
    reach = max(largest, -finest) + 2  # room for further training
    return {
        **{key: config[key] for key in kept if key in config},
        "activation": config["activation"],
        "name": layer.name,
        "use_bias": True,
        "kq_conf": weights,
        "iq_conf": values,
        "bq_conf": _stated("bias", [Fixed(reach + finest, reach)]),
        **({"parallelization_factor": 1} if "filters" in config else {}),
    }


def _best(values: NDArray[Any], bits: int, *, signed: bool) -> Fixed:
    """The type of `bits` bits with the least mean squared error, rounded and saturated symmetrically."""
    values = np.asarray(values, dtype=np.float64).reshape(-1)
    widest = fitting(float(values.min()), float(values.max()), bits, signed=signed)

    def error(fixed: Fixed) -> float:
        step = 2.0**fixed.exponent
        low = -fixed.high if signed else 0
        return float(np.mean((np.clip(np.floor(values / step + 0.5), low, fixed.high) * step - values) ** 2))

    return min((Fixed(bits, widest.integer - less, signed) for less in range(4)), key=error)


def _stated(place: str, types: list[Fixed], axis: int | None = None) -> Any:
    """Widths that are not learned: one type for all, or one for each index of an axis."""
    keras = require("keras", extra="train", purpose="a quantised network")
    config = require("hgq.quantizer", extra="train", purpose="a quantised network").QuantizerConfig
    integer = [each.integer - each.signed for each in types]
    fraction = [-each.exponent for each in types]
    per = integer[0], fraction[0]
    if axis is not None:
        per = keras.initializers.Constant(integer), keras.initializers.Constant(fraction)
    return config(
        "kif", place, k0=types[0].signed, i0=per[0], f0=per[1], round_mode="RND", trainable=False,
        overflow_mode="SAT_SYM" if place == "weight" else "SAT", ic=None, fc=None, ir=None, fr=None,
        homogeneous_axis=None, heterogeneous_axis=() if axis is None else (axis,),
    )  # fmt: skip


def _learned(start: Fixed, shared: tuple[int, ...]) -> Any:
    """Widths of values, learned for each channel and the same at all positions."""
    quantizer = require("hgq.quantizer", extra="train", purpose="a quantised network")
    between = require("hgq.constraints", extra="train", purpose="a quantised network").MinMax
    integer, fraction = start.integer - start.signed, -start.exponent
    return quantizer.QuantizerConfig(
        "kif", "datalane", k0=start.signed, i0=integer, f0=fraction, round_mode="RND", overflow_mode="SAT",
        ic=between(integer - 3, integer + 3), fc=between(-4, fraction + 2), homogeneous_axis=shared,
    )  # fmt: skip
