import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.compiler.verification import Stimulus
from nanosieve.errors import SettingsError


@given(st.integers(1, 40), st.integers(1, 6), st.floats(0, 0.9), st.integers(0, 12), st.integers(0, 99))
def test_a_vector_is_lost_exactly_if_a_reset_meets_it(
    vectors: int, latency: int, gap: float, resets: int, seed: int
) -> None:
    schedule = Stimulus(gap, resets, seed).schedule(vectors, latency)
    assert np.all(np.diff(schedule.entered) >= 1)
    assert schedule.valid.sum() == vectors
    assert schedule.entered[-1] + latency < len(schedule.valid)
    for entered, delivered in zip(schedule.entered, schedule.delivered, strict=True):
        assert delivered == (not schedule.reset[entered : entered + latency].any())


def test_back_to_back_means_no_idle_cycle() -> None:
    schedule = Stimulus().schedule(10, 3)
    assert schedule.entered.tolist() == list(range(1, 11))
    assert schedule.delivered.all()


@pytest.mark.parametrize(("gap", "resets"), [(1.0, 0), (-0.1, 0), (0.0, -1)])
def test_out_of_domain(gap: float, resets: int) -> None:
    with pytest.raises(SettingsError, match=r"^stimulus: (gap|resets) = "):
        Stimulus(gap, resets)
