"""Convolutions, pooling and Einstein sums built of the graph's ops, against NumPy's own loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers.hgq_models import EVENTS
from nanosieve.compiler.frontends.einsum import einsum_of_variables, einsum_with_kernel
from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.frontends.windows import (
    convolution,
    depthwise_kernel,
    halved,
    pad_amounts,
    pooled,
    summed,
)
from nanosieve.compiler.graph import Builder, Integers, Max, Min, TensorType, decode, interpret
from nanosieve.errors import UnsupportedLayerError

Rng = np.random.Generator


def some_type(rng: Rng, shape: tuple[int, ...]) -> TensorType:
    """Ranges and steps that differ from element to element, constants among them."""
    low = rng.integers(-40, 20, shape)
    return TensorType(low, low + rng.integers(0, 40, shape), rng.integers(-3, 2, shape))


def run(
    rng: Rng, shapes: list[tuple[int, ...]], build: Callable[..., str]
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """The values of the node that `build` makes of inputs of the shapes, and the inputs."""
    b = LayerNodes(Builder(), "layer")
    types = {f"x{n}": some_type(rng, shape) for n, shape in enumerate(shapes)}
    node = build(b, *(b.builder.input(name, type) for name, type in types.items()))
    graph = b.builder.finish({"y": node})
    codes = {
        name: rng.integers(t.low, t.high, (EVENTS, *t.shape), endpoint=True) for name, t in types.items()
    }
    values = decode(interpret(graph, codes)["y"], graph.types[node])
    assert graph.types[node].holds(interpret(graph, codes)["y"]).all()
    return values, [decode(codes[name], t) for name, t in types.items()]


def slow_convolution(
    x: NDArray[np.float64],
    kernel: Integers,
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    groups: int,
) -> NDArray[np.float64]:
    """The definition, one output at a time; x is (events, *positions, channels)."""
    size, (depth, filters) = kernel.shape[:-2], kernel.shape[-2:]
    x = np.pad(x, [(0, 0), *padding, (0, 0)])
    out = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, s, d in zip(x.shape[1:-1], size, strides, dilation, strict=True)
    ]
    y = np.zeros((len(x), *out, filters))
    for place in np.ndindex(*out):
        for tap in np.ndindex(*size):
            at = tuple(p * s + t * d for p, s, t, d in zip(place, strides, tap, dilation, strict=True))
            for f in range(filters):
                g = f // (filters // groups)
                y[(slice(None), *place, f)] += (
                    x[(slice(None), *at, slice(g * depth, (g + 1) * depth))] @ kernel[(*tap, slice(None), f)]
                )
    return y


@pytest.mark.parametrize(
    ("shape", "size", "depth", "filters", "strides", "dilation", "kind", "groups"),
    [
        ((7, 3), (3,), 3, 4, (1,), (1,), "valid", 1),
        ((7, 3), (4,), 3, 4, (2,), (1,), "same", 1),
        ((7, 3), (4,), 3, 4, (2,), (1,), "same_lower", 1),
        ((7, 2), (3,), 2, 2, (1,), (2,), "causal", 1),
        ((7, 4), (2,), 2, 6, (1,), (3,), "same", 2),
        ((5, 6, 2), (2, 3), 2, 3, (2, 1), (1, 2), "same", 1),
        ((5, 4, 4), (3, 2), 1, 8, (1, 1), (1, 1), "valid", 4),
        ((3, 4, 2, 2), (2, 2, 2), 2, 2, (1, 1, 1), (1, 1, 1), "same", 1),
        ((6, 3), (1,), 3, 2, (1,), (1,), "valid", 1),
    ],
)
def test_convolution(
    shape: tuple[int, ...],
    size: tuple[int, ...],
    depth: int,
    filters: int,
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    kind: str,
    groups: int,
) -> None:
    rng = np.random.default_rng(1)
    kernel = rng.integers(-9, 10, (*size, depth, filters))
    padding = pad_amounts(kind, shape[:-1], size, strides, dilation)  # type: ignore[arg-type]
    found, (x,) = run(
        rng,
        [shape],
        lambda b, x: convolution(
            b, x, kernel, -2, strides=strides, dilation=dilation, padding=padding, groups=groups
        ),
    )
    expected = slow_convolution(x, kernel / 4, strides, dilation, padding, groups)
    assert np.array_equal(found, expected)
    if kind.startswith("same"):
        assert found.shape[1:-1] == tuple(-(-n // s) for n, s in zip(shape, strides, strict=False))
    kernel[(0,) * kernel.ndim] += 1
    assert not np.array_equal(found, slow_convolution(x, kernel / 4, strides, dilation, padding, groups))


def test_depthwise_kernel() -> None:
    rng = np.random.default_rng(1)
    kernel = rng.integers(-9, 10, (3, 4, 2))
    padding = ((1, 1),)
    found, (x,) = run(
        rng,
        [(6, 4)],
        lambda b, x: convolution(
            b, x, depthwise_kernel(kernel), 0, strides=(1,), dilation=(1,), padding=padding, groups=4
        ),
    )
    padded = np.pad(x, [(0, 0), (1, 1), (0, 0)])
    for c in range(4):
        for m in range(2):
            one = sum(padded[:, t : t + 6, c] * kernel[t, c, m] for t in range(3))
            assert np.array_equal(found[..., 2 * c + m], one)


def test_pooling_leaves_the_padding_out() -> None:
    rng = np.random.default_rng(2)
    padding = pad_amounts("same", (5, 4), (3, 2), (2, 2))
    padded_ends = [(0, 0), *padding, (0, 0)]
    for op, fill, best in ((Max(), -np.inf, np.max), (Min(), np.inf, np.min)):
        found, (x,) = run(rng, [(5, 4, 3)], lambda b, x, op=op: pooled(b, x, op, (3, 2), (2, 2), padding))
        padded = np.pad(x, padded_ends, constant_values=fill)
        for i, j in np.ndindex(3, 2):
            window = padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 2]
            assert np.array_equal(found[:, i, j], best(window, axis=(1, 2)))
    counts: list[NDArray[np.int64]] = []

    def total(b: LayerNodes, x: str) -> str:
        node, inside = summed(b, x, (3, 2), (2, 2), padding)
        counts.append(inside)
        return node

    found, (x,) = run(rng, [(5, 4, 3)], total)
    padded = np.pad(x, padded_ends)
    ones = np.pad(np.ones((5, 4), dtype=int), padding)
    for i, j in np.ndindex(3, 2):
        assert np.array_equal(found[:, i, j], padded[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 2].sum((1, 2)))
        assert counts[0][i, j] == ones[2 * i : 2 * i + 3, 2 * j : 2 * j + 2].sum()


def test_halved_only_by_powers_of_two() -> None:
    rng = np.random.default_rng(3)
    found, (x,) = run(rng, [(3, 2)], lambda b, x: halved(b, x, np.array([4, 1])) or "none")
    assert np.array_equal(found, x / [4, 1])
    b = LayerNodes(Builder(), "layer")
    x = b.builder.input("x", some_type(rng, (3, 2)))
    assert halved(b, x, np.array([4, 3])) is None


WITH_KERNEL = [
    ("bc,cd->bd", (4,), (4, 3)),
    ("bnc,cd->bnd", (5, 4), (4, 3)),
    ("bnc,nd->bdc", (5, 4), (5, 2)),
    ("bnc,ncd->bnd", (5, 4), (5, 4, 3)),
    ("bnc,nc->bnc", (5, 4), (5, 4)),
    ("bnc,nc->bcn", (5, 4), (5, 4)),
    ("bnc,dce->bend", (5, 4), (2, 4, 3)),
    ("bnhc,hcd->bndh", (2, 3, 4), (3, 4, 2)),
    ("bnc,cdx->bd", (5, 4), (4, 3, 2)),
    ("...c,cd->...d", (2, 3, 4), (4, 5)),
    ("b...c,cd->b...d", (2, 3, 4), (4, 5)),
    ("bn,d->bnd", (3,), (2,)),
]


@pytest.mark.parametrize(("equation", "shape", "kernel_shape"), WITH_KERNEL)
def test_einsum_with_a_kernel(equation: str, shape: tuple[int, ...], kernel_shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(4)
    kernel = rng.integers(-9, 10, kernel_shape)
    found, (x,) = run(rng, [shape], lambda b, x: einsum_with_kernel(b, x, kernel, -1, equation))
    assert np.array_equal(found, np.einsum(equation, x, kernel / 2))


OF_VARIABLES = [
    ("bqd,bkd->bqk", (3, 4), (2, 4)),
    ("bij,bjk->bik", (3, 4), (4, 2)),
    ("bhij,bjhd->bihd", (2, 3, 4), (4, 2, 5)),
    ("bi,bi->b", (3,), (3,)),
    ("bi,bj->bij", (3,), (2,)),
    ("bij,bj,bki->bk", (3, 4), (4,), (2, 3)),
    ("bij,bij,bij->bji", (2, 3), (2, 3), (2, 3)),
    ("bijk->bki", (2, 3, 4)),
    ("bij->bji", (2, 3)),
    ("...i,...i->...", (2, 3), (2, 3)),
]


@pytest.mark.parametrize("case", OF_VARIABLES, ids=lambda case: str(case[0]))
def test_einsum_of_variables(case: tuple[str, *tuple[tuple[int, ...], ...]]) -> None:
    equation, *shapes = case
    rng = np.random.default_rng(5)
    found, given = run(rng, shapes, lambda b, *nodes: einsum_of_variables(b, nodes, equation))
    assert np.array_equal(found, np.einsum(equation, *given))


@pytest.mark.parametrize("equation", ["bnn,nd->bd", "bnc,cd", "nbc,cd->nbd->x", "bnc,bc->bn", "bnc,cd->nbd"])
def test_equations_without_a_meaning_here(equation: str) -> None:
    b = LayerNodes(Builder(), "odd")
    x = b.builder.input("x", some_type(np.random.default_rng(1), (3, 3)))
    with pytest.raises(UnsupportedLayerError, match=r"^layer 'odd': equation .* is not supported; write it"):
        einsum_with_kernel(b, x, np.ones((3, 3), dtype=np.int64), 0, equation)


def test_rewired_adds_only_what_is_needed() -> None:
    b = LayerNodes(Builder(), "layer", "step")
    x = b.builder.input("x", some_type(np.random.default_rng(1), (2, 3)))
    assert b.rewired(x, lambda i: i, "same") == x
    assert b.rewired(x, lambda i: i.reshape(3, 2), "shape") == "layer.step.shape"
    assert b.rewired(x, lambda i: i.T, "turned") == "layer.step.turned"
    assert [type(node.op).__name__ for node in b.builder.nodes] == ["Input", "Reshape", "Gather"]
    assert b.within("more").rewired(x, lambda i: i[::-1], "turned") == "layer.step.more.turned"


def test_joined_and_clipped_and_reduced() -> None:
    rng = np.random.default_rng(6)
    shapes = [(2, 3), (1, 3), (4, 3)]
    found, given = run(rng, shapes, lambda b, *nodes: b.joined(nodes, 0, "joined"))
    assert np.array_equal(found, np.concatenate(given, axis=1))
    for low, high in [(-1.5, 2.0), (None, 0.375), (0.625, None), (-30.0, -20.0), (20.0, 30.0)]:
        found, (x,) = run(rng, [(5, 4)], lambda b, x, ends=(low, high): b.clipped(x, *ends, "clipped"))
        assert np.array_equal(found, np.clip(x, low, high))
    for axes, keepdims in [((0,), False), ((0, 2), True), ((1, -1), False)]:
        found, (x,) = run(
            rng, [(2, 3, 4)], lambda b, x, a=axes, k=keepdims: b.reduced(x, Max(), a, "best", keepdims=k)
        )
        assert np.array_equal(
            found, x.max(axis=tuple(a + 1 if a >= 0 else a for a in axes), keepdims=keepdims)
        )
