"""A trained network without what the hardware does not hold: batch normalisation folded, dropout removed."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanosieve._require import require
from nanosieve.errors import UnsupportedLayerError

__all__ = ["functional", "nodes", "plain", "scores_of"]

_AT_THE_END = ("softmax", "sigmoid")
"""Activations that do not change the order of the scores: left out at the output."""


def scores_of(model: Any, *, name: str | None = None) -> Any:
    """A copy of `model` whose output is what enters its last softmax or sigmoid: the logits."""
    return _rebuilt(model, {}, name or model.name)


def plain(model: Any, *, name: str | None = None) -> Any:
    """`scores_of` with every batch normalisation folded into the layer before it, and without dropout.

    With ``s = gamma / sqrt(variance + epsilon)`` the kernel becomes ``s K`` and the bias
    ``beta + s (b - mean)``; weights of zero stay zero.

    Args:
        model: a built Keras model of one input and one output, functional or sequential.
        name: of the copy.

    Raises:
        UnsupportedLayerError: a batch normalisation that does not follow a linear dense layer or convolution
            read by nothing else.
    """
    graph = functional(model)
    readers: dict[str, int] = {}
    for node in nodes(graph):
        for tensor in node.input_tensors:
            before = tensor._keras_history.operation.name
            readers[before] = readers.get(before, 0) + 1
    keras = require("keras", extra="train", purpose="folding a batch normalisation")
    folded: dict[str, Any] = {}
    for node in nodes(graph):
        if isinstance(node.operation, keras.layers.BatchNormalization):
            before = node.input_tensors[0]._keras_history.operation
            if not _is_linear(before) or readers[before.name] != 1:
                message = (
                    f"layer {node.operation.name!r} normalises the output of {before.name!r}; it can be "
                    "folded only behind a dense layer or convolution without activation that nothing else "
                    "reads; move it there"
                )
                raise UnsupportedLayerError(message)
            folded[before.name] = node.operation
    return _rebuilt(graph, folded, name or model.name, without=True)


def functional(model: Any) -> Any:
    """The model as one of layers between one input and one output.

    Raises:
        UnsupportedLayerError: it has several.
    """
    keras = require("keras", extra="train", purpose="copying a network")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        message = (
            f"model {model.name!r} has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
            "compression takes one of each"
        )
        raise UnsupportedLayerError(message)
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def nodes(graph: Any) -> list[Any]:
    """The calls of its layers, each behind those that it reads."""
    by_depth = sorted(graph._nodes_by_depth.items(), reverse=True)
    return [node for _, depth in by_depth for node in depth if node.input_tensors]


def _is_linear(layer: Any) -> bool:
    keras = require("keras", extra="train", purpose="folding a batch normalisation")
    kinds = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D)
    return isinstance(layer, kinds) and layer.activation is keras.activations.linear


def _rebuilt(model: Any, folded: dict[str, Any], name: str, *, without: bool = False) -> Any:
    """The model anew with its own variables; `without` dropout and batch normalisation."""
    keras = require("keras", extra="train", purpose="copying a network")
    graph = functional(model)
    last = graph.outputs[0]._keras_history.operation.name
    skipped = (keras.layers.Dropout, keras.layers.BatchNormalization) if without else ()

    def cloned(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in folded:
            config["use_bias"] = True
        if layer.name == last and config.get("activation") in _AT_THE_END:
            config["activation"] = "linear"
        return type(layer).from_config(config)

    def called(layer: Any, *arguments: Any, **keywords: Any) -> Any:
        ends = layer.name == last and isinstance(layer, keras.layers.Softmax)
        return arguments[0] if ends or isinstance(layer, skipped) else layer(*arguments, **keywords)

    copy = keras.models.clone_model(graph, clone_function=cloned, call_function=called)
    copy = keras.Model(copy.inputs[0], copy.outputs[0], name=name)
    for layer in copy.layers:
        if layer.weights:
            before = graph.get_layer(layer.name)
            weights = [np.asarray(weight) for weight in before.get_weights()]
            if layer.name in folded:
                weights = _fold(weights, folded[layer.name])
            layer.set_weights(weights)
    return copy


def _fold(weights: list[Any], normalisation: Any) -> list[Any]:
    bias = weights[1] if len(weights) > 1 else np.zeros(weights[0].shape[-1], dtype=np.float32)
    mean, variance = np.asarray(normalisation.moving_mean), np.asarray(normalisation.moving_variance)
    gamma = np.asarray(normalisation.gamma) if normalisation.scale else np.ones_like(mean)
    beta = np.asarray(normalisation.beta) if normalisation.center else np.zeros_like(mean)
    scale = gamma / np.sqrt(variance + normalisation.epsilon)
    return [weights[0] * scale, beta + scale * (bias - mean)]
