"""Biased sampling must not change any rate: fast recipes against the same physics without any of it."""

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from nanosieve.errors import ToolError
from nanosieve.physics.events._pythia import Tally, cross_section, derived_seed
from nanosieve.physics.events.detector import detector_named
from nanosieve.physics.events.generator import candidates
from nanosieve.physics.events.recipe import HeavyFlavour, LeptonFilter, Recipe, Roulette, load_recipe
from nanosieve.physics.events.reconstruction import reconstruct

ENERGY = 13_000.0


def rate(recipe, generated, seed=1):
    """Filter efficiency and its error after so many hard processes."""
    chosen = []
    for candidate in candidates(recipe, ENERGY, seed):
        if candidate.generated_events > generated:
            break
        chosen.append(candidate)
        last = candidate
    found = reconstruct(
        [c.particles for c in chosen],
        detector_named(recipe.detector),
        recipe.filter,
        np.random.default_rng(seed),
    )
    weight = np.array([c.weight for c in chosen]) * found.passing(recipe.filter)
    collision = np.bincount([c.collision for c in chosen], weight)
    total = last.generated_weight
    return weight.sum() / total, np.sqrt((collision**2).sum()) / total


def quick(recipe):
    """Without multiple interactions, which are slow and no part of the sampling."""
    return recipe.model_copy(update={"pythia": (*recipe.pythia, "PartonLevel:MPI = off")})


def without_tricks(recipe):
    plain = recipe.model_dump() | {
        "roulette": None,
        "prompt_leptons": None,
        "heavy_flavour": None,
        "tau_trials": 1,
    }
    plain["pythia"] = [line for line in recipe.pythia if "bias2" not in line]
    return Recipe.model_validate(plain)


def agree(fast, plain, sigmas=3.5):
    difference, error = fast[0] - plain[0], np.hypot(fast[1], plain[1])
    assert error < 0.2 * plain[0], "too few events for a test that can fail"
    assert abs(difference) < sigmas * error, f"{fast} against {plain}"


def bottom_quarks(**changes):
    """pp → bb̄ with loose muons: a region where plain generation gets there, too."""
    base = {
        "name": "bb",
        "title": "bb",
        "pythia": [
            "HardQCD:hardbbbar = on",
            "PhaseSpace:pTHatMin = 15",
            "PhaseSpace:bias2Selection = on",
            "PhaseSpace:bias2SelectionPow = 2",
            "PhaseSpace:bias2SelectionRef = 15",
            "PartonLevel:MPI = off",
        ],
        "filter": LeptonFilter(electron_pt=1000, muon_pt=7, isolated=False),
        "heavy_flavour": HeavyFlavour(
            quark_pt=5,
            lepton_pt=5,
            hadronisations=2,
            trials=300,
            isolation_margin=None,
            unit_weight=2e-3,
        ),
    }
    return Recipe.model_validate(base | changes)


@pytest.mark.slow
def test_repeated_heavy_flavour_decays_keep_the_rate():
    fast = bottom_quarks()
    agree(rate(fast, 500), rate(without_tricks(fast), 2000))


