"""Layers that only move elements: in hardware these are wires.

The layer itself moves an array of places, so that its own rules decide, whatever its options are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.hgq.converters.base import Converter, LayerBuilder
from nanosieve.compiler.graph import Concatenate, Fixed, Overflow, Quantize, Rounding, TensorType

__all__ = ["CONVERTERS", "moved"]


def moved(b: LayerBuilder, function: Callable[..., Any], nodes: Sequence[str]) -> tuple[str, ...]:
    """What `function` of the framework makes of the elements of the nodes: zeros and elements, moved.

    Args:
        b: where the nodes go.
        function: of one array (events, *shape) for each node; it gives an array or several.
        nodes: its arguments.

    Raises:
        UnsupportedLayerError: an event would get elements of another.
    """
    sizes = [b.type(node).size for node in nodes]
    total = sum(sizes)
    starts = [1, *(1 + np.cumsum(sizes[:-1]))]  # 0 is a zero
    places = [
        np.stack([np.arange(start, start + size).reshape(b.shape(node)) + event * total for event in (0, 1)])
        for start, size, node in zip(starts, sizes, nodes, strict=True)
    ]
    try:
        result = function(*(array.astype(np.int32) for array in places))
    except (TypeError, ValueError):
        result = ()
    outputs = [np.asarray(array) for array in (result if isinstance(result, (list, tuple)) else [result])]
    for array in outputs:
        alone = array.ndim > 0 and len(array) == 2
        if not alone or not np.array_equal(array[1], np.where(array[0] == 0, 0, array[0] + total)):
            b.refuse("the axis of the events takes part", "leave the first axis as it is")
    if not outputs:
        b.refuse("it cannot be done event by event", "state all shapes but that of the batch")
    flat = nodes[0]
    if len(nodes) > 1:
        columns = [
            b.reshaped(node, (size,), f"flat{k}")
            for k, (node, size) in enumerate(zip(nodes, sizes, strict=True))
        ]
        flat = b.add(Concatenate(), *columns, part="flat")
    parts = [f"moved{k}" for k in range(len(outputs))] if len(outputs) > 1 else ["moved"]
    indices = [array[0].astype(np.int64) - 1 for array in outputs]
    return tuple(b.picked(flat, index, part) for index, part in zip(indices, parts, strict=True))


def _moves(b: LayerBuilder, x: str) -> str:
    interpolation = getattr(b.layer, "interpolation", "nearest")
    if interpolation != "nearest":
        b.refuse(f"interpolation {interpolation!r}", "use interpolation='nearest'")
    return moved(b, b.layer.call, [x])[0]


def _concatenate(b: LayerBuilder, *inputs: str) -> str:
    if b.layer.axis in (-1, len(b.shape(inputs[0]))):
        return b.add(Concatenate(), *inputs, part="joined")
    return moved(b, lambda *places: b.layer.call(list(places)), inputs)[0]


def _identity(b: LayerBuilder, x: str) -> str:
    return x


def _port(b: LayerBuilder, x: str) -> str:
    """A port that is not directly behind an input: its rounding and saturation as a quantiser."""
    port = b.layer
    target = TensorType.of(Fixed(port.width, port.integer, port.signed), b.shape(x))
    return b.add(Quantize(target, Rounding.RND, Overflow.SAT), x, part="port")


CONVERTERS: dict[str, Converter] = {
    "ActivityRegularization": _identity,
    "Concatenate": _concatenate,
    **{f"Cropping{n}D": _moves for n in (1, 2, 3)},
    "Dropout": _identity,
    "Flatten": _moves,
    "GaussianDropout": _identity,
    "GaussianNoise": _identity,
    "Identity": _identity,
    "InputPort": _port,
    "Permute": _moves,
    "RepeatVector": _moves,
    "Reshape": _moves,
    **{f"SpatialDropout{n}D": _identity for n in (1, 2, 3)},
    **{f"UpSampling{n}D": _moves for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": _moves for n in (1, 2, 3)},
}
