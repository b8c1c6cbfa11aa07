"""The memory that the emulator needs besides the sample and its result does not grow with the sample."""

from __future__ import annotations

import tracemalloc

import numpy as np

from nanosieve.compiler.emulate import Emulator, emulator
from nanosieve.compiler.graph import (
    Builder,
    Constant,
    Dense,
    Fixed,
    Graph,
    Overflow,
    Quantize,
    Rounding,
    TensorType,
)
from nanosieve.compiler.graph.arithmetic import Add


def wide_layer() -> Graph:
    """4 inputs, 500 values between, 1 output."""
    rng = np.random.default_rng(0)
    builder = Builder()
    x = builder.input("x", TensorType.of(Fixed(8, 4), (4,)))
    x = builder.add(Dense(rng.integers(-9, 9, (4, 500)), 0), x, layer="a")
    x = builder.add(Quantize(TensorType.of(Fixed(6, 6), (500,)), Rounding.RND, Overflow.SAT), x, layer="q")
    y = builder.add(Dense(rng.integers(-9, 9, (500, 1)), 0), x, layer="b", part="product")
    bias = builder.constant(Constant([3], [0]), layer="b", part="bias")
    return builder.finish({"y": builder.add(Add(), y, bias, layer="b")})


def peak(events: int) -> int:
    """Bytes allocated at one time, besides sample and result."""
    twin = Emulator(wide_layer(), threads=2)
    x = np.ones((events, 4), dtype=np.float32)
    twin(x[:10])  # compiles
    twin = Emulator(wide_layer(), threads=2)
    tracemalloc.start()
    result = twin(x)["y"]
    found = tracemalloc.get_traced_memory()[1] - result.nbytes
    tracemalloc.stop()
    return found


def test_memory_is_that_of_the_blocks() -> None:
    blocks = 2 * emulator.BLOCK_BYTES
    few, many = peak(20_000), peak(200_000)
    assert few < 2 * blocks
    assert many < few + blocks // 4
    assert 20 * many < 200_000 * 500 * 4  # what all values of one layer would take


def test_a_block_that_grows_with_the_sample_is_found(monkeypatch) -> None:
    monkeypatch.setattr(emulator, "BLOCK_BYTES", 1 << 40)
    monkeypatch.setattr(emulator, "MOST_EVENTS", 1 << 40)
    assert peak(200_000) > 200_000 * 500 * 4
