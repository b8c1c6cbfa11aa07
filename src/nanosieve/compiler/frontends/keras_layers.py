"""The Keras layers that a trigger needs and that neither Keras nor HGQ2 has.

Each is exact in fixed point, keeps its settings in its config and is loaded in Keras' safe mode: a model file
names these layers, it never carries code. The model file format is described in ``docs/networks.md``.

Import this module before `keras.saving.load_model`, so that the names are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import hgq.layers
import keras
import numpy as np

from nanosieve.errors import SettingsError

__all__ = [
    "FixedTo",
    "InputPort",
    "Nonzero",
    "PhysicalRangeLUT",
    "PowerOfTwoScale",
    "Threshold",
    "half_square",
    "square",
    "variance_divergence",
    "within_limits",
]

_register = keras.saving.register_keras_serializable(package="nanosieve")


@_register
class InputPort(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """The hardware port: ``fixed<width, integer>``, round half up, then saturate (``AP_RND, AP_SAT``).

    Args:
        width: bits of the port, sign included.
        integer: bits left of the binary point, sign included, as in ap_fixed; the step is 2**(integer -
        width).
        signed: two's complement; otherwise the port starts at zero.

    Raises:
        SettingsError: `width` is outside 1 … 24 (a float32 holds no more exactly).
    """

    def __init__(self, width: int = 16, integer: int = 10, signed: bool = True, **kwargs: Any) -> None:
        if not 1 <= width <= 24:
            message = f"width of an input port is {width!r}; accepted: 1 … 24 bits"
            raise SettingsError(message)
        super().__init__(**kwargs)
        self.width, self.integer, self.signed = int(width), int(integer), bool(signed)

    @property
    def exponent(self) -> int:
        """The port's step is 2**exponent."""
        return self.integer - self.width

    @property
    def code_range(self) -> tuple[int, int]:
        """Lowest and highest code."""
        if self.signed:
            return -(2 ** (self.width - 1)), 2 ** (self.width - 1) - 1
        return 0, 2**self.width - 1

    def call(self, inputs: Any) -> Any:
        """Values on the port's grid; NaN must have been refused before."""
        scaled = inputs * float(2.0**-self.exponent)
        whole = keras.ops.floor(scaled)
        # floor(x + 0.5) is wrong in float32 just below a tie, where the addition itself rounds up.
        up = keras.ops.cast(scaled - whole >= 0.5, inputs.dtype)
        low, high = self.code_range
        return keras.ops.clip(whole + up, float(low), float(high)) * float(2.0**self.exponent)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Settings for the model file."""
        return {**super().get_config(), "width": self.width, "integer": self.integer, "signed": self.signed}


@_register
class PowerOfTwoScale(keras.layers.Layer):  # type: ignore[misc]
    """``y = x * 2**exponents``: moves the binary point, free in hardware.

    Args:
        exponents: one integer for all elements or one per element of the last axis.
    """

    def __init__(self, exponents: int | Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.exponents: int | list[int] = (
            int(exponents) if isinstance(exponents, int | np.integer) else [int(e) for e in exponents]
        )

    def build(self, input_shape: Any) -> None:
        """Check that there is one exponent per element.

        Raises:
            SettingsError: another number of exponents than elements.
        """
        if isinstance(self.exponents, list) and len(self.exponents) != input_shape[-1]:
            message = (
                f"layer {self.name!r} has {len(self.exponents)} exponents for {input_shape[-1]} elements; "
                "give one integer or one per element"
            )
            raise SettingsError(message)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """The scaled values, exact."""
        return inputs * keras.ops.convert_to_tensor(np.ldexp(np.float32(1), self.exponents), inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Settings for the model file."""
        return {**super().get_config(), "exponents": self.exponents}


@_register
class Nonzero(keras.layers.Layer):  # type: ignore[misc]
    """1.0 where ``x != 0``, else 0.0: the mask of the entries that are not zero padding."""

    def call(self, inputs: Any) -> Any:
        """The mask."""
        return keras.ops.cast(inputs != 0, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape


@_register
class Threshold(keras.layers.Layer):  # type: ignore[misc]
    """1.0 where ``x >= value``, else 0.0: the trigger decision.

    Args:
        value: the threshold, exactly representable in float32, so that framework and hardware compare with
            the same number.

    Raises:
        SettingsError: `value` is not finite or not a float32.
    """

    def __init__(self, value: float, **kwargs: Any) -> None:
        if not math.isfinite(value) or float(np.float32(value)) != float(value):
            message = (
                f"threshold {value!r} is not a finite binary fraction of at most 24 bits; round it first"
            )
            raise SettingsError(message)
        super().__init__(**kwargs)
        self.value = float(value)

    def call(self, inputs: Any) -> Any:
        """The decision, 0.0 or 1.0."""
        return keras.ops.cast(inputs >= self.value, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Settings for the model file."""
        return {**super().get_config(), "value": self.value}


@keras.saving.register_keras_serializable(package="nanosieve")  # type: ignore[untyped-decorator]
def square(x: Any) -> Any:
    """``x * x``, for a `QUnaryFunctionLUT`."""
    return x * x


@keras.saving.register_keras_serializable(package="nanosieve")  # type: ignore[untyped-decorator]
def half_square(x: Any) -> Any:
    """``x² / 2``: the mean's part of the Kullback–Leibler distance."""
    return 0.5 * x * x


@keras.saving.register_keras_serializable(package="nanosieve")  # type: ignore[untyped-decorator]
def variance_divergence(x: Any) -> Any:
    """``(exp(-x) - 1 + x) / 2`` with ``x = -log sigma²``: the variance's part of the KL distance."""
    return 0.5 * (keras.ops.exp(-x) - 1.0 + x)


def within_limits(x: Any, limits: Sequence[float | None], function: Callable[[Any], Any]) -> Any:
    """``limit * function(x)`` for each element of the last axis; `x` itself where the limit is None."""
    linear = np.array([limit is None for limit in limits])
    scale = np.array([limit or 0.0 for limit in limits], dtype=np.float32)
    return keras.ops.where(linear, x, scale * function(x))


@_register
class FixedTo(keras.constraints.Constraint):  # type: ignore[misc]  # Keras ships no types
    """Hold each element at its own value: widths that are given, not learned."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = [float(value) for value in values]

    def __call__(self, w: Any) -> Any:
        """The values in the shape of `w`."""
        return keras.ops.broadcast_to(keras.ops.convert_to_tensor(self.values, w.dtype), keras.ops.shape(w))

    def get_config(self) -> dict[str, Any]:
        """Settings for the model file."""
        return {"values": self.values}


@_register
class PhysicalRangeLUT(hgq.layers.QUnaryFunctionLUT):  # type: ignore[misc]
    """A table per element: ``limit * tanh(x)`` bounds an angle or rapidity, None passes the element through.

    Args:
        limits: one limit per element of the last axis; None for the identity, 0 for a constant zero.
        kwargs: ``iq_conf`` and ``oq_conf`` as in HGQ2; the input quantiser states the address bits.
    """

    def __init__(self, limits: Sequence[float | None], activation: str = "tanh", **kwargs: Any) -> None:
        super().__init__(activation=activation, **kwargs)
        self.limits = [None if limit is None else float(limit) for limit in limits]

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The bounded values; HGQ2 puts the output quantiser behind."""
        if self.enable_iq:
            inputs = self.iq(inputs, training=training)
        return within_limits(inputs, self.limits, self.activation)

    def get_config(self) -> dict[str, Any]:
        """Settings for the model file."""
        return {**super().get_config(), "limits": self.limits}
