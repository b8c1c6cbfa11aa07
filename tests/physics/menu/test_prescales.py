"""Rates in expectation over prescales are those of all outcomes, written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.menu import enhanced_bias_weights
from nanosieve.physics.menu.prescales import Keep
from nanosieve.physics.menu.rates import RateSums


def by_outcomes(fired, weight, keep: Keep):
    """Total, pure, proportional (3, M), any and overlap (M, M) by enumerating what every prescale does."""
    number = len(keep.own)
    sums, either, overlap = np.zeros((3, number)), 0.0, np.zeros((number, number))
    for common in itertools.product([0, 1], repeat=len(keep.common)):
        for own in itertools.product([0, 1], repeat=number):
            chance = np.prod(np.where(common, keep.common, 1 - keep.common))
            chance *= np.prod(np.where(own, keep.own, 1 - keep.own))
            kept = np.array(fired) & np.array(own, bool) & np.array(common, bool)[keep.group]
            if kept.any():
                sums[0] += weight * chance * kept
                sums[1] += weight * chance * (kept if kept.sum() == 1 else 0)
                sums[2] += weight * chance * kept / kept.sum()
                either += weight * chance
                overlap += weight * chance * np.outer(kept, kept)
    return sums, either, overlap


prescales = st.sampled_from([1.0, 1.0, 2.0, 3.5, 100.0])


@st.composite
def cases(draw):
    number = draw(st.integers(1, 4))
    group = draw(st.lists(st.integers(0, 2), min_size=number, max_size=number))
    keep = Keep(
        1 / np.array(draw(st.lists(prescales, min_size=number, max_size=number))),
        np.array(group),
        1 / np.array(draw(st.lists(prescales, min_size=3, max_size=3))),
    )
    events = draw(st.lists(st.lists(st.booleans(), min_size=number, max_size=number), min_size=1, max_size=3))
    return keep, np.array(events), np.array(draw(st.lists(st.floats(0.1, 9), min_size=3, max_size=3)))


@settings(max_examples=60)
@given(cases())
def test_expectations_are_those_of_all_outcomes(case):
    keep, fired, weights = case
    weights = weights[: len(fired)]
    sums = RateSums(keep)
    sums.add(fired, weights)
    expected = [by_outcomes(row, w, keep) for row, w in zip(fired, weights, strict=True)]
    for k in range(3):
        assert np.allclose(sums.sums[2 * k], sum(e[0][k] for e in expected))
        assert np.allclose(sums.sums[2 * k + 1], sum(e[0][k] ** 2 for e in expected))
    assert np.isclose(sums.any[0], sum(e[1] for e in expected))
    assert np.isclose(sums.any[1], sum(e[1] ** 2 for e in expected))
    assert np.allclose(sums.overlap, sum(e[2] for e in expected))
    assert np.isclose(sums.sums[4].sum(), sums.any[0])


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_proportional_rates_add_up_to_the_rate_of_the_menu(seed, lines):
    rng = np.random.default_rng(seed)
    keep = Keep(
        1 / rng.choice([1.0, 2.0, 50.0], lines), rng.integers(0, 5, lines), 1 / rng.choice([1.0, 7.0], 5)
    )
    sums = RateSums(keep)
    sums.add(rng.random((20, lines)) < 0.4, rng.exponential(1.0, 20))
    assert np.isclose(sums.sums[4].sum(), sums.any[0], rtol=1e-9)
    assert (sums.sums[2] <= sums.sums[4] * (1 + 1e-9)).all()
    assert (sums.sums[4] <= sums.sums[0] * (1 + 1e-9)).all()


def test_too_few_nodes_would_be_seen():
    """The exactness of the integral rests on the number of nodes."""
    keep = Keep(np.full(8, 0.5), np.arange(8), np.ones(8))
    sums = RateSums(keep)
    sums._nodes, sums._weights = np.array([0.5]), np.array([1.0])
    sums.add(np.ones((1, 8), bool), np.ones(1))
    assert not np.isclose(sums.sums[4].sum(), sums.any[0], rtol=1e-3)


class TestEnhancedBias:
    def test_weights_undo_a_simulated_selection(self):
        """Record events with prescaled chains, weight them, and find the true rates again."""
        rng = np.random.default_rng(4)
        prescales = np.array([3.0, 20.0, 1.0])
        passed = rng.random((200_000, 3)) < np.array([0.3, 0.5, 0.01])
        recorded = (passed & (rng.random(passed.shape) < 1 / prescales)).any(axis=1)
        weights = enhanced_bias_weights(passed[recorded], prescales)
        for chain in range(3):
            mine = passed[recorded][:, chain]
            found, error = weights[mine].sum(), np.sqrt((weights[mine] ** 2).sum())
            assert abs(found - passed[:, chain].sum()) < 4 * error
            assert error < 0.05 * found

    def test_a_chain_that_was_off_recorded_nothing(self):
        assert enhanced_bias_weights([[True, True]], [4, np.inf]).tolist() == [4.0]
        with pytest.raises(SampleError, match="event 1 passes no chain that was on"):
            enhanced_bias_weights([[True, True], [False, True]], [4, np.inf])

    @pytest.mark.parametrize(
        ("prescales", "message"),
        [
            ([2, 0.5], "prescale 0.5 is below 1"),
            ([2], r"accepted: \(N, C\) and \(C,\)"),
            ([2, np.nan], "below 1"),
        ],
    )
    def test_prescales_that_cannot_be(self, prescales, message):
        with pytest.raises(SettingsError, match=message):
            enhanced_bias_weights([[True, True]], prescales)
