"""Recurrent Keras layers, unrolled: LSTM, GRU, SimpleRNN and Bidirectional.

Every step has the same kernels, types and tables, so that hardware may build one step and run it again. The
state has one type for all steps: the role ``result`` (the hidden state, which is the output) and ``cell`` of
an LSTM; further roles are ``kernel``, ``recurrent_kernel``, ``bias``, ``recurrent_bias``, ``gates``,
``candidate`` and their tables (``gates_table``). The equations are those of Keras 3.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.calibrated.activations import activated
from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder, Reals, Traced
from nanosieve.compiler.frontends.keras_float.call import LayerCall, array, function_name

__all__ = ["bidirectional", "recurrent"]

States = list[Traced]
Step = Callable[["_Cell", Traced, States], States]


class _Cell:
    """The weights of a cell, and the sums and functions of one of its steps."""

    def __init__(self, call: LayerCall, cell: Any) -> None:
        self.b: CalibratedBuilder = call.b
        self.name = call.name
        self.units = int(cell.units)
        self.kernel = array(cell.kernel)
        self.recurrent_kernel = array(cell.recurrent_kernel)
        self.bias: Reals = array(cell.bias) if cell.use_bias else np.zeros(self.kernel.shape[1])
        self.reset_after = bool(getattr(cell, "reset_after", False))
        self.activation = function_name(cell.activation)
        self.gate = function_name(getattr(cell, "recurrent_activation", None))

    def product(self, x: Traced, kernel: Reals, bias: Reals | None, role: str) -> Traced:
        total = self.b.dense(x, kernel, layer=self.name, role=role)
        return self.b.offset(total, bias, layer=self.name, role=role.replace("kernel", "bias"))

    def add(self, x: Traced, y: Traced) -> Traced:
        return self.b.add(x, y, layer=self.name)

    def times(self, x: Traced, y: Traced) -> Traced:
        return self.b.multiply(x, y, layer=self.name)

    def part(self, x: Traced, *numbers: int) -> Traced:
        """The gates of those numbers, in this order, out of gates side by side."""
        places = np.concatenate([np.arange(n * self.units, (n + 1) * self.units) for n in numbers])
        return self.b.gather(x, lambda index: index[places], layer=self.name, part="part")

    def function(self, x: Traced, name: str, role: str) -> Traced:
        return self.b.settle(activated(self.b, x, name, layer=self.name, role=role), role)


def _lstm(cell: _Cell, x: Traced, states: States) -> States:
    hidden, carry = states
    total = cell.add(
        cell.product(x, cell.kernel, cell.bias, "kernel"),
        cell.product(hidden, cell.recurrent_kernel, None, "recurrent_kernel"),
    )
    gates = cell.function(cell.part(total, 0, 1, 3), cell.gate, "gates")
    candidate = cell.function(cell.part(total, 2), cell.activation, "candidate")
    entered, kept, put_out = (cell.part(gates, n) for n in range(3))
    carry = cell.b.settle(cell.add(cell.times(kept, carry), cell.times(entered, candidate)), "cell")
    seen = cell.function(carry, cell.activation, "cell_output")
    return [cell.b.settle(cell.times(put_out, seen)), carry]


def _gru(cell: _Cell, x: Traced, states: States) -> States:
    (hidden,) = states
    whole, after = cell.recurrent_kernel, cell.reset_after
    biases = cell.bias.reshape(-1, 3 * cell.units) if after else np.stack([cell.bias, 0 * cell.bias])
    if len(biases) == 1:  # no bias
        biases = np.concatenate([biases, biases])
    here = cell.product(x, cell.kernel, biases[0], "kernel")
    columns = slice(None) if after else slice(0, 2 * cell.units)
    before = cell.product(hidden, whole[:, columns], biases[1, columns], "recurrent_kernel")
    gates = cell.function(cell.add(cell.part(here, 0, 1), cell.part(before, 0, 1)), cell.gate, "gates")
    update, reset = cell.part(gates, 0), cell.part(gates, 1)
    if after:
        recurrent = cell.times(reset, cell.b.settle(cell.part(before, 2), "recurrent"))
    else:
        kept = cell.b.settle(cell.times(reset, hidden), "recurrent")
        recurrent = cell.product(kept, whole[:, 2 * cell.units :], None, "candidate_recurrent_kernel")
    candidate = cell.function(cell.add(cell.part(here, 2), recurrent), cell.activation, "candidate")
    # update * hidden + (1 - update) * candidate, with one product
    difference = cell.b.subtract(hidden, candidate, layer=cell.name)
    moved = cell.times(update, cell.b.settle(difference, "difference"))
    return [cell.b.settle(cell.add(candidate, moved))]


def _simple(cell: _Cell, x: Traced, states: States) -> States:
    (hidden,) = states
    total = cell.add(
        cell.product(x, cell.kernel, cell.bias, "kernel"),
        cell.product(hidden, cell.recurrent_kernel, None, "recurrent_kernel"),
    )
    return [cell.function(total, cell.activation, "result")]


_STEPS: dict[str, tuple[Step, int]] = {
    "GRUCell": (_gru, 1),
    "LSTMCell": (_lstm, 2),
    "SimpleRNNCell": (_simple, 1),
}
"""Class of the cell → its step, and the number of its states."""


def recurrent(call: LayerCall, x: Traced, *given: Traced) -> list[Traced]:
    """LSTM, GRU, SimpleRNN, or RNN of one such cell: the output, then the states if they are returned.

    Raises:
        UnsupportedLayerError: another cell, or a layer that keeps its state between batches.
    """
    layer = call.layer
    kind = type(layer.cell).__name__
    if kind not in _STEPS:
        call.refuse(f"cell {kind!r}", f"use one of {', '.join(sorted(_STEPS))}")
    if layer.stateful:
        call.refuse("stateful=True", "a trigger starts each event anew; build the layer without it")
    cell, (step, count) = _Cell(call, layer.cell), _STEPS[kind]
    order = list(range(x.shape[0]))
    if layer.go_backwards:
        order.reverse()
    digits = len(str(len(order) - 1))

    def steps() -> list[States]:
        zero = call.b.constant(np.zeros(cell.units), layer=call.name, role="start") if not given else None
        states = list(given) if zero is None else [zero] * count
        done = []
        for time, place in enumerate(order):
            with call.b.step(f"t{time:0{digits}d}"):
                here = call.b.gather(x, itemgetter(place), layer=call.name, part="input")
                states = step(cell, here, states)
                done.append(states)
        return done

    done = call.b.in_steps(steps)
    output = call.stacked([states[0] for states in done]) if layer.return_sequences else done[-1][0]
    return [output, *(done[-1] if layer.return_state else [])]


def bidirectional(call: LayerCall, x: Traced) -> list[Traced]:
    """Both directions, merged; the precision knows them as ``NAME_forward``, ``NAME_backward`` or ``NAME``.

    Raises:
        UnsupportedLayerError: as `recurrent`.
    """
    layer, b, name = call.layer, call.b, call.name
    forward, *left = recurrent(call.inner(layer.forward_layer, f"{name}_forward"), x)
    backward, *right = recurrent(call.inner(layer.backward_layer, f"{name}_backward"), x)
    if layer.return_sequences:
        backward = b.gather(backward, lambda index: index[::-1], layer=name, part="turned")
    states = [*left, *right]
    merged = {
        "concat": lambda: b.concatenate([forward, backward], axis=-1, layer=name),
        "sum": lambda: b.add(forward, backward, layer=name),
        "ave": lambda: b.scaled(b.add(forward, backward, layer=name), np.array(0.5), layer=name),
        "mul": lambda: b.multiply(forward, backward, layer=name),
    }
    if layer.merge_mode is None:
        return [forward, backward, *states]
    return [merged[layer.merge_mode](), *states]
