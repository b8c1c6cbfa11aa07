"""ONNX ops that only move elements, or join tensors: in hardware they are wires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.onnx.constants import Known, evaluator
from nanosieve.compiler.frontends.onnx.conversion import Conversion
from nanosieve.compiler.frontends.onnx.requantise import short
from nanosieve.compiler.frontends.onnx.values import Places, Value, full, standard_layout
from nanosieve.compiler.graph import Concatenate

__all__ = ["MOVING"]


def _identity(c: Conversion) -> Value:
    return c.value()


def _cast(c: Conversion) -> Value:
    if c.node.attributes.get("to", 1) not in (1, 10, 11, 16):
        c.refuse("a cast of a variable to integers", "use a quantiser")
    return c.value()


def _places(value: Value) -> Places:
    return np.arange(np.prod(value.shape, dtype=np.int64)).reshape(value.shape)


def _moved(c: Conversion) -> Value | list[Value]:
    """Any op that moves: what the standard's reference does to the places of the elements."""
    value = c.value()
    rest = [c.known(n, "a parameter") for n in range(1, len(c.node.inputs))]
    _check_size(c, value, rest)
    outputs = evaluator(c.model, c.node)([_places(value), *rest])
    moved = [c.moved(value, places) for places in outputs]
    return moved if len(moved) > 1 else moved[0]


def _check_size(c: Conversion, value: Value, rest: list[NDArray[Any] | None]) -> None:
    """Refuse what would grow beyond measure before it does."""
    if c.node.op not in ("Expand", "Tile"):
        return
    size = np.prod([max(abs(int(n)), 1) for a in rest if a is not None for n in a.ravel()[:64]], dtype=object)
    if size * np.prod(value.shape, dtype=object) > 1 << 40:
        c.refuse("a result beyond measure", "use a smaller input")


def _transpose(c: Conversion) -> Value:
    value = c.value()
    rank = len(value.shape)
    perm = tuple(int(a) for a in c.node.attributes.get("perm") or reversed(range(rank)))
    if sorted(perm) != list(range(rank)):
        c.refuse(f"the permutation {perm} of {rank} axes", "export the model again")
    if value.places is not None or (value.stages and c.calibrated is not None):
        return c.moved(value, _places(value).transpose(perm))
    after = value.rearranged(_places(value).transpose(perm))
    return replace(after, layout=tuple(perm.index(a) for a in value.layout))


def _pad(c: Conversion) -> Value:
    value, mode = c.value(), str(c.node.attributes.get("mode", "constant"))
    pads = c.known(1, "a padding")
    amounts = np.asarray(c.node.attributes.get("pads", []) if pads is None else pads).ravel()
    constant = c.known(2, "a padding value")
    number = float(c.node.attributes.get("value", 0.0)) if constant is None else float(np.ravel(constant)[0])
    if mode == "constant" and number != 0:
        c.refuse(f"a padding with {number}", "pad with 0")
    wide = np.asarray(value.shape, dtype=float) + np.abs(amounts.astype(float)).sum()
    if np.prod(wide) > 1 << 32 or np.abs(amounts.astype(float)).max(initial=0) > 1 << 20:
        c.refuse("a padding beyond measure", "pad less")
    if value.places is not None or value.stages:
        value = c.pure()
    run = evaluator(c.model, c.node)
    given = [_places(value) + 1, *(c.known(n, "a parameter") for n in range(1, len(c.node.inputs)))]
    return c.moved(value, run(given)[0] - 1)


def _resize(c: Conversion) -> Value:
    """Resize and Upsample of the nearest element."""
    value, attributes = c.value(), c.node.attributes
    rank = len(value.shape)
    if str(attributes.get("mode", "nearest")) != "nearest" or attributes.get("axes"):
        c.refuse(f"mode {attributes.get('mode')!r} or axes", "resize with mode nearest over all axes")
    given = [c.known(n, "a size") for n in range(1, len(c.node.inputs))]
    arrays = [np.asarray(a, dtype=np.float64).ravel() for a in given if a is not None and a.size == rank]
    scales = arrays[-1] if arrays else np.asarray(attributes.get("scales", []), dtype=np.float64)
    if scales.shape != (rank,) or not np.all(np.isfinite(scales)) or np.any(scales <= 0):
        c.refuse("sizes that do not fit", "one scale for each axis")
    if len(given) == 3 and given[2] is not None and given[2].size:
        scales = scales / np.asarray(value.shape)
    lengths = np.floor(np.asarray(value.shape) * scales + 1e-9)
    if np.prod(lengths) > 1 << 24 or np.any(lengths < 1):
        c.refuse(f"a result of shape {lengths.tolist()}", "use a smaller input")
    if c.node.op == "Upsample" or c.model.opset < 11:
        coordinates, nearest = "asymmetric", "floor"
    else:
        coordinates = str(attributes.get("coordinate_transformation_mode", "half_pixel"))
        nearest = str(attributes.get("nearest_mode", "round_prefer_floor"))
    index = [
        _nearest(c, int(new), old, float(scale), coordinates, nearest)
        for new, old, scale in zip(lengths, value.shape, scales, strict=True)
    ]
    return c.moved(value, _places(value)[np.ix_(*index)])


