"""Keras 3 models with QKeras layers, read without QKeras: the file states every quantiser.

What the file leaves to real numbers is handled so:

- **Inputs.** The port takes the type of a quantiser right behind the input, else ``precision``, else
  `DEFAULT_PORT`. Framework and graph are equal on numbers that the port can hold.
- **Batch normalisation** and biases without quantiser. Factors keep 18 significant bits, offsets the step of
  what they are added to; the graph then says that it is not exact (`Graph.exact`).
- **Softmax and sigmoid at an output** leave the order of its values, and so every decision, as it is: the
  output holds what enters them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.qkeras.file import MALFORMED, Layer, Model, read_model
from nanosieve.compiler.frontends.qkeras.forward import forward
from nanosieve.compiler.frontends.qkeras.functions import parse
from nanosieve.compiler.frontends.qkeras.layers import CONVERTERS, DECISIONS, activation_name
from nanosieve.compiler.frontends.qkeras.quantizers import QkerasNodes, uniform
from nanosieve.compiler.graph import Builder, Fixed, Graph, Node, Rounding, TensorType
from nanosieve.errors import InputFileError, SettingsError, UnknownNameError, UnsupportedLayerError

__all__ = ["load", "run"]

DEFAULT_PORT = "fixed<16,6>"
"""Type of an input that nothing states; the default of hls4ml too."""
_log = logging.getLogger(__name__)


def load(path: Path, calibration: Calibration | None) -> Graph:
    """The fixed-point graph of a QKeras file; see `nanosieve.compiler.frontends.load_model`."""
    model = read_model(path, ("qkeras",))
    decisions = _decisions(model)
    for output, function in decisions.items():
        _log.warning(
            "%s: output %r holds what enters its %s, which changes no decision", path.name, output, function
        )
    model = _without(model, decisions)
    stated = {layer.name: _stated_port(model, layer) for layer in model.layers if layer.kind == "InputLayer"}
    if calibration is not None and all(port is not None for port in stated.values()):
        message = f"{path.name} states all its quantisers; leave out calibrate and precision"
        raise SettingsError(message)
    free = Fixed.parse(DEFAULT_PORT) if calibration is None else calibration.port
    builder, rounded = Builder(path.stem), list[str]()
    nodes: dict[str, str] = {}
    for layer in model.layers:
        try:
            if layer.kind == "InputLayer":
                port = TensorType.of(stated[layer.name] or free, _shape(layer))
                known = stated[layer.name] is not None
                rounding = Rounding.RND_CONV if known else Rounding.RND
                nodes[layer.name] = builder.input(layer.name, port, rounding, stated=known)
            else:
                given = [nodes[name] for name in layer.inputs]
                nodes[layer.name] = _convert(builder, layer, given, rounded)
        except MALFORMED as error:
            reason = " ".join(f"{type(error).__name__} {error}".split())[:160]
            message = (
                f"layer {layer.name!r} ({layer.kind}): its settings or weights do not fit ({reason}); "
                "save the model again"
            )
            raise InputFileError(message) from error
    if rounded:
        names = ", ".join(dict.fromkeys(rounded))
        _log.warning("%s: not exact, for the real numbers of these layers are rounded: %s", path.name, names)
    graph = builder.finish({name: nodes[name] for name in model.outputs})
    return replace(graph, source=path, exact=not rounded)


def run(path: Path, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """What QKeras defines, in float64; see `nanosieve.compiler.frontends.run_model`.

    Raises:
        UnknownNameError: an input is missing or unknown.
    """
    model = read_model(path, ("qkeras",))
    return forward(_without(model, _decisions(model)), inputs)


def _decisions(model: Model) -> dict[str, str]:
    """Output → softmax or sigmoid that it ends with."""
    layers = {layer.name: layer for layer in model.layers}
    read = {name for layer in model.layers for name in layer.inputs}
    found = {}
    for name in model.outputs:
        activation = activation_name(layers[name].config.get("activation"))
        function = "softmax" if layers[name].kind == "Softmax" else activation
        if function in DECISIONS and name not in read:
            found[name] = function
    return found


def _without(model: Model, decisions: Mapping[str, str]) -> Model:
    """The model up to its decisions; the outputs keep their names."""
    layers = tuple(
        replace(
            layer,
            kind="Activation" if layer.kind == "Softmax" else layer.kind,
            config={**layer.config, "activation": "linear"},
        )
        if layer.name in decisions
        else layer
        for layer in model.layers
    )
    return Model(layers, model.outputs)


def _shape(layer: Layer) -> tuple[int, ...]:
    shape = layer.config.get("batch_shape") or layer.config["batch_input_shape"]
    if any(n is None for n in shape[1:]):
        message = (
            f"input {layer.name!r} has a length that is not fixed, {shape[1:]}; build the model with one"
        )
        raise UnsupportedLayerError(message)
    return tuple(int(n) for n in shape[1:])


def _stated_port(model: Model, port: Layer) -> Fixed | None:
    """The format of a quantiser that alone reads the input."""
    readers = [layer for layer in model.layers if port.name in layer.inputs]
    if len(readers) != 1 or readers[0].kind != "QActivation" or port.name in model.outputs:
        return None
    activation = readers[0].config.get("activation")
    if activation_name(activation) is not None:
        return None
    q = parse(activation, f"layer {readers[0].name!r}")
    grid = uniform(q) if q is not None else None
    if grid is None:
        return None
    signed = grid.low < 0
    width = (grid.high + 1).bit_length() - 1 + signed
    return Fixed(width, width + grid.exponent, signed)


def _convert(builder: Builder, layer: Layer, given: list[str], rounded: list[str]) -> str:
    convert = CONVERTERS.get(layer.kind)
    if convert is None:
        known = UnknownNameError.among("layer", layer.kind, CONVERTERS)
        message = f"layer {layer.name!r}: {known}; rebuild the model with those"
        raise UnsupportedLayerError(message)
    node = convert(QkerasNodes(builder, layer.name, kind=layer.kind, rounded=rounded), layer, *given)
    last = builder.nodes[-1]
    if last.name != node or last.layer != layer.name:
        return node
    builder.nodes[-1] = Node(layer.name, last.op, last.inputs, layer.name)
    builder.types[layer.name] = builder.types.pop(node)
    return layer.name
