"""Several convolutions as one are exact, at the borders too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanosieve.compiler.frontends.linear_convolutions import Composed, Convolution, composed, products_of


def convolve(x: np.ndarray, layer: Convolution) -> np.ndarray:
    """By definition: a sum over the places of the window of the padded input."""
    padded = np.pad(x, [*layer.padding, (0, 0)])
    out = np.zeros((*layer.output(x.shape[:-1]), layer.kernel.shape[-1]), dtype=x.dtype)
    for place in np.ndindex(*layer.kernel.shape[:-2]):
        part = tuple(
            slice(p * d, p * d + n) for p, d, n in zip(place, layer.dilation, out.shape, strict=False)
        )
        out += padded[part] @ layer.kernel[place]
    return out if layer.bias is None else out + layer.bias


def apply(one: Composed, x: np.ndarray) -> np.ndarray:
    """A kernel for each position, by its class."""
    padded = np.pad(x, [*one.padding, (0, 0)])
    out = np.zeros((*one.classes.shape, one.biases.shape[-1]), dtype=x.dtype)
    for position in np.ndindex(*one.classes.shape):
        c = one.classes[position]
        window = padded[tuple(slice(p, p + n) for p, n in zip(position, one.kernels.shape[1:], strict=False))]
        out[position] = np.tensordot(window, one.kernels[c], window.ndim) + one.biases[c]
    return out


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[Convolution], np.ndarray]:
    rank = draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = tuple(draw(st.integers(1, 9)) for _ in range(rank))
    channels = draw(st.integers(1, 3))
    x = rng.integers(-8, 8, (*shape, channels))
    chain: list[Convolution] = []
    for _ in range(draw(st.integers(1, 3))):
        filters = draw(st.integers(1, 3))
        size = tuple(draw(st.integers(1, 3)) for _ in range(rank))
        dilation = tuple(draw(st.integers(1, 2)) for _ in range(rank))
        kind = draw(st.sampled_from(["same", "valid", "any"]))
        spans = [(k - 1) * d for k, d in zip(size, dilation, strict=True)]
        pads = {
            "same": [(s // 2, s - s // 2) for s in spans],
            "valid": [(0, 0) for _ in spans],
            "any": [(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in spans],
        }[kind]
        bias = rng.integers(-9, 9, filters) if draw(st.booleans()) else None
        layer = Convolution(rng.integers(-8, 8, (*size, channels, filters)), bias, tuple(pads), dilation)
        if min(layer.output(shape)) < 1:
            continue
        chain.append(layer)
        shape, channels = layer.output(shape), filters
    if not chain:
        chain.append(
            Convolution(rng.integers(-8, 8, (*[1] * rank, channels, 2)), None, ((0, 0),) * rank, (1,) * rank)
        )
    return chain, x


@given(chains())
@settings(max_examples=120, deadline=None)
def test_one_convolution_is_all_of_them(case: tuple[list[Convolution], np.ndarray]) -> None:
    chain, x = case
    expected = x
    for layer in chain:
        expected = convolve(expected, layer)
    one = composed(chain, x.shape[:-1])
    assert np.array_equal(apply(one, x), expected)


def three(rng: np.random.Generator) -> list[Convolution]:
    same = ((1, 1), (1, 1))
    sizes = [(3, 3, 1, 4), (3, 3, 4, 4), (3, 3, 4, 4)]
    return [Convolution(rng.integers(-8, 8, s), rng.integers(-9, 9, 4), same, (1, 1)) for s in sizes]


def test_three_of_nine_are_one_of_forty_nine_in_25_classes() -> None:
    chain = three(np.random.default_rng(1))
    one = composed(chain, (20, 33))
    assert one.kernels.shape == (25, 7, 7, 1, 4)
    assert one.padding == ((3, 3), (3, 3))
    assert one.products == 20 * 33 * 49 * 4
    assert products_of(chain, (20, 33)) == 20 * 33 * 9 * (4 + 16 + 16)


@pytest.mark.parametrize("fault", ["kernel", "bias"])
def test_the_kernel_of_the_inside_is_wrong_at_the_border(fault: str) -> None:
    rng = np.random.default_rng(2)
    chain = three(rng)
    one = composed(chain, (9, 9))
    inside = one.classes[4, 4]
    kernels, biases = one.kernels.copy(), one.biases.copy()
    (kernels if fault == "kernel" else biases)[:] = (kernels if fault == "kernel" else biases)[inside]
    x = rng.integers(0, 2, (9, 9, 1))
    wrong = apply(Composed(kernels, biases, one.classes, one.padding), x) != apply(one, x)
    assert wrong.any(axis=-1)[[0, 0, -1], [0, 4, -1]].all()
    assert not wrong[2:-2, 2:-2].any()
