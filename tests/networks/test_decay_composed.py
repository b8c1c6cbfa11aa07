"""Three linear convolutions as one, and one as three."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from nanosieve.errors import SampleError
from nanosieve.networks.decay_composed import build_composed, published_form, split_kernel
from nanosieve.networks.decay_length import PARAMETERS, multiplications


def convolved(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.conv(x, kernel, padding="same"))


def test_three_kernels_are_one_at_the_borders_too() -> None:
    """In whole numbers, hence without any rounding; an image smaller than the kernel is all border."""
    draw = np.random.default_rng(1)
    kernel = draw.integers(-9, 10, (7, 7, 1, 64)).astype(np.float32)
    parts = split_kernel(kernel)
    for shape in ((9, 12), (3, 2)):
        x = draw.integers(0, 2, (3, *shape, 1)).astype(np.float32)
        y = x
        for part in parts:
            y = convolved(y, part)
        assert np.array_equal(y, convolved(x, kernel))
    changed = parts[2].copy()
    changed[0, 0] *= -1
    assert not np.array_equal(convolved(convolved(convolved(x, parts[0]), parts[1]), changed), y)
    with pytest.raises(SampleError, match=r"shape \(5, 5, 1, 64\); accepted: \(7, 7, 1, 64\)"):
        split_kernel(kernel[:5, :5])


def test_the_published_form_is_the_same_function() -> None:
    composed = build_composed(3)
    composed.get_layer("length").set_weights([composed.get_layer("length").get_weights()[0], np.ones(1)])
    assert sum(multiplications(composed).values()) == pytest.approx(140.8e6, abs=0.05e6)
    whole = published_form(composed)
    assert whole.count_params() == PARAMETERS
    x = (np.random.default_rng(1).random((2, 20, 333, 1)) < 0.03).astype(np.float32)
    ours, theirs = (np.asarray(model.predict(x, verbose=0)) for model in (composed, whole))
    assert theirs == pytest.approx(ours, rel=1e-4, abs=1e-4)
    assert np.ptp(ours) > 1e-3
