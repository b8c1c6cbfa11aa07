"""Keras 3 models with HGQ2 layers: every quantiser is stated, so the graph is exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.keras_layers_to_ops import (
    CONVERTERS,
    NEEDS_OUTPUT_QUANTIZER_STEP,
    LayerBuilder,
)
from nanosieve.compiler.frontends.keras_model import framework_outputs, load_keras_model, output_names
from nanosieve.compiler.frontends.quantizers import quantize_op
from nanosieve.compiler.graph import Builder, Fixed, Graph, Node, TensorType
from nanosieve.errors import SettingsError, UnknownNameError, UnsupportedLayerError

__all__ = ["graph_of", "load", "run"]


def load(path: Path, calibration: Calibration | None) -> Graph:
    """The fixed-point graph of a ``.keras`` file; see `nanosieve.compiler.frontends.load_model`."""
    if calibration is not None:
        message = f"{path.name} states its quantisers; leave out calibrate and precision"
        raise SettingsError(message)
    return replace(graph_of(load_keras_model(path), name=path.stem), source=path)


def run(path: Path, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """What Keras computes; see `nanosieve.compiler.frontends.run_model`."""
    return framework_outputs(path, inputs)


def graph_of(model: Any, *, name: str) -> Graph:
    """The fixed-point graph of a built Keras model; by the rules of `load_model`."""
    model = getattr(model, "_functional", None) or model
    builder = Builder(name)
    nodes: dict[int, str] = {}
    calls = [
        call for depth in sorted(model._nodes_by_depth, reverse=True) for call in model._nodes_by_depth[depth]
    ]
    for call in calls:
        layer = call.operation
        given = [nodes[id(tensor)] for tensor in call.input_tensors]
        kind = type(layer).__name__
        if kind == "InputLayer":
            nodes[id(call.output_tensors[0])] = _input(builder, call, calls)
        elif kind == "InputPort" and _is_input(call.input_tensors[0]):
            nodes[id(call.output_tensors[0])] = given[0]  # the type of the port itself
        else:
            nodes[id(call.output_tensors[0])] = _convert(builder, layer, kind, given)
    outputs = {
        output: nodes[id(tensor)] for output, tensor in zip(output_names(model), model.outputs, strict=True)
    }
    return builder.finish(outputs)


def _is_input(tensor: Any) -> bool:
    return type(tensor._keras_history.operation).__name__ == "InputLayer"


def _input(builder: Builder, call: Any, calls: list[Any]) -> str:
    """The port: stated by an `InputPort`, else the input quantiser of the only layer that reads it."""
    tensor, name = call.output_tensors[0], str(call.operation.name)
    shape = tuple(int(n) for n in tensor.shape[1:])
    readers = [c.operation for c in calls if any(t is tensor for t in c.input_tensors)]
    ports = [layer for layer in readers if type(layer).__name__ == "InputPort"]
    if ports and len(readers) == 1:
        port = ports[0]
        return builder.input(name, TensorType.of(Fixed(port.width, port.integer, port.signed), shape))
    if not ports and len(readers) == 1:
        layer = readers[0]
        quantizer = layer if type(layer).__name__ == "Quantizer" else None
        if quantizer is None and getattr(layer, "enable_iq", False):
            quantizer = layer.iq
        if quantizer is not None and hasattr(quantizer, "quantizer"):
            op = quantize_op(quantizer, shape, f"input {name!r}")
            return builder.input(name, op.target, op.rounding, op.overflow)
    message = (
        f"input {name!r}: its fixed-point type is not stated; put an InputPort(width, integer) behind it, "
        "or a single layer with an input quantiser"
    )
    raise UnsupportedLayerError(message)


def _convert(builder: Builder, layer: Any, kind: str, given: list[str]) -> str:
    convert = CONVERTERS.get(kind)
    if convert is None:
        known = UnknownNameError.among("layer", kind, CONVERTERS)
        message = f"layer {layer.name!r}: {known}; rebuild the model with those"
        raise UnsupportedLayerError(message)
    here = LayerBuilder(builder, layer)
    if any(node.layer == here.name for node in builder.nodes):
        here.refuse("it is used twice", "give each use a layer of its own")
    node = convert(here, *given)
    if getattr(layer, "enable_oq", False) and kind in NEEDS_OUTPUT_QUANTIZER_STEP:
        node = here.quantized(node, layer.oq, "output")
    return _named(builder, node, here.name)


def _named(builder: Builder, node: str, layer: str) -> str:
    """Give the layer's last node the layer's own name."""
    last = builder.nodes[-1] if builder.nodes else None
    if last is None or last.name != node or last.layer != layer:
        return node
    builder.nodes[-1] = Node(layer, last.op, last.inputs, layer)
    builder.types[layer] = builder.types.pop(node)
    return layer
