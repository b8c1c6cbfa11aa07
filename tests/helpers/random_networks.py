"""Small random networks with the structure of real ones: convolutions, branches, cells, attention."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nanosieve.compiler.frontends import windows
from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.graph import (
    Add,
    ArgMax,
    Builder,
    Concatenate,
    Dense,
    Einsum,
    Fixed,
    Graph,
    Lookup,
    Max,
    Multiply,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    Sort,
    TensorType,
)

Random = np.random.Generator


class Network:
    """A network that grows layer by layer.

    Attributes:
        rng: of all choices.
        builder: the graph.
    """

    def __init__(self, rng: Random) -> None:
        self.rng, self.builder, self.count = rng, Builder("network"), 0

    def input(self, name: str, shape: tuple[int, ...]) -> str:
        """An input of one format."""
        width = int(self.rng.integers(2, 7))
        fixed = Fixed(width, int(self.rng.integers(0, width + 1)), bool(self.rng.random() < 0.7))
        return self.builder.input(name, TensorType.of(fixed, shape))

    def layer(self, kind: str) -> LayerNodes:
        """A new layer."""
        self.count += 1
        return LayerNodes(self.builder, f"{kind}{self.count}")

    def shape(self, x: str) -> tuple[int, ...]:
        """Shape of a value."""
        return self.builder.types[x].shape

    def kernel(self, *shape: int) -> np.ndarray:
        """Weights, some of them zero."""
        half = int(self.rng.choice([1, 3, 7, 15]))
        codes = self.rng.integers(-half, half + 1, shape)
        return np.where(self.rng.random(shape) < self.rng.choice([0, 0.3]), 0, codes)

    def cut(self, b: LayerNodes, x: str, part: str, width: int = 0) -> str:
        """Quantised to one format, or to one for each channel."""
        shape = self.shape(x)
        widths = np.broadcast_to(width or int(self.rng.integers(3, 8)), shape[-1:])
        if not width and self.rng.random() < 0.25:
            widths = self.rng.integers(1, 8, shape[-1:])
        step = int(self.rng.integers(-3, 1))
        half = 1 << (np.broadcast_to(widths, shape) - 1)
        target = TensorType(-half, half - 1, np.full(shape, step))
        rounding = self.rng.choice([Rounding.RND, Rounding.TRN])
        overflow = self.rng.choice([Overflow.SAT, Overflow.SAT, Overflow.WRAP])
        return b.add(Quantize(target, rounding, overflow), x, part=part)

    def ended(self, b: LayerNodes, x: str) -> str:
        """What ends a layer with weights: a bias, the cut, an activation."""
        if self.rng.random() < 0.5:
            bias = b.codes(self.rng.integers(-9, 10, self.shape(x)[-1:]), -2, "bias")
            x = b.add(Add(), x, b.broadcast(bias, self.shape(x), "bias_wide"), part="biased")
        x = self.cut(b, x, "cut")
        chance = self.rng.random()
        if chance < 0.4:
            return b.add(Relu(), x, part="relu")
        if chance < 0.5:
            return self.table(b, x)
        return x

    def table(self, b: LayerNodes, x: str) -> str:
        """A table of one row."""
        type = b.type(x)
        first = int(type.low.min())
        entries = int(type.high.max()) - first + 1
        codes = self.rng.integers(-16, 17, (1, entries))
        return b.add(Lookup(codes, np.array([first]), np.array([-3])), x, part="table")


def _window(net: Network, x: str) -> tuple[list[int], list[int], windows.Padding]:
    """Size, strides and padding along the positions of `x`."""
    positions = net.shape(x)[:-1]
    size = [int(net.rng.integers(1, min(n, 3) + 1)) for n in positions]
    strides = [int(net.rng.choice([1, 1, 2])) for _ in positions]
    kind = net.rng.choice(["valid", "same", "same_lower"])
    return size, strides, windows.pad_amounts(kind, positions, size, strides)


def convolution(net: Network, x: str) -> str:
    """Any size, stride and padding; a group for each channel now and then."""
    b, channels = net.layer("conv"), net.shape(x)[-1]
    size, strides, padding = _window(net, x)
    groups = channels if net.rng.random() < 0.3 else 1
    filters = groups if groups > 1 else int(net.rng.integers(1, 4))
    kernel = net.kernel(*size, channels // groups, filters)
    dilation = [1] * len(size)
    y = windows.convolution(
        b, x, kernel, -2, strides=strides, dilation=dilation, padding=padding, groups=groups
    )
    return net.ended(b, y)


def pooling(net: Network, x: str) -> str:
    """The largest of windows, or their sum."""
    b = net.layer("pool")
    size, strides, padding = _window(net, x)
    if net.rng.random() < 0.5:
        return windows.pooled(b, x, Max(), size, strides, padding)
    return net.cut(b, windows.summed(b, x, size, strides, padding)[0], "cut")


def upsampling(net: Network, x: str) -> str:
    """Each position twice along the last axis of the positions."""
    return net.layer("up").rewired(x, lambda i: np.repeat(i, 2, axis=-2), "twice")


def zero_padding(net: Network, x: str) -> str:
    """Zeros around the positions."""
    pads = [tuple(net.rng.integers(0, 2, 2)) for _ in net.shape(x)[:-1]]
    return net.layer("pad").rewired(x, lambda i: np.pad(i, [*pads, (0, 0)], constant_values=-1), "padded")


def rows(net: Network, x: str) -> str:
    """One product for every position."""
    b = net.layer("rows")
    return net.ended(b, b.product(x, net.kernel(net.shape(x)[-1], int(net.rng.integers(1, 5))), -2))


def activation(net: Network, x: str) -> str:
    """A layer without weights."""
    b = net.layer("act")
    if net.rng.random() < 0.5:
        return b.add(Relu(), x, part="relu")
    return net.table(b, net.cut(b, x, "cut", 5))


def branches(net: Network, x: str) -> str:
    """Side by side, or added: one way through two layers, and a shorter one."""
    long = rows(net, rows(net, x))
    short = rows(net, x) if net.rng.random() < 0.5 else x
    b = net.layer("join")
    if net.shape(long) == net.shape(short) and net.rng.random() < 0.5:
        return net.cut(b, b.add(Add(), long, short, part="sum"), "cut")
    return b.add(Concatenate(), long, short, part="side")


def sequence(net: Network, x: str) -> str:
    """The rows of an image one behind the other."""
    shape = net.shape(x)
    if len(shape) == 2:
        return x
    b = net.layer("rows")
    return b.reshaped(x, (shape[0], int(np.prod(shape[1:]))), "sequence")


def recurrent(net: Network, x: str) -> str:
    """A gated cell with one state or two, forward or backward, the last state or all."""
    x = sequence(net, x)
    b, (steps, features) = net.layer("rnn"), net.shape(x)
    rng = net.rng
    units = int(rng.integers(1, 4))
    own, recurrent = Dense(net.kernel(features, 2 * units), -2), Dense(net.kernel(units, 2 * units), -3)
    table = Lookup(rng.integers(-16, 17, (1, 64)), np.array([-32]), np.array([-4]))
    wide, narrow = (
        Quantize(TensorType.of(Fixed(6, 3), (n,)), Rounding.RND, Overflow.SAT) for n in (2 * units, units)
    )
    two, backward, every = (bool(rng.random() < 0.5) for _ in range(3))
    state = memory = b.codes(np.zeros(units, dtype=np.int64), -3, "start")
    bias = rng.integers(-4, 5, 2 * units)
    states = []
    for n in range(steps):
        t = b.within(f"{'b' if backward else 't'}{n}")
        place = steps - 1 - n if backward else n
        row = t.rewired(x, lambda i, place=place: i[place], "row")
        total = t.add(
            Add(), t.add(own, t.aligned(row, ()), part="own"), t.codes(bias, -2, "bias"), part="sum"
        )
        total = t.add(Add(), total, t.add(recurrent, state, part="recurrent"), part="total")
        total = t.add(wide, total, part="bounded")
        gate = t.add(table, t.rewired(total, lambda i: i[:units], "first"), part="gate")
        new = t.rewired(total, lambda i: i[units:], "second")
        kept = t.add(Multiply(), gate, memory if two else state, part="kept")
        memory = t.add(narrow, t.add(Add(), kept, new, part="mixed"), part="memory")
        state = t.add(narrow, t.add(Multiply(), gate, memory, part="out"), part="h") if two else memory
        states.append(state)
    if every:
        return b.joined([b.reshaped(s, (1, units), f"row{n}") for n, s in enumerate(states)], 0, "all")
    return b.add(narrow, state, part="last")


def attention(net: Network, x: str) -> str:
    """Scores of all pairs of rows, and sums of rows by them."""
    x, wide = sequence(net, x), int(net.rng.integers(1, 4))

    def side(kind: str) -> str:
        b = net.layer(kind)
        return net.cut(b, b.product(x, net.kernel(net.shape(x)[-1], wide), -2), "cut", 4)

    query, key, value = side("query"), side("key"), side("value")
    b = net.layer("scores")
    scores = net.cut(b, b.add(Einsum("ij,kj->ik"), query, key, part="product"), "cut", 4)
    b = net.layer("mix")
    return net.cut(b, b.add(Einsum("ij,jk->ik"), scores, value, part="product"), "cut")


def flat(net: Network, x: str) -> str:
    """A product over everything."""
    b = net.layer("dense")
    x = b.reshaped(x, (net.builder.types[x].size,), "flat")
    y = b.product(x, net.kernel(net.shape(x)[0], int(net.rng.integers(1, 7))), -2)
    return net.ended(b, y)


def decision(net: Network, x: str) -> str:
    """The order of the columns, or the largest."""
    return net.layer("decide").add(net.rng.choice([Sort(), ArgMax()]), x, part="decided")


KINDS: tuple[Callable[[Network, str], str], ...] = (
    convolution, convolution, pooling, upsampling, zero_padding, rows, activation, branches, recurrent,
    attention,
)  # fmt: skip
MOST = 160
"""Elements of a value at most; a larger one is pooled or multiplied away."""


def random_network(rng: Random) -> Graph:
    """A network of one or two inputs and one to three outputs."""
    net = Network(rng)
    places = int(rng.integers(1, 3))
    x = net.input("x", (*rng.integers(2, 6 if places == 2 else 9, places).tolist(), int(rng.integers(1, 4))))
    values = []
    for _ in range(int(rng.integers(1, 4))):
        kind = KINDS[rng.integers(len(KINDS))]
        if len(net.shape(x)) == 1:  # the last state of a cell
            kind = flat
        elif net.builder.types[x].size > MOST:
            kind = pooling
        x = kind(net, x)
        values.append(x)
    if rng.random() < 0.7:
        x = flat(net, x)
        if rng.random() < 0.4:
            side = net.input("side", (int(rng.integers(1, 5)),))
            side = flat(net, side) if rng.random() < 0.5 else side
            x = flat(net, net.layer("join").add(Concatenate(), x, side, part="side"))
        if rng.random() < 0.3:
            x = flat(net, x)
    if rng.random() < 0.2:
        x = decision(net, x)
    outputs = {"y": x}
    if rng.random() < 0.3 and (other := str(rng.choice(values))) != x:
        outputs["other"] = other
    return net.builder.finish(outputs)
