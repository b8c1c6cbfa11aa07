"""Thresholds meet the rates of a design, and are those that the menu's own fit finds."""

from __future__ import annotations

import numpy as np
import pytest

from farm.impact.conftest import crossings
from nanosieve.errors import SampleError, SettingsError
from nanosieve.farm.impact.tuning import factor_at_rate, tune

ITEMS = np.array([0])


def tuned(background, level1_rate, output_rate, **options):
    return tune(background, background.weights, ITEMS, level1_rate, output_rate, **options)


class TestByHand:
    def test_both_levels_fire_at_their_rates(self, ladder):
        found = tuned(ladder, 50.0, 10.0)
        assert (found.level1, found.high_level) == (5.0, 9.0)
        assert (found.level1_rate, found.output_rate, found.forced_rate) == (50.0, 10.0, 0.0)

    def test_never_above_the_limit(self, ladder):
        found = tuned(ladder, 50.9, 10.9)
        assert (found.level1_rate, found.output_rate) == (50.0, 10.0)

    def test_without_a_hardware_trigger_the_output_alone_counts(self):
        background = crossings([0.0] * 10, np.arange(1, 11).tolist())
        found = tuned(background, None, 3.0)
        assert found.level1 is None
        assert (found.level1_rate, found.high_level, found.output_rate) == (10.0, 7.0, 3.0)

    def test_a_line_fires_only_behind_its_item(self):
        # what the high-level trigger likes best is what Level 1 rejects first
        background = crossings([4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0])
        found = tuned(background, 2.0, 1.0)
        assert (found.level1, found.high_level, found.output_rate) == (2.0, 1.0, 1.0)

    def test_what_is_stored_without_a_decision_takes_its_rate_from_the_menu(self, ladder):
        found = tuned(ladder, 50.0, 10.0, forced=np.full(100, 0.1))
        assert (found.forced_rate, found.output_rate) == (pytest.approx(5.0), 5.0)

    def test_equal_scores_fire_together_or_not_at_all(self):
        assert factor_at_rate(np.array([2.0, 2.0, 2.0, 1.0]), np.ones(4), 2.0) == 2.0


class TestErrors:
    @pytest.mark.parametrize(
        ("level1_rate", "output_rate", "message"),
        [
            (200.0, 10.0, "Level 1 fires at 100 Hz at most, .* by 0.1, and 200 Hz were asked for"),
            (50.0, 50.0, "high-level trigger fires at 50 Hz at most, .* ask for less"),
        ],
    )
    def test_no_threshold_is_loose_enough(self, ladder, level1_rate, output_rate, message):
        with pytest.raises(SettingsError, match=message):
            tuned(ladder, level1_rate, output_rate)

    def test_no_threshold_is_tight_enough(self):
        background = crossings([20.0, 20.0, 1.0], [1.0, 1.0, 1.0])
        with pytest.raises(
            SettingsError, match="Level 1 fires at 2 Hz even with thresholds multiplied by 20"
        ):
            tuned(background, 1.0, 1.0)

    def test_one_crossing_is_too_much(self):
        with pytest.raises(
            SampleError, match=r"the first to fire make 1 Hz of Level 1, .* make more background"
        ):
            tuned(crossings([3.0, 2.0], [1.0, 1.0]), 0.5, 0.1)

    def test_time_outs_fill_the_output(self, ladder):
        with pytest.raises(SettingsError, match="time-outs alone store 25 Hz without a decision, and 10 Hz"):
            tuned(ladder, 50.0, 10.0, forced=np.full(100, 0.5))

    def test_replicas_take_the_nearest_threshold(self, ladder):
        loose = tuned(ladder, 200.0, 200.0, strict=False)
        assert (loose.level1, loose.high_level, loose.output_rate) == (0.0, 0.0, 100.0)
        full = tuned(ladder, 50.0, 10.0, forced=np.full(100, 0.5), strict=False)
        assert full.output_rate == 0.0
