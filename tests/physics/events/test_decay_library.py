import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from nanosieve.errors import ToolError
from nanosieve.physics.events._decay_library import TrialDecays, boosted, decay_library

ALL = np.arange(3000)
B_MESON = 511


def flying(code, pt):
    mass = 5.27966
    return np.array([code, pt * 0.6, pt * 0.8, 3.0, np.sqrt(pt**2 + 9 + mass**2)])


def test_decays_conserve_energy_momentum_and_charge_conjugate():
    hadron = flying(B_MESON, 40.0)
    products = TrialDecays(hadron, 3000, np.random.default_rng(1)).products(ALL)
    total = products[..., 1:].sum(axis=1)
    assert np.allclose(total, hadron[1:], rtol=1e-3, atol=2e-2)
    anti = TrialDecays(flying(-B_MESON, 40.0), 3000, np.random.default_rng(1)).products(ALL)
    assert np.array_equal(
        products[..., 0], np.where(np.isin(anti[..., 0], (22, 130)), anti[..., 0], -anti[..., 0])
    )


def test_the_semileptonic_branching_ratio_of_the_b_is_natural():
    # direct B⁰ → eX, μX: 10.3 % each (Particle Data Group); charm cascades come on top
    code = np.abs(decay_library(B_MESON).code)
    fraction = np.isin(code, (11, 13)).any(axis=1).mean()
    assert 0.25 < fraction < 0.45


def test_trial_decays_are_isotropic_in_the_rest_frame():
    hadron = np.array([421, 0, 0, 0, 1.86484])
    products = TrialDecays(hadron, 3000, np.random.default_rng(2)).products(ALL)
    first = products[:, 0, 1:4]
    direction = first / np.linalg.norm(first, axis=1, keepdims=True)
    error = np.sqrt(1 / 3 / 3000)
    assert (np.abs(direction.mean(axis=0)) < 4 * error).all()
    assert np.allclose((direction**2).mean(axis=0), 1 / 3, atol=0.03)


def test_hard_leptons_are_exactly_those_among_the_products():
    decays = TrialDecays(flying(B_MESON, 60.0), 3000, np.random.default_rng(4))
    products = decays.products(ALL)
    lepton = np.isin(np.abs(products[..., 0]), (11, 13))
    pt = np.where(lepton, np.hypot(products[..., 1], products[..., 2]), 0)
    expected = np.flatnonzero(pt.max(axis=1) > 21)
    assert len(expected) > 50
    assert np.array_equal(decays.hard_leptons(21.0), expected)


def test_a_boost_there_and_back_changes_nothing():
    momentum = np.array([3.0, -4.0, 12.0, np.sqrt(169 + 25)])
    products = np.random.default_rng(0).normal(size=(7, 4))
    there = boosted(products, momentum, 5.0)
    back = boosted(there, momentum * [-1, -1, -1, 1], 5.0)
    assert np.allclose(back, products)


def test_the_library_is_always_the_same():
    decay_library.cache_clear()
    first = decay_library(411)
    decay_library.cache_clear()
    assert np.array_equal(first.momentum, decay_library(411).momentum)


def test_other_hadrons_are_refused():
    with pytest.raises(ToolError, match=r"^211 is not a weakly decaying bottom or charm hadron$"):
        decay_library(211)
