import math

import numpy as np
import pytest

from nanosieve.errors import SampleError
from nanosieve.networks.objects import (
    ETA_LIMITS,
    PHYSICAL_LIMITS,
    TARGET_EXPONENTS,
    flatten_objects,
    normalising_exponents,
)


def test_layout():
    assert len(ETA_LIMITS) == 19
    assert PHYSICAL_LIMITS[:6] == [None, 0.0, math.pi, None, 3.0, math.pi]
    assert PHYSICAL_LIMITS[5 * 3 + 1] == 2.1
    assert PHYSICAL_LIMITS[-2] == 4.0
    assert TARGET_EXPONENTS[:4] == [-3, 0, 0, -3]
    assert len(TARGET_EXPONENTS) == len(PHYSICAL_LIMITS) == 57


def test_flatten_keeps_the_order_of_the_objects(toy):
    events = toy(5)
    flat = flatten_objects(events)
    assert flat.dtype == np.float32
    assert np.array_equal(flat[:, 3 * 9 : 3 * 9 + 3], events[:, 9])
    assert np.array_equal(flatten_objects(flat), flat)


def test_bad_samples_are_refused(toy):
    events = toy(5)
    events[3, 9, 1] = np.nan
    with pytest.raises(
        SampleError, match=r"^event 3, object 9, eta is nan \(1 such values\); remove these events"
    ):
        flatten_objects(events)
    events[3, 9, 1] = np.inf
    with pytest.raises(SampleError, match=r"eta is inf"):
        flatten_objects(events)
    with pytest.raises(SampleError, match=r"shape \(5, 18, 3\); accepted: \(N, 19, 3\) or \(N, 57\)"):
        flatten_objects(toy(5)[:, :18])
    with pytest.raises(SampleError, match="holds no events"):
        flatten_objects(toy(5)[:0])


def test_inputs_are_normalised_by_powers_of_two():
    draw = np.random.default_rng(2)
    x = np.zeros((20_000, 57))
    x[:, 0] = draw.normal(30, 13, 20_000)  # 2**-4 is nearest to 1/13
    x[:, 3] = np.where(draw.random(20_000) < 0.01, 20.0, 0.0)  # rarely there: spread 2
    x[:, 6] = draw.normal(0, 1e-4, 20_000)
    exponents = normalising_exponents(x)
    assert exponents[:4] == (-4, 0, 0, -1)
    assert exponents[6] == 3  # no finer than allowed
    assert len(exponents) == 57


def test_weights_count_in_the_normalisation():
    x = np.zeros((1000, 57))
    x[:500, 0] = 64.0
    seldom = np.where(x[:, 0] > 0, 1e-3, 1.0)
    assert normalising_exponents(x)[0] == -5
    assert normalising_exponents(x, seldom)[0] == -1
