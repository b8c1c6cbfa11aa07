"""Random types, ops and graphs: one description of each op's domain, used by every test that generates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nanosieve.compiler.graph import (
    Add,
    Builder,
    Concatenate,
    Constant,
    Dense,
    Graph,
    GreaterEqual,
    LeakyRelu,
    Lookup,
    Multiply,
    Nonzero,
    Op,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    Rounding,
    Scale,
    Subtract,
    Sum,
    TensorType,
)

Random = np.random.Generator


def random_type(rng: Random, size: int, widest: int = 9) -> TensorType:
    """Elements of mixed signs, widths (zero included) and steps; some ranges are no powers of two."""
    width = rng.integers(0, widest + 1, size)
    signed = rng.random(size) < 0.6
    low = np.where(signed & (width > 0), -(1 << np.maximum(width - 1, 0)), 0)
    high = np.where(signed & (width > 0), (1 << np.maximum(width - 1, 0)) - 1, (1 << width) - 1)
    cut = rng.random(size) < 0.3
    high = np.where(cut, np.maximum(low, high - rng.integers(0, 3, size)), high)
    return TensorType(low, high, rng.integers(-4, 3, size))


def random_target(rng: Random, size: int) -> TensorType:
    """Full ranges of formats, as quantisers have them."""
    width = rng.integers(0, 7, size)
    signed = rng.random(size) < 0.5
    half = 1 << np.maximum(width - 1, 0)
    low = np.where(signed & (width > 0), -half, 0)
    high = np.where(signed & (width > 0), half - 1, (1 << width) - 1)
    return TensorType(low, high, rng.integers(-3, 2, size))


def random_codes(rng: Random, type: TensorType, events: int) -> np.ndarray:
    """Codes over the full range; the first two events are the ends of every range."""
    codes = rng.integers(type.low, type.high + 1, size=(events, *type.shape))
    codes[0], codes[1] = type.low, type.high
    return codes


def _quantize(rng: Random, x: TensorType) -> Op:
    return Quantize(random_target(rng, x.size), rng.choice(list(Rounding)), rng.choice(list(Overflow)))


def _dense(rng: Random, x: TensorType) -> Op:
    kernel = rng.integers(-9, 10, (x.size, int(rng.integers(1, 5))))
    return Dense(np.where(rng.random(kernel.shape) < 0.3, 0, kernel), int(rng.integers(-4, 2)))


def _lookup(rng: Random, x: TensorType) -> Op:
    entries = int((x.high - x.low).max(initial=0)) + 1
    return Lookup(rng.integers(-40, 40, (x.size, entries)), rng.integers(-3, 2, x.shape))


def _leaky(rng: Random, x: TensorType) -> Op:
    exponent = int(rng.integers(-5, 0))
    return LeakyRelu(int(rng.integers(1, 2**-exponent)), exponent)


UNARY: dict[str, Callable[[Random, TensorType], Op]] = {
    "Dense": _dense,
    "LeakyRelu": _leaky,
    "Lookup": _lookup,
    "Nonzero": lambda rng, x: Nonzero(),
    "Quantize": _quantize,
    "Relu": lambda rng, x: Relu(),
    "Reshape": lambda rng, x: Reshape((1, x.size) if rng.random() < 0.5 else (x.size,)),
    "Scale": lambda rng, x: Scale(rng.integers(-3, 4, x.shape)),
    "Sum": lambda rng, x: Sum(),
}
BINARY: dict[str, Op] = {
    "Add": Add(),
    "GreaterEqual": GreaterEqual(),
    "Multiply": Multiply(),
    "Subtract": Subtract(),
}


def random_graph(seed: int, layers: int) -> Graph:
    """A graph of so many layers over all ops, with two inputs; every leaf is an output."""
    rng = np.random.default_rng(seed)
    builder = Builder("random")
    values = [builder.input("x", random_type(rng, 5)), builder.input("y", random_type(rng, 3))]
    for n in range(layers):
        values.append(_layer(builder, rng, values, f"layer{n}"))
    graph = builder.finish({"last": values[-1]})
    leaves = [name for name in values if not graph.users[name]]
    return builder.finish({f"out{n}": name for n, name in enumerate(leaves)})


def _layer(builder: Builder, rng: Random, values: list[str], layer: str) -> str:
    """One layer; wide values are quantised first, as every network does it."""
    x = str(rng.choice(values))
    if len(builder.types[x].shape) > 1:
        x = builder.add(Reshape((builder.types[x].size,)), x, layer=layer, part="flat")
    if builder.types[x].width.max(initial=0) > 9:
        x = builder.add(_quantize(rng, builder.types[x]), x, layer=layer, part="input")
    kind = str(rng.choice([*UNARY, *BINARY, "Concatenate", "Bias", "Square"]))
    if kind in UNARY:
        return builder.add(UNARY[kind](rng, builder.types[x]), x, layer=layer)
    if kind == "Bias":
        product = builder.add(_dense(rng, builder.types[x]), x, layer=layer, part="product")
        size = builder.types[product].size
        bias = Constant(rng.integers(-9, 9, size), rng.integers(-4, 2, size))
        return builder.add(Add(), product, builder.constant(bias, layer=layer, part="bias"), layer=layer)
    if kind == "Square":
        return builder.add(Multiply(square=True), x, x, layer=layer)
    if kind == "Concatenate":
        flat = [v for v in values if len(builder.types[v].shape) == 1]
        return builder.add(Concatenate(), x, str(rng.choice(flat)), layer=layer)
    other = builder.add(_quantize(rng, builder.types[x]), x, layer=layer, part="other")
    return builder.add(BINARY[kind], x, other, layer=layer)
