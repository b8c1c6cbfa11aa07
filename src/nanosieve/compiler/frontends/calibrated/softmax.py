"""Softmax in fixed point, stable, with a proven bound.

``p_i = e_i / sum_j e_j`` with ``e_i = exp(x_i - max_j x_j)``: the largest is subtracted exactly, a table
gives the exponential, the sum is exact, a second table gives its reciprocal, and the two are multiplied.
The result differs from the softmax of the same input by less than

    s_d / 4 + n (s_e / 2 + exp(-R)) + s_s / 2 + s_r / 2

with n elements, the steps s_d of the difference, s_e of the exponential, s_s of the sum and s_r of the
reciprocal, and the range R of the first table. Proof, term by term:

1. Each difference is rounded by at most ``s_d / 2``, so the logit ``x_i - log sum_{j != i} exp(x_j)``
   moves by at most ``s_d``; p is the logistic function of its logit, whose slope is at most 1/4.
2. Each exponential then errs by at most ``eta = s_e / 2 + exp(-R)``, that of the largest element by nothing
   (its entry is 1). With errors ``h_i``, the quotient changes by ``(h_i - p_i sum h) / (S + sum h)``, at most
   ``eta + (n - 1) eta`` since the sum is at least 1.
3. Rounding the sum by at most ``s_s / 2`` changes ``e_i / S`` by at most ``(e_i / S) (s_s / 2) / S'``, and
   ``e_i <= S``, ``S' >= 1``.
4. The reciprocal errs by ``s_r / 2``, and ``e_i <= 1``.

The steps are chosen so that the bound is below a step of the result as long as the tables stay within their
depth; see `SoftmaxPlan.bound` for what it is otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.frontends.calibrated.tables import DEPTH, WIDEST
from nanosieve.compiler.frontends.calibrated.traced import Reals, Traced, TracedGraph
from nanosieve.compiler.graph import (
    Lookup,
    Max,
    Multiply,
    Overflow,
    Quantize,
    Rounding,
    Subtract,
    Sum,
    TensorType,
)
from nanosieve.errors import SettingsError

__all__ = ["SoftmaxPlan", "softmax_nodes", "softmax_plan"]


@dataclass(frozen=True)
class SoftmaxPlan:
    """Steps ``2**exponent`` of a softmax over `count` elements, and the range of its first table.

    Attributes:
        count: number of elements.
        difference, exponential, total, reciprocal: exponents of the steps.
        entries: of the table of the exponential, for 0, -1, … steps of the difference.
    """

    count: int
    difference: int
    exponential: int
    total: int
    reciprocal: int
    entries: int

    @property
    def bound(self) -> float:
        """The largest error before the result is rounded to its own type; see the module for the proof."""
        tail = math.exp(-(self.entries - 1) * 2.0**self.difference)
        each = 2.0 ** (self.exponential - 1) + tail
        return (
            2.0 ** (self.difference - 2) + self.count * each
            + 2.0 ** (self.total - 1) + 2.0 ** (self.reciprocal - 1)
        )  # fmt: skip


def softmax_plan(count: int, exponent: int, depth: int = DEPTH) -> SoftmaxPlan:
    """Tables whose bound is below ``2**exponent``, or the best with ``2**depth`` entries.

    >>> plan = softmax_plan(5, -8)
    >>> plan.entries, plan.bound < 2**-8
    (2486, True)
    """
    most = 1 << depth
    extra = math.ceil(math.log2(count))
    reach = (3 + extra - exponent) * math.log(2)  # count * exp(-reach) is an eighth of a step
    difference = max(exponent - 1, math.ceil(math.log2(reach / (most - 1))))
    total = max(exponent - 2, math.ceil(math.log2(max(count - 1, 1) / (most - 1))))
    return SoftmaxPlan(
        count, difference, exponent - 2 - extra, min(total, 0), exponent - 2,
        min(math.ceil(reach / 2.0**difference) + 1, most),
    )  # fmt: skip


def softmax_nodes(b: TracedGraph, x: Traced, *, layer: str) -> Traced:
    """Softmax over the last axis; the result is pending.

    Raises:
        SettingsError: a table stated with more than 16 bits.
    """
    x = b.settle(x)
    real = _softmax(x.real)
    out = b.fixed(layer, "result", real, negative=False)
    stated = b.precision.stated(layer, "table")
    if stated is not None and stated.width > WIDEST:
        message = f"layer {layer!r}: a softmax table entered with {stated.width} bits is too deep; 16 at most"
        raise SettingsError(message)
    count = x.shape[-1]
    plan = softmax_plan(count, out.exponent, DEPTH if stated is None else stated.width)
    nodes, shape = b.nodes(layer), x.shape
    row = (*shape[:-1], 1)

    def repeated(node: str, part: str) -> str:
        return nodes.rewired(node, lambda index: np.broadcast_to(index, shape), part)

    def rounded(node: str, low: int, high: int, exponent: int, shape: tuple[int, ...], part: str) -> str:
        target = TensorType(np.full(shape, low), np.full(shape, high), np.full(shape, exponent))
        return nodes.add(Quantize(target, Rounding.RND, Overflow.SAT), node, part=part)

    best = repeated(nodes.add(Max(), x.node, part="largest"), "largest_of_all")
    node = nodes.add(Subtract(), x.node, best, part="difference")
    node = rounded(node, 1 - plan.entries, 0, plan.difference, shape, "table")
    numerator = nodes.add(
        b.shared((layer, plan, "exp"), lambda: _exponential(plan)), node, part="exponential"
    )
    total = nodes.add(Sum(), numerator, part="total")
    one, most = 1 << -plan.total, count << -plan.total
    total = rounded(total, one, most, plan.total, row, "total_table")
    reciprocal = nodes.add(
        b.shared((layer, plan, "1/x"), lambda: _reciprocal(plan)), total, part="reciprocal"
    )
    node = nodes.add(Multiply(), numerator, repeated(reciprocal, "reciprocal_of_all"), part="product")
    return Traced(node, real, layer)


def _exponential(plan: SoftmaxPlan) -> Lookup:
    inputs = np.arange(1 - plan.entries, 1)
    codes = np.floor(np.exp(inputs * 2.0**plan.difference) * 2.0**-plan.exponential + 0.5)
    return Lookup(codes[np.newaxis].astype(np.int64), inputs[:1], np.array([plan.exponential]))


def _reciprocal(plan: SoftmaxPlan) -> Lookup:
    inputs = np.arange(1 << -plan.total, (plan.count << -plan.total) + 1)
    codes = np.floor(2.0**-plan.reciprocal / (inputs * 2.0**plan.total) + 0.5)
    return Lookup(codes[np.newaxis].astype(np.int64), inputs[:1], np.array([plan.reciprocal]))


def _softmax(x: Reals) -> Reals:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True), dtype=np.float64)