@pytest.mark.slow
def test_isolation_before_the_detector_keeps_the_rate():
    window = LeptonFilter(electron_pt=1000, muon_pt=7)
    loose = bottom_quarks(filter=window)
    tight = loose.heavy_flavour.model_copy(update={"isolation_margin": 0.1})
    agree(rate(bottom_quarks(filter=window, heavy_flavour=tight), 400), rate(loose, 400, seed=2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fast", "plain"), [("w_lnu", 700, 700), ("z_ll", 500, 400), ("h0", 700, 1800)]
)
def test_roulette_and_tau_decays_keep_the_rate(name, fast, plain):
    recipe = quick(load_recipe(name))
    agree(rate(recipe, fast), rate(without_tricks(recipe), plain))


def test_the_comparison_bites(monkeypatch):
    """A roulette that almost every event has to survive agrees; without the factor 1/keep it does not."""
    recipe = quick(load_recipe("w_lnu"))
    plain = rate(without_tricks(recipe), 250)
    harsh = Roulette(keep=0.3, lepton_pt=60)
    recipe = recipe.model_copy(update={"roulette": harsh})
    agree(rate(recipe, 600), plain)
    monkeypatch.setattr(Tally, "survival", property(lambda tally: 1.0, lambda tally, value: None))
    with pytest.raises(AssertionError, match="against"):
        agree(rate(recipe, 600), plain)


def test_the_roulette_keeps_the_mean_weight():
    """Counted hard processes and surviving weights are the same on average."""
    recipe = quick(load_recipe("w_lnu")).model_copy(update={"prompt_leptons": None})
    weights = []
    for candidate in candidates(recipe, ENERGY, 3):
        weights.append(candidate.weight)
        if len(weights) == 150:
            break
    total = candidate.generated_weight
    assert candidate.generated_events > 170, "the roulette took part"
    error = np.sqrt(np.sum(np.square(weights)))
    assert abs(np.sum(weights) - total) < 3.5 * error


def test_the_same_seed_gives_the_same_stream():
    recipe = load_recipe("h0")

    def first(seed):
        stream = candidates(recipe, ENERGY, seed)
        return [next(stream) for _ in range(3)]

    a, b, c = first(5), first(5), first(6)
    for one, other in zip(a, b, strict=True):
        assert np.array_equal(one.particles, other.particles)
        assert (one.weight, one.generated_weight) == (other.weight, other.generated_weight)
    assert not np.array_equal(a[0].particles, c[0].particles)


def test_heavy_flavour_candidates_carry_their_lepton_and_balance_their_weights():
    fast = bottom_quarks()
    stream = candidates(fast, ENERGY, 1)
    chosen = [next(stream) for _ in range(30)]
    for candidate in chosen:
        code = np.abs(candidate.particles[:, 0])
        pt = np.hypot(candidate.particles[:, 1], candidate.particles[:, 2])
        assert pt[np.isin(code, (11, 13))].max() > 5
        assert not np.isin(code, (511, 521, 531, 411, 421, 431)).any()
        assert candidate.weight >= 2e-3
    counted = [c.generated_weight for c in chosen]
    assert counted == sorted(counted)


def test_a_recipe_without_leptons_gives_up(monkeypatch):
    monkeypatch.setattr("nanosieve.physics.events.generator.GIVE_UP_AFTER", 20)
    recipe = load_recipe("w_lnu")
    settings = ("WeakSingleBoson:ffbar2W = on", "PartonLevel:MPI = off", "24:onMode = off", "24:onIfAny = 1")
    recipe = recipe.model_copy(update={"pythia": settings, "roulette": None})
    with pytest.raises(
        ToolError, match=r"^recipe 'w_lnu': none of 20 collisions has a lepton near the filter"
    ):
        next(candidates(recipe, ENERGY, 1))


def test_failed_showers_are_not_counted():
    tally = Tally()
    tally.pending = 2.0
    tally.pending = 3.0  # the first one failed in the showers and was replaced
    assert tally.settle() == 3.0
    assert (tally.events, tally.weight, tally.weight_squared) == (1, 3.0, 9.0)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    # 13.6 TeV with the same generator: W → e/μν 31 nb (so 46 nb with τ), tt̄ 545 pb; 13 TeV is 4 to 12 % lower
    [("w_lnu", 42_000, 47_000), ("ttbar", 460, 530)],
)
def test_cross_sections_are_those_of_the_generator(name, low, high):
    recipe = load_recipe(name)
    sigma = cross_section(recipe, ENERGY, 1)
    assert low < sigma.value / recipe.k_factor < high
    assert 0 < sigma.error < 0.01 * sigma.value


@pytest.mark.parametrize(
    ("name", "known"), [("w_lnu", 3 * 20_620), ("ttbar", 826.4), ("higgs_ggf", 48.61), ("higgs_vbf", 3.766)]
)
def test_k_factors_lead_to_the_known_cross_sections(name, known):
    assert cross_section(load_recipe(name), 13_000.0, 1).value == pytest.approx(known, rel=0.02)


def test_seeds_differ_and_are_in_range():
    seeds = {derived_seed(s, p, i) for s in range(5) for p in ("a", "b") for i in range(50)}
    assert len(seeds) == 500
    assert all(1 <= seed <= 900_000_000 for seed in seeds)
