"""What a converter of a Keras layer works with: the layer, the arguments of its call, and its quantisers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.frontends.quantizers import dyadic, power_of_two, quantize_op
from nanosieve.compiler.graph import Add, Scale
from nanosieve.errors import UnsupportedLayerError

__all__ = ["Converter", "LayerBuilder", "Value", "frozen"]


class Value(str):
    """The name of a node, among the arguments of a call."""

    __slots__ = ()


@dataclass
class LayerBuilder(LayerNodes):
    """Adds the nodes of one layer; its last value takes the layer's name when the layer is finished.

    Attributes:
        layer: the Keras layer or operation.
        args, kwargs: of its call; tensors are `Value`.
    """

    layer: Any = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments of the call by the names of the parameters."""
        return inspect.signature(self.layer.call).bind_partial(*self.args, **self.kwargs).arguments

    def of(self, layer: Any, step: str) -> Self:
        """A layer inside this one; its nodes carry `step` in their names."""
        return replace(self.within(step), layer=layer, args=(), kwargs={})

    def constant(self, values: NDArray[Any], part: str, shape: tuple[int, ...] | None = None) -> str:
        """Add fixed numbers, broadcast to `shape`.

        Raises:
            InexactModelError: they are not fixed point.
        """
        full = np.asarray(values, dtype=np.float64)
        full = full if shape is None else np.broadcast_to(full, shape)
        return self.codes(*dyadic(full, f"layer {self.name!r}: {part}"), part)

    def quantized(self, node: str, quantizer: Any, part: str) -> str:
        """Add an HGQ2 quantiser; nothing where `quantizer` is None or does nothing."""
        if quantizer is None or getattr(quantizer.quantizer, "__dummy__", False):
            return node
        shape, where = self.shape(node), f"layer {self.name!r}: {part}"
        scale = 0 if quantizer.scaler is None else power_of_two(quantizer.scaler, where)
        factor, offset = quantizer.affine or (1.0, 0.0)
        node = self.shifted(node, -scale, f"{part}_scaled")
        node = self.add(quantize_op(quantizer, shape, where), node, part=part)
        node = self.shifted(node, scale + power_of_two(factor, where), f"{part}_factor")
        return self.with_bias(node, np.asarray(offset), f"{part}_offset")

    def shifted(self, node: str, exponent: int, part: str) -> str:
        """Times a power of two; nothing where it is one."""
        return self.add(Scale(np.full(self.shape(node), exponent)), node, part=part) if exponent else node

    def input_quantized(self, node: str) -> str:
        """Add the input quantiser of the layer, if it has one."""
        return self.quantized(
            node, self.layer.iq if getattr(self.layer, "enable_iq", False) else None, "input"
        )

    def output_quantized(self, node: str) -> str:
        """Add the output quantiser of the layer, if it has one."""
        return self.quantized(
            node, self.layer.oq if getattr(self.layer, "enable_oq", False) else None, "output"
        )

    def with_bias(self, node: str, bias: Any, part: str = "sum") -> str:
        """Add fixed numbers to a node, broadcast to its shape; nothing where they are None or zero."""
        if bias is None or not np.any(np.asarray(bias)):
            return node
        name = "bias" if part == "sum" else f"{part}_bias"
        return self.add(Add(), node, self.constant(np.asarray(bias), name, self.shape(node)), part=part)

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """Raise the error for an option that is not supported."""
        message = f"layer {self.name!r} ({type(self.layer).__name__}): {what}; {remedy}"
        raise UnsupportedLayerError(message)


Converter = Callable[..., "str | tuple[str, ...]"]
"""(LayerBuilder, input nodes) → node before the output quantiser, or one node for each output."""


def frozen(function: Callable[..., Any], *arrays: NDArray[Any]) -> NDArray[np.float64]:
    """What the framework computes for fixed numbers, compiled as it is inside of the model."""
    jax = require("jax", extra="train", purpose="reading a quantised Keras model")
    with jax.default_matmul_precision("highest"):
        return np.asarray(jax.jit(function)(*arrays), dtype=np.float64)
