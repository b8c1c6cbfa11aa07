"""The type of an input of a Keras model: stated by a port, or by the quantisers through which it is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.quantizers import quantize_op
from nanosieve.compiler.graph import Fixed, Overflow, Quantize, Rounding, TensorType
from nanosieve.errors import UnsupportedLayerError

__all__ = ["Reader", "port_type", "union"]

WIDEST = 24
"""Bits of a port that several quantisers read: the codes that float32 holds."""
Reader = tuple[Any, int]
"""A layer, and at which place of its inputs it reads."""


def port_type(readers: Sequence[Reader], shape: tuple[int, ...], name: str) -> Quantize:
    """How real numbers become codes at an input.

    A `Quantize` that keeps all that the readers need, so that the model gives the same for any real number.

    Args:
        readers: all layers that read the input.
        shape: of the input, without the batch.
        name: of the input.

    Raises:
        UnsupportedLayerError: a reader states no quantiser, or they have none in common.
    """
    if len(readers) == 1 and type(readers[0][0]).__name__ == "InputPort":
        port = readers[0][0]
        target = TensorType.of(Fixed(port.width, port.integer, port.signed), shape)
        return Quantize(target, Rounding.RND, Overflow.SAT)
    ops = [op for reader in readers for op in _quantizers(reader, shape, f"input {name!r}")]
    common = union(ops) if ops else None
    if common is None:
        message = (
            f"input {name!r}: its fixed-point type is not stated; put an InputPort(width, integer) behind "
            "it, or only layers with input quantisers of one overflow mode that round by TRN or RND"
        )
        raise UnsupportedLayerError(message)
    return common


def _quantizers(reader: Reader, shape: tuple[int, ...], where: str) -> list[Quantize]:
    """The quantisers through which alone a layer reads; an empty one where there is none."""
    place = reader[1]
    layer: Any = getattr(reader[0], "cell", reader[0])
    quantizer: Any = layer.iq if getattr(layer, "enable_iq", False) and hasattr(layer, "iq") else None
    if type(layer).__name__ == "Quantizer":
        quantizer = layer
    if hasattr(quantizer, "quantizers"):  # one for each input
        quantizer = quantizer[place]
    if quantizer is None or quantizer.scaler is not None:
        message = (
            f"{where}: layer {layer.name!r} reads it without an input quantiser; put an "
            "InputPort(width, integer) behind the input"
        )
        raise UnsupportedLayerError(message)
    if type(layer).__name__ in ("QDenseT", "QEinsumDenseT"):  # a quantiser for each edge
        inner = tuple(int(n) for n in quantizer.quantizer.kif[0].shape[1:])
        edges = np.broadcast_shapes(inner, (*shape, *(1,) * (len(inner) - len(shape))))
        op = quantize_op(quantizer, edges, where)
        target = op.target
        columns = [np.reshape(part, (*shape, -1)) for part in (target.low, target.high, target.exponent)]
        return [
            Quantize(TensorType(*(c[..., n] for c in columns)), op.rounding, op.overflow)
            for n in range(columns[0].shape[-1])
        ]
    return [quantize_op(quantizer, shape, where)]


def union(ops: Sequence[Quantize]) -> Quantize | None:
    """The coarsest quantiser behind which each of the `ops` gives what it gives without; None if none does.

    Rounding to the nearest needs one more bit, cut off: ``floor(x + 1/2) = floor((floor(2 x) + 1) / 2)``. A
    port has at most 24 bits: beyond, the framework's own float32 does not hold the codes.
    """
    first = ops[0]
    if all(op == first for op in ops):
        return first
    roundings, overflows = {op.rounding for op in ops}, {op.overflow for op in ops}
    if len(overflows) > 1 or not roundings <= {Rounding.TRN, Rounding.RND}:
        return None
    low, high, exponent = (_stack(ops, name) for name in ("low", "high", "exponent"))
    used = low < high
    extra = np.array([op.rounding is Rounding.RND for op in ops]).reshape(-1, *[1] * (low.ndim - 1))
    never = ~used.any(axis=0)
    finest = np.where(used, exponent - extra, np.iinfo(np.int64).max).min(axis=0)
    finest = np.where(never, exponent.max(axis=0), finest)
    shift = np.where(used, exponent - finest, 0)
    lowest = np.maximum(np.where(used, low << shift, 0).min(axis=0), -(1 << (WIDEST - 1)))
    highest = np.where(used, ((high + 1) << shift) - 1, 0).max(axis=0)
    highest = np.minimum(highest, (1 << (WIDEST - (lowest < 0))) - 1)
    if first.overflow is Overflow.WRAP:
        # the codes of all ranges are the low bits of one with as many bits as the widest
        size = np.minimum(np.where(used, (high - low + 1) << shift, 1).max(axis=0), 1 << WIDEST)
        signed = lowest < 0
        lowest, highest = np.where(signed, -(size // 2), 0), np.where(signed, size - size // 2 - 1, size - 1)
    return Quantize(TensorType(lowest, highest, finest), Rounding.TRN, first.overflow)


def _stack(ops: Iterable[Quantize], name: str) -> Any:
    return np.stack([getattr(op.target, name) for op in ops])
