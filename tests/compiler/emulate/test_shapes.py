"""Images, groups and attention: the shapes that small random graphs do not reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers.random_graphs import random_codes
from nanosieve.compiler.emulate import Emulator, fuse, pool
from nanosieve.compiler.emulate.runs import runs_of
from nanosieve.compiler.emulate.stage import Apply
from nanosieve.compiler.emulate.steps import PickReduce, Product, SmallProducts, WindowProduct
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Constant,
    Dense,
    Einsum,
    Fixed,
    Gather,
    Graph,
    LeakyRelu,
    Max,
    Min,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    Rounding,
    Sum,
    TensorType,
    Windows,
    interpret,
)


def check(graph: Graph, events: int = 7) -> Emulator:
    """Compare with the interpreter, in one thread and in two."""
    rng = np.random.default_rng(5)
    codes = {name: random_codes(rng, type, events) for name, type in graph.inputs.items()}
    expected = interpret(graph, codes)
    for threads in (1, 2):
        emulator = Emulator(graph, threads=threads)
        found = emulator.run(codes)
        for name in expected:
            assert np.array_equal(found[name], expected[name]), (name, threads)
    return emulator


def convolution(
    builder: Builder, x: str, layer: str, filters: int, windows: Windows, bits: int = 8, act: int = 8
) -> str:
    """Windows, product, bias, ReLU and quantiser."""
    rng = np.random.default_rng(len(layer))
    x = builder.add(windows, x, layer=layer, part="windows")
    weights = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (builder.types[x].shape[-1], filters))
    x = builder.add(Dense(weights, 1 - bits), x, layer=layer, part="product")
    shape = builder.types[x].shape
    bias = Constant(np.broadcast_to(rng.integers(-99, 99, filters), shape), np.full(shape, -7))
    x = builder.add(Add(), x, builder.constant(bias, layer=layer, part="bias"), layer=layer, part="sum")
    x = builder.add(Relu(), x, layer=layer, part="relu")
    target = TensorType.of(Fixed(act, 4, signed=False), shape)
    return builder.add(Quantize(target, Rounding.RND, Overflow.SAT), x, layer=layer)


def pooling(builder: Builder, x: str, layer: str, op: Max | Sum, pad: int = 0) -> str:
    """2 x 2 windows of each channel."""
    height, width, channels = builder.types[x].shape
    place = np.arange(height * width * channels).reshape(height, width, channels)
    place = np.pad(place, (*[(pad, pad)] * 2, (0, 0)), constant_values=-1)
    rows, columns = place.shape[0] // 2, place.shape[1] // 2
    place = place[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, channels).transpose(0, 2, 4, 1, 3)
    x = builder.add(Gather(place.reshape(rows, columns, channels, 4)), x, layer=layer, part="windows")
    x = builder.add(op, x, layer=layer, part="pooled")
    return builder.add(Reshape((rows, columns, channels)), x, layer=layer)


def image(bits: int, act: int, size: tuple[int, int, int] = (17, 14, 3)) -> Graph:
    """Two convolutions, padded and strided, and three poolings."""
    builder = Builder("image")
    x = builder.input("x", TensorType.of(Fixed(act, 2), size))
    x = convolution(builder, x, "one", 16, Windows((3, 3), (1, 1), (1, 1), ((1, 1), (1, 1))), bits, act)
    x = pooling(builder, x, "pool one", Max())
    x = convolution(builder, x, "two.", 5, Windows((3, 2), (2, 1), (1, 2), ((0, 0), (0, 0))), bits, act)
    averaged = pooling(builder, x, "average", Sum())
    padded = pooling(builder, x, "padded", Max(), pad=1)
    return builder.finish({"averaged": averaged, "padded": padded, "image": x})


@pytest.mark.parametrize(("bits", "act", "tier"), [(8, 8, "float32"), (16, 16, "float64"), (26, 26, "int64")])
def test_images(bits: int, act: int, tier: str) -> None:
    emulator = check(image(bits, act))
    steps = [type(action.step) for action in emulator.plan.actions]
    assert tier in emulator.plan.tiers
    assert steps.count(WindowProduct) == (0 if tier == "int64" else 2)
    assert PickReduce in steps


def test_an_image_larger_than_the_cache() -> None:
    emulator = check(image(8, 8, size=(150, 150, 3)), events=3)
    assert emulator.block == 1


def test_windows_in_one_dimension_and_pointwise() -> None:
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(8, 2), (40, 6)))
    x = convolution(builder, x, "a", 9, Windows((5,), (1,), (1,), ((2, 2),)))
    x = convolution(builder, x, "bb", 4, Windows((1,), (2,), (1,), ((0, 0),)))
    check(builder.finish({"y": x}))


def test_a_wrong_tile_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuse, "runs_of", lambda index, row, **_: runs_of(np.roll(index, 1), row, steps=False))
    with pytest.raises(AssertionError):
        check(image(8, 8))


@pytest.mark.parametrize(
    ("shape", "kernel"),
    [
        ((5, 9), (5, 9, 1)),  # depthwise, each place of its own
        ((6, 30, 9), (6, 9, 1)),  # depthwise over rows
        ((3, 20, 32), (3, 32, 24)),  # groups
        ((4, 64), (4, 64, 48)),  # locally connected
        ((2, 3, 7, 8), (2, 3, 8, 5)),  # two axes of blocks
        ((7, 8), (8, 70)),
        ((300,), (300, 1)),
    ],
)
@pytest.mark.parametrize(("bits", "tier"), [(6, "float32"), (18, "float64"), (27, "int64")])
def test_blocks_of_matrices(shape: tuple[int, ...], kernel: tuple[int, ...], bits: int, tier: str) -> None:
    rng = np.random.default_rng(bits)
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(bits, 2), shape))
    weights = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), kernel)
    emulator = check(builder.finish({"y": builder.add(Dense(weights, -3), x, layer="d")}))
    (step,) = (action.step for action in emulator.plan.actions if isinstance(action.step, Product))
    assert step.matrix.dtype.name == tier


EQUATIONS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "hqd,hkd->hqk": ((3, 20, 16), (3, 24, 16)),
    "hqk,hkd->qhd": ((2, 5, 6), (2, 6, 4)),
    "ij,jk->ki": ((40, 50), (50, 30)),
    "abc,cd->dab": ((2, 3, 4), (4, 5)),
    "ijk,kl->l": ((3, 4, 5), (5, 6)),
    "ij,kl->ilk": ((2, 3), (4, 5)),
    "i,i->": ((70,), (70,)),
    "ij,ij->ij": ((6, 7), (6, 7)),
}


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize(("bits", "tier"), [(6, "float32"), (18, "float64"), (28, "int64")])
def test_sums_of_two_variables(equation: str, bits: int, tier: str) -> None:
    builder = Builder()
    a, b = (
        builder.input(name, TensorType.of(Fixed(bits, 3), shape))
        for name, shape in zip("ab", EQUATIONS[equation], strict=True)
    )
    emulator = check(builder.finish({"y": builder.add(Einsum(equation), a, b, layer="e")}))
    (action,) = (action for action in emulator.plan.actions if isinstance(action.step, SmallProducts))
    assert emulator.plan.slots[action.output].tier.name == tier


def test_a_value_without_axes() -> None:
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(8, 2), ()))
    check(builder.finish({"x": x, "relu": builder.add(Relu(), x, layer="r")}))


def pruned(rows: int) -> Graph:
    """Three products with most weights zero, the values between of no bits here and there."""
    rng = np.random.default_rng(rows)
    builder = Builder()
    shape = (rows, 12) if rows > 1 else (12,)
    x = builder.input("x", TensorType.of(Fixed(8, 2), shape))
    for n, outputs in enumerate((40, 30, 6)):
        inputs = builder.types[x].shape[-1]
        weights = np.where(rng.random((inputs, outputs)) < 0.95, 0, rng.integers(-99, 99, (inputs, outputs)))
        x = builder.add(Dense(weights, -7), x, layer=f"d{n}", part="product")
        shape = builder.types[x].shape
        codes = np.broadcast_to(rng.integers(0, 999, shape[-1]), shape)
        bias = builder.constant(Constant(codes, np.full(shape, -9)), layer=f"d{n}", part="bias")
        x = builder.add(Add(), x, bias, layer=f"d{n}", part="sum")
        x = builder.add(Relu(), x, layer=f"d{n}", part="relu")
        width = np.where(rng.random(shape[-1]) < 0.3, 0, 7)
        target = [np.broadcast_to(a, shape) for a in (0 * width, (1 << width) - 1, -4 + 0 * width)]
        x = builder.add(Quantize(TensorType(*target), Rounding.RND, Overflow.WRAP), x, layer=f"d{n}")
    return builder.finish({"y": x})


@pytest.mark.parametrize("rows", [1, 5])
def test_units_that_nothing_reads_are_not_computed(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = pruned(rows)
    steps = [action.step for action in check(graph).plan.actions]
    first, second, third = (step.matrix.shape[1:] for step in steps if isinstance(step, Product))
    assert first[1] == second[0] < 20
    assert second[1] == third[0] < 20
    assert third[1] == 6
    picked = Apply.picked
    monkeypatch.setattr(Apply, "picked", lambda self, places: picked(self, places[::-1]))
    with pytest.raises(AssertionError):
        check(graph)


def pooled(slopes: bool, like: bool) -> Graph:
    """An activation with constants of each channel, or of each element, and the maximum of 2 x 2 behind."""
    rng = np.random.default_rng(8)
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(9, 3), (6, 4, 5)))
    codes = rng.integers(-99, 99, 5 if like else (6, 4, 5))
    bias = Constant(np.broadcast_to(codes, (6, 4, 5)), np.full((6, 4, 5), -7))
    x = builder.add(Add(), x, builder.constant(bias, layer="a", part="bias"), layer="a", part="sum")
    x = builder.add(LeakyRelu(3, -4) if slopes else Relu(), x, layer="a", part="bent")
    x = builder.add(Quantize(TensorType.of(Fixed(6, 3), (6, 4, 5)), Rounding.RND, Overflow.SAT), x, layer="a")
    return builder.finish({"y": pooling(builder, x, "pool", Max())})


@pytest.mark.parametrize("slopes", [False, True])
@pytest.mark.parametrize("like", [False, True])
def test_pooling_comes_first_where_its_elements_are_treated_alike(slopes: bool, like: bool) -> None:
    steps = [type(action.step).__name__ for action in check(pooled(slopes, like)).plan.actions]
    assert steps == (["PickReduce", "Elementwise"] if like else ["Elementwise", "PickReduce"])


def test_pooling_first_where_elements_differ_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_alike", lambda apply, members: True)
    with pytest.raises(AssertionError):
        check(pooled(False, False))


def convolved(kind: Max | Min | Sum, step: int = 2) -> Graph:
    """A convolution, and pools of 2 x 2 directly behind it, `step` apart."""
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(6, 3), (8, 9, 3)))
    x = builder.add(Windows((3, 3), (1, 1), (1, 1), ((0, 0), (1, 1))), x, layer="a", part="windows")
    x = builder.add(Dense(np.random.default_rng(9).integers(-15, 16, (27, 4)), -3), x, layer="a")
    place = np.arange(np.prod(builder.types[x].shape)).reshape(builder.types[x].shape)
    pools = np.lib.stride_tricks.sliding_window_view(place, (2, 2), axis=(0, 1))[::step, ::step]
    x = builder.add(Gather(pools.reshape(*pools.shape[:3], 4)), x, layer="pool", part="windows")
    return builder.finish({"y": builder.add(kind, x, layer="pool")})


@pytest.mark.parametrize("kind", [Max(), Min(), Sum()])
@pytest.mark.parametrize("bytes", [1 << 20, 5000])
def test_pooling_joins_the_convolution(kind: Max, bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuse, "TILE_BYTES", bytes)
    (action,) = check(convolved(kind)).plan.actions
    assert isinstance(action.step, WindowProduct)
    assert action.step.sources.shape[:2] == (4, 12)  # the last column of windows is not computed


@pytest.mark.parametrize(("step", "bytes"), [(1, 1 << 20), (2, 400)])
def test_pools_that_overlap_or_exceed_a_tile_do_not(
    step: int, bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuse, "TILE_BYTES", bytes)
    steps = [type(action.step) for action in check(convolved(Max(), step)).plan.actions]
    assert steps == [WindowProduct, PickReduce]


def test_pooling_of_other_windows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    joined = fuse._pooled

    def shuffled(product: WindowProduct, pool: PickReduce) -> WindowProduct | None:
        return joined(product, replace(pool, index=np.roll(pool.index, 4, axis=1)))

    monkeypatch.setattr(fuse, "_pooled", shuffled)
    with pytest.raises(AssertionError):
        check(convolved(Max()))