def _nearest(c: Conversion, new: int, old: int, scale: float, coordinates: str, nearest: str) -> Places:
    """The source of each place along one axis."""
    x = np.arange(new, dtype=np.float64)
    sources: dict[str, NDArray[np.float64]] = {
        "asymmetric": x / scale,
        "half_pixel": (x + 0.5) / scale - 0.5,
        "pytorch_half_pixel": (x + 0.5) / scale - 0.5 if new > 1 else np.zeros(1),
        "align_corners": x * (old - 1) / max(new - 1, 1),
    }
    if coordinates not in sources or nearest not in _NEAREST:
        c.refuse(f"{coordinates!r} with {nearest!r}", "resize with asymmetric coordinates and floor")
    found = _NEAREST[nearest](sources[coordinates])
    return np.asarray(np.clip(found, 0, old - 1), dtype=np.int64)


_NEAREST: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda a: np.ceil(a - 0.5),
    "round_prefer_ceil": lambda a: np.floor(a + 0.5),
}


def _concatenate(c: Conversion) -> Value:
    """Tensors side by side; constants among them become constants of the graph."""
    count, rank = (
        len(c.node.inputs),
        len(
            next(
                v for v in map(c.given, range(len(c.node.inputs))) if v is not None and isinstance(v, Value)
            ).shape
        ),
    )
    axis = int(c.node.attributes.get("axis", 1)) % rank
    values = [c.pure(n) if isinstance(c.given(n), Value) else _constant(c, n) for n in range(count)]
    lead = {tuple(n for a, n in enumerate(v.shape) if a != axis) for v in values}
    shape = tuple(
        sum(v.shape[axis] for v in values) if a == axis else n for a, n in enumerate(values[0].shape)
    )
    if len(lead) != 1:
        c.refuse(f"the shapes {', '.join(str(v.shape) for v in values)}", "export the model again")
    if axis not in standard_layout(values[0].shape) and shape[0] != 1:
        c.refuse("it joins several events", "join along another axis than the batch")
    layout = tuple([a for a in standard_layout(shape) if a != axis] + [axis])
    node = c.nodes.add(Concatenate(), *(c.nodes.arranged(v, layout) for v in values), part="joined")
    scale = None
    if any(v.scale is not None for v in values):
        scales = [full(1.0 if v.scale is None else v.scale, v.shape) for v in values]
        scale = np.concatenate([s for s in scales if s is not None], axis=axis)
    return Value(node, shape, layout, scale, rounded=any(v.rounded for v in values))


def _constant(c: Conversion, place: int) -> Value:
    given = c.given(place)
    if not isinstance(given, Known):
        c.refuse(f"input {place} is left out", "export the model again")
    numbers = np.asarray(given.values, dtype=np.float64)
    layout = standard_layout(numbers.shape)
    if c.calibrated is not None:
        node = c.calibrated.constant(
            numbers.reshape([numbers.shape[a] for a in layout]), layer=c.nodes.name
        ).node
        return Value(node, numbers.shape, layout)
    found = short(numbers, bits=33)
    if found is None:
        c.refuse(
            "a constant in floating point", "put a Quant node behind it, or give calibrate and precision"
        )
    codes, exponent = found
    node = c.nodes.codes(codes.reshape([numbers.shape[a] for a in layout]), exponent, "constant")
    return Value(node, numbers.shape, layout)


_BY_REFERENCE = (
    "DepthToSpace", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Reshape", "Slice",
    "SpaceToDepth", "Split", "Squeeze", "Tile", "Unsqueeze",
)  # fmt: skip

MOVING: dict[str, Callable[[Conversion], Any]] = {
    **dict.fromkeys(_BY_REFERENCE, _moved),
    "Cast": _cast,
    "Concat": _concatenate,
    "Dropout": _identity,
    "Identity": _identity,
    "Pad": _pad,
    "Resize": _resize,
    "Transpose": _transpose,
    "Upsample": _resize,
}
"""Op → converter."""
