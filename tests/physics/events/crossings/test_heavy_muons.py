"""Muons of bottom and charm hadrons, taken out of the pool and drawn anew."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from nanosieve.physics.events import Recipe
from nanosieve.physics.events._decay_library import decay_library
from nanosieve.physics.events._geometry import concatenate
from nanosieve.physics.events.crossings.heavy_muons import decay_muons
from nanosieve.physics.events.crossings.pythia_source import pythia_collisions, undecayed_collisions

SETTINGS = ("HardQCD:hardbbbar = on", "PhaseSpace:pTHatMin = 15")
BATCHES, DRAWS = 2, 20


def muons(objects):
    return objects[np.abs(objects.code) == 13]


@pytest.fixture(scope="module")
def streams():
    recipe = Recipe(name="mine", title="mine", pythia=SETTINGS)
    whole, undecayed = (f(recipe, 13_000.0, 7) for f in (pythia_collisions, undecayed_collisions))
    return [(next(whole), *next(undecayed)) for _ in range(BATCHES)]


def test_fresh_muons_are_as_many_and_as_hard_as_those_taken_out(streams):
    draw = np.random.default_rng(1)
    for pt in (0.0, 2.0, 4.0):
        taken = fresh = 0.0
        for whole, light, hadrons in streams:
            assert len(whole.particles) - len(light.particles) == (
                len(muons(whole.particles)) - len(muons(light.particles))
            )
            taken += (muons(whole.particles).pt > pt).sum() - (muons(light.particles).pt > pt).sum()
            new = concatenate(*(decay_muons(hadrons, draw) for _ in range(DRAWS)))
            fresh += ((new.pt > pt) & (np.abs(new.eta) < 5)).sum() / DRAWS
        assert taken > 40
        assert taken == pytest.approx(fresh, abs=4 * np.sqrt(taken))


def test_of_a_cascade_only_the_first_hadron_is_listed(streams):
    """Most bottom hadrons decay to charm: their charm is not listed, that of gluons is."""
    collisions = sum(len(whole) for whole, _, _ in streams)
    kinds = np.abs(np.concatenate([hadrons.code for _, _, hadrons in streams]))
    bottom = (kinds // 100 == 5) | (kinds // 1000 == 5)
    assert 1.95 * collisions <= bottom.sum() < 2.3 * collisions
    assert (~bottom).sum() < 0.5 * bottom.sum()


def test_a_muon_of_a_fast_hadron_goes_its_way_and_has_its_sign(streams):
    _, _, hadrons = streams[0]
    fast = hadrons[hadrons.pt > 20]
    mesons = fast[np.isin(np.abs(fast.code), (511, 521, 531))]
    found = muons(decay_muons(mesons.counted_on(0), np.random.default_rng(2)))
    parent = {event: mesons[mesons.event == event] for event in np.unique(found.event)}
    near = [
        np.hypot(parent[m.event].eta - m.eta, np.angle(np.exp(1j * (parent[m.event].phi - m.phi)))).min()
        for m in (found[k] for k in range(len(found)))
    ]
    assert np.mean(np.array(near) < 0.5) > 0.9
    # anti-b (positive code) → μ⁺ (-13) at first hand, softer ones of the other sign from charm
    alone = [e for e, p in parent.items() if len(p) == 1]
    hard = found[np.isin(found.event, alone) & (found.pt > 8)]
    sign = np.array([np.sign(parent[e].code[0]) for e in hard.event])
    assert np.mean(sign * hard.code == -13) > 0.75


def test_muons_of_one_decay_keep_their_mass(streams):
    """However a decay is turned and boosted, the mass of a pair is one of those in the library."""
    _, _, hadrons = streams[0]
    one = hadrons[np.abs(hadrons.code) == 521][:1]
    many = replace(one[np.zeros(20_000, np.int64)], event=np.arange(20_000))
    found = decay_muons(many, np.random.default_rng(3))
    x, y, z = found.pt * (np.cos(found.phi), np.sin(found.phi), np.sinh(found.eta))
    energy = np.sqrt(x**2 + y**2 + z**2 + found.mass**2)
    masses = pair_masses(found.event, np.stack([x, y, z, energy], axis=1))
    library = decay_library(521)
    event, place = np.nonzero(np.abs(library.code) == 13)
    known = pair_masses(event, library.momentum[event, place])
    assert len(masses) > 100
    assert np.abs(masses[:, None] - known).min(axis=1).max() < 1e-3
    assert len(np.unique(np.abs(masses[:, None] - known).argmin(axis=1))) > 0.9 * len(known)


def pair_masses(event, momentum):
    order = np.argsort(event, kind="stable")
    event, momentum = event[order], momentum[order]
    first = np.searchsorted(event, np.flatnonzero(np.bincount(event) == 2))
    total = momentum[first] + momentum[first + 1]
    return np.sqrt(total[:, 3] ** 2 - (total[:, :3] ** 2).sum(axis=1))


def test_no_hadrons_no_muons(streams):
    _, _, hadrons = streams[0]
    assert len(decay_muons(hadrons[:0], np.random.default_rng(1))) == 0
