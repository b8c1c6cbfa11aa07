"""`to_onnx`: a functional Keras model as an ONNX model in float32."""

from __future__ import annotations

from typing import Any

from nanosieve._require import require
from nanosieve.errors import SettingsError, UnsupportedLayerError
from nanosieve.networks.onnx_export.drawing import Drawing, Value
from nanosieve.networks.onnx_export.layers import LAYERS
from nanosieve.networks.onnx_export.recurrent import gru, lstm

__all__ = ["to_onnx"]

_CONVERTERS = {**LAYERS, "LSTM": lstm, "GRU": gru}


def to_onnx(model: Any) -> Any:
    """The network in float32, as a CPU or GPU runs it.

    Quantisers of HGQ2 layers are left out: a processor has no use for them, and their weights are the float
    ones. Images are computed with their channels in front. The number of events is free.

    Args:
        model: a functional Keras model of plain layers, HGQ2 layers, or those of `nanosieve.networks.layers`.

    Returns:
        An ``onnx.ModelProto`` (opset 17).

    Raises:
        UnsupportedLayerError: a layer, or an option of it, that has no conversion.
        SettingsError: the model is not functional.
        MissingDependencyError: onnx is not installed.

    Examples:
        >>> from nanosieve.networks.jet_taggers import dense_tagger
        >>> [node.op_type for node in to_onnx(dense_tagger()).graph.node][:3]
        ['Gemm', 'Relu', 'Gemm']
    """
    keras = require("keras", extra="train", purpose="reading a network")
    if not hasattr(model, "_nodes_by_depth"):
        message = f"{getattr(model, 'name', model)!r} is no functional Keras model; build it from keras.Input"
        raise SettingsError(message)
    drawing = Drawing()
    values: dict[int, Value] = {}
    inputs = []
    for tensor in model.inputs:
        name, shape = tensor.name, tuple(tensor.shape[1:])
        values[id(tensor)] = Value(name, shape)
        inputs.append((name, shape))
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if node.is_input:
                continue
            given = [values[id(tensor)] for tensor in node.input_tensors]
            values[id(node.outputs[0])] = _converted(drawing, node.operation, given, node.outputs[0])
    outputs = [drawing.channels_last(values[id(tensor)]) for tensor in keras.tree.flatten(model.outputs)]
    return drawing.model(inputs, outputs, model.name)


def _converted(drawing: Drawing, layer: Any, given: list[Value], output: Any) -> Value:
    kind = type(layer).__name__
    if kind not in _CONVERTERS:
        message = (
            f"layer {layer.name!r} is a {kind}, which has no conversion to ONNX; accepted: "
            f"{', '.join(sorted(_CONVERTERS))}"
        )
        raise UnsupportedLayerError(message)
    return _CONVERTERS[kind](drawing, layer, given, tuple(output.shape[1:]))
