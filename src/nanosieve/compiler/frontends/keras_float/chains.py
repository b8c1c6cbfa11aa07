"""Convolutions of a Keras model without an activation between them, found to be composed into one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve.compiler.frontends.calibrated.activations import activated
from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder, Traced
from nanosieve.compiler.frontends.calibrated.linear_chain import composed_convolution
from nanosieve.compiler.frontends.keras_float.call import array, function_name
from nanosieve.compiler.frontends.linear_convolutions import Convolution, composed, products_of
from nanosieve.compiler.frontends.windows import pad_amounts

__all__ = ["LinearChain", "linear_chains"]

_CLASSES = ("Conv1D", "Conv2D", "Conv3D")


@dataclass(frozen=True)
class LinearChain:
    """Layers that become one.

    Attributes:
        layers: of Keras, from the first to the last.
    """

    layers: tuple[Any, ...]

    def convolutions(self, shape: tuple[int, ...]) -> list[Convolution]:
        """What they compute, for an input of so many positions."""
        found: list[Convolution] = []
        for layer in self.layers:
            padding = pad_amounts(layer.padding, shape, layer.kernel_size, layer.strides, layer.dilation_rate)
            bias = array(layer.bias) if layer.use_bias else None
            found.append(Convolution(array(layer.kernel), bias, padding, tuple(layer.dilation_rate)))
            shape = found[-1].output(shape)
        return found

    def convert(self, b: CalibratedBuilder, x: Traced, name: str) -> Traced:
        """The result of the last layer, under its name."""
        chain = self.convolutions(x.shape[:-1])
        total = composed_convolution(b, x, chain, layer=name)
        return activated(b, total, function_name(self.layers[-1].activation), layer=name)


def linear_chains(
    calls: Sequence[Any], readers: Mapping[int, Sequence[Any]], stated: Collection[str]
) -> list[LinearChain]:
    """The chains that save multiplications.

    Args:
        calls: of layers, in an order in which they can be computed.
        readers: id of a tensor → the layers that read it.
        stated: names of layers with a type of their own, between which nothing is composed.
    """
    following = {}
    for call in calls:
        layer, behind = call.operation, readers.get(id(call.output_tensors[0]), [])
        alone = len(behind) == 1 and behind[0] is not None
        linear = _composes(layer) and function_name(layer.activation) == "linear"
        if linear and alone and _composes(behind[0]) and layer.name not in stated:
            following[id(layer)] = behind[0]
    inner = {id(layer) for layer in following.values()}
    chains: list[LinearChain] = []
    for call in calls:
        layers = [call.operation]
        while id(layers[-1]) in following:
            layers.append(following[id(layers[-1])])
        if len(layers) == 1 or id(layers[0]) in inner:
            continue
        chain = LinearChain(tuple(layers))
        shape = tuple(int(n) for n in call.input_tensors[0].shape[1:-1])
        convolutions = chain.convolutions(shape)
        if composed(convolutions, shape).products < products_of(convolutions, shape):
            chains.append(chain)
    return chains


def _composes(layer: Any) -> bool:
    """A convolution with unit strides and one group."""
    return (
        type(layer).__name__ in _CLASSES
        and layer.data_format == "channels_last"
        and set(layer.strides) == {1}
        and layer.groups == 1
    )
