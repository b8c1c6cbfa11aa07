import math

import numpy as np
import pytest

from nanosieve.errors import SampleError
from nanosieve.networks.objects import ETA_LIMITS, PHYSICAL_LIMITS, TARGET_EXPONENTS, flatten_objects


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
