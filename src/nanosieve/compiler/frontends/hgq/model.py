"""Keras 3 models with HGQ2 layers: every quantiser is stated, so the graph is exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.hgq.converters.base import LayerBuilder, Value
from nanosieve.compiler.frontends.hgq.float32 import report_wide_values
from nanosieve.compiler.frontends.hgq.layers_to_ops import CONVERTERS, OPERATIONS, WITH_OUTPUT_QUANTIZER
from nanosieve.compiler.frontends.hgq.port import Reader, port_type
from nanosieve.compiler.frontends.keras_model import framework_outputs, load_keras_model, output_names
from nanosieve.compiler.graph import Builder, Graph, Node
from nanosieve.errors import SettingsError, UnknownNameError, UnsupportedLayerError

__all__ = ["graph_of", "load", "run"]


def load(path: Path, calibration: Calibration | None) -> Graph:
    """The fixed-point graph of a ``.keras`` file; see `nanosieve.compiler.frontends.load_model`.

    It is `exact` if the framework's float32 holds all values; otherwise a warning names the layer.
    """
    if calibration is not None:
        message = f"{path.name} states its quantisers; leave out calibrate and precision"
        raise SettingsError(message)
    graph = graph_of(load_keras_model(path), name=path.stem)
    return replace(graph, source=path, exact=report_wide_values(graph))


def run(path: Path, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """What Keras computes; see `nanosieve.compiler.frontends.run_model`."""
    return framework_outputs(path, inputs)


def graph_of(model: Any, *, name: str) -> Graph:
    """The fixed-point graph of a built Keras model; by the rules of `load_model`."""
    model = _functional(model)
    converter = _Converter(Builder(name), {str(layer.name) for layer in model._flatten_layers()})
    ports = [converter.port(model, tensor) for tensor in model.inputs]
    nodes = converter.convert(model, ports)
    return converter.builder.finish(dict(zip(output_names(model), nodes, strict=True)))


def _functional(model: Any) -> Any:
    """A Sequential model as the functional one that it holds."""
    return getattr(model, "_functional", None) or model


def _is_model(operation: Any) -> bool:
    return hasattr(_functional(operation), "_nodes_by_depth")


def _calls(model: Any) -> Iterator[Any]:
    """The calls of a functional model, in an order in which they can be computed."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from model._nodes_by_depth[depth]


def _readers(model: Any, tensor: Any) -> Iterator[Reader]:
    """The layers that read a tensor, those inside of models among them."""
    for call in _calls(model):
        for position, given in enumerate(call.input_tensors):
            if given is not tensor:
                continue
            if _is_model(call.operation):
                inner = _functional(call.operation)
                yield from _readers(inner, inner.inputs[position])
            else:
                yield call.operation, position


@dataclass
class _Converter:
    """Adds the layers of a model to a graph, each use of a layer under a name of its own.

    Attributes:
        builder: the graph.
        reserved: names of layers, which no further use of another layer takes.
        used: names that have nodes.
        stated: for each input, the `InputPort` that is the port itself.
    """

    builder: Builder
    reserved: set[str]
    used: set[str] = field(default_factory=set)
    stated: dict[str, Any] = field(default_factory=dict)

    def port(self, model: Any, tensor: Any) -> str:
        """The input of the graph for an input of the model."""
        name = str(tensor._keras_history.operation.name)
        readers = list(_readers(model, tensor))
        op = port_type(readers, tuple(int(n) for n in tensor.shape[1:]), name)
        if type(readers[0][0]).__name__ == "InputPort":
            self.stated[name] = readers[0][0]
        return self.builder.input(name, op.target, op.rounding, op.overflow)

    def convert(self, model: Any, given: list[str]) -> list[str]:
        """The nodes of the outputs of a functional model whose inputs are `given`."""
        nodes = {id(tensor): node for tensor, node in zip(model.inputs, given, strict=True)}
        for call in _calls(model):
            if type(call.operation).__name__ == "InputLayer":
                continue
            inputs = [nodes[id(tensor)] for tensor in call.input_tensors]
            if _is_model(call.operation):
                outputs = self.convert(_functional(call.operation), inputs)
            else:
                outputs = self.layer(call, nodes, inputs)
            # the further outputs of an operation that has only one here are refused where they are used
            nodes |= {id(tensor): node for tensor, node in zip(call.output_tensors, outputs, strict=False)}
        return [nodes[id(tensor)] for tensor in model.outputs]

    def layer(self, call: Any, nodes: Mapping[int, str], inputs: list[str]) -> list[str]:
        """The nodes of the outputs of one call of a layer or operation."""
        layer = call.operation
        kind = type(layer).__name__
        if self.stated.get(inputs[0]) is layer:
            return inputs  # the type of the port itself
        operation = type(layer).__module__.startswith("keras.src.ops.")
        table = OPERATIONS if operation else CONVERTERS
        if kind not in table:
            known = UnknownNameError.among("operation" if operation else "layer", kind, table)
            message = f"layer {layer.name!r}: {known}; rebuild the model with those"
            raise UnsupportedLayerError(message)
        args, kwargs = call.arguments.fill_in({key: Value(node) for key, node in nodes.items()})
        here = LayerBuilder(self.builder, self.fresh(str(layer.name)), "", layer, tuple(args), kwargs)
        found = table[kind](here, *inputs)
        outputs = [found] if isinstance(found, str) else list(found)
        if not operation and kind not in WITH_OUTPUT_QUANTIZER:
            outputs[0] = here.output_quantized(outputs[0])
        if len(outputs) == 1:
            outputs[0] = self.named(outputs[0], here.name)
        return outputs

    def fresh(self, name: str) -> str:
        """The name of a layer, with a number from its second use on."""
        names = chain([name], (f"{name}_{n}" for n in count(1)))
        unique = next(n for n in names if n not in self.used and (n == name or n not in self.reserved))
        self.used.add(unique)
        return unique

    def named(self, node: str, layer: str) -> str:
        """Give the layer's last node the layer's own name."""
        last = self.builder.nodes[-1]
        if last.name != node or last.layer != layer:
            return node
        self.builder.nodes[-1] = Node(layer, last.op, last.inputs, layer)
        self.builder.types[layer] = self.builder.types.pop(node)
        return layer
