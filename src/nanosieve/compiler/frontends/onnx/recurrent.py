"""LSTM, GRU and RNN of an ONNX file, unrolled, in a model that is quantised after training.

Every step has the same kernels, types and tables, as in the recurrent layers of Keras; the roles for the
precision are the same too: ``kernel``, ``recurrent_kernel``, ``bias``, ``gates``, ``candidate``, ``cell``,
``result``. The equations are those of the standard (https://onnx.ai/onnx/operators/onnx__LSTM.html and its
siblings).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder, Function, Reals, Traced
from nanosieve.compiler.frontends.onnx.conversion import Conversion
from nanosieve.compiler.frontends.onnx.functions import FUNCTIONS
from nanosieve.compiler.frontends.onnx.values import Value

__all__ = ["RECURRENT"]

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DEFAULTS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
LONGEST = 1024
"""Steps that are unrolled at most."""


@dataclass(frozen=True)
class _Cell:
    """One direction: kernels (inputs, gates * units), biases of both, and functions, None for ReLU."""

    b: CalibratedBuilder
    name: str
    units: int
    kernel: Reals
    recurrent: Reals
    bias: tuple[Reals, Reals]
    functions: tuple[Function | None, ...]
    after: bool

    def product(self, x: Traced, kernel: Reals, bias: Reals | None, role: str) -> Traced:
        total = self.b.dense(x, kernel, layer=self.name, role=role)
        return self.b.offset(total, bias, layer=self.name, role=role.replace("kernel", "bias"))

    def part(self, x: Traced, *numbers: int) -> Traced:
        """The gates of those numbers out of gates side by side."""
        places = np.concatenate([np.arange(n * self.units, (n + 1) * self.units) for n in numbers])
        return self.b.gather(x, lambda index: index[places], layer=self.name, part="part")

    def sum(self, x: Traced, y: Traced) -> Traced:
        return self.b.add(x, y, layer=self.name)

    def times(self, x: Traced, y: Traced) -> Traced:
        return self.b.multiply(x, y, layer=self.name)

    def function(self, x: Traced, number: int, role: str) -> Traced:
        function = self.functions[number]
        if function is None:
            return self.b.settle(self.b.relu(x, layer=self.name), role)
        return self.b.function(x, function, layer=self.name, role=role)

    def together(self, x: Traced, hidden: Traced) -> Traced:
        """The sums of all gates."""
        here = self.product(x, self.kernel, self.bias[0] + self.bias[1], "kernel")
        return self.sum(here, self.product(hidden, self.recurrent, None, "recurrent_kernel"))


def _lstm(cell: _Cell, x: Traced, states: list[Traced]) -> list[Traced]:
    hidden, carry = states
    total = cell.together(x, hidden)
    gates = cell.function(cell.part(total, 0, 1, 2), 0, "gates")
    candidate = cell.function(cell.part(total, 3), 1, "candidate")
    entered, put_out, kept = (cell.part(gates, n) for n in range(3))
    carry = cell.b.settle(cell.sum(cell.times(kept, carry), cell.times(entered, candidate)), "cell")
    return [cell.b.settle(cell.times(put_out, cell.function(carry, 2, "cell_output"))), carry]


def _gru(cell: _Cell, x: Traced, states: list[Traced]) -> list[Traced]:
    (hidden,) = states
    columns = slice(None) if cell.after else slice(0, 2 * cell.units)
    last = slice(2 * cell.units, None)
    recurrent_bias = cell.bias[1].copy()
    recurrent_bias[: 2 * cell.units] = 0  # these are added with the recurrent kernel
    own = cell.bias[0] if cell.after else cell.bias[0] + recurrent_bias
    here = cell.product(x, cell.kernel, own, "kernel")
    before = cell.product(hidden, cell.recurrent[:, columns], cell.bias[1][columns], "recurrent_kernel")
    gates = cell.function(cell.sum(cell.part(here, 0, 1), cell.part(before, 0, 1)), 0, "gates")
    update, reset = cell.part(gates, 0), cell.part(gates, 1)
    if cell.after:
        recurrent = cell.times(reset, cell.b.settle(cell.part(before, 2), "recurrent"))
    else:
        kept = cell.b.settle(cell.times(reset, hidden), "recurrent")
        recurrent = cell.product(kept, cell.recurrent[:, last], None, "candidate_recurrent_kernel")
    candidate = cell.function(cell.sum(cell.part(here, 2), recurrent), 1, "candidate")
    # (1 - update) * candidate + update * hidden, with one product
    difference = cell.b.settle(cell.b.subtract(hidden, candidate, layer=cell.name), "difference")
    return [cell.b.settle(cell.sum(candidate, cell.times(update, difference)))]


def _rnn(cell: _Cell, x: Traced, states: list[Traced]) -> list[Traced]:
    return [cell.function(cell.together(x, states[0]), 0, "result")]


STEPS: dict[str, Callable[[_Cell, Traced, list[Traced]], list[Traced]]] = {
    "LSTM": _lstm,
    "GRU": _gru,
    "RNN": _rnn,
}


def _checked(c: Conversion) -> CalibratedBuilder:
    """The builder, if nothing is asked for that is not built here."""
    attributes = c.node.attributes
    if c.calibrated is None:
        c.refuse("a recurrent layer without types of its own", "give calibrate and precision")
    if attributes.get("clip") or attributes.get("input_forget") or attributes.get("layout"):
        c.refuse("clip, input_forget or layout", "export without them")
    for place, what in ((4, "sequence_lens"), (7, "peepholes")):
        known = c.known(place, what)
        if known is not None and (place == 4 or np.any(known)):
            c.refuse(what, "export without them: a trigger has events of one length")
    return c.calibrated


def _functions(c: Conversion, directions: int) -> list[tuple[Function | None, ...]]:
    names = list(c.node.attributes.get("activations") or [*DEFAULTS[c.node.op]] * directions)
    known = {name.lower(): made for name, made in FUNCTIONS.items()}
    if len(names) != len(DEFAULTS[c.node.op]) * directions or any(n.lower() not in known for n in names):
        c.refuse(f"the activations {names}", f"use {', '.join(DEFAULTS[c.node.op])} for each direction")
    if c.node.attributes.get("activation_alpha") or c.node.attributes.get("activation_beta"):
        c.refuse("parameters of its activations", "use functions without parameters")
    made = [None if name.lower() == "relu" else known[name.lower()]({})[0] for name in names]
    size = len(DEFAULTS[c.node.op])
    return [tuple(made[n * size : (n + 1) * size]) for n in range(directions)]


def _cells(c: Conversion, b: CalibratedBuilder) -> list[_Cell]:
    """The directions of the layer."""
    count = GATES[c.node.op]
    kernel, recurrent, bias = (c.known(n, "weights") for n in (1, 2, 3))
    if kernel is None or recurrent is None or recurrent.ndim != 3 or kernel.ndim != 3:
        c.refuse("weights that are missing", "export the model again")
    directions, rows, units = recurrent.shape
    zeros = np.zeros((directions, 2 * rows))
    both = zeros if bias is None else np.asarray(bias, dtype=np.float64)
    if rows != count * units or kernel.shape[:2] != (directions, rows) or both.shape != zeros.shape:
        c.refuse(f"weights of shape {kernel.shape} and {recurrent.shape}", "export the model again")
    after = bool(c.node.attributes.get("linear_before_reset", 0))
    functions = _functions(c, directions)
    return [
        _Cell(
            b, c.nodes.name, units,
            np.asarray(kernel[n].T, dtype=np.float64), np.asarray(recurrent[n].T, dtype=np.float64),
            (both[n, :rows], both[n, rows:]), functions[n], after,
        )
        for n in range(directions)
    ]  # fmt: skip


def _states(c: Conversion, cell: _Cell, direction: int) -> list[Traced]:
    """What the layer starts from: constants, zero if they are left out."""
    found = []
    for number, place in enumerate((5, 6) if c.node.op == "LSTM" else (5,)):
        given = c.known(place, "a state")
        values = (
            np.zeros(cell.units) if given is None else np.asarray(given, dtype=np.float64)[direction].ravel()
        )
        if values.shape != (cell.units,):
            c.refuse("a state that does not fit", "export the model for one event")
        role = "start" if number == 0 else "start_cell"
        if values.any():
            found.append(cell.b.constant(values, layer=cell.name, role=role))
        else:  # zero in any step
            zero = cell.b.nodes(cell.name).codes(np.zeros(cell.units, dtype=np.int64), 0, role)
            found.append(Traced(zero, np.zeros((1, cell.units))))
    return found


def _recurrent(c: Conversion) -> list[Value]:
    b = _checked(c)
    value = c.value()
    if len(value.shape) != 3 or value.shape[1] != 1 or value.shape[0] > LONGEST:
        c.refuse(f"an input of shape {value.shape}", f"give (steps, 1, inputs) with at most {LONGEST} steps")
    cells = _cells(c, b)
    if value.shape[2] != cells[0].kernel.shape[0]:
        c.refuse(f"{cells[0].kernel.shape[0]} weights for {value.shape[2]} inputs", "export the model again")
    direction = str(c.node.attributes.get("direction", "forward"))
    orders = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}.get(direction, ())
    if len(orders) != len(cells):
        c.refuse(f"direction {direction!r} with weights of {len(cells)}", "export the model again")
    value = c.whole()
    x = c.traced(replace(value, node=c.nodes.arranged(value, (0, 2)), layout=(0, 2)))
    done = [
        _unrolled(c, cell, x, number, backwards)
        for number, (cell, backwards) in enumerate(zip(cells, orders, strict=True))
    ]
    name, steps, units, count = c.nodes.name, value.shape[0], cells[0].units, len(cells)

    def stacked(values: list[Traced]) -> Traced:
        rows = [b.reshape(v, (1, *v.shape), layer=name) for v in values]
        return b.concatenate(rows, axis=0, layer=name)

    every = [b.reshape(stacked([states[0] for states in d]), (steps, 1, units), layer=name) for d in done]
    whole = b.concatenate(every, axis=1, layer=name)
    results = [Value(whole.node, (steps, count, 1, units), (0, 1, 3))]
    for number in range(2 if c.node.op == "LSTM" else 1):
        ends = stacked([d[0 if backwards else -1][number] for d, backwards in zip(done, orders, strict=True)])
        results.append(Value(ends.node, (count, 1, units), (0, 2)))
    return results


def _unrolled(c: Conversion, cell: _Cell, x: Traced, direction: int, backwards: bool) -> list[list[Traced]]:
    """The states after each step, in the order of the input."""
    b, digits = cell.b, len(str(x.shape[0] - 1))
    places = list(range(x.shape[0]))[:: -1 if backwards else 1]

    def steps() -> dict[int, list[Traced]]:
        states, found = _states(c, cell, direction), {}
        for time, place in enumerate(places):
            with b.step(f"{'b' if backwards else 't'}{time:0{digits}d}"):
                here = b.gather(x, itemgetter(place), layer=cell.name, part="input")
                states = found[place] = STEPS[c.node.op](cell, here, states)
        return found

    found = b.in_steps(steps)
    return [found[place] for place in sorted(found)]


RECURRENT: dict[str, Callable[[Conversion], list[Value]]] = dict.fromkeys(GATES, _recurrent)
"""Op → converter."""
