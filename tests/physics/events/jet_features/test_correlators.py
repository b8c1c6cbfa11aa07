"""The sums against definitions written out, and what they must not change under."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events.jet_features import FEATURES, jet_features
from nanosieve.physics.events.jet_features.correlators import PAIRS, TRIPLES, correlators
from nanosieve.physics.events.jet_features.grooming import mmdt


def distance(a, b):
    across = (a[2] - b[2] + np.pi) % (2 * np.pi) - np.pi
    return np.hypot(a[1] - b[1], across)


def written_out(particles):
    """Every sum by its definition; particles are (pT, eta, phi)."""
    total = sum(p[0] for p in particles)
    found = {}
    for beta in (0, 1, 2):
        found[f"e2_b{beta}"] = sum(
            a[0] * b[0] / total**2 * distance(a, b) ** beta for a, b in combinations(particles, 2)
        )
    for beta in (1, 2):
        for smallest in (1, 2, 3):
            found[f"{smallest}e3_b{beta}"] = sum(
                np.prod([p[0] / total for p in triple])
                * np.prod(sorted(distance(a, b) for a, b in combinations(triple, 2))[:smallest]) ** beta
                for triple in combinations(particles, 3)
            )
    return found


def sums_of(particles):
    pt, eta, phi = np.array(particles, dtype=float).T
    return {name: values[0] for name, values in correlators(pt, eta, phi, np.array([len(pt)])).items()}


def jet_of(particles):
    pt, eta, phi = np.array(particles, dtype=float).T
    zeros = np.zeros(len(pt))
    return Objects(zeros.astype(np.int64), pt, eta, phi, zeros, zeros.astype(np.int64))


def features_of(particles):
    return dict(zip(FEATURES, jet_features(jet_of(particles), 1)[0].astype(float), strict=True))


directions = st.floats(-0.4, 0.4)
momenta = st.floats(0.5, 500.0)
jets = st.lists(st.tuples(momenta, directions, directions), min_size=2, max_size=9)


@given(jets)
def test_the_sums_are_their_definitions(particles):
    found, expected = sums_of(particles), written_out(particles)
    assert set(found) == {*PAIRS, *TRIPLES} == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-15), name


def test_distances_go_round_the_circle():
    across = sums_of([(1.0, 0.0, 3.1), (1.0, 0.0, -3.1)])
    assert across["e2_b1"] == pytest.approx(0.25 * (2 * np.pi - 6.2))


def test_jets_of_one_and_of_two_particles_have_no_triples():
    sums = correlators(*np.array([[9, 1, 1.0], [0, 0, 0.1], [0, 0, 0.0]]), np.array([1, 2]))
    assert sums["e2_b1"] == pytest.approx([0.0, 0.025])
    assert all((sums[name] == 0).all() for name in TRIPLES)


@given(jets, st.floats(0.01, 100))
def test_a_common_factor_on_the_momenta_changes_nothing(particles, factor):
    scaled = sums_of([(factor * pt, eta, phi) for pt, eta, phi in particles])
    assert scaled == pytest.approx(sums_of(particles), rel=1e-9, abs=1e-15)


@given(jets, st.floats(0.1, 10))
def test_a_common_factor_on_the_angles_is_one_on_the_sums(particles, factor):
    wider = sums_of([(pt, factor * eta / 10, factor * phi / 10) for pt, eta, phi in particles])
    base = sums_of([(pt, eta / 10, phi / 10) for pt, eta, phi in particles])
    for name, value in base.items():
        angles = int(name[0]) if name[0] != "e" else 1
        assert wider[name] == pytest.approx(value * factor ** (angles * int(name[-1])), rel=1e-6, abs=1e-15)


@given(jets, st.floats(0.05, 0.95), st.integers(0, 8))
def test_a_collinear_splitting_changes_nothing_with_an_angle(particles, share, which):
    pt, eta, phi = particles[which % len(particles)]
    others = [p for n, p in enumerate(particles) if n != which % len(particles)]
    split = sums_of([*others, (share * pt, eta, phi), ((1 - share) * pt, eta, phi)])
    whole = sums_of(particles)
    for name in (*PAIRS[1:], *TRIPLES):
        assert split[name] == pytest.approx(whole[name], rel=1e-9, abs=1e-15), name
    assert split["e2_b0"] > whole["e2_b0"], "without angles the splitting shows"


def test_a_soft_particle_changes_little():
    hard = [(500.0, 0.0, 0.1), (400.0, 0.1, -0.1), (100.0, -0.2, 0.0)]
    for name, value in sums_of([*hard, (1e-9, 0.7, 0.7)]).items():
        assert value == pytest.approx(sums_of(hard)[name], rel=1e-9), name


def test_two_prongs_have_their_known_features():
    found = features_of([(600.0, 0.0, 0.0), (400.0, 0.2, 0.0)])
    assert found["c1_b0_mmdt"] == pytest.approx(0.24)
    assert found["c1_b1_mmdt"] == pytest.approx(0.24 * 0.2, rel=1e-6)
    assert found["c1_b2_mmdt"] == pytest.approx(0.24 * 0.04, rel=1e-6)
    assert found["zlogz"] == pytest.approx(0.6 * np.log(0.6) + 0.4 * np.log(0.4))
    exact = np.sqrt(2 * 600 * 400 * (np.cosh(0.2) - 1))
    assert found["mass_mmdt"] == pytest.approx(exact, rel=1e-6)
    assert found["multiplicity"] == 2
    assert all(found[f"{name}_b1_mmdt"] == 0 for name in ("c2", "d2", "n2", "m2"))


def test_three_equal_prongs_have_their_known_ratios():
    side = 0.3
    found = features_of([(100.0, 0.0, 0.0), (100.0, side, 0.0), (100.0, side / 2, side * np.sqrt(0.75))])
    e2, triple = side / 3, 1 / 27
    assert found["c1_b1_mmdt"] == pytest.approx(e2, rel=1e-6)
    assert found["c2_b1_mmdt"] == pytest.approx(triple * side**3 / e2**2, rel=1e-6)
    assert found["d2_b1_mmdt"] == found["d2_a1_b1_mmdt"] == pytest.approx(triple * side**3 / e2**3, rel=1e-6)
    assert found["d2_a1_b2_mmdt"] == pytest.approx(triple * side**3 / (side**2 / 3) ** 1.5, rel=1e-6)
    assert found["m2_b2_mmdt"] == pytest.approx(triple * side**2 / (side**2 / 3), rel=1e-6)
    assert found["n2_b1_mmdt"] == pytest.approx(triple * side**2 / e2**2, rel=1e-6)


def test_soft_radiation_at_a_wide_angle_is_groomed_away():
    prongs = [(500.0, 0.0, 0.0), (300.0, 0.15, 0.0)]
    with_soft = features_of([*prongs, (20.0, -0.6, 0.3)])
    assert with_soft["multiplicity"] == 3
    for name, value in features_of(prongs).items():
        if name != "multiplicity":
            assert with_soft[name] == pytest.approx(value, rel=1e-5, abs=1e-12), name


def test_a_prong_with_a_tenth_of_the_momentum_stays():
    kept = mmdt(jet_of([(500.0, 0.0, 0.0), (60.0, 0.5, 0.0)]), 1)
    dropped = mmdt(jet_of([(500.0, 0.0, 0.0), (50.0, 0.5, 0.0)]), 1)
    assert kept.counts.tolist() == [2]
    assert dropped.counts.tolist() == [1]
    assert features_of([(500.0, 0.0, 0.0), (50.0, 0.5, 0.0)])["c1_b1_mmdt"] == 0


def test_jets_do_not_mix():
    one, two = [(5.0, 0.0, 0.0), (3.0, 0.2, 0.1)], [(7.0, 1.0, 3.1), (6.0, 1.1, -3.1), (2.0, 1.2, 3.0)]
    a, b = jet_of(one), jet_of(two)
    both = Objects(*(np.concatenate([getattr(a, n), getattr(b, n) + (n == "event")]) for n in vars(a)))
    together = jet_features(both, 2)
    assert np.allclose(together[0], jet_features(a, 1)[0])
    assert np.allclose(together[1], jet_features(b, 1)[0])
