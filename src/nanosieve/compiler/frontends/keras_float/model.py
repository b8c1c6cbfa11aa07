"""Plain Keras 3 models, which state no types: quantised after training from a calibration sample.

Each layer's result takes the type that the precision states, or with the binary point from its range in the
sample; a layer whose only reader is an activation, a pooling of the largest, a reshaping or a batch
normalisation passes its full sum to it. A batch normalisation behind a dense or convolutional layer is folded
into the kernel before that is quantised.

The float result that the graph was built from is compared with that of Keras on the whole sample, so that no
misunderstood layer goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder, Reals, Traced
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.keras_float.call import LayerCall, function_name
from nanosieve.compiler.frontends.keras_float.chains import LinearChain, linear_chains
from nanosieve.compiler.frontends.keras_float.layers import CONVERTERS, batch_normalization
from nanosieve.compiler.frontends.keras_model import (
    evaluate,
    framework_outputs,
    load_keras_model,
    output_names,
)
from nanosieve.compiler.graph import Graph
from nanosieve.errors import SettingsError, UnknownNameError, UnsupportedLayerError, VerificationError

__all__ = ["graph_of", "load", "run"]

TOLERANCE = 1e-4
"""Largest difference from Keras' float32, relative to the largest value of the tensor."""

_PASSING = frozenset(
    ("Activation", "BatchNormalization", "Dropout", "ELU", "Flatten", "Identity", "LeakyReLU", "PReLU",
     "Permute", "ReLU", "Reshape", "Softmax")
) | frozenset(
    f"{kind}{rank}D"
    for kind in ("Cropping", "GlobalMaxPooling", "MaxPooling", "SpatialDropout", "UpSampling", "ZeroPadding")
    for rank in (1, 2, 3)
)  # fmt: skip
"""Classes that take the full sum of the layer before, if they are its only reader."""
_FOLDING = {f"{kind}{rank}D" for kind in ("Conv", "DepthwiseConv", "SeparableConv") for rank in (1, 2, 3)} | {
    "Dense"
}
"""Classes that take the batch normalisation behind them into their kernel."""


def load(path: Path, calibration: Calibration | None) -> Graph:
    """The graph of a ``.keras`` file quantised from a sample; see `nanosieve.compiler.frontends.load_model`.

    Raises:
        VerificationError: the float model traced here differs from Keras, by layer.
        SampleError: the sample does not fit the model.
        UnknownNameError: the precision names a layer that the model does not have.
    """
    if calibration is None:
        message = (
            f"{path.name} states no fixed-point types; give a sample to choose them from, calibrate=x or "
            "--calibrate X.npy, and a precision such as fixed<16,6>"
        )
        raise SettingsError(message)
    return replace(graph_of(load_keras_model(path), calibration, name=path.stem), source=path)


