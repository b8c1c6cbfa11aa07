import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.compiler.verification import Stimulus
from nanosieve.compiler.verification.stimulus import Timing
from nanosieve.errors import SettingsError


@given(
    st.integers(1, 40),
    st.builds(Timing, st.integers(1, 6), st.integers(1, 9), st.integers(1, 4)),
    st.floats(0, 0.9),
    st.integers(0, 12),
    st.integers(0, 99),
)
def test_a_design_that_obeys_takes_every_vector_but_those_that_a_reset_meets(
    vectors: int, timing: Timing, gap: float, resets: int, seed: int
) -> None:
    """The schedule against a model of the design: busy for an interval, all forgotten at a reset."""
    schedule = Stimulus(gap, resets, seed).schedule(vectors, timing)
    assert schedule.reset[0]
    assert 1 <= schedule.reset.sum() <= 1 + min(resets, vectors)
    assert schedule.entered[-1] + timing.latency + timing.beats < len(schedule.valid)
    busy, started = 0, []
    for cycle, (valid, reset) in enumerate(zip(schedule.valid, schedule.reset, strict=True)):
        if valid and busy == 0:
            started.append(cycle)
            busy = timing.interval
        busy = 0 if reset else max(0, busy - 1)
    assert started == schedule.entered.tolist()
    rows = zip(schedule.entered, schedule.announced, schedule.delivered, strict=True)
    for entered, announced, delivered in rows:
        out = entered + timing.latency
        assert announced == (not schedule.reset[entered:out].any())
        assert delivered == (not schedule.reset[entered : out + timing.beats - 1].any())


def test_back_to_back_means_no_idle_cycle() -> None:
    schedule = Stimulus().schedule(10, Timing(3))
    assert schedule.entered.tolist() == list(range(1, 11))
    assert schedule.delivered.all()
    schedule = Stimulus().schedule(10, Timing(3, interval=5))
    assert schedule.entered.tolist() == list(range(1, 51, 5))
    assert 10 + 5 < schedule.valid.sum() < 10 + 35  # the design is busy, and valid_in is random


def test_vectors_come_at_all_times_and_soon_after_a_reset() -> None:
    """Gaps are no multiples of the interval; resets meet every beat; the next vector may follow at once."""
    schedule = Stimulus(0.3, 800, 1).schedule(2000, Timing(20, interval=7))
    gaps = np.diff(schedule.entered)
    assert set(range(1, 15)) <= set(gaps.tolist())
    assert set(range(7)) == set((gaps % 7).tolist())
    resets = np.flatnonzero(schedule.reset)[1:]
    after = resets - schedule.entered[np.searchsorted(schedule.entered, resets, side="right") - 1]
    assert set(range(8)) <= set(after.tolist())
    assert np.isin(resets + 1, schedule.entered).sum() > 100


@pytest.mark.parametrize(("gap", "resets"), [(1.0, 0), (-0.1, 0), (0.0, -1)])
def test_out_of_domain(gap: float, resets: int) -> None:
    with pytest.raises(SettingsError, match=r"^stimulus: (gap|resets) = "):
        Stimulus(gap, resets)
