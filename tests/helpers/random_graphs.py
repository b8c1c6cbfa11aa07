"""Random types, ops and graphs: one description of each op's domain, used by every test that generates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nanosieve.compiler.graph import (
    Add,
    ArgMax,
    Builder,
    Concatenate,
    Constant,
    Dense,
    Einsum,
    Gather,
    Graph,
    GreaterEqual,
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
    Reshape,
    Rounding,
    Scale,
    Select,
    Sort,
    Subtract,
    Sum,
    TensorType,
    Weights,
    Windows,
    aligning,
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


def random_shape(rng: Random, size: int) -> tuple[int, ...]:
    """One to three axes of together `size` elements."""
    shape: list[int] = []
    for _ in range(int(rng.integers(0, 3))):
        divisors = [n for n in range(1, size + 1) if size % n == 0]
        shape.append(int(rng.choice(divisors)))
        size //= shape[-1]
    return (*shape, size)


def _quantize(rng: Random, x: TensorType) -> Op:
    target = random_target(rng, x.size).reshape(x.shape)
    return Quantize(target, rng.choice(list(Rounding)), rng.choice(list(Overflow)))


def _kernel(rng: Random, *shape: int) -> np.ndarray:
    return np.where(rng.random(shape) < 0.3, 0, rng.integers(-9, 10, shape))


def _dense(rng: Random, x: TensorType) -> Op:
    blocks = x.shape[: rng.integers(0, len(x.shape))]
    return Dense(_kernel(rng, *blocks, x.shape[-1], int(rng.integers(1, 5))), int(rng.integers(-4, 2)))


def _lookup(rng: Random, x: TensorType) -> Op:
    rows = int(rng.choice([1, x.shape[-1], x.size]))
    low, high = x.low.reshape(-1, rows).min(axis=0), x.high.reshape(-1, rows).max(axis=0)
    first = low - rng.integers(0, 2, rows)
    entries = int((high - first).max()) + 1
    return Lookup(rng.integers(-40, 40, (rows, entries)), first, rng.integers(-3, 2, rows))


def _leaky(rng: Random, x: TensorType) -> Op:
    exponent = int(rng.integers(-5, 0))
    return LeakyRelu(int(rng.integers(1, 2**-exponent)), exponent)


def _gather(rng: Random, x: TensorType) -> Op:
    return Gather(rng.integers(-1, x.size, random_shape(rng, int(rng.integers(1, 9)))))


def _windows(rng: Random, x: TensorType) -> Op:
    size, dilation = [], []
    for n in x.shape[:-1]:
        size.append(int(rng.integers(1, min(n, 3) + 1)))
        dilation.append(int(rng.integers(1, 3)) if size[-1] * 2 - 1 <= n else 1)
    axes = len(size)
    return Windows(tuple(size), rng.integers(1, 3, axes), tuple(dilation), rng.integers(0, 2, (axes, 2)))


ONE: dict[str, Callable[[Random, TensorType], Op]] = {
    "ArgMax": lambda rng, x: ArgMax(),
    "Dense": _dense,
    "Gather": _gather,
    "LeakyRelu": _leaky,
    "Lookup": _lookup,
    "Max": lambda rng, x: Max(),
    "Min": lambda rng, x: Min(),
    "Nonzero": lambda rng, x: Nonzero(),
    "Quantize": _quantize,
    "Relu": lambda rng, x: Relu(),
    "Reshape": lambda rng, x: Reshape(random_shape(rng, x.size)),
    "Scale": lambda rng, x: Scale(rng.integers(-3, 4, x.shape)),
    "Sort": lambda rng, x: Sort(),
    "Sum": lambda rng, x: Sum(),
    "Windows": _windows,
}
"""Ops of one operand of any shape."""

ALIKE: dict[str, Op] = {
    "Add": Add(),
    "Concatenate": Concatenate(),
    "GreaterEqual": GreaterEqual(),
    "Multiply": Multiply(),
    "Square": Multiply(square=True),
    "Subtract": Subtract(),
}
"""Ops of two operands of one shape."""

EQUATIONS = ("i,i->i", "i,j->ij", "ij,jk->ik", "ij,kj->ik", "bij,bjk->bik", "ij,k->j", "ij,ji->", "ab,cd->bd")


def aligned_operands(rng: Random, equation: str) -> list[TensorType]:
    """Two types that `Einsum` takes: one step along what is summed over."""
    op = Einsum(equation)
    sizes = {index: int(rng.integers(1, 4)) for index in sorted(set(equation) - set(",->"))}
    types = []
    for n in range(2):
        shape = tuple(sizes[i] for i in op.indices[n])
        type = random_type(rng, int(np.prod(shape)), widest=6).reshape(shape)
        cut = aligning(type, op.summed(n))
        types.append(type if cut is None else cut.target)
    return types


def graph_with_weights(seed: int, layers: int) -> Graph:
    """A `random_graph` in which half of the biases are `Weights`."""
    return random_graph(seed, layers, weights=True)


def random_graph(seed: int, layers: int, *, weights: bool = False) -> Graph:
    """A graph of so many layers over all ops, types and shapes, with two inputs; every leaf is an output."""
    rng = np.random.default_rng(seed)
    builder = Builder("random")
    values = [
        builder.input("x", random_type(rng, 6)),
        builder.input("y", random_type(rng, 4).reshape((2, 2))),
    ]
    for n in range(layers):
        values.append(_layer(builder, rng, values, f"layer{n}", weights))
    graph = builder.finish({"last": values[-1]})
    leaves = [name for name in values if not graph.users[name]]
    return builder.finish({f"out{n}": name for n, name in enumerate(leaves)})


def _layer(builder: Builder, rng: Random, values: list[str], layer: str, weights: bool) -> str:
    """One layer; wide values are quantised first, as every network does it."""
    types = builder.types
    kind = str(rng.choice([*ONE, *ALIKE, "Bias", "Einsum", "Select"]))
    x = _narrow(builder, rng, str(rng.choice(values)), layer, "input")
    if kind == "Select":
        bit = builder.add(Nonzero(), x, layer=layer, part="bit")
        other = builder.add(_quantize(rng, types[x]), x, layer=layer, part="other")
        return builder.add(Select(), bit, x, other, layer=layer)
    if kind == "Einsum":
        return _einsum(builder, rng, x, _narrow(builder, rng, str(rng.choice(values)), layer, "other"), layer)
    if kind == "Square":
        return builder.add(ALIKE[kind], x, x, layer=layer)
    if kind in ALIKE:
        other = builder.add(_quantize(rng, types[x]), x, layer=layer, part="other")
        return builder.add(ALIKE[kind], x, other, layer=layer)
    if kind in ("Bias", "Dense"):
        x = _aligned(builder, x, tuple(range(len(types[x].shape) - 1)), layer, "aligned")
        if kind == "Dense":
            return builder.add(_dense(rng, types[x]), x, layer=layer)
        product = builder.add(_dense(rng, types[x]), x, layer=layer, part="product")
        shape = types[product].shape
        codes, exponent = rng.integers(-9, 9, shape), rng.integers(-4, 2, shape)
        stored = Weights(codes, TensorType(np.full(shape, -9), np.full(shape, 8), exponent))
        bias = stored if weights and codes.sum() % 2 else Constant(codes, exponent)
        return builder.add(Add(), product, builder.add(bias, layer=layer, part="bias"), layer=layer)
    return builder.add(ONE[kind](rng, types[x]), x, layer=layer)


def _narrow(builder: Builder, rng: Random, x: str, layer: str, part: str) -> str:
    """`x` in a random shape, of at most 12 elements and 9 bits."""
    type = builder.types[x]
    if type.size > 12:
        x = builder.add(Gather(rng.integers(0, type.size, (12,))), x, layer=layer, part=f"{part}.few")
    shape = random_shape(rng, builder.types[x].size)
    if rng.random() < 0.5 and shape != builder.types[x].shape:
        x = builder.add(Reshape(shape), x, layer=layer, part=f"{part}.shape")
    if builder.types[x].width.max(initial=0) > 9:
        x = builder.add(_quantize(rng, builder.types[x]), x, layer=layer, part=part)
    return x


def _aligned(builder: Builder, x: str, axes: tuple[int, ...], layer: str, part: str) -> str:
    op = aligning(builder.types[x], axes)
    return x if op is None else builder.add(op, x, layer=layer, part=part)


def _einsum(builder: Builder, rng: Random, x: str, y: str, layer: str) -> str:
    """Matrix product of two values cut to two axes."""
    shapes = [(int(rng.integers(1, 4)), 3), (3, int(rng.integers(1, 4)))]
    for n, shape in enumerate(shapes):
        value = (x, y)[n]
        pick = Gather(rng.integers(0, builder.types[value].size, shape))
        value = builder.add(pick, value, layer=layer, part=f"operand{n}")
        value = _aligned(builder, value, (1 - n,), layer, f"aligned{n}")
        x, y = (value, y) if n == 0 else (x, value)
    return builder.add(Einsum("ij,jk->ik"), x, y, layer=layer)
