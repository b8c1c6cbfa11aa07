"""LSTM and GRU layers as those of ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.networks.onnx_export.drawing import Drawing, Value
from nanosieve.networks.onnx_export.layers import array, refuse

__all__ = ["gru", "lstm"]


def lstm(drawing: Drawing, layer: Any, given: list[Value], shape: tuple[int, ...]) -> Value:
    """Gates i, f, c, o of Keras are i, o, f, c in ONNX, and there is a second bias, which is zero."""
    cell = layer.cell
    kernel, recurrent = (_gates(array(each), (0, 3, 1, 2)) for each in (cell.kernel, cell.recurrent_kernel))
    zeros = np.zeros(4 * layer.units, np.float32)
    bias = _gates(array(cell.bias), (0, 3, 1, 2)) if layer.use_bias else zeros
    both = np.concatenate([bias, zeros])
    return _recurrent(drawing, "LSTM", layer, given[0], shape, (kernel, recurrent, both))


def gru(drawing: Drawing, layer: Any, given: list[Value], shape: tuple[int, ...]) -> Value:
    """Gates z, r, h; with `reset_after` the reset gate acts behind the product with the state."""
    cell = layer.cell
    bias = np.zeros((2, 3 * layer.units), np.float32)
    if layer.use_bias:
        given_bias = array(cell.bias)
        bias[: len(given_bias) if given_bias.ndim > 1 else 1] = given_bias
    weights = array(cell.kernel), array(cell.recurrent_kernel), bias.reshape(-1)
    after = int(layer.reset_after)
    return _recurrent(drawing, "GRU", layer, given[0], shape, weights, linear_before_reset=after)


def _gates(values: NDArray[np.float32], order: tuple[int, ...]) -> NDArray[np.float32]:
    parts = np.split(values, len(order), axis=-1)
    return np.concatenate([parts[n] for n in order], axis=-1)


def _recurrent(
    drawing: Drawing,
    op: str,
    layer: Any,
    value: Value,
    shape: tuple[int, ...],
    weights: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    **options: Any,
) -> Value:
    functions = layer.activation.__name__, layer.recurrent_activation.__name__
    if functions != ("tanh", "sigmoid") or layer.go_backwards or layer.return_state or layer.stateful:
        raise refuse(layer, f"a {op} with other activations, backwards, or with its state outside")
    kernel, recurrent, bias = weights
    inputs = [
        drawing.node("Transpose", [value.name], perm=(1, 0, 2)),
        drawing.weight(kernel.T[np.newaxis]),
        drawing.weight(recurrent.T[np.newaxis]),
        drawing.weight(bias[np.newaxis]),
    ]
    if not layer.return_sequences:
        last = drawing.node(op, inputs, outputs=2, hidden_size=layer.units, **options)  # (1, events, units)
        return Value(drawing.node("Squeeze", [last, drawing.weight([0], kind=np.int64)]), shape)
    every = drawing.node(op, inputs, hidden_size=layer.units, **options)  # (steps, 1, events, units)
    steps = drawing.node("Squeeze", [every, drawing.weight([1], kind=np.int64)])
    return Value(drawing.node("Transpose", [steps], perm=(1, 0, 2)), shape)
