"""Cells, the calorimeter trigger and the muon trigger on particles whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanosieve.physics.events._geometry import Objects, delta_phi
from nanosieve.physics.events.crossings import CALORIMETER_TRIGGERS, MUON_TRIGGERS
from nanosieve.physics.events.crossings.calorimeter_trigger import Overlay, find_objects
from nanosieve.physics.events.crossings.cells import (
    CELL,
    ETA_CELLS,
    PHI_CELLS,
    Deposits,
    deposits,
    eta_of,
    phi_of,
)
from nanosieve.physics.events.crossings.collisions import Collisions, decays_in_flight
from nanosieve.physics.events.crossings.muon_trigger import response, trigger_muons
from nanosieve.physics.events.crossings.pool import Pool, draw_overlay
from nanosieve.physics.events.detector import DETECTORS

CMS = DETECTORS["cms"]
TRIGGER = CALORIMETER_TRIGGERS["cms"]._replace(
    jet_gain=(0.0, 0.0, 0.0), jet_scale=1.0, eg_scale=1.0, tau_scale=1.0, met_scale=1.0
)
MUONS = MUON_TRIGGERS["cms"]._replace(tail=0.045)
"""What the settings are fitted to does not change what is tested here."""
"""Without the corrections that were fitted."""


def particles(*rows, events=1):
    """Objects of rows (code, pt, eta, phi), the same in each event."""
    code, pt, eta, phi = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    mass = np.where(np.isin(np.abs(code), (211,)), 0.1396, 0.0)
    one = Objects(np.zeros(len(pt), np.int64), pt, eta, phi, mass, code.astype(np.int64))
    columns = [np.tile(getattr(one, name), events) for name in one.__dataclass_fields__]
    columns[0] = np.repeat(np.arange(events), len(pt))
    return Objects(*columns)


def nothing(events):
    """No pile-up: an empty pool and an overlay of none of it."""
    empty = np.zeros(0, np.float32)
    pool = Deposits(np.zeros(1, np.int64), np.zeros(0, np.int32), empty, empty)
    none = np.zeros(0, np.int64)
    return pool, Overlay(np.zeros(events + 1, np.int64), none, none, none.astype(bool))


def level1(*rows, events=400, trigger=TRIGGER):
    draw = np.random.default_rng(5)
    found = deposits(particles(*rows, events=events), events, CMS, draw)
    return find_objects(found, *nothing(events), trigger, draw)


@given(st.floats(-4.7, 4.7), st.floats(-3.14, 3.14))
@settings(max_examples=30, deadline=None)
def test_cells_hold_the_energy_and_the_direction_of_a_photon(eta, phi):
    found = deposits(particles((22, 50.0, eta, phi), events=300), 300, CMS, np.random.default_rng(1))
    total = found.electromagnetic.sum() / 300
    spread = float(CMS.ecal_resolution(np.array([50 * np.cosh(eta)]), np.array([eta]))[0]) / np.cosh(eta)
    assert total == pytest.approx(50, abs=5 * spread / np.sqrt(300) + 0.3)
    assert found.hadronic.sum() == 0
    row, column = np.divmod(found.cell, PHI_CELLS)
    weight = found.electromagnetic / found.electromagnetic.sum()
    assert (eta_of(row) * weight).sum() == pytest.approx(eta, abs=CELL)
    assert abs((delta_phi(phi_of(column), np.full(len(column), phi)) * weight).sum()) < CELL


def test_charged_particles_turn_and_soft_ones_never_arrive():
    rows = ((211, 0.5, 0.3, 0.0), (-211, 10.0, 0.3, 0.0), (211, 10.0, -0.3, 0.0))
    found = deposits(particles(*rows), 1, CMS, np.random.default_rng(1))
    row, column = np.divmod(found.cell, PHI_CELLS)
    energy = found.electromagnetic + found.hadronic
    turn = np.arcsin(0.15 * 3.8 * 1.29 / 10)
    for sign, where in ((1, row >= ETA_CELLS // 2), (-1, row < ETA_CELLS // 2)):
        centre = (phi_of(column[where]) * energy[where]).sum() / energy[where].sum()
        assert centre == pytest.approx(sign * turn, abs=0.6 * CELL)
    assert not len(deposits(particles((13, 50.0, 0.3, 0.0)), 1, CMS, np.random.default_rng(1)).cell)


def test_a_photon_is_one_isolated_candidate():
    found = level1((22, 40.0, 0.83, 1.0))
    assert (found.eg_n == 1).mean() > 0.98
    pt = found.eg[found.eg_n == 1, 0]
    assert np.median(pt[:, 0]) == pytest.approx(40, rel=0.04)
    assert np.abs(pt[:, 1] - 0.83).max() < 1.5 * CELL
    assert np.abs(pt[:, 2] - 1.0).max() < 1.5 * CELL
    assert pt[:, 3].max() < 0.1


def test_a_hard_pion_is_a_tau_candidate_and_no_electron():
    found = level1((211, 60.0, 0.4, -2.0))
    assert (found.eg_n == 0).mean() > 0.9
    assert (found.tau_n == 1).mean() > 0.9


def test_a_jet_next_to_the_edge_of_phi_is_whole():
    rows = [(22, 20.0, 0.2 + 0.1 * k, np.pi - 0.15 + 0.1 * k) for k in range(4)]
    rows = [(c, p, e, f - 2 * np.pi if f > np.pi else f) for c, p, e, f in rows]
    found = level1(*rows)
    assert np.median(found.jet[:, 0, 0]) == pytest.approx(80, rel=0.05)
    assert (found.jet_n == 1).mean() > 0.95


def test_missing_energy_balances_what_is_seen():
    found = level1((22, 100.0, 0.5, 0.7))
    assert np.median(found.met[:, 0]) == pytest.approx(100, rel=0.05)
    assert np.abs(delta_phi(found.met[:, 1].astype(float), np.full(400, 0.7 - np.pi))).max() < 0.1


def test_equal_cells_give_one_jet():
    """Ties are broken by order: one seed, not none and not two."""
    cell = np.array([57 * PHI_CELLS + 30, 57 * PHI_CELLS + 31], np.int32)
    energy = np.full(2, 30.25, np.float32)
    cells = Deposits(np.array([0, 2]), cell, energy, np.zeros(2, np.float32))
    quiet = TRIGGER._replace(noise=0.0)
    found = find_objects(cells, *nothing(1), quiet, np.random.default_rng(1))
    assert found.jet_n[0] == 1
    assert found.jet[0, 0, 0] == pytest.approx(60.0)


def test_pileup_is_subtracted_from_jets_on_average():
    rows = [(22, 20.0, 0.2, 0.1 * k) for k in range(5)]
    events, draw = 400, np.random.default_rng(2)
    found = deposits(particles(*rows, events=events), events, CMS, draw)
    flat = [(22, 2.0, e, f) for e in np.arange(-4, 4, 0.35) for f in np.arange(-3, 3.1, 0.35)]
    pool = deposits(particles(*flat, events=50), 50, CMS, draw)
    overlay = draw_overlay(events, 2.0, 50, draw)
    with_donut, without = (
        np.mean(find_objects(found, pool, overlay, trigger, draw).jet[:, 0, 0])
        for trigger in (TRIGGER, TRIGGER._replace(jet_donut=False))
    )
    assert without > 115
    assert abs(with_donut - 100) < 0.4 * (without - 100)


def test_overlay_of_a_pool_is_the_pool_turned_and_mirrored():
    draw = np.random.default_rng(1)
    rows = ((22, 30.0, 1.0, 0.3), (211, 12.0, -2.0, 2.0), (13, 9.0, 0.4, -1.0))
    p = particles(*rows, events=3)
    cells = deposits(p, 3, CMS, draw)
    empty = p[np.zeros(0, np.int64)]
    pool = Pool(Collisions(p, empty, np.arange(3.0), np.ones(3), np.array([[1.0, 0.0]] * 3)), empty, cells)
    overlay = Overlay(np.array([0, 2]), np.array([2, 0]), np.array([18, 0]), np.array([True, False]))
    turned = pool.chosen(overlay, np.array([0, -1, 1]), draw)
    assert len(turned) == 3
    assert list(turned.particles.event) == [0, 0, 0, 2, 2, 2]
    assert turned.particles.eta[:3] == pytest.approx([-1.0, 2.0, -0.4])
    assert turned.particles.phi[0] == pytest.approx(0.3 + np.pi / 2)
    assert turned.invisible[0] == pytest.approx([0, 1], abs=1e-12)
    assert list(turned.pthat) == [2.0, 0.0, 0.0]
    muons = pool.muons(overlay, np.arange(2), CMS, draw)
    muons = muons[muons.pt == 9.0]  # the pion may decay
    assert list(muons.event) == [0, 0]
    assert muons.eta == pytest.approx([-0.4, 0.4])
    found = find_objects(None, pool.cells, overlay, TRIGGER._replace(noise=0.0), draw)
    assert found.eg_n[0] == 2
    first, second = sorted(found.eg[0, :2, 1])
    assert (first, second) == pytest.approx((-1.0, 1.0), abs=CELL)


def test_no_collision_twice_in_a_crossing():
    overlay = draw_overlay(300, 20, 40, np.random.default_rng(1))
    for n in range(300):
        part = overlay.collision[overlay.offsets[n] : overlay.offsets[n + 1]]
        assert len(set(part)) == len(part)
    assert np.diff(overlay.offsets).mean() == pytest.approx(20, abs=1.3)


def test_decays_in_flight_have_the_lifetime():
    number = 200_000
    p = particles((321, 5.0, 0.0, 0.0), events=number)
    after = decays_in_flight(p, CMS, np.random.default_rng(1))
    muon = np.abs(after.code) == 13
    exact = 0.6356 * -np.expm1(-1.29 * 0.49368 / (5.0 * 3.711))
    assert muon.mean() == pytest.approx(exact, rel=0.05)
    fraction = after.pt[muon] / 5.0
    assert fraction.min() > (0.10566 / 0.49368) ** 2
    assert fraction.mean() == pytest.approx((1 + (0.10566 / 0.49368) ** 2) / 2, rel=0.03)
    assert set(after.code[muon]) == {-13}


def test_muon_candidates_keep_charge_and_direction():
    trigger = MUONS
    muons = particles((13, 30.0, 0.5, 1.0), (-13, 30.0, 2.6, 1.0), (-13, 2.0, 0.1, 1.0), events=4000)
    found, _, weights = trigger_muons(muons, 4000, trigger, np.random.default_rng(1))
    assert (weights == 1).all()
    assert len(found) / 4000 == pytest.approx(trigger.efficiency, abs=0.02)
    assert set(found.code) == {13}
    assert np.median(found.pt) == pytest.approx(30 * trigger.scale, rel=0.03)
    sharp = trigger._replace(tail=0.0, resolution=(1e-6, 1e-6, 1e-6), step=1e-6)
    exact, gen_pt, _ = trigger_muons(muons, 4000, sharp, np.random.default_rng(1))
    assert exact.pt == pytest.approx(30 * trigger.scale, rel=1e-4)
    assert (gen_pt == 30).all()


@pytest.mark.parametrize(("gen_pt", "eta"), [(4.0, 1.0), (9.0, 0.3), (60.0, 2.0)])
def test_the_response_is_the_probability_of_what_is_measured(gen_pt, eta):
    trigger = MUONS._replace(tail=0.2, highest_pt=100.0)
    events = 200_000
    muons = particles((13, gen_pt, eta, 1.0), events=events)
    found, _, weights = trigger_muons(muons, events, trigger, np.random.default_rng(1))
    values = np.arange(trigger.step, trigger.highest_pt + trigger.step / 2, trigger.step)
    exact = response(values, np.full_like(values, gen_pt), np.full_like(values, eta), trigger)
    assert exact.sum() == pytest.approx(1, abs=1e-12)
    edges = np.append(values - trigger.step / 2, np.inf)
    w = weights[found.event] / len(found)
    counted, _ = np.histogram(found.pt, edges, weights=w)
    error = np.sqrt(np.histogram(found.pt, edges, weights=w**2)[0] + exact / len(found))
    assert (np.abs(counted - exact) < 5 * error + 1e-7).all()


def test_ratios_of_the_response_turn_one_trigger_into_another():
    base = MUONS
    wider = base._replace(tail=0.15, resolution=(0.25, 0.25, 0.25))
    muons = particles((13, 7.0, 1.5, 1.0), events=100_000)
    found, gen_pt, weights = trigger_muons(muons, 100_000, base, np.random.default_rng(1))
    factor = response(found.pt, gen_pt, found.eta, wider) / response(found.pt, gen_pt, found.eta, base)
    above = found.pt >= 20
    w = (weights[found.event] * factor)[above]
    expected, error = promoted(7.0, wider, 20.0, 100_000)
    assert w.sum() / 100_000 == pytest.approx(expected, abs=5 * np.hypot(error, np.sqrt((w**2).sum()) / 1e5))


def promoted(pt, trigger, threshold, events, seed=1):
    """Fraction of events with muons of these `pt` and one measured above the threshold, and its error."""
    muons = particles(*((13, one, 1.0, 1.0) for one in np.atleast_1d(pt)), events=events)
    found, _, weights = trigger_muons(muons, events, trigger, np.random.default_rng(seed))
    passing = np.zeros(events)
    passing[found.event[found.pt >= threshold]] = 1
    return (weights * passing).sum() / events, np.sqrt((weights**2 * passing).sum()) / events


@pytest.mark.parametrize("pt", [4.0, 8.0, 12.0])
def test_boosting_mismeasured_muons_leaves_the_rate(pt, monkeypatch):
    trigger = MUONS
    boosted, error = promoted(pt, trigger, 20.0, 20_000)
    monkeypatch.setattr("nanosieve.physics.events.crossings.muon_trigger.BOOSTED", 0.0)
    plain, plain_error = promoted(pt, trigger, 20.0, 1_000_000, seed=2)
    assert boosted == pytest.approx(plain, abs=4 * np.hypot(error, plain_error))
    _, same_size = promoted(pt, trigger, 20.0, 20_000, seed=2)
    assert error < (0.6 if pt < 6 else 0.95) * same_size


def test_each_of_several_soft_muons_may_be_boosted(monkeypatch):
    trigger = MUONS
    pair = (8.0, 7.0)
    boosted, error = promoted(pair, trigger, 20.0, 20_000)
    monkeypatch.setattr("nanosieve.physics.events.crossings.muon_trigger.BOOSTED", 0.0)
    plain, plain_error = promoted(pair, trigger, 20.0, 1_000_000, seed=2)
    assert boosted == pytest.approx(plain, abs=4 * np.hypot(error, plain_error))
    monkeypatch.undo()
    muons = particles(*((13, one, 1.0, 1.0) for one in pair), events=20_000)
    found, gen_pt, weights = trigger_muons(muons, 20_000, trigger, np.random.default_rng(1))
    for one in pair:  # none of them fires with more weight than it would have without the sampling
        assert weights[found.event[(gen_pt == one) & (found.pt >= 30) & (found.pt < 89)]].max() < 0.7


def test_all_boosted_weights_average_to_one():
    muons = particles((13, 5.0, 0.5, 1.0), (-13, 4.0, 1.5, 0.0), events=100_000)
    _, _, weights = trigger_muons(muons, 100_000, MUONS, np.random.default_rng(1))
    assert weights.mean() == pytest.approx(1, abs=5 * weights.std() / np.sqrt(100_000))
    assert weights.max() <= 2


def test_a_wider_tail_promotes_more_muons():
    base = MUONS
    rates = [promoted(8.0, base._replace(tail=tail), 20.0, 20_000)[0] for tail in (0.0, 0.05)]
    assert rates[1] > rates[0] + 0.005


def test_collisions_are_cut_and_joined_without_loss():
    p = particles((22, 10.0, 0.0, 0.0), (211, 3.0, 1.0, 1.0), events=6)
    whole = Collisions(p, p[::3], np.arange(6.0), np.ones(6), np.zeros((6, 2)))
    again = Collisions.joined([whole[:2], whole[2:6]])
    assert np.array_equal(again.particles.event, p.event)
    assert np.array_equal(again.flavour.event, whole.flavour.event)
    some = whole.only(np.array([1, 4]))
    assert list(some.pthat) == [1.0, 4.0]
    assert list(some.particles.event) == [0, 0, 1, 1]
    assert len(replace(whole, weight=np.zeros(6))) == 6
