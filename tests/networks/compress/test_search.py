"""Metrics with their errors, and a search that ends in a front of which no point beats another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nanosieve.compiler.hardware import Budget
from nanosieve.errors import SampleError, SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.networks.compress import (
    Candidate,
    Front,
    PruningSchedule,
    Recipe,
    Workshop,
    accuracy,
    efficiency_at_false_positive_rate,
    efficiency_at_rate,
    paired_loss,
    search,
)
from nanosieve.networks.settings import TrainingSettings
from nanosieve.report.compression import compression_chart

BUDGET = Budget(every="25 ns", latency="200 ns")


def test_accuracy_counts_the_largest_output() -> None:
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5], [0.0, 1.0]])
    found = accuracy({"output": scores}, np.array([1, 0, 0, 0]))
    assert found.value == 75
    assert found.error == pytest.approx(29, abs=1)  # half of Clopper–Pearson's interval for three of four
    assert accuracy({"score": np.array([-1.0, 2.0])}, np.array([0, 1])).value == 100


def test_trigger_metrics_hold_the_statistics_of_both_samples() -> None:
    random = np.random.default_rng(1)
    labels = np.r_[np.zeros(5000, int), np.ones(2000, int)]
    scores = {"score": random.normal(0, 1, 7000) + 2 * labels}
    found = efficiency_at_false_positive_rate(0.01)(scores, labels)
    assert found.value == pytest.approx(37, abs=5)  # P(z > 2.326 - 2)
    binomial = 100 * (0.37 * 0.63 / 2000) ** 0.5
    assert found.error is not None
    assert found.error > 1.5 * binomial
    rate = efficiency_at_rate("10 kHz", cross_section=5e7, luminosity="2e34 / cm**2 / s")(scores, labels)
    assert rate.value == pytest.approx(found.value)  # 1 MHz, of which a hundredth is 10 kHz
    with pytest.raises(SampleError, match=r"0 \(background\) and 1 \(signal\), both present"):
        efficiency_at_false_positive_rate(0.01)(scores, np.ones(7000, int))


def test_the_paired_error_of_a_loss_is_small_where_networks_agree() -> None:
    random = np.random.default_rng(2)
    labels = random.integers(0, 2, 1000)
    scores = labels + random.normal(0, 1, 1000) - 0.5
    near = scores + random.normal(0, 0.02, 1000)
    loss = paired_loss(accuracy, {"s": scores}, {"s": near}, labels)
    assert loss.error is not None
    assert loss.error < 0.5 * (accuracy({"s": scores}, labels).error or 0.0)
    assert paired_loss(accuracy, {"s": scores}, {"s": scores}, labels).error == 0


def candidate(size: float, value: float, *, fits: bool = True, bits: int = 8) -> Candidate:
    def figure(number: float) -> Figure:
        return Figure(number, "", Provenance.SIMULATED, 1.0)

    resources = {kind: figure(size) for kind in ("lut", "ff", "dsp", "bram36", "uram")}
    graph: Any = None
    return Candidate(
        Recipe.aware(bits),
        Path("x"),
        graph,
        figure(value),
        figure(90 - value),
        resources,
        size,
        figure(5),
        fits,
    )


def test_no_point_of_the_front_beats_another() -> None:
    random = np.random.default_rng(3)
    sizes = random.uniform(1, 90, 40)
    found = tuple(candidate(size, size / 2 + random.uniform(0, 40)) for size in sizes)
    points = Front("accuracy", found[0].value, found).points
    assert 1 < len(points) < 40
    for one in points:
        assert not any(o.size <= one.size and o.value.value > one.value.value for o in found)
        assert not any(o.size < one.size and o.value.value >= one.value.value for o in found)


def test_choices_stay_within_the_budget() -> None:
    found = (candidate(100, 80), candidate(50, 79, fits=False), candidate(60, 70), candidate(200, 89))
    front = Front("accuracy", candidate(1, 90).value, found)
    assert front.smallest(10) is found[0]
    assert front.smallest(0.5) is None
    assert front.best(150) is found[0]
    assert front.best(10) is None
    assert len(front.rows()[0]) == 6
    assert "LUT" in compression_chart(front, title="toy").panels[0]


def test_an_aim_is_stated_once(tagger: Any, sample: Any, tmp_path: Path) -> None:
    workshop = Workshop(tagger, *sample, tmp_path)
    for aims in ({}, {"loss": 1.0, "luts": 1000.0}):
        with pytest.raises(SettingsError, match=r"give one of the two"):
            search(workshop, *sample, accuracy, BUDGET, **aims)
    with pytest.raises(SettingsError, match=r"price 0 of a bit"):
        Recipe.learned(0)


@pytest.mark.slow
def test_a_search_ends_in_a_front(tagger: Any, sample: Any, unseen: Any, tmp_path: Path) -> None:
    short = TrainingSettings(epochs=3, batch=200, learning_rate=3e-3)
    workshop = Workshop(tagger, *sample, tmp_path, PruningSchedule(), short, short)
    recipes = (
        Recipe.after_training(8),
        Recipe.aware(4, sparsity=0.5),
        Recipe.learned(1e-6),
        Recipe.learned(1e-3),
    )
    metric = efficiency_at_false_positive_rate(0.02)
    front = search(workshop, *unseen, metric, BUDGET, loss=5.0, recipes=recipes, refine=1, resamples=10)
    assert [c.recipe for c in front.candidates[:4]] == list(recipes)
    assert all((c.value.error or 0) > 0 and (c.loss.error or 0) > 0 for c in front.candidates)
    prices = [c.recipe.price for c in front.candidates if c.recipe.how == "learned"]
    assert len(prices) == 3, "the price was refined once"
    sizes = [c.size for c in front.points]
    assert sizes == sorted(sizes)
    best = front.smallest(5.0)
    assert best is not None
    assert best.path.is_file()
    assert best.size == min(c.size for c in front.candidates if c.fits and c.loss.value <= 5)
