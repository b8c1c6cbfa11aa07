"""What each op costs before anything is built: LUTs by kind, DSPs, and the steps of its longest path."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nanosieve.compiler.graph import (
    Add,
    ArgMax,
    Dense,
    Einsum,
    GreaterEqual,
    Integers,
    LeakyRelu,
    Lookup,
    Max,
    Min,
    Multiply,
    Nonzero,
    Op,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    Select,
    Sort,
    Subtract,
    Sum,
    TensorType,
)
from nanosieve.compiler.hardware.order import comparators
from nanosieve.compiler.hardware.timing import DSP_RESULT_BITS, DelayModel

CHAIN = 4
"""Products in a chain of DSP slices."""

__all__ = ["KINDS", "Adders", "Work", "digits", "work_of"]

KINDS = ("add", "sum", "compare", "choose", "round", "saturate", "table", "product")
"""Kinds of LUTs beside those of adder graphs, each with a fitted factor."""


@dataclass(frozen=True)
class Adders:
    """Adder graphs of one shape.

    Attributes:
        rows: how many there are.
        adders: of one of them, if none is shared: non-zero digits less one, summed over the outputs.
        outputs: outputs of one that are sums.
        inputs: inputs of one that are read.
        in_width, out_width: mean bits of the inputs, each as often as it is read, and of the outputs.
    """

    rows: float
    adders: float
    outputs: float
    inputs: float
    in_width: float
    out_width: float


@dataclass(frozen=True)
class Work:
    """An op as hardware.

    Attributes:
        luts: kind → LUTs before the fitted factor.
        dsp: DSP blocks.
        steps: operations behind each other on the longest path.
        delay: of each of them, ns.
        adders: the adder graphs of a dense product.
    """

    luts: Mapping[str, float] = field(default_factory=dict)
    dsp: float = 0.0
    steps: int = 0
    delay: float = 0.0
    adders: Adders | None = None

    @property
    def wiring(self) -> bool:
        """Whether nothing is built."""
        return not (self.luts or self.dsp or self.steps)


def digits(codes: Integers) -> Integers:
    """Non-zero digits of each code in canonical signed-digit form.

    >>> digits(np.array([0, 4, 7, -11, 21])).tolist()
    [0, 1, 2, 3, 3]
    """
    size = np.abs(codes)
    count: Integers = np.bitwise_count(size ^ (3 * size)).astype(np.int64)
    return count


def work_of(
    op: Op,
    given: Sequence[TensorType],
    out: TensorType,
    model: DelayModel,
    *,
    bias: bool = False,
    dsp: bool = True,
    summed: int = 1,
) -> Work:
    """The cost of `op`.

    Args:
        op: any op.
        given: types of its operands.
        out: type of its result.
        model: delays.
        bias: for `Dense`, whether a constant is added to each output.
        dsp: whether products may use DSP slices.
        summed: for `Multiply`, how many neighbouring products a `Sum` adds.
    """
    if isinstance(op, Multiply | Einsum):
        return _product(op, given, model, dsp, summed)
    rule = _RULES.get(type(op))
    return rule(op, given, out, model, bias) if rule is not None else Work()


def _varies(type: TensorType) -> Integers:
    """Bits of each element, 0 where it is constant."""
    return np.where(type.low == type.high, 0, type.width)


def _magnitude(type: TensorType) -> Integers:
    """Bits of each element beside its sign, 0 where it is constant."""
    return np.where(type.low == type.high, 0, type.width - type.signed)


def _adder(model: DelayModel, width: float) -> float:
    return model.add + model.add_bit * width


def _levels(count: float) -> int:
    return math.ceil(math.log2(count)) if count > 1 else 0


def _dense(op: Dense, given: Sequence[TensorType], out: TensorType, model: DelayModel, bias: bool) -> Work:
    shape = op.rows(given[0].shape)
    width = _varies(given[0]).reshape(shape).astype(float)
    weights = digits(op.blocks).astype(float)  # products in floating point are those of BLAS
    live = (width > 0).astype(float)
    terms = live @ weights + bias
    summed = terms > max(1, int(bias))
    if not summed.any():
        return Work()
    busy = summed.any(axis=2)
    rows = float(busy.sum())
    adders = (terms[summed] - 1).sum() / rows
    reads = weights.sum(axis=2)[:, :, np.newaxis]
    in_width = float((width @ reads).sum() / (live @ reads).sum())
    out_width = float(_varies(out).reshape(terms.shape)[summed].mean())
    graph = Adders(
        rows, float(adders), float(summed.sum()) / rows, float(live[busy].sum()) / rows, in_width, out_width
    )
    delay = _adder(model, (in_width + out_width) / 2)
    most = float(terms.max())
    # sharing lengthens the paths of large sums: half an adder on the mean of random layers
    steps = math.ceil(math.log2(most) + 0.4) if most > 8 else _levels(most)
    return Work(steps=steps, delay=delay, adders=graph)


def _sum(op: Any, given: Sequence[TensorType], out: TensorType, model: DelayModel, bias: bool) -> Work:
    """Element by element."""
    a, b = (_varies(type) for type in given)
    both = (a > 0) & (b > 0)
    shift = np.where(both, np.abs(given[0].exponent - given[1].exponent), 0)
    luts = np.where(both | (np.maximum(a, b) > 0), np.maximum(_varies(out) - shift, 0), 0)
    busy = luts[(given[0].low != 0) | (given[0].high != 0)] if isinstance(op, Add) else luts
    return Work({"add": float(busy.sum())}, steps=1, delay=_adder(model, float(out.width.max(initial=0))))


def _tree(op: Any, given: Sequence[TensorType], out: TensorType, model: DelayModel, bias: bool) -> Work:
    """Sum along the last axis."""
    width = _varies(given[0]).reshape(-1, given[0].shape[-1])
    count = (width > 0).sum(axis=1)
    mean = (width.sum(axis=1) / np.maximum(count, 1) + _varies(out).ravel()) / 2
    adders = np.maximum(count - 1, 0)
    steps = _levels(float(count.max(initial=0)))
    return Work(
        {"sum": float((adders * mean).sum())}, steps=steps, delay=_adder(model, float(mean.max(initial=0)))
    )


def _order(op: Any, given: Sequence[TensorType], out: TensorType, model: DelayModel, bias: bool) -> Work:
    """Comparators of the last axis."""
    length = given[0].shape[-1]
    rows = max(given[0].size // length, 1)
    width = float(_varies(given[0]).mean())
    if isinstance(op, Sort):
        pairs, choices = sum(1 for _ in comparators(length)), 2.0
        steps = _levels(length) * (_levels(length) + 1) // 2
    else:
        pairs, choices, steps = length - 1, 1.0, _levels(length)
    index = _levels(length) / 2 if isinstance(op, ArgMax) else 0.0
    luts = {"compare": rows * pairs * width / 2, "choose": rows * pairs * (choices * width + index)}
    return Work(luts, steps=steps, delay=_adder(model, width) + model.lut)


def _at_least(op: Any, given: Sequence[TensorType], out: TensorType, model: DelayModel, bias: bool) -> Work:
    a, b = _varies(given[0]), _varies(given[1])
    width = np.maximum(a, b)
    fixed = np.minimum(a, b) == 0
    luts = np.where(fixed & (width > 0), np.maximum(1, width / 5), width / 2)
    return Work({"compare": float(luts.sum())}, steps=1, delay=_adder(model, float(width.max(initial=0))))


def _choose(op: Any, given: Sequence[TensorType], out: TensorType, model: DelayModel, bias: bool) -> Work:
    """One level of logic that picks a bit of one or of the other."""
    signed = given[0].low < 0 if isinstance(op, Relu) else np.ones(out.shape, bool)
    luts = float(np.where(signed, _varies(out), 0).sum())
    return Work({"choose": luts}, steps=1, delay=model.lut) if luts else Work()


def _nonzero(op: Any, given: Sequence[TensorType], out: TensorType, model: DelayModel, bias: bool) -> Work:
    width = _varies(given[0])
    luts = float(np.where(width > 0, np.maximum(1, width / 5), 0).sum())
    return Work({"compare": luts}, steps=1, delay=2 * model.lut)


def _leaky(
    op: LeakyRelu, given: Sequence[TensorType], out: TensorType, model: DelayModel, bias: bool
) -> Work:
    width = float(_varies(out).sum())
    more = int(digits(np.array([op.code]))[0]) - 1
    luts = {"add": more * float(_varies(given[0]).sum() + 2 * out.size), "choose": width}
    return Work(luts, steps=_levels(more + 1) + 1, delay=_adder(model, float(out.width.max(initial=0))))


def _quantize(
    op: Quantize, given: Sequence[TensorType], out: TensorType, model: DelayModel, bias: bool
) -> Work:
    (x,) = given
    drop = op.target.exponent - x.exponent
    low, high = op.round(x.low, x.exponent), op.round(x.high, x.exponent)
    varies = x.low != x.high
    rounds = varies & (drop > 0) & (op.rounding is not Rounding.TRN)
    clips = varies & ((low < op.target.low) | (high > op.target.high)) & (op.overflow is Overflow.SAT)
    width = TensorType(low, high, x.exponent).width
    # a value that is not clipped is rounded only as far as it is read
    luts = {
        "round": float(np.where(rounds, np.where(clips, width, out.width), 0).sum()),
        "saturate": float(np.where(clips, out.width + np.maximum(1, (width - out.width) / 5), 0).sum()),
    }
    if not any(luts.values()):
        return Work()
    adder = _adder(model, float(width.max(initial=0))) if luts["round"] else 0.0
    return Work(luts, steps=1, delay=adder + (2 * model.lut if luts["saturate"] else 0.0))


def _lookup(op: Lookup, given: Sequence[TensorType], out: TensorType, model: DelayModel, bias: bool) -> Work:
    rows = len(op.tables)
    bits = _varies(given[0]).reshape(-1, rows)
    columns = _columns(op, given[0])
    luts = float((columns * np.maximum(1.0, 2.0 ** (bits - 6))).sum())
    if not luts:
        return Work()
    return Work({"table": luts}, steps=1, delay=model.table(int(bits.max(initial=0))))


def _columns(op: Lookup, given: TensorType) -> Integers:
    """Output bits of each row of tables that are no constant, no bit of the input and no copy of another."""
    rows, entries = op.tables.shape
    low, high = given.low.reshape(-1, rows).min(axis=0), given.high.reshape(-1, rows).max(axis=0)
    codes = np.clip(op.first[:, np.newaxis] + np.arange(entries), low[:, np.newaxis], high[:, np.newaxis])
    read = np.take_along_axis(op.tables, codes - op.first[:, np.newaxis], axis=1)
    count = np.zeros(rows, dtype=np.int64)
    wide = TensorType(read.min(axis=1), read.max(axis=1), op.exponent).width
    inputs = [_balanced(codes >> bit & 1) for bit in range(int(given.width.max(initial=0)))]
    known = inputs
    for bit in range(int(wide.max(initial=0))):
        column = _balanced(read >> bit & 1)
        fresh = (wide > bit) & column.any(axis=1)
        for other in known:
            fresh &= (column != other).any(axis=1)
        count += fresh
        known = [*known, column]
    return count


def _balanced(column: Integers) -> Integers:
    """A column of bits or its complement: that which begins with 0."""
    return column ^ column[:, :1]


def _product(
    op: Multiply | Einsum, given: Sequence[TensorType], model: DelayModel, dsp: bool, summed: int
) -> Work:
    """Products of two variables, and their sums: in DSP slices those of a chain add up for nothing."""
    if isinstance(op, Einsum):
        a, b, *sizes_of = (
            op.spread(of(type), n) for of in (_varies, _magnitude) for n, type in enumerate(given)
        )
        sizes = op.sizes(*given)
        summed = int(np.prod([sizes[i] for i in op.contracted], dtype=np.int64))
    else:
        a, b, *sizes_of = (of(type) for of in (_varies, _magnitude) for type in given)
    a, b, *sizes_of = np.broadcast_arrays(a, b, *sizes_of)
    live = (a > 0) & (b > 0)
    product = np.where(live, a + b, 0)
    bit = live & (np.minimum(a, b) == 1)
    blocks = live & ~bit & (product >= DSP_RESULT_BITS) & dsp
    few, many = np.minimum(*sizes_of), np.maximum(*sizes_of)
    slices = np.where(blocks, np.ceil(few / 17) * np.ceil(many / 26), 0).sum()
    small = live & ~bit & ~blocks
    chain = min(CHAIN, summed) if blocks.any() else 1
    chains = -(-summed // chain)
    width = product[live].mean() + 1 if live.any() else 0.0
    luts = {
        "product": float(np.where(small, np.minimum(a, b) * product / 2, 0).sum()),
        "choose": float(np.where(bit, np.maximum(a, b), 0).sum()),
        "sum": float(live.sum() * (chains - 1) / summed * width),
    }
    adder = _adder(model, float(product.max(initial=0)))
    narrow = float(np.minimum(a, b)[small].max(initial=0))
    first = model.block if slices else max(_levels(narrow), 1) * adder
    levels = _levels(chains)  # of the sum; each step takes the mean of the products and the adders behind it
    steps = chain + levels
    return Work(luts, float(slices), steps=steps, delay=(chain * first + levels * adder) / steps)


_RULES: Mapping[type[Op], Callable[..., Work]] = {
    Dense: _dense,
    Add: _sum,
    Subtract: _sum,
    Sum: _tree,
    Max: _order,
    Min: _order,
    ArgMax: _order,
    Sort: _order,
    GreaterEqual: _at_least,
    Relu: _choose,
    Select: _choose,
    Nonzero: _nonzero,
    LeakyRelu: _leaky,
    Quantize: _quantize,
    Lookup: _lookup,
}
