"""Real values become the codes that `compiler.graph.encode` defines, whatever their format and size."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from nanosieve.compiler.emulate import Emulator
from nanosieve.compiler.emulate.tiers import FLOAT32, FLOAT64
from nanosieve.compiler.graph import Builder, Fixed, Graph, Overflow, Rounding, TensorType, decode, encode
from nanosieve.errors import SampleError


def passed(type: TensorType, rounding: Rounding, overflow: Overflow) -> Graph:
    """A graph whose output is its input."""
    builder = Builder()
    x = builder.input("x", type, rounding, overflow)
    return builder.finish({"y": x})


TYPES = {
    "one format": TensorType.of(Fixed(8, 4), (3, 2)),
    "unsigned": TensorType.of(Fixed(6, 0, signed=False), (3, 2)),
    "of each": TensorType(
        np.array([[-8, 0], [-128, 0], [0, -(2**20)]]),
        np.array([[7, 15], [127, 0], [2**30 - 1, 2**20 - 1]]),
        np.array([[-2, 3], [-9, 0], [-20, -5]]),
    ),
    "no powers of two": TensorType(np.full((3, 2), -5), np.full((3, 2), 100), np.full((3, 2), -3)),
    "widest": TensorType(
        np.array([[-(2**61), 0], [-(2**52), 0], [-(2**53), -(2**60) - 1]]),
        np.array([[2**61 - 1, 2**61 - 1], [2**52 - 1, 2**52 - 1], [2**53 - 1, 2**60 + 6]]),
        np.array([[-4, -50], [-40, -4], [-4, -4]]),
    ),
    "wide": TensorType.of(Fixed(40, 20), (3, 2)),
}


def extremes(dtype: Any) -> np.ndarray:
    """Ties, ends of ranges, denormals and the largest numbers, and normal ones."""
    rng = np.random.default_rng(1)
    info = np.finfo(dtype)
    special = [0.0, -0.0, info.tiny, -info.tiny, info.smallest_subnormal, -info.smallest_subnormal]
    largest = info.max / (2.0**60 if dtype is np.float64 else 1)  # in units of any step, no infinity
    special += [largest, -largest, info.eps, 1 - info.eps]
    special += [sign * (n + half) / 16 for n in (0, 1, 2, 127, 128) for half in (0, 0.5) for sign in (1, -1)]
    normal = (rng.normal(0, width, 100) for width in (1e-3, 1, 5, 1e4))
    values = rng.permutation(np.concatenate([special, *normal]).astype(dtype))
    return values[: len(values) // 6 * 6].reshape(-1, 3, 2)


@pytest.mark.parametrize(("rounding", "overflow"), list(itertools.product(Rounding, Overflow)))
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_codes_of_real_values(name: str, rounding: Rounding, overflow: Overflow, dtype: Any) -> None:
    graph = passed(TYPES[name], rounding, overflow)
    x = extremes(dtype)
    expected = encode(graph, {"x": x})["x"]
    assert np.array_equal(Emulator(graph).run({"x": expected})["y"], expected)
    assert np.array_equal(Emulator(graph)(x)["y"], decode(expected, TYPES[name]))


NEAR = TensorType.of(Fixed(8, 4), (1,))
COARSE = TensorType(np.array([-128]), np.array([127]), np.array([3]))


def neighbours(type: TensorType) -> np.ndarray:
    """The float32 numbers next to each code, each middle of two codes and 0."""
    step = 2.0 ** type.exponent[0]
    values = np.arange(-300, 301).astype(np.float32) / 2 * np.float32(step)
    found = [values]
    for end in (-np.inf, np.inf):
        value = values
        for _ in range(3):
            value = np.nextafter(value, np.float32(end))
            found.append(value)
    return np.concatenate(found).reshape(-1, 1)


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("type", [NEAR, COARSE])
def test_float32_next_to_codes_and_ties(type: TensorType, rounding: Rounding) -> None:
    graph = passed(type, rounding, Overflow.SAT)
    x = neighbours(type)
    assert (FLOAT32 in Emulator(graph)._reals["x"].constants) == (type is NEAR)
    assert np.array_equal(Emulator(graph)(x)["y"], decode(encode(graph, {"x": x})["x"], type))


def test_float32_where_it_is_not_exact_is_found() -> None:
    graph = passed(COARSE, Rounding.TRN, Overflow.SAT)
    emulator, x = Emulator(graph), neighbours(COARSE)
    constants = emulator._reals["x"].constants
    constants[FLOAT32] = [values.astype(np.float32) for values in constants[FLOAT64]]
    assert not np.array_equal(emulator(x)["y"], decode(encode(graph, {"x": x})["x"], COARSE))


def test_other_numbers_and_layouts() -> None:
    graph = passed(TYPES["one format"], Rounding.RND, Overflow.SAT)
    emulator = Emulator(graph)
    x = np.random.default_rng(2).integers(-9, 9, (500, 3, 2))
    expected = emulator(x.astype(np.float64))["y"]
    read_only = x.astype(np.float32)
    read_only.setflags(write=False)
    transposed = np.asfortranarray(x.astype(np.float32))
    for same in (x, x.astype(np.int8), read_only, transposed, transposed[::-1][::-1], x.tolist()):
        assert np.array_equal(emulator(same)["y"], expected)
    codes = encode(graph, {"x": x})["x"]
    for same in (codes.astype(np.int16), np.asfortranarray(codes)):
        assert np.array_equal(emulator.run({"x": same})["y"], codes)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_number_that_is_none_is_named_as_the_interpreter_names_it(value: float, dtype: Any) -> None:
    graph = passed(TYPES["of each"], Rounding.RND, Overflow.SAT)
    x = np.zeros((9000, 3, 2), dtype=dtype)
    x[4321, 2, 1] = x[4322, 0, 0] = x[8999, 0, 0] = value
    with pytest.raises(SampleError) as stated:
        encode(graph, {"x": x})
    for threads in (1, 2):
        with pytest.raises(SampleError) as found:
            Emulator(graph, threads=threads)(x)
        assert str(found.value) == str(stated.value)
        assert "event 4321, element [2, 1]" in str(found.value)