def run(path: Path, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    """What Keras computes in float; see `nanosieve.compiler.frontends.run_model`."""
    return framework_outputs(path, inputs)


def graph_of(model: Any, calibration: Calibration, *, name: str) -> Graph:
    """The graph of a built Keras model; by the rules of `load`."""
    model = _functional(model)
    names = [str(tensor._keras_history.operation.name) for tensor in model.inputs]
    calibration = calibration.named(names)
    walk = _Walk(CalibratedBuilder(name, calibration))
    shapes = [tuple(int(n) for n in tensor.shape[1:]) for tensor in model.inputs]
    ports = [walk.b.input(port, shape) for port, shape in zip(names, shapes, strict=True)]
    if len({len(port.real) for port in ports}) > 1:
        message = "the calibration samples of the inputs differ in their numbers of events"
        raise SettingsError(message)
    outputs = walk.model(model, ports, "")
    named = dict(zip(output_names(model), outputs, strict=True))
    graph = walk.b.finish(named)
    _check(model, [port.real.astype(np.float32) for port in ports], list(named.values()), walk.seen)
    return graph


def _functional(model: Any) -> Any:
    return getattr(model, "_functional", None) or model


@dataclass
class _Walk:
    """Goes through a model, layer by layer.

    Attributes:
        b: the builder.
        seen: layer, its output tensor and its value, of the layers of the model itself.
        used, folded: ids of the layers that were met, and of the normalisations folded into the one before.
    """

    b: CalibratedBuilder
    seen: list[tuple[str, Any, Traced]] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    folded: set[int] = field(default_factory=set)

    def model(self, model: Any, inputs: list[Traced], parent: str) -> list[Traced]:
        """The outputs of a model, which may be a layer of another one (`parent`)."""
        values = {id(tensor): x for tensor, x in zip(model.inputs, inputs, strict=True)}
        readers: dict[int, list[Any]] = {}
        calls = list(_calls(model))
        for call in calls:
            for tensor in call.input_tensors:
                readers.setdefault(id(tensor), []).append(call.operation)
        for tensor in model.outputs:
            readers.setdefault(id(tensor), []).append(None)
        stated = {name.partition(".")[0] for name in self.b.precision.types}
        chains = linear_chains(calls, readers, stated) if self.b.calibration.compose else []
        inside = {id(layer): chain for chain in chains for layer in chain.layers}
        begun: dict[int, Traced] = {}
        for call in calls:
            behind = [readers.get(id(tensor), []) for tensor in call.output_tensors]
            chain = inside.get(id(call.operation))
            if chain is None:
                given = [values[id(tensor)] for tensor in call.input_tensors]
                results = self.layer(call.operation, given, behind, parent)
            else:
                if call.operation is chain.layers[0]:
                    begun[id(chain)] = values[id(call.input_tensors[0])]
                if call.operation is not chain.layers[-1]:
                    continue
                results = [self._composed(chain, begun[id(chain)], behind[0], parent)]
            for tensor, x in zip(call.output_tensors, results, strict=True):
                values[id(tensor)] = x
                if not parent and self._behind(call.operation, behind[0]) is None:
                    self.seen.append((str(call.operation.name), tensor, x))
        return [values[id(tensor)] for tensor in model.outputs]

    def layer(self, layer: Any, given: list[Traced], behind: list[list[Any]], parent: str) -> list[Traced]:
        """The values that a layer gives to those `behind` it."""
        kind, name = type(layer).__name__, f"{parent}_{layer.name}" if parent else str(layer.name)
        if id(layer) in self.used:
            message = f"layer {name!r}: it is used twice; give each use a layer of its own"
            raise UnsupportedLayerError(message)
        self.used.add(id(layer))
        if parent:
            self.b.precision.parents[name] = parent
        if hasattr(layer, "_nodes_by_depth") or getattr(layer, "_functional", None) is not None:
            return self.model(_functional(layer), given, name)
        convert = CONVERTERS.get(kind)
        if not _is_layer(layer):
            message = f"operation {name!r} ({kind}) of keras.ops is not supported; use a layer, such as Add"
            raise UnsupportedLayerError(message)
        if convert is None:
            known = UnknownNameError.among("layer", kind, CONVERTERS)
            message = f"layer {name!r}: {known}; rebuild the model with those"
            raise UnsupportedLayerError(message)
        normalization = self._behind(layer, behind[0])
        fold = None if normalization is None else batch_normalization(normalization)
        if kind == "BatchNormalization" and id(layer) in self.folded:
            return [replace(x, pending=name) for x in given]
        if normalization is not None:
            self.folded.add(id(normalization))
        results = convert(LayerCall(self.b, layer, name, fold), *given)
        results = results if isinstance(results, list) else [results]
        return [self._ended(x, name, readers) for x, readers in zip(results, behind, strict=True)]

    def _composed(self, chain: LinearChain, x: Traced, readers: list[Any], parent: str) -> Traced:
        """What the layers of a chain give, under the name of the last."""
        names = [f"{parent}_{layer.name}" if parent else str(layer.name) for layer in chain.layers]
        if parent:
            self.b.precision.parents.update(dict.fromkeys(names, parent))
        self.used |= {id(layer) for layer in chain.layers}
        return self._ended(chain.convert(self.b, x, names[-1]), names[-1], readers)

    def _ended(self, x: Traced, name: str, readers: list[Any]) -> Traced:
        """`x` in its result type, unless its only reader takes the full sum."""
        passes = len(readers) == 1 and type(readers[0]).__name__ in _PASSING
        stated = {name, f"{name}.result"} & set(self.b.precision.types)
        if x.pending and passes and not stated:
            return x
        return self.b.close(self.b.settle(x), name)

    def _behind(self, layer: Any, readers: list[Any]) -> Any | None:
        """The batch normalisation that is folded into a layer."""
        if len(readers) != 1 or type(readers[0]).__name__ != "BatchNormalization":
            return None
        linear = function_name(getattr(layer, "activation", None)) == "linear"
        last = readers[0].axis in (-1, len(readers[0].input.shape) - 1)
        stated = {str(layer.name), f"{layer.name}.result"} & set(self.b.precision.types)
        folds = type(layer).__name__ in _FOLDING and linear and last and not stated
        return readers[0] if folds else None


def _calls(model: Any) -> Iterator[Any]:
    """The calls of layers, in an order in which they can be computed."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for call in model._nodes_by_depth[depth]:
            if type(call.operation).__name__ != "InputLayer":
                yield call


def _is_layer(layer: Any) -> bool:
    """A layer, and not an operation of ``keras.ops`` of the same name."""
    return hasattr(layer, "get_weights")


def _check(
    model: Any, inputs: list[NDArray[np.float32]], outputs: list[Traced], seen: list[tuple[str, Any, Traced]]
) -> None:
    """Raise a VerificationError if the values traced are not those of Keras, naming the first layer."""
    given = evaluate(model, inputs)
    if all(_difference(x.real, y) <= TOLERANCE for x, y in zip(outputs, given, strict=True)):
        return
    import keras

    inside = keras.Model(model.inputs, [tensor for _, tensor, _ in seen])
    for (name, _, x), keras_value in zip(seen, evaluate(inside, inputs), strict=True):
        if _difference(x.real, keras_value) <= TOLERANCE:
            continue
        event, *element = np.unravel_index(np.argmax(np.abs(x.real - keras_value)), keras_value.shape)
        where = (event, *element)
        message = (
            f"layer {name!r} is not what Keras computes, so the graph would be wrong: at event {int(event)}, "
            f"element {[int(n) for n in element]}, Keras gives {keras_value[where]:.7g}, "
            f"here it is {x.real[where]:.7g}; report this layer with its settings"
        )
        raise VerificationError(message)
    message = "an output of the model is not what Keras computes, though each layer is; report this model"
    raise VerificationError(message)


def _difference(ours: Reals, theirs: Reals) -> float:
    if ours.shape != theirs.shape:
        return np.inf
    size = float(np.abs(theirs).max(initial=0.0))
    return float(np.abs(ours - theirs).max(initial=0.0)) / max(size, 1e-30) if size or ours.any() else 0.0
