"""Products with a constant matrix as shared adders: the one door to alkaid's solver (arXiv:2507.04535)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from nanosieve._require import require
from nanosieve.compiler.graph import Integers
from nanosieve.compiler.hardware.netlist import Netlist, Value
from nanosieve.errors import ToolError, UnsupportedLayerError

__all__ = ["multiply_matrix"]

_INPUT, _ADD, _SUBTRACT, _NEGATE = -1, 0, 1, -2


def multiply_matrix(
    netlist: Netlist, inputs: list[Value], arrivals: list[float], kernel: Integers, extra_depth: int
) -> list[Value]:
    """Grow the adders of ``y_j = sum_i x_i kernel_ij``.

    Args:
        netlist: receives the adders.
        inputs: the factors, one for each row of `kernel`.
        arrivals: when each input is there, in adder delays; late inputs join late.
        kernel: integer weights, shape (inputs, outputs).
        extra_depth: adders that a path may have beyond the least possible; -1 for any number.
            More depth shares more adders.

    Returns:
        One value for each column.

    Raises:
        UnsupportedLayerError: a weight of more than 24 significant bits.
        MissingDependencyError: alkaid is not installed.
        ToolError: the solver's answer holds an operation that is none of its adders.
    """
    if np.any(kernel != kernel.astype(np.float32)):
        message = "a weight has more than 24 significant bits, which the adder graphs cannot hold"
        raise UnsupportedLayerError(message)
    ranges = [netlist.range(x.cell) for x in inputs]
    intervals = tuple(
        (float(low) * 2.0**x.exponent, float(high) * 2.0**x.exponent, 2.0**x.exponent)
        for x, (low, high) in zip(inputs, ranges, strict=True)
    )
    stages = _solve(
        kernel.astype(np.float32).tobytes(),
        kernel.shape,
        extra_depth,
        intervals,
        tuple(float(a) for a in arrivals),
    )
    values = inputs
    for stage in stages:
        values = _replay(netlist, values, stage)
    return values


@lru_cache(maxsize=256)
def _solve(
    kernel: bytes,
    shape: tuple[int, ...],
    extra_depth: int,
    intervals: tuple[tuple[float, float, float], ...],
    latencies: tuple[float, ...],
) -> tuple[Any, ...]:
    """alkaid's stages; kept, for a convolution asks for the same at every position."""
    cmvm = require("alkaid.cmvm", extra="hardware", purpose="the adder graph of a dense layer")
    matrix = np.frombuffer(kernel, dtype=np.float32).reshape(shape).copy()  # the solver wants it writable
    return tuple(
        cmvm.cmvm_solve(matrix, hard_dc=extra_depth, qintervals=list(intervals), latencies=list(latencies))
    )


def _replay(netlist: Netlist, inputs: list[Value], stage: object) -> list[Value]:
    """Copy one stage of the solution into the netlist."""
    values: list[Value] = []
    for op in stage.ops:  # type: ignore[attr-defined]
        if op.opcode == _INPUT:
            x = inputs[op.data[0]]
            values.append(Value(x.cell, x.exponent + int(stage.inp_shifts[op.data[0]])))  # type: ignore[attr-defined]
        elif op.opcode in (_ADD, _SUBTRACT):
            a, b = (values[n] for n in op.addr)
            values.append(_sum(netlist, a, Value(b.cell, b.exponent + op.data[0]), op.opcode == _SUBTRACT))
        elif op.opcode == _NEGATE:
            values.append(_negate(netlist, values[op.addr[0]]))
        else:
            message = f"alkaid's solver returned the operation {op.opcode}, which no adder graph holds"
            raise ToolError(message)
    outputs: list[Value] = []
    columns = zip(stage.out_idxs, stage.out_shifts, stage.out_negs, strict=True)  # type: ignore[attr-defined]
    for index, shift, negative in columns:
        if index < 0:
            outputs.append(Value(netlist.constant(0), 0))
            continue
        value = values[index]
        value = Value(value.cell, value.exponent + int(shift))
        outputs.append(_negate(netlist, value) if negative else value)
    return outputs


def _sum(netlist: Netlist, a: Value, b: Value, subtract: bool) -> Value:
    exponent = min(a.exponent, b.exponent)
    cell = netlist.add(
        a.cell, b.cell, shift_a=a.exponent - exponent, shift_b=b.exponent - exponent, subtract=subtract
    )
    return Value(cell, exponent)


def _negate(netlist: Netlist, a: Value) -> Value:
    return Value(netlist.add(netlist.constant(0), a.cell, subtract=True), a.exponent)
