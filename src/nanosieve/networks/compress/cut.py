"""Structured pruning: whole filters and neurons leave a network, which becomes one of smaller layers.

What remains computes what the whole network would if the removed filters handed on zeros. Unlike single
weights of zero (`prune`), a filter that is gone saves work in every architecture of hardware, and in
software.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SettingsError, UnknownNameError, UnsupportedLayerError
from nanosieve.networks.compress.plain import functional, nodes

__all__ = ["Norm", "cut", "cuttable", "strongest"]

Indices = NDArray[np.intp]
Norm = Literal["l1", "l2"]
_ORDER = {"l1": 1, "l2": 2}

_PER_CHANNEL = (
    "Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "SpatialDropout1D", "SpatialDropout2D",
    "GaussianNoise", "GaussianDropout", "ActivityRegularization", "Identity", "MaxPooling1D", "MaxPooling2D",
    "AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D",
    "UpSampling1D", "UpSampling2D",
)  # fmt: skip
"""Layers that treat each channel alone, so that cut ones may pass."""
_OVER_CHANNELS = ("softmax", "log_softmax")


def cuttable(model: Any) -> list[str]:
    """The layers with filters or neurons that may go: all but those whose channels are the output."""
    graph = functional(model)
    waiting, last = [graph.outputs[0]], set[str]()
    while waiting:
        layer = waiting.pop()._keras_history.operation
        last.add(layer.name)
        if not _has_filters(layer):
            waiting += [t for node in nodes(graph) if node.operation is layer for t in node.input_tensors]
    return [layer.name for layer in graph.layers if _may_lose(layer) and layer.name not in last]


def strongest(
    model: Any, part: float | Mapping[str, float], *, norm: Norm = "l1", spare: Collection[str] = ()
) -> dict[str, Indices]:
    """The filters and neurons with the largest norms of their kernels: layer → indices of those that stay.

    A batch normalisation directly behind a layer counts with its scale.

    Args:
        model: built.
        part: of the filters of each layer that go, 0 to 1; or for each named layer. One stays at least.
        norm: ``"l1"`` (arXiv:1608.08710) or ``"l2"``.
        spare: layers that keep all.

    Raises:
        UnknownNameError: a layer that is not there or has no filters to remove.
        SettingsError: a part outside of 0 to 1, or another norm.
    """
    known = cuttable(model)
    wanted = dict(part) if isinstance(part, Mapping) else dict.fromkeys(known, part)
    for name in (*wanted, *spare):
        if name not in known:
            raise UnknownNameError.among("layer with filters to remove", name, known)
    if norm not in _ORDER:
        message = f"norm {norm!r}; accepted: 'l1' or 'l2'"
        raise SettingsError(message)
    kept = {}
    for name, share in wanted.items():
        if not 0 <= share < 1:
            message = f"layer {name!r}: {share!r} of the filters to remove; accepted: 0 to 1, 1 excluded"
            raise SettingsError(message)
        if name not in spare:
            size = _strength(model, name, norm)
            stay = max(1, round((1 - share) * len(size)))
            kept[name] = np.sort(np.argsort(-size, kind="stable")[:stay])
    return kept


def cut(model: Any, kept: Mapping[str, Indices], *, name: str | None = None) -> Any:
    """A smaller copy of `model`, in which the named layers have only the filters or neurons of these indices.

    Kernels of the layers behind and batch normalisations between are cut to match, through flattening too.

    Args:
        model: a built Keras model of one input and one output.
        kept: layer → indices, as of `strongest`.
        name: of the copy.

    Raises:
        UnknownNameError: a layer that is not there or has no filters to remove.
        SettingsError: indices that the layer has not, or none.
        UnsupportedLayerError: a layer behind a cut one that does not treat each channel alone.
    """
    keras = require("keras", extra="train", purpose="pruning a network")
    graph = functional(model)
    _check_indices(graph, kept)
    channels = _channels(graph, kept)

    def cloned(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in kept:
            config["filters" if "filters" in config else "units"] = len(kept[layer.name])
        return type(layer).from_config(config)

    copy = keras.models.clone_model(graph, clone_function=cloned)
    copy = keras.Model(copy.inputs[0], copy.outputs[0], name=name or model.name)
    for node in nodes(graph):
        layer = node.operation
        if layer.weights:
            entered = channels[node.input_tensors[0]._keras_history.operation.name]
            copy.get_layer(layer.name).set_weights(_weights(layer, entered, kept.get(layer.name)))
    return copy


def _check_indices(graph: Any, kept: Mapping[str, Indices]) -> None:
    known = cuttable(graph)
    for name, indices in kept.items():
        if name not in known:
            raise UnknownNameError.among("layer with filters to remove", name, known)
        number = int(graph.get_layer(name).output.shape[-1])
        found = np.asarray(indices)
        if (
            not found.size
            or found.min() < 0
            or found.max() >= number
            or len(set(found.tolist())) != found.size
        ):
            message = f"layer {name!r} has filters 0 to {number - 1}; keep some of them, each once"
            raise SettingsError(message)


def _channels(graph: Any, kept: Mapping[str, Indices]) -> dict[str, Indices]:
    """Layer → which entries of the last axis of its output are still there."""
    keras = require("keras", extra="train", purpose="pruning a network")
    channels = {tensor._keras_history.operation.name: np.arange(tensor.shape[-1]) for tensor in graph.inputs}
    for node in nodes(graph):
        layer = node.operation
        before = [tensor._keras_history.operation.name for tensor in node.input_tensors]
        entered, whole = channels[before[0]], np.arange(layer.output.shape[-1])
        uncut = all(len(channels[b]) == t.shape[-1] for b, t in zip(before, node.input_tensors, strict=True))
        if _has_filters(layer):
            channels[layer.name] = kept.get(layer.name, whole)
        elif uncut:
            channels[layer.name] = whole
        elif isinstance(layer, keras.layers.Flatten):
            channels[layer.name] = _flattened(entered, node.input_tensors[0].shape[1:])
        elif _treats_channels_alone(layer):
            channels[layer.name] = entered
        else:
            source = next(n for n in kept if len(kept[n]) < graph.get_layer(n).output.shape[-1])
            message = (
                f"layer {layer.name!r} ({type(layer).__name__}) stands behind layers that lose filters "
                f"({source!r} among them) and cannot be cut with them; spare those in front of it"
            )
            raise UnsupportedLayerError(message)
    return channels


def _flattened(channels: Indices, shape: tuple[int, ...]) -> Indices:
    """Entries of a flattened map of this shape, channels last, of which only these channels are there."""
    positions = np.arange(int(np.prod(shape[:-1])))
    return (positions[:, None] * shape[-1] + channels).reshape(-1)


def _weights(layer: Any, entered: Indices, kept: Indices | None) -> list[NDArray[Any]]:
    """The weights that are left of a layer."""
    keras = require("keras", extra="train", purpose="pruning a network")
    weights = [np.asarray(weight) for weight in layer.get_weights()]
    if _has_filters(layer):
        kernel, *bias = weights
        stay = np.arange(kernel.shape[-1]) if kept is None else kept
        return [kernel.take(entered, axis=-2).take(stay, axis=-1), *(b[stay] for b in bias)]
    if isinstance(layer, keras.layers.BatchNormalization):
        return [weight[entered] for weight in weights]
    return weights


def _has_filters(layer: Any) -> bool:
    """A dense layer or an ordinary convolution, channels last."""
    keras = require("keras", extra="train", purpose="pruning a network")
    kinds = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D)
    return type(layer) in kinds and getattr(layer, "groups", 1) == 1 and _channels_last(layer)


def _may_lose(layer: Any) -> bool:
    """Each of its channels is a function of one filter."""
    return _has_filters(layer) and _function(layer) not in _OVER_CHANNELS


def _channels_last(layer: Any) -> bool:
    return bool(getattr(layer, "data_format", "channels_last") == "channels_last")


def _function(layer: Any) -> str:
    return getattr(getattr(layer, "activation", None), "__name__", "linear")


def _treats_channels_alone(layer: Any) -> bool:
    keras = require("keras", extra="train", purpose="pruning a network")
    if isinstance(layer, keras.layers.BatchNormalization):
        return layer.axis in (-1, len(layer.output.shape) - 1)
    alone = type(layer).__name__ in _PER_CHANNEL and type(layer).__module__.startswith("keras.")
    return alone and _channels_last(layer) and not layer.weights and _function(layer) not in _OVER_CHANNELS


def _strength(model: Any, name: str, norm: Norm) -> NDArray[np.float64]:
    """The norm of each filter's kernel, times the scale of a batch normalisation directly behind."""
    keras = require("keras", extra="train", purpose="pruning a network")
    kernel = np.asarray(model.get_layer(name).get_weights()[0], dtype=np.float64)
    size: NDArray[np.float64] = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), ord=_ORDER[norm], axis=0)
    readers = [
        node.operation
        for node in nodes(functional(model))
        if any(tensor._keras_history.operation.name == name for tensor in node.input_tensors)
    ]
    if len(readers) == 1 and isinstance(readers[0], keras.layers.BatchNormalization):
        normalisation = readers[0]
        scale = 1 / np.sqrt(np.asarray(normalisation.moving_variance) + normalisation.epsilon)
        size = size * np.abs(scale * (np.asarray(normalisation.gamma) if normalisation.scale else 1.0))
    return size
