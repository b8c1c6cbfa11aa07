"""Crossings shared between minimum bias and hard samples: toy collisions with an exactly known answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.events.crossings.stitching import HardSample, PhaseSpace, crossing_weights
from nanosieve.physics.events.recipe import Recipe

INELASTIC = 1000.0
LOWEST = 10.0
SLOPE = 4.0
HARD = 20.0
"""Cross section above LOWEST, dσ/dpT ∝ pT^-(SLOPE + 1)."""


def hard_pthat(number: int, power: float, draw: np.random.Generator) -> np.ndarray:
    """pT-hat of density ∝ pT^(power - SLOPE - 1) above LOWEST."""
    return LOWEST * draw.random(number) ** (-1 / (SLOPE - power))


def minimum_bias(number: int, draw: np.random.Generator) -> np.ndarray:
    """pT-hat of inelastic collisions; 0 for soft ones."""
    hard = draw.random(number) < HARD / INELASTIC
    return np.where(hard, hard_pthat(number, 0.0, draw), 0.0)


def crossings(counts, draw, forced=None):
    """Offsets and pT-hat of crossings with `counts` pile-up collisions and one forced collision each."""
    pthat = [minimum_bias(int(n), draw) for n in counts]
    if forced is not None:
        pthat = [np.append(p, f) for p, f in zip(pthat, forced, strict=True)]
    pthat = [p[p > 0] for p in pthat]
    return np.concatenate([[0], np.cumsum([len(p) for p in pthat])]), np.concatenate(pthat)


def sample(mu, numbers, power, seed):
    """Pile-up alone and one hard sample: (highest pT-hat, sum of pT-hat, weight) of all crossings."""
    draw = np.random.default_rng(seed)
    parts = [crossings(draw.poisson(mu, numbers[0]), draw)]
    parts.append(crossings(draw.poisson(mu, numbers[1]), draw, hard_pthat(numbers[1], power, draw)))
    space = PhaseSpace(LOWEST, np.inf, power, LOWEST)
    mean_weight = (SLOPE - power) / SLOPE  # ∫ x^-(s+1) dx / ∫ x^(power-s-1) dx
    hard = HardSample(space, numbers[1], HARD, mean_weight)
    highest, total, weights = [], [], []
    for offsets, pthat in parts:
        weights.append(crossing_weights(offsets, pthat, [hard], numbers[0], mu, INELASTIC))
        event = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        top = np.zeros(len(offsets) - 1)
        np.maximum.at(top, event, pthat)
        highest.append(top)
        total.append(np.bincount(event, pthat, minlength=len(top)))
    return np.concatenate(highest), np.concatenate(total), np.concatenate(weights)


def test_the_rate_of_the_hardest_collision_is_the_exact_one():
    mu = 30.0
    highest, _, weights = sample(mu, (20_000, 20_000), 2.0, 1)
    for threshold in (10.0, 15.0, 30.0, 60.0):
        exact = INELASTIC / mu * -np.expm1(-mu * HARD / INELASTIC * (threshold / LOWEST) ** -SLOPE)
        passing = weights * (highest > threshold)
        error = np.sqrt((passing**2).sum())
        assert passing.sum() == pytest.approx(exact, abs=4 * error)
        assert error < 0.05 * exact


def test_counting_both_samples_in_full_is_seen():
    """A deliberate fault: without sharing, crossings above the lowest pT-hat count twice."""
    mu = 30.0
    draw = np.random.default_rng(1)
    offsets, pthat = crossings(draw.poisson(mu, 20_000), draw)
    alone = crossing_weights(offsets, pthat, [], 20_000, mu, INELASTIC)
    event = np.repeat(np.arange(20_000), np.diff(offsets))
    fires = np.bincount(event[pthat > 15], minlength=20_000) > 0
    exact = INELASTIC / mu * -np.expm1(-mu * HARD / INELASTIC * 1.5**-SLOPE)
    assert alone[fires].sum() == pytest.approx(exact, rel=0.2)
    assert alone[fires].sum() + HARD * 1.5**-SLOPE > 1.7 * exact


@given(st.floats(1, 80), st.floats(0, 3), st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_all_crossings_add_up_to_the_cross_section_over_the_pileup(mu, power, seed):
    _, total, weights = sample(mu, (3000, 3000), power, seed)
    error = np.sqrt((weights**2).sum())
    assert weights.sum() == pytest.approx(INELASTIC / mu, abs=5 * error)
    assert (weights > 0).all()
    mean = (weights * total).sum() / (INELASTIC / mu)
    exact = mu * HARD / INELASTIC * LOWEST * SLOPE / (SLOPE - 1)
    assert mean == pytest.approx(
        exact, abs=6 * np.sqrt((weights**2 * total**2).sum()) / (INELASTIC / mu) + 1e-9
    )


def test_slices_share_as_one_sample_does():
    mu, draw = 10.0, np.random.default_rng(3)
    edge, above = 20.0, HARD * 2.0**-SLOPE
    low = hard_pthat(40_000, 0.0, draw)
    low = low[low < edge][:4000]
    parts = [
        crossings(draw.poisson(mu, 5000), draw),
        crossings(draw.poisson(mu, len(low)), draw, low),
        crossings(draw.poisson(mu, 4000), draw, 2 * hard_pthat(4000, 0.0, draw)),
    ]
    slices = [
        HardSample(PhaseSpace(LOWEST, edge), len(low), HARD - above, 1.0),
        HardSample(PhaseSpace(edge, np.inf), 4000, above, 1.0),
    ]
    weights = [crossing_weights(o, p, slices, 5000, mu, INELASTIC) for o, p in parts]
    everything = np.concatenate(weights)
    assert everything.sum() == pytest.approx(INELASTIC / mu, abs=5 * np.sqrt((everything**2).sum()))
    fired = [
        w[np.bincount(np.repeat(np.arange(len(w)), np.diff(o))[p > 25], minlength=len(w)) > 0]
        for (o, p), w in zip(parts, weights, strict=True)
    ]
    rate = sum(w.sum() for w in fired)
    exact = INELASTIC / mu * -np.expm1(-mu * HARD / INELASTIC * 2.5**-SLOPE)
    assert rate == pytest.approx(exact, abs=4 * np.sqrt(sum((w**2).sum() for w in fired)))


def test_phase_space_is_read_from_the_settings():
    recipe = Recipe(
        name="q",
        title="q",
        pythia=(
            "HardQCD:all = on",
            "PhaseSpace:pTHatMin = 15",
            "PhaseSpace:pTHatMax=40",
            "PhaseSpace:bias2Selection = on",
            "PhaseSpace:bias2SelectionPow = 3",
            "PhaseSpace:bias2SelectionRef = 15.",
        ),
    )
    space = PhaseSpace.of(recipe)
    assert space == PhaseSpace(15, 40, 3, 15)
    assert space.weight(np.array([14.9, 15.0, 30.0, 40.0])) == pytest.approx([np.inf, 1, 1 / 8, np.inf])
    with pytest.raises(
        SettingsError, match=r"^recipe 'q' is part of minimum bias and states no PhaseSpace:pTH"
    ):
        PhaseSpace.of(Recipe(name="q", title="q", pythia=("HardQCD:all = on",)))


def test_a_crossing_that_nothing_makes_is_an_error():
    hard = HardSample(PhaseSpace(20.0, np.inf), 10, HARD, 1.0)
    with pytest.raises(SampleError, match=r"^crossing 1 holds no collision that a hard sample makes"):
        crossing_weights(np.array([0, 1, 2]), np.array([25.0, 12.0]), [hard], 0, 10.0, INELASTIC)
