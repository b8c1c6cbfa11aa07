"""Against analytic cases, against scikit-learn, and by toy experiments."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from nanosieve.errors import SampleError, SettingsError
from nanosieve.figure import Provenance
from nanosieve.physics.efficiency import (
    area_ratio,
    area_under_curve,
    clopper_pearson,
    roc,
    signal_efficiency,
    threshold_at_false_positive_rate,
    threshold_at_rate,
    trigger_rate,
)


def above(x: float) -> float:
    """Fraction of the unit normal above x."""
    return 0.5 * math.erfc(x / math.sqrt(2))


def test_threshold_of_a_hand_made_sample():
    scores = np.arange(10.0)
    point = threshold_at_false_positive_rate(scores, 0.2)
    assert point.threshold == 8.0
    assert point.events == 2
    assert point.false_positive_rate.value == pytest.approx(20.0)
    assert point.false_positive_rate.error == pytest.approx(100 * math.sqrt(0.2 * 0.8 / 10))
    # 0.2 ± 0.126: at least 0.326 passes from 6 on, at most 0.074 only beyond the last event
    assert (point.loose, point.tight) == (6.0, np.nextafter(9.0, np.inf))
    assert point.leverage == pytest.approx(math.sqrt(0.2 * 0.8 / 10) / 0.4)


def test_ties_never_exceed_the_rate_asked_for():
    scores = np.array([0, 1, 1, 1, 2, 2, 2, 2, 2, 3.0])
    point = threshold_at_false_positive_rate(scores, 0.5)
    assert point.threshold == 3.0
    assert point.false_positive_rate.value == pytest.approx(10.0)


@given(
    st.lists(st.tuples(st.integers(0, 8), st.floats(0.1, 5.0)), min_size=5, max_size=60),
    st.floats(0.05, 0.9),
)
def test_the_threshold_is_the_lowest_that_keeps_the_rate(events, rate):
    scores = np.array([score for score, _ in events], dtype=float)
    weights = np.array([weight for _, weight in events])
    fraction = {t: weights[scores >= t].sum() / weights.sum() for t in np.unique(scores)}
    allowed = [t for t, f in fraction.items() if f <= rate]
    if not allowed:
        with pytest.raises(SampleError, match="not one may fire"):
            threshold_at_false_positive_rate(scores, rate, weights=weights)
        return
    point = threshold_at_false_positive_rate(scores, rate, weights=weights)
    assert point.threshold == min(allowed)
    assert point.loose <= point.threshold <= point.tight


def test_rate_is_luminosity_times_cross_section():
    scores = np.arange(1000.0)
    weights = np.full(1000, 50.0)  # pb each
    # 2e34 / cm² / s is 0.02 / pb / s: 50 pb are 1 Hz
    point = threshold_at_rate(scores, "0.1 kHz", weights=weights, luminosity="2e34 / cm**2 / s")
    assert point.rate is not None
    assert point.rate.value == pytest.approx(0.1)
    assert point.rate.error == pytest.approx(0.1 / math.sqrt(100))
    assert point.rate.unit == "kHz"
    assert point.threshold == 900.0
    assert trigger_rate(scores, 900.0, weights=weights).value == pytest.approx(0.1)
    doubled = threshold_at_rate(scores, 0.1, weights=weights, luminosity="4e34 / cm**2 / s")
    assert doubled.threshold == 950.0


def test_area_of_two_normals_and_of_scikit_learn():
    random = np.random.default_rng(1)
    background, signal = random.normal(0, 1, 20_000), random.normal(1, 1, 5_000)
    area = area_under_curve(background, signal)
    truth = 100 * above(-1 / math.sqrt(2))
    assert area.error is not None
    assert abs(area.value - truth) < 4 * area.error
    b, s = np.round(background, 1), np.round(signal, 1)  # many ties
    w_b, w_s = random.exponential(1, len(b)), random.exponential(1, len(s))
    theirs = roc_auc_score(
        np.r_[np.zeros(len(b)), np.ones(len(s))], np.r_[b, s], sample_weight=np.r_[w_b, w_s]
    )
    ours = area_under_curve(b, s, background_weights=w_b, signal_weights=w_s)
    assert ours.value == pytest.approx(100 * theirs, rel=1e-9)
    assert ours.provenance is Provenance.SIMULATED


def test_ratio_of_areas_knows_that_the_events_are_the_same():
    """The error of the pair is that of repeated samples, far below the one of two areas taken apart."""

    def sample(seed):
        random = np.random.default_rng(seed)
        background, signal = random.normal(0, 1, 400), random.normal(1, 1, 200)
        weights = random.exponential(1, 400), random.exponential(1, 200)
        coarse = np.round(2 * background), np.round(2 * signal)
        return area_ratio(coarse, (background, signal), weights=weights)

    ratios = [sample(seed) for seed in range(200)]
    spread = np.std([ratio.value for ratio in ratios])
    assert np.mean([ratio.error for ratio in ratios]) == pytest.approx(spread, rel=0.15)
    random = np.random.default_rng(3)
    scores = random.normal(0, 1, 400), random.normal(1, 1, 200)
    apart = area_under_curve(*scores)
    assert apart.error / apart.value > 2 * spread
    same = area_ratio(scores, scores)
    assert (same.value, same.error) == (1.0, 0.0)


def test_roc_of_two_normals():
    random = np.random.default_rng(2)
    curve = roc(random.normal(0, 1, 50_000), random.normal(1.5, 1, 20_000))
    truth = np.array([above(np.sqrt(2) * _inverse(f) - 1.5) for f in curve.false_positive_rate])
    pulls = (curve.true_positive_rate - truth)[:-1] / curve.error[:-1]
    assert np.abs(pulls).max() < 4.5
    assert curve.true_positive_rate[-1] == 1.0
    assert (np.diff(curve.true_positive_rate) >= 0).all()


def _inverse(fraction: float) -> float:
    """x / sqrt 2 with `fraction` of the unit normal above x."""
    from scipy.special import erfcinv

    return float(erfcinv(2 * fraction))


def test_an_efficiency_error_without_background_error_is_clopper_pearson():
    background = np.repeat(np.arange(10.0), 100_000)
    point = threshold_at_false_positive_rate(background, 0.1000001)
    signal = np.array([0.0] * 15 + [9.0] * 5)
    low, high = clopper_pearson(5, 20)
    figure = signal_efficiency(signal, point)
    assert figure.value == pytest.approx(25.0)
    assert figure.error == pytest.approx(50 * (high - low), rel=1e-3)


def test_clopper_pearson_against_its_definition():
    low, high = clopper_pearson(3, 12)
    tail = (1 - math.erf(1 / math.sqrt(2))) / 2
    at_least = sum(math.comb(12, k) * low**k * (1 - low) ** (12 - k) for k in range(3, 13))
    at_most = sum(math.comb(12, k) * high**k * (1 - high) ** (12 - k) for k in range(4))
    assert at_least == pytest.approx(tail)
    assert at_most == pytest.approx(tail)
    assert clopper_pearson(12, 12)[1] == 1.0


@pytest.mark.parametrize("weighted", [False, True])
def test_efficiency_errors_cover_the_truth_in_toys(weighted):
    """The truth lies within one error in about 68 % of the toys, few background events fix the threshold."""
    random = np.random.default_rng(3)
    rate, experiments = 0.01, 400
    truth = 100 * above(math.sqrt(2) * _inverse(rate) - 2.0)
    pulls, without = [], []
    for _ in range(experiments):
        background, signal = random.normal(0, 1, 4000), random.normal(2.0, 1, 400)
        weights = random.choice([0.5, 1.5], 4000) if weighted else None
        point = threshold_at_false_positive_rate(background, rate, weights=weights)
        figure = signal_efficiency(signal, point)
        low, high = clopper_pearson(figure.value / 100 * 400, 400)
        assert figure.error is not None
        pulls.append((figure.value - truth) / figure.error)
        without.append((figure.value - truth) / (50 * (high - low)))
    covered = np.mean(np.abs(pulls) < 1)
    assert 0.60 < covered < 0.76
    assert np.mean(np.abs(without) < 1) < covered - 0.05, "the background's error must matter here"


def test_area_errors_cover_the_truth_in_toys():
    random = np.random.default_rng(4)
    truth = 100 * above(-1 / math.sqrt(2))
    pulls = []
    for _ in range(400):
        weights = random.exponential(1, 300)
        area = area_under_curve(
            random.normal(0, 1, 300), random.normal(1, 1, 200), background_weights=weights
        )
        assert area.error is not None
        pulls.append((area.value - truth) / area.error)
    assert 0.61 < np.mean(np.abs(pulls) < 1) < 0.75


def test_bad_input_is_refused():
    good = np.arange(10.0)
    with pytest.raises(SampleError, match=r"background event 3 has a score that is not finite"):
        threshold_at_false_positive_rate(np.where(good == 3, np.nan, good), 0.5)
    with pytest.raises(SampleError, match="none negative"):
        threshold_at_false_positive_rate(good, 0.5, weights=good - 1)
    with pytest.raises(SampleError, match=r"shape \(0,\)"):
        threshold_at_false_positive_rate(good[:0], 0.5)
    with pytest.raises(SampleError, match=r"10 background events .* cannot fix a threshold .* make more"):
        threshold_at_false_positive_rate(good, 0.01)
    with pytest.raises(SettingsError, match="not a fraction between 0 and 1"):
        threshold_at_false_positive_rate(good, 1.5)
    with pytest.raises(SettingsError, match="not a quantity in units of 1/pb/s"):
        threshold_at_rate(good, "1 kHz", weights=good + 1, luminosity="2e34 cm")
    with pytest.raises(SettingsError, match="not positive"):
        threshold_at_rate(good, "-1 kHz", weights=good + 1)
    with pytest.raises(SampleError, match="make no ROC curve"):
        roc(good[:5], good)
