"""Random graphs whose values are wider than any network's: beyond the 24 and 53 bits of floating point."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np

from helpers.random_graphs import (
    ALIKE,
    ONE,
    Random,
    _aligned,
    _einsum,
    random_target,
    random_type,
)
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Constant,
    Dense,
    Graph,
    LeakyRelu,
    Multiply,
    Overflow,
    Quantize,
    Rounding,
    Select,
    TensorType,
)
from nanosieve.errors import GraphError

ELEMENTWISE = ("Bias", "Factor", "LeakyRelu", "Quantize", "Relu", "Scale", "Slope", "WideQuantize")
"""Ops of one variable, element by element, some more often than others."""
KINDS = sorted({*ONE, *ALIKE, "Bias", "Einsum", "Factor", "Select", "Slope", "WideDense", "WideQuantize"})


def wide_graph(seed: int, layers: int) -> Graph:
    """A graph of at most so many layers: those of over 62 bits left out; every leaf is an output."""
    rng = np.random.default_rng(seed)
    builder = Builder("wide")
    values = [
        builder.input("x", random_type(rng, 6, widest=int(rng.integers(8, 40)))),
        builder.input("y", random_type(rng, 4, widest=12).reshape((2, 2))),
    ]
    for n in range(layers):
        with contextlib.suppress(GraphError):
            values.append(_layer(builder, rng, values, f"layer{n}"))
    graph = builder.finish({"last": values[-1]})
    leaves = [name for name in values if not graph.users[name]]
    return builder.finish({f"out{n}": name for n, name in enumerate(leaves)})


def wide_chain(seed: int, layers: int) -> Graph:
    """Element-wise ops in a row, with a second user of a value now and then."""
    rng = np.random.default_rng(seed)
    builder = Builder("chain")
    values = [builder.input("x", random_type(rng, 8, widest=int(rng.integers(4, 30))))]
    for n in range(layers):
        with contextlib.suppress(GraphError):
            before = values[-1] if rng.random() < 0.9 else str(rng.choice(values))
            values.append(_layer(builder, rng, [before], f"layer{n}", ELEMENTWISE))
    return builder.finish({"last": values[-1], "any": str(rng.choice(values))})


def _layer(builder: Builder, rng: Random, values: list[str], layer: str, kinds: Sequence[str] = KINDS) -> str:
    kind = str(rng.choice(kinds))
    x, other = (str(rng.choice(values)) for _ in range(2))
    type = builder.types[x]
    if kind == "Lookup" and type.width.max(initial=0) > 10:
        kind = "WideQuantize"
    if kind in ONE and kind != "Dense":
        return builder.add(ONE[kind](rng, type), x, layer=layer)
    if kind == "Square":
        return builder.add(ALIKE[kind], x, x, layer=layer)
    if kind in ALIKE or kind == "Select":
        other = builder.add(_wide_quantize(rng, type), x, layer=layer, part="other")
        if kind == "Select":
            bit = builder.add(ONE["Nonzero"](rng, type), x, layer=layer, part="bit")
            return builder.add(Select(), bit, x, other, layer=layer)
        operands = (x, other) if rng.random() < 0.5 else (other, x)
        return builder.add(ALIKE[kind], *operands, layer=layer)
    if kind == "Slope":
        exponent = int(rng.integers(-20, 0))
        return builder.add(LeakyRelu(int(rng.integers(1, 2**-exponent)), exponent), x, layer=layer)
    if kind in ("Bias", "Factor"):
        bits = int(rng.integers(2, 30))
        codes = rng.integers(-(1 << bits), 1 << bits, type.shape)
        constant = builder.constant(
            Constant(codes, rng.integers(-6, 4, type.shape)), layer=layer, part="constant"
        )
        return builder.add(Add() if kind == "Bias" else Multiply(), constant, x, layer=layer)
    if kind == "Einsum":
        return _einsum(builder, rng, x, other, layer)
    if kind == "WideQuantize":
        return builder.add(_wide_quantize(rng, type), x, layer=layer)
    x = _aligned(builder, x, tuple(range(len(type.shape) - 1)), layer, "aligned")
    bits = int(rng.integers(2, 24))
    kernel = rng.integers(-(1 << bits), 1 << bits, (type.shape[-1], int(rng.integers(1, 5))))
    return builder.add(Dense(kernel, int(rng.integers(-9, 2))), x, layer=layer)


def _wide_quantize(rng: Random, x: TensorType) -> Quantize:
    """Near the format of `x`, or anywhere."""
    rounding, overflow = rng.choice(list(Rounding)), rng.choice(list(Overflow))
    if rng.random() < 0.2:
        return Quantize(random_target(rng, x.size).reshape(x.shape), rounding, overflow)
    width = np.clip(x.width + rng.integers(-12, 4, x.shape), 1, 55)
    signed = rng.random() < 0.6
    low = -(np.int64(1) << (width - 1)) if signed else np.zeros_like(width)
    target = TensorType(low, low + (np.int64(1) << width) - 1, x.exponent + rng.integers(-3, 12, x.shape))
    return Quantize(target, rounding, overflow)
