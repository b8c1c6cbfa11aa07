"""Recurrent layers, unrolled: one set of nodes for each time step, the same kernels in all of them."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from nanosieve.compiler.frontends.hgq.converters.base import Converter, LayerBuilder, Value
from nanosieve.compiler.frontends.hgq.converters.functions import activated
from nanosieve.compiler.frontends.quantizers import dyadic
from nanosieve.compiler.graph import Add, Dense, Multiply, Subtract

__all__ = ["CONVERTERS"]

Step = Callable[[LayerBuilder, str, str], str]
"""(nodes of the step, input, state) → new state."""


def _kernel(b: LayerBuilder, values: Any, what: str) -> Dense:
    return Dense(*dyadic(np.asarray(values), f"layer {b.name!r}: {what}"))


def _function(b: LayerBuilder, node: str, function: Any, step: str) -> str:
    """The activation `function`, as if a layer had it."""
    return activated(b.of(_Activation(function), step), node)


class _Activation:
    def __init__(self, activation: Any) -> None:
        self.activation = activation


def _unrolled(step_of: Callable[[LayerBuilder, Any], Step]) -> Converter:
    """The converter of a layer whose cell computes one step."""

    def convert(b: LayerBuilder, x: str, *states: str) -> str | tuple[str, ...]:
        layer, cell = b.layer, b.layer.cell
        if layer.stateful:
            b.refuse("stateful=True", "every event starts anew; give the state as an input")
        if isinstance(b.arguments.get("mask"), Value):
            b.refuse("a mask", "pad the sequence with zeros and leave the mask out")
        step = step_of(b, cell)
        steps = b.shape(x)[0]
        state = states[0] if states else b.constant(np.zeros(cell.units), "start")
        outputs = []
        for n, t in enumerate(range(steps)[::-1] if layer.go_backwards else range(steps)):
            here = b.within(f"t{n:02d}")
            row = here.rewired(x, itemgetter(t), "input")
            state = step(here, row, state)
            outputs.append(state)
        result = state
        if layer.return_sequences:
            flat = b.joined(outputs, 0, "sequence")
            result = b.reshaped(flat, (steps, cell.units), "states")
        return (result, state) if layer.return_state else result

    return convert


def _simple_rnn(b: LayerBuilder, cell: Any) -> Step:
    kernel = _kernel(b, cell.qkernel, "kernel")
    recurrent = _kernel(b, cell.qrecurrent_kernel, "recurrent kernel")
    bias = np.asarray(cell.qbias) if cell.use_bias else None

    def step(t: LayerBuilder, x: str, state: str) -> str:
        state = t.quantized(state, cell.sq if cell.enable_sq else None, "state")
        given = t.with_bias(t.add(kernel, t.quantized(x, cell.iq, "quantized"), part="product"), bias)
        kept = t.add(recurrent, state, part="recurrent")
        total = t.quantized(t.add(Add(), given, kept, part="total"), cell.paq, "bounded")
        return _function(t, total, cell.activation, "activation")

    return step


def _gru(b: LayerBuilder, cell: Any) -> Step:
    units = cell.units
    kernel = _kernel(b, cell.qkernel, "kernel")
    recurrent = np.asarray(cell.qrecurrent_kernel)
    bias = np.asarray(cell.qbias).reshape(-1, 3 * units) if cell.use_bias else np.zeros((2, 3 * units))
    split = 3 * units if cell.reset_after else 2 * units
    gates = _kernel(b, recurrent[:, :split], "recurrent kernel")
    candidate = None if cell.reset_after else _kernel(b, recurrent[:, split:], "recurrent kernel")

    def step(t: LayerBuilder, x: str, state: str) -> str:
        state = t.quantized(state, cell.sq, "state")
        x = t.quantized(x, cell.iq if cell.enable_iq else None, "quantized")
        given = t.with_bias(t.add(kernel, x, part="product"), bias[0])
        kept = t.add(gates, state, part="recurrent")
        if cell.reset_after:
            kept = t.within("recurrent").with_bias(kept, bias[1])
        x_zr = t.rewired(given, lambda i: i[: 2 * units], "input_gates")
        h_zr = t.rewired(kept, lambda i: i[: 2 * units], "state_gates")
        zr = _function(
            t, t.add(Add(), x_zr, h_zr, part="gates"), cell.recurrent_activation, "gates_activation"
        )
        zr = t.quantized(zr, cell.praq, "gates_bounded")
        z = t.rewired(zr, lambda i: i[:units], "update")
        r = t.rewired(zr, lambda i: i[units:], "reset")
        if candidate is None:
            kept = t.rewired(kept, lambda i: i[2 * units :], "state_candidate")
            kept = t.add(Multiply(), r, t.quantized(kept, cell.rhq, "hidden"), part="reset_state")
        else:
            kept = t.quantized(t.add(Multiply(), r, state, part="reset_state"), cell.rhq, "hidden")
            kept = t.add(candidate, kept, part="state_candidate")
        x_h = t.rewired(given, lambda i: i[2 * units :], "input_candidate")
        h = _function(t, t.add(Add(), x_h, kept, part="candidate"), cell.activation, "candidate_activation")
        h = t.quantized(h, cell.paq, "candidate_bounded")
        old = t.add(Multiply(), z, state, part="kept")
        one = t.constant(np.array(1.0), "one", (units,))
        rest = t.add(Subtract(), one, z, part="rest")
        return t.add(Add(), old, t.add(Multiply(), rest, h, part="taken"), part="mixed")

    return step


def _bidirectional(b: LayerBuilder, x: str, *states: str) -> str | tuple[str, ...]:
    layer = b.layer
    if states or layer.return_state:
        b.refuse("states given or returned", "use two layers, one with go_backwards=True")
    there, back = (
        _inner(b, inner, x, step)
        for step, inner in (("forward", layer.forward_layer), ("backward", layer.backward_layer))
    )
    if layer.return_sequences:
        back = b.rewired(back, lambda i: i[::-1], "turned")
    if layer.merge_mode is None:
        return there, back
    if layer.merge_mode == "concat":
        return b.joined([there, back], -1, "joined")
    if layer.merge_mode == "mul":
        return b.add(Multiply(), there, back, part="merged")
    total = b.add(Add(), there, back, part="merged")
    return total if layer.merge_mode == "sum" else b.shifted(total, -1, "average")


def _inner(b: LayerBuilder, layer: Any, x: str, step: str) -> str:
    convert = _LAYERS.get(type(layer).__name__)
    if convert is None:
        b.refuse(f"a {type(layer).__name__} inside", f"use one of {', '.join(_LAYERS)}")
    return str(convert(b.of(layer, step), x))


_LAYERS: dict[str, Converter] = {"QGRU": _unrolled(_gru), "QSimpleRNN": _unrolled(_simple_rnn)}
CONVERTERS: dict[str, Converter] = {**_LAYERS, "Bidirectional": _bidirectional}
