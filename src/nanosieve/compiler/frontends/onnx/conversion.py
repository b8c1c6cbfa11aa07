"""The state of a conversion from ONNX: the graph so far, what each tensor is, and the steps all ops share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder
from nanosieve.compiler.frontends.calibrated.traced import Traced
from nanosieve.compiler.frontends.onnx.constants import Known
from nanosieve.compiler.frontends.onnx.file import OnnxModel, OnnxNode
from nanosieve.compiler.frontends.onnx.requantise import short
from nanosieve.compiler.frontends.onnx.values import (
    OnnxNodes,
    Places,
    Reals,
    Stage,
    Value,
    full,
    power_of_two,
    standard_layout,
)
from nanosieve.compiler.graph import Builder, Integers, Multiply, Node
from nanosieve.errors import UnsupportedLayerError

__all__ = ["LARGEST", "Conversion"]

LARGEST = 1 << 24
"""Elements that one value may have for one event."""


@dataclass
class Conversion:
    """Converters of ops take this and return the outputs of `node`.

    Attributes:
        model: the file.
        builder: the graph that grows.
        tensors: name → constant or value.
        node: the node of the file that is being converted.
        nodes: adds nodes to its layer.
        ideal: layers whose result is that of exact sums, where the framework's have float32 rounding.
        calibrated: the builder of a model that is quantised after training; None where all types are stated.
        reals: gives, by tensor, what the framework computes on the sample, (events, *shape).
    """

    model: OnnxModel
    builder: Builder
    tensors: dict[str, Known | Value]
    node: OnnxNode
    nodes: OnnxNodes
    ideal: set[str]
    calibrated: CalibratedBuilder | None = None
    reals: Callable[[], Mapping[str, NDArray[Any]]] = dict

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """Raise the error for something of the current node that is not supported."""
        self.node.refuse(what, remedy)

    def given(self, place: int) -> Known | Value | None:
        """An input of the node; None if it is left out."""
        name = self.node.inputs[place] if place < len(self.node.inputs) else ""
        return self.tensors[name] if name else None

    def known(self, place: int, what: str) -> NDArray[Any] | None:
        """The values of an input that has to be constant; None if it is left out."""
        given = self.given(place)
        if isinstance(given, Value):
            self.refuse(f"{what} that is computed from the inputs", "make it a constant")
        return None if given is None else given.values

    def value(self, place: int = 0) -> Value:
        """An input of the node that depends on the inputs of the model."""
        given = self.given(place)
        if not isinstance(given, Value):
            self.refuse(f"input {place} is no variable", "swap the operands or fold constants")
        return given

    def pure(self, place: int = 0, *, pending: bool = False) -> Value:
        """As `value`, with nothing but a scale owed to a node of the graph.

        Args:
            place: of the input.
            pending: whether it may be a sum that has not taken its result type yet.
        """
        tensor = self.node.inputs[place]
        value = self.value(place)
        if not value.pure:
            value = self.settled(tensor, value)
            self.tensors[tensor] = value
        if value.pending and not pending and self.calibrated is not None:
            x = self.calibrated.settle(self.traced(value))
            value = replace(value, node=x.node, pending="")
            self.tensors[tensor] = value
        return value

    def whole(self, place: int = 0, *, pending: bool = False) -> Value:
        """As `pure`, the scale multiplied in."""
        value = self.pure(place, pending=pending)
        if value.scale is None:
            return value
        tensor = self.node.inputs[place]
        value = self.tensors[tensor] = self.scaled(tensor, value)
        return self.pure(place, pending=pending)

    def settled(self, tensor: str, value: Value) -> Value:
        """`value` with its stages in the graph, of a model that is quantised after training.

        Raises:
            UnsupportedLayerError: the model states its types, and no quantiser ends the arithmetic.
        """
        b = self.calibrated
        if b is None and value.places is not None:
            message = (
                f"input {value.node!r}: its fixed-point type is not stated; put a Quant node whose scale is "
                "a power of two directly behind it, or give calibrate and precision"
            )
            raise UnsupportedLayerError(message)
        if b is None:
            self.refuse(
                f"tensor {tensor!r} comes here in floating point, with a scale, offset or function that no "
                "quantiser follows",
                "put a Quant node before this one, or give calibrate and precision",
            )
        places = value.places
        if places is not None:
            value = self.ported(value, b)
        if not value.stages and value.scale is None:
            return replace(value, tensor=tensor)
        x = self.traced(value if places is None else replace(value, scale=None), places)
        if value.scale is not None:
            x = b.scaled(x, value.physical(value.scale), layer=self.nodes.name)
        for stage in value.stages:
            x = b.close(_replayed(b, x, value, stage), stage.layer)
        return replace(value, node=x.node, stages=(), scale=None, pending=x.pending, tensor=tensor)

    def ported(self, value: Value, b: CalibratedBuilder) -> Value:
        """An input without a stated type as a port of the precision wanted."""
        name, after = value.node, value
        shape = self.model.event_shape(name)
        layout = standard_layout(shape)
        if name not in self.builder.types:
            b.input(name, tuple(shape[a] for a in layout))
        port = Value(name, shape, layout, tensor=name)
        places = value.places if value.places is not None else np.zeros(value.shape, dtype=np.int64)
        before = self.moved(port, places)
        return replace(after, node=before.node, layout=before.layout, places=None, tensor=name)

    def traced(self, value: Value, places: Places | None = None) -> Traced:
        """A pure value, or one without its stages, with the float activations of its node.

        Args:
            value: the value.
            places: where its elements stand in its tensor, if that has another order.
        """
        real = np.asarray(self.reals()[value.tensor], dtype=np.float64)
        real = real.reshape(len(real), -1)
        if places is not None:
            real = np.where(places.ravel() < 0, 0.0, real[:, places.ravel()])
        if real.shape[1] != np.prod(value.shape):
            self.refuse(f"tensor {value.tensor!r} is rearranged before a function", "quantise it first")
        left_out = [a for a in range(len(value.shape)) if a not in value.layout]
        order = [0, *(a + 1 for a in [*value.layout, *left_out])]
        real = (
            real.reshape(-1, *value.shape)
            .transpose(order)
            .reshape(-1, *(value.shape[a] for a in value.layout))
        )
        if value.scale is not None:
            real = real / value.physical(value.scale)
        return Traced(value.node, real, value.pending)

    def scaled(self, tensor: str, value: Value) -> Value:
        """A pure value with its scale multiplied in, exactly if it is fixed point of few bits."""
        found = None if value.scale is None else short(value.scale)
        if found is not None:
            return self.times(replace(value, scale=None), *found, value.shape)
        if self.calibrated is None or value.scale is None:
            self.refuse(
                f"the elements of tensor {tensor!r} have scales that are no powers of two and not alike",
                "use one scale for the tensor, or scales that are powers of two",
            )
        x = self.calibrated.scaled(self.traced(value), value.physical(value.scale), layer=self.nodes.name)
        return replace(value, node=x.node, scale=None, pending=x.pending)

    def times(self, value: Value, codes: Integers, exponent: int, shape: tuple[int, ...]) -> Value:
        """A pure value times fixed-point numbers."""
        factor = value.physical(np.broadcast_to(codes, shape))
        constant = self.nodes.codes(factor, exponent, "factor")
        return replace(value, node=self.nodes.add(Multiply(), value.node, constant, part="scaled"))

    def summed(self, place: int) -> str:
        """What a product with the weights at `place` is still to take; nothing if they are quantised."""
        given = self.given(place)
        return "" if isinstance(given, Known) and given.scale is not None else self.pending()

    def weights(self, place: int, order: Sequence[int], what: str) -> tuple[Integers, int, Reals | None]:
        """Codes and exponent of constant weights, transposed so that the last axis is that of the outputs.

        Returns:
            Codes, exponent, and a scale for each output, None for 1.

        Raises:
            UnsupportedLayerError: floating-point weights, or scales that differ within one output.
        """
        given = self.given(place)
        if not isinstance(given, Known):
            self.refuse(f"{what} computed from the inputs", "only constant weights are supported here")
        values = np.asarray(given.values, dtype=np.float64).transpose(order)
        scale = None if given.scale is None else given.scale.transpose(order)
        if not np.all(np.isfinite(values)):
            self.refuse(f"{what} that are not finite", "train and export again")
        if scale is None and self.calibrated is not None:
            return *self.calibrated.weights(values, self.nodes.name, "kernel"), None
        if scale is None or power_of_two(scale) is not None:
            found = short(values, bits=34 if scale is not None else 17)
            if found is None:
                self.refuse(
                    f"{what} in floating point",
                    "put a Quant node behind them, or give calibrate and precision",
                )
            return *found, None
        step = scale.reshape(-1, scale.shape[-1])
        if np.any(step != step[0]):
            self.refuse(f"{what} whose scale differs within one output", "use a scale per output channel")
        return np.rint(values / step[0]).astype(np.int64), 0, step[0]

    def uniform(self, value: Value, axes: Sequence[int]) -> bool:
        """Whether the scale is the same all along some axes."""
        if value.scale is None or not any(value.scale.strides):
            return True
        first = value.scale[tuple(slice(0, 1) if a in axes else slice(None) for a in range(value.scale.ndim))]
        return bool(np.all(value.scale == first))

    def summable(self, axes: Sequence[int], place: int = 0, *, pending: bool = False) -> Value:
        """A pure input whose elements along `axes` may be added: they have one scale."""
        value = self.pure(place, pending=pending)
        axes = [a % len(value.shape) for a in axes]
        return value if self.uniform(value, axes) else self.whole(place, pending=pending)

    def along(self, value: Value, axes: Sequence[int], shape: tuple[int, ...]) -> Reals | None:
        """The scale of what is computed along `axes`, in which it does not differ, spread over `shape`."""
        if value.scale is None:
            return None
        first = value.scale[tuple(slice(0, 1) if a in axes else slice(None) for a in range(value.scale.ndim))]
        return full(first, shape)

    def moved(self, value: Value, places: Places) -> Value:
        """``tensor.flat[places]``; zeros where a place is -1."""
        places = np.asarray(places, dtype=np.int64)
        if not places.size:
            self.refuse("a result without elements", "export the model again")
        if places.size > LARGEST:
            self.refuse(
                f"{places.size:,} values for one event", f"at most {LARGEST:,} fit; use a smaller input"
            )
        if value.stages and value.places is None and self.calibrated is not None:
            value = self.settled(self.node.inputs[0], value)
        after = value.rearranged(places)
        if value.places is not None:
            return after
        layout = standard_layout(after.shape)
        index = places.reshape([after.shape[a] for a in layout])
        node = self.nodes.rewired(self.nodes.standard(value), lambda _: index, "moved")
        return replace(after, node=node, layout=layout)

    def spread(self, value: Value, shape: tuple[int, ...]) -> Value:
        """`value` broadcast to `shape`."""
        if value.shape == shape:
            return value
        places = np.arange(np.prod(value.shape, dtype=np.int64)).reshape(value.shape)
        return self.moved(value, np.broadcast_to(places, shape))

    def common_shape(self, *shapes: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that all broadcast to."""
        try:
            shape = tuple(np.broadcast_shapes(*shapes))
        except ValueError:
            self.refuse(f"the shapes {', '.join(map(str, shapes))} do not fit", "export again")
        if np.prod(shape, dtype=object) > LARGEST:
            self.refuse(f"{shape} values for one event", f"at most {LARGEST:,} fit; use a smaller input")
        return shape

    def staged(self, value: Value, stage: Stage) -> Value:
        """`value` with one more step owed to it."""
        return replace(value, stages=(*value.stages, stage))

    def pending(self) -> str:
        """What a new sum is still to take: the result type of the layer, unless all types are stated."""
        return "" if self.calibrated is None else self.nodes.name

    def called(self, value: Value) -> Value:
        """`value`, its node named as the layer if it is the last one of it."""
        last = self.builder.nodes[-1] if self.builder.nodes else None
        name = self.nodes.name
        if value.places is not None or last is None or last.name != value.node or last.layer != name:
            return value
        if name in self.builder.types:
            return value
        self.builder.nodes[-1] = Node(name, last.op, last.inputs, name)
        self.builder.types[name] = self.builder.types.pop(last.name)
        return replace(value, node=name)


def _replayed(b: CalibratedBuilder, x: Traced, value: Value, stage: Stage) -> Traced:
    """One stage of `value` as a layer that is quantised after training."""
    if stage.slope is not None and stage.offset is not None:
        slope, offset = (value.physical(array) for array in (stage.slope, stage.offset))
        x = x if np.all(slope == 1) else b.scaled(x, slope, layer=stage.layer)
        return b.offset(x, offset, layer=stage.layer)
    if stage.replay is not None:
        return stage.replay(b, x, *(value.physical(p) for p in stage.parameters), layer=stage.layer)
    return b.function(x, lambda a: np.asarray(stage.apply(a), dtype=np.float64), layer=stage.layer)
