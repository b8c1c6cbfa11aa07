"""Two quantisers of one layer become one where that is provably the same clipping."""

from __future__ import annotations

import pytest

from helpers.pass_checks import assert_pass_holds, body, start
from nanosieve.compiler.graph import Fixed, Graph, Overflow, Quantize, Rounding, TensorType
from nanosieve.compiler.passes import drop_dead_values, merge_quantizers

Q = tuple[str, str, str]


def pair(first: Q, second: Q, layers: tuple[str, str] = ("q", "q")) -> Graph:
    builder, value = start()
    for n, ((format, rounding, overflow), layer) in enumerate(zip((first, second), layers, strict=True)):
        target = TensorType.of(Fixed.parse(format), (2,))
        op = Quantize(target, Rounding(rounding), Overflow(overflow))
        value = builder.add(op, value, layer=layer, part="" if n or layers[0] != layers[1] else "first")
    return builder.finish({"y": value})


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        (
            ("fixed<6,3>", "TRN", "SAT"),
            ("ufixed<3,2>", "TRN", "SAT"),
            "q = Quantize(x, 2 ufixed<3,2>, TRN, SAT)",
        ),
        (
            ("fixed<7,3>", "RND", "SAT"),  # x has four fractional bits, so nothing is rounded here
            ("fixed<5,4>", "RND_CONV", "SAT"),
            "q = Quantize(x, 2 fixed<4,3>, RND_CONV, SAT)",
        ),
    ],
)
def test_merged(first: Q, second: Q, text: str) -> None:
    after = drop_dead_values(assert_pass_holds(merge_quantizers, pair(first, second)))
    assert body(after)[0].startswith(text.split("2 ")[0])
    assert len(after.nodes) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("fixed<5,3>", "RND", "SAT"), ("fixed<4,3>", "RND", "SAT")),  # rounded twice
        (("fixed<5,3>", "TRN", "SAT"), ("fixed<4,3>", "RND", "SAT")),
        (("fixed<5,3>", "TRN", "WRAP"), ("fixed<4,3>", "TRN", "SAT")),
        (("fixed<5,3>", "TRN", "SAT"), ("fixed<3,2>", "TRN", "WRAP")),
        (("fixed<5,3>", "TRN", "SAT"), ("fixed<7,3>", "TRN", "SAT")),  # the second is finer
    ],
)
def test_kept(first: Q, second: Q) -> None:
    graph = pair(first, second)
    assert body(assert_pass_holds(merge_quantizers, graph)) == body(graph)


def test_layers_stay_apart() -> None:
    graph = pair(("fixed<6,3>", "TRN", "SAT"), ("ufixed<3,2>", "TRN", "SAT"), layers=("a", "b"))
    assert body(merge_quantizers(graph)) == body(graph)
