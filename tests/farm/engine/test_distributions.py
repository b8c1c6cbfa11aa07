"""Distributions draw what they say: means, variations, tails, correlations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nanosieve.errors import SettingsError
from nanosieve.farm.engine import (
    Constant,
    Distribution,
    Empirical,
    EventClass,
    Exponential,
    Farm,
    Gamma,
    LogNormal,
    Mixture,
    Nodes,
    Stage,
)
from nanosieve.farm.engine.draws import draw_events

ALL = [
    Constant("5 ms"),
    Exponential("20 ms"),
    LogNormal("1 s", 0.8),
    Gamma("2 s", 3),
    Gamma("2 s", 0.5),
    Mixture(LogNormal("100 ms", 0.5), Exponential("2 s"), 0.02),
    Empirical((0.1, 0.2, 0.25, 1.0, 4.0)),
]


@pytest.mark.parametrize("shape", ALL, ids=lambda shape: type(shape).__name__)
def test_mean_and_variation_are_those_of_the_draws(shape: Distribution):
    rng = np.random.default_rng(5)
    number = 400_000
    drawn = shape.draw(rng.standard_normal(number), rng)
    assert (drawn >= 0).all()
    mean_error = math.sqrt(shape.variation / number) * shape.mean
    assert abs(drawn.mean() - shape.mean) <= 4 * mean_error + 1e-15
    squares = drawn**2
    expected = shape.mean**2 * (1 + shape.variation)
    assert abs(squares.mean() - expected) <= 4 * squares.std() / math.sqrt(number) + 1e-12


@pytest.mark.parametrize("shape", [s for s in ALL if not isinstance(s, Mixture)], ids=repr)
def test_a_larger_normal_number_never_draws_less(shape: Distribution):
    drawn = shape.draw(np.linspace(-8, 8, 1001), np.random.default_rng(1))
    assert np.isfinite(drawn).all()
    assert (np.diff(drawn) >= 0).all()


def test_the_far_tail_of_an_exponential_is_exact():
    """1 - Φ(z) would be rounded to a few digits there, and to zero beyond 8.3."""
    drawn = Exponential(1.0).draw(np.array([8.0, 12.0]), np.random.default_rng(1))
    expected = [-math.log(math.erfc(z / math.sqrt(2)) / 2) for z in (8.0, 12.0)]
    assert drawn == pytest.approx(expected, rel=1e-12)


def test_measured_times_become_a_distribution():
    measured = np.random.default_rng(2).gamma(2.0, 0.1, 50_000)
    shape = Empirical.of(measured, points=1025)
    assert shape.mean == pytest.approx(measured.mean(), rel=2e-3)


@pytest.mark.parametrize("rho", [-0.7, 0.0, 0.9])
def test_size_and_time_are_correlated_within_a_class(rho: float):
    farm = Farm(
        (EventClass("jets", 1.0, LogNormal(1e6, 0.5), rho),), (Stage("all", LogNormal("1 s", 0.8)),), Nodes(1)
    )
    drawn = draw_events(farm, 100_000, 3)
    found = np.corrcoef(np.log(drawn.size), np.log(drawn.work[:, 0]))[0, 1]
    assert abs(found - rho) < 4 * (1 - rho**2 + 0.01) / math.sqrt(100_000)


def test_classes_are_as_frequent_as_they_say_and_rejected_as_often():
    classes = (EventClass("soft", 0.9), EventClass("hard", 0.1))
    stage = Stage("all", {"soft": Constant(1.0), "hard": Constant(3.0)}, {"soft": 0.05, "hard": 0.6})
    drawn = draw_events(Farm(classes, (stage,), Nodes(1)), 100_000, 7)
    hard = drawn.event_class == 1
    assert hard.mean() == pytest.approx(0.1, abs=4e-3)
    assert (drawn.verdict[hard] == 1).mean() == pytest.approx(0.6, abs=0.02)
    assert (drawn.verdict[~hard] == 1).mean() == pytest.approx(0.05, abs=4e-3)
    assert set(drawn.work[hard, 0]) == {3.0}


def test_another_stage_leaves_the_events_as_they_are():
    classes = (EventClass("soft", 0.9, Exponential(1e6)), EventClass("hard", 0.1, Exponential(2e6)))
    one = Farm(classes, (Stage("a", Exponential(1.0)),), Nodes(1))
    two = Farm(classes, (Stage("a", Exponential(1.0)), Stage("b", Exponential(2.0))), Nodes(9))
    first, second = draw_events(one, 1000, 4), draw_events(two, 1000, 4)
    assert (first.size == second.size).all()
    assert (first.work[:, 0] == second.work[:, 0]).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-1.0), r"^constant: mean = -1.0 must be zero or more; write for example '5 ms'$"),
        (lambda: Exponential(0.0), r"^exponential: mean = 0.0 must be above zero"),
        (lambda: Exponential("5 MB"), r"^exponential: mean = '5 MB' is not a quantity in units of s"),
        (lambda: LogNormal("1 s", -0.5), r"^log-normal: sigma = -0.5 is not accepted; write a number above"),
        (lambda: LogNormal(math.inf, 0.5), r"^log-normal: mean = inf is not finite"),
        (lambda: Gamma("1 s", 0), r"^gamma: shape = 0 is not accepted"),
        (lambda: Mixture(Constant(1.0), Constant(2.0), 1.2), r"^mixture: tail_fraction = 1.2 is not a frac"),
        (lambda: Empirical((1.0,)), r"^empirical: quantiles = \(1.0,\); write two or more"),
        (lambda: Empirical((1.0, 0.5)), r"^empirical: quantiles must ascend; sort them$"),
        (lambda: Empirical.of(np.empty(0)), r"^empirical: nothing was measured; give at least one number$"),
    ],
)
def test_bad_input_is_refused(make, message: str):
    with pytest.raises(SettingsError, match=message):
        make()
