"""What a tensor of an ONNX file is while the graph grows: a node, and arithmetic still owed to it.

A quantised network states integers; between its quantisers it scales, shifts and bends them in floating
point. A `Value` keeps the integers as a node of the graph and the rest as a real `scale` and `Stage`s, until
the next quantiser turns the whole chain into one exact step function, as FINN's streamlining does
(arXiv:1709.04060).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibrated.traced import Traced, TracedNodes
from nanosieve.compiler.graph import TensorType

__all__ = [
    "OnnxNodes",
    "Places",
    "Reals",
    "Replay",
    "Stage",
    "Value",
    "full",
    "moved",
    "power_of_two",
    "standard_layout",
]

Reals = NDArray[np.float64]
Places = NDArray[np.int64]
Replay = Callable[..., Traced]
"""How a float model does a step after training: (builder, value, *parameters, layer=name) to value."""


@dataclass(frozen=True, eq=False)
class Stage:
    """One element-wise step in the framework's float32 arithmetic.

    Attributes:
        apply: function of the elements and of as many arrays as there are parameters.
        parameters: each of the shape of the tensor (a view is enough).
        layer: the user's name of the step.
        replay: the step in a graph that is quantised after training, for any kind but ``affine``; None for a
            table.
        kind: ``affine`` (slope and offset are then given), ``clamp`` (limits a value, else leaves it as it
            is), ``rising`` (monotonic) or ``any``.
        slope, offset: of an affine stage, shape of the tensor.
    """

    apply: Callable[..., NDArray[np.float32]]
    layer: str
    replay: Replay | None = None
    parameters: tuple[NDArray[np.float32], ...] = ()
    kind: Literal["affine", "clamp", "rising", "any"] = "any"
    slope: Reals | None = None
    offset: Reals | None = None

    def rearranged(self, rule: Callable[[NDArray[Any]], NDArray[Any]]) -> Stage:
        """The same step on the elements that `rule` makes of those of the tensor."""
        return replace(
            self,
            parameters=tuple(rule(p) for p in self.parameters),
            slope=None if self.slope is None else rule(self.slope),
            offset=None if self.offset is None else rule(self.offset),
        )


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor for one event: ``stages(scale * node)``.

    Attributes:
        node: its node in the graph; of an input that has no type yet, the name of the input.
        shape: as in the file, the batch axis with length 1.
        layout: the axes of `shape` that the node has, in its order; those left out have length 1.
        scale: real factor of each element, `shape`; None for 1.
        stages: applied to it, in this order.
        places: of an input without a type, the flat index in the input of each element; None for a node.
        tensor: the last tensor of the file that has no stages.
        rounded: whether the framework rounds in a way of its own before the stages: it sums scaled products.
        pending: the layer whose result type it is still to take, as in `Traced`; empty if it has its type.
    """

    node: str
    shape: tuple[int, ...]
    layout: tuple[int, ...]
    scale: Reals | None = None
    stages: tuple[Stage, ...] = ()
    places: Places | None = None
    tensor: str = ""
    rounded: bool = False
    pending: str = ""

    @property
    def pure(self) -> bool:
        """Whether nothing but a scale is owed to a node."""
        return not self.stages and self.places is None

    def physical(self, array: NDArray[Any]) -> NDArray[Any]:
        """`array`, of the tensor's shape, in the order and shape of the node."""
        left_out = [a for a in range(len(self.shape)) if a not in self.layout]
        return array.transpose([*self.layout, *left_out]).reshape([self.shape[a] for a in self.layout])

    def logical(self, array: NDArray[Any]) -> NDArray[Any]:
        """The inverse of `physical`."""
        order = np.argsort(self.layout)
        return array.transpose([int(n) for n in order]).reshape(self.shape)

    def rearranged(self, places: Places) -> Value:
        """Scale and stages behind ``tensor.flat[places]``; the node stays and no longer fits."""

        def rule(array: NDArray[Any]) -> NDArray[Any]:
            return moved(array, places)

        return replace(
            self,
            shape=places.shape,
            scale=None if self.scale is None else rule(self.scale),
            stages=tuple(stage.rearranged(rule) for stage in self.stages),
            places=None if self.places is None else rule(self.places),
        )


@dataclass
class OnnxNodes(TracedNodes):
    """The nodes of one node of the file."""

    def arranged(self, value: Value, layout: Sequence[int], part: str = "arranged") -> str:
        """The node of `value` with the axes `layout`; axes of length 1 may be left out."""
        left_out = [a for a in range(len(value.shape)) if a not in layout]

        def rule(index: NDArray[Any]) -> NDArray[Any]:
            whole = value.logical(index)
            return whole.transpose([*layout, *left_out]).reshape([value.shape[a] for a in layout])

        if tuple(layout) == value.layout:
            return value.node
        return self.rewired(value.node, rule, part)

    def standard(self, value: Value) -> str:
        """The node of `value` with its axes in the order of the file, the batch left out."""
        return self.arranged(value, standard_layout(value.shape))

    def type_of(self, value: Value) -> TensorType:
        """The type of the node."""
        return self.type(value.node)


def standard_layout(shape: tuple[int, ...]) -> tuple[int, ...]:
    """All axes in order, but for the batch.

    >>> standard_layout((1, 3, 5)), standard_layout((2, 3))
    ((1, 2), (0, 1))
    """
    return tuple(range(1 if shape[:1] == (1,) else 0, len(shape)))


def moved(array: NDArray[Any], places: Places) -> NDArray[Any]:
    """``array.flat[places]``; a constant stays a view of one number. Place -1 takes the first element."""
    if not any(array.strides) and array.size:
        return np.broadcast_to(array.ravel()[:1].reshape([1] * places.ndim), places.shape)
    if not array.size:
        return np.zeros(places.shape, dtype=array.dtype)
    return np.asarray(array.reshape(-1)[np.maximum(places, 0)])


def full(array: Any, shape: tuple[int, ...]) -> Reals | None:
    """`array` broadcast to `shape` in float64; None where it does not fit."""
    try:
        return np.broadcast_to(np.asarray(array, dtype=np.float64), shape)
    except ValueError:
        return None


def power_of_two(ratio: Reals, tolerance: float = 0.0) -> Places | None:
    """The exponents of numbers that are all powers of two (within a relative tolerance); None otherwise."""
    if ratio.size and not (np.all(np.isfinite(ratio)) and ratio.min() > 0):
        return None
    small = ratio if any(ratio.strides) or not ratio.size else ratio.ravel()[:1]
    exponent = np.rint(np.log2(small)).astype(np.int64)
    if np.any(np.abs(small * np.exp2(-exponent.astype(float)) - 1) > tolerance):
        return None
    if small is ratio:
        return exponent
    return np.broadcast_to(exponent.reshape([1] * ratio.ndim), ratio.shape)
