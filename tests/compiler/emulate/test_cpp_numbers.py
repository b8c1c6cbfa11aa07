"""The interface of the C++ for real numbers: encode, compute, decode."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from helpers.cpp_graphs import STRICT
from helpers.exact import quantized
from nanosieve.compiler.emulate import CppProgram, build_cpp
from nanosieve.compiler.graph import (
    Builder,
    Fixed,
    Graph,
    Overflow,
    Quantize,
    Rounding,
    TensorType,
    decode,
    encode,
    interpret,
)
from nanosieve.errors import SampleError

RULES = {f"{r}_{o}".lower(): (r, o) for r in Rounding for o in Overflow}
MIXED = TensorType(
    np.array([-8, 0, -3, 0, 1, -128]),
    np.array([7, 31, 5, 0, 9, 127]),
    np.array([-2, 3, 0, -1, -1, -30]),
)
"""Signed and not, no powers of two, without bits, and without zero."""


def port(rounding: Rounding, overflow: Overflow) -> Graph:
    """Codes as the port made them."""
    builder = Builder("port")
    return builder.finish({"y": builder.input("x", MIXED, rounding, overflow)})


def wide_port(rounding: Rounding, overflow: Overflow) -> Graph:
    """Codes of 62 bits in two halves, each of which a double holds."""
    builder = Builder("wide")
    x = builder.input("x", TensorType.of(Fixed(62, 60), (1,)), rounding, overflow)
    top = Quantize(TensorType(np.array([-(2**30)]), np.array([2**30 - 1]), np.array([29])), "TRN", "SAT")
    bottom = Quantize(TensorType(np.array([0]), np.array([2**31 - 1]), np.array([-2])), "TRN", "WRAP")
    high = builder.add(top, x, layer="halves", part="high")
    return builder.finish({"high": high, "low": builder.add(bottom, x, layer="halves", part="low")})


@pytest.fixture(scope="module")
def program() -> Iterator[CppProgram]:
    graphs = {f"mixed_{name}": port(*rule) for name, rule in RULES.items()}
    graphs |= {f"wide_{name}": wide_port(*rule) for name, rule in RULES.items()}
    with build_cpp(
        graphs, flags=(*STRICT, "-O0", "-fsanitize=undefined", "-fno-sanitize-recover=all")
    ) as built:
        yield built


def values() -> np.ndarray:
    """Codes, ties of either sign and their neighbours, ends and beyond them, denormals; at every step."""
    halves = np.arange(-300, 300) / 2
    numbers = [*halves, *np.nextafter(halves, np.inf), *np.nextafter(halves, -np.inf)]
    numbers += [-0.0, 5e-324, -5e-324, 2.2e-308, -2.2e-308, 1e-17, -1e-17, 0.49999999999999994]
    numbers += [sign * 2.0**n for sign in (1, -1) for n in (31, 52, 53, 62, 63, 64, 100, 900)]
    numbers += [sign * (2.0**53 + 2) * 2.0**n for sign in (1, -1) for n in (0, 9, 10, 11, 40)]
    return np.outer(numbers, np.exp2(MIXED.exponent))


@pytest.mark.parametrize("rule", RULES)
def test_numbers_become_codes_and_back(program: CppProgram, rule: str) -> None:
    graph, x = program.graphs[f"mixed_{rule}"], values()
    found = program.numbers({"x": x}, f"mixed_{rule}")["y"]
    assert np.array_equal(found, decode(interpret(graph, encode(graph, {"x": x}))["y"], MIXED))
    op = Quantize.__new__(Quantize)  # any range, also for WRAP
    for name, value in zip(("target", "rounding", "overflow"), (MIXED, *RULES[rule]), strict=True):
        object.__setattr__(op, name, value)
    exact = [quantized(op, [Fraction(number) for number in event]) for event in x.tolist()]
    assert found.tolist() == [[float(value) for value in event] for event in exact]


@pytest.mark.parametrize("rule", RULES)
def test_codes_wider_than_a_double(program: CppProgram, rule: str) -> None:
    rounding, overflow = RULES[rule]
    op = Quantize(TensorType.of(Fixed(62, 60), (1,)), rounding, overflow)
    numbers = [sign * m * 2.0**n for sign in (1, -1) for m in (1, 2**53 - 1, 3) for n in range(-5, 64)]
    halves = program.numbers({"x": np.array(numbers)[:, np.newaxis]}, f"wide_{rule}")
    found = [
        Fraction(high) + Fraction(low)
        for high, low in zip(halves["high"].ravel().tolist(), halves["low"].ravel().tolist(), strict=True)
    ]
    assert found == [quantized(op, [Fraction(number)])[0] for number in numbers]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rule", ["rnd_sat", "trn_wrap"])
def test_what_is_no_number_is_refused(program: CppProgram, rule: str, bad: float) -> None:
    x = np.zeros((7, 6))
    x[5, 3] = bad
    with pytest.raises(SampleError, match=r"^the C\+\+ refuses event 5: an input is NaN or infinite"):
        program.numbers({"x": x}, f"mixed_{rule}")


def test_too_large_to_be_wrapped(program: CppProgram) -> None:
    x = np.zeros((1, 6))
    x[0, 0] = 1e308  # four steps make one: not a double any more
    assert program.numbers({"x": x}, "mixed_rnd_sat")["y"][0, 0] == 1.75
    with pytest.raises(SampleError, match=r"^the C\+\+ refuses event 0"):
        program.numbers({"x": x}, "mixed_rnd_wrap")
