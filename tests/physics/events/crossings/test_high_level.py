"""High-level objects of collisions whose answer is known: identification, fakes, tags, missing pT, modes."""

import numpy as np
import pytest

from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events.crossings import HighLevelTrigger
from nanosieve.physics.events.crossings import high_level as module
from nanosieve.physics.events.crossings.collisions import Collisions
from nanosieve.physics.events.crossings.high_level import high_level
from nanosieve.physics.events.detector import DETECTORS

CMS = DETECTORS["cms"]
TRIGGER = HighLevelTrigger()
EVENTS = 3000


def particles(*rows, events=EVENTS):
    """Objects of rows (code, pt, eta, phi), the same in each event."""
    code, pt, eta, phi = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    columns = [np.tile(values, events) for values in (pt, eta, phi, 0 * pt)]
    event = np.tile(np.arange(events)[:, None], (1, len(pt))).reshape(-1)
    return Objects(event, *columns, np.tile(code.astype(np.int64), events))


def found(*rows, flavour=(), seed=3, events=EVENTS, trigger=TRIGGER, **options):
    p = particles(*rows, events=events)
    tags = particles(*flavour, events=events) if flavour else p[np.zeros(0, np.int64)]
    zeros = np.zeros(events)
    collisions = Collisions(p, tags, zeros, zeros + 1, np.zeros((events, 2)))
    return high_level(collisions, CMS, trigger, np.random.default_rng(seed), **options)


def per_event(selected, chosen=None):
    number = len(selected.objects) if chosen is None else int(chosen.sum())
    return number / EVENTS


def test_an_electron_passes_with_its_efficiencies():
    electrons = found((11, 40.0, 0.5, 1.0)).electrons
    reconstructed = 0.95 * 0.95
    for quality, efficiency in enumerate(TRIGGER.electron):
        passing = electrons.extra["quality"] >= quality
        assert per_event(electrons, passing) == pytest.approx(reconstructed * efficiency, abs=0.025)
    assert set(electrons.extra["charge"]) == {-1}
    assert electrons.extra["iso"].max() == 0


def test_a_muon_in_a_jet_is_not_isolated():
    alone = found((13, 30.0, 0.5, 1.0)).muons
    inside = found((13, 30.0, 0.5, 1.0), (211, 15.0, 0.6, 1.1), (-211, 15.0, 0.4, 0.9)).muons
    assert alone.extra["iso"].max() == 0
    assert np.median(inside.extra["iso"]) == pytest.approx(1.0, abs=0.15)
    assert per_event(alone) == pytest.approx(0.99 * 0.95, abs=0.02)


def test_fake_electrons_have_their_probability():
    """Boosted sampling: the weighted fraction is the true one, and its error is smaller than without."""
    result = found((211, 25.0, 0.3, 0.0), events=30_000)
    tracked = 0.95
    electrons, weights = result.electrons, result.weights
    assert weights.mean() == pytest.approx(1, abs=5 * weights.std() / np.sqrt(30_000))
    for quality, probability in enumerate(TRIGGER.hadron_as_electron):
        event = electrons.objects.event[electrons.extra["quality"] >= quality]
        rate = weights[event].sum() / 30_000
        error = np.sqrt((weights[event] ** 2).sum()) / 30_000
        assert rate == pytest.approx(tracked * probability, abs=4 * error)
        assert error < 0.6 * np.sqrt(probability / 30_000)


def test_a_forgotten_weight_is_seen(monkeypatch):
    """A deliberate fault: fakes drawn boosted but counted plainly are far too many."""
    result = found((211, 25.0, 0.3, 0.0))
    tight = result.electrons.extra["quality"] == 3
    assert tight.sum() / EVENTS > 10 * TRIGGER.hadron_as_electron[3]
    monkeypatch.setattr(module, "BOOST_SHARE", 0.0)
    plain = found((211, 25.0, 0.3, 0.0))
    assert (plain.weights == 1).all()
    assert (plain.electrons.extra["quality"] == 3).sum() / EVENTS < 0.01


def test_a_single_photon_and_a_pair():
    single = found((22, 60.0, 0.5, 1.0)).photons
    pair = found((22, 35.0, 0.5, 1.0), (22, 25.0, 0.51, 1.01)).photons
    for photons, efficiency in ((single, TRIGGER.photon), (pair, TRIGGER.pair_as_photon)):
        assert np.median(photons.objects.pt) == pytest.approx(60, rel=0.02)
        for quality in range(4):
            passing = photons.extra["quality"] >= quality
            assert per_event(photons, passing) == pytest.approx(efficiency[quality], abs=0.03)


def test_tags_have_the_efficiency_of_their_name():
    rows = [(211, 20.0, 0.5 + 0.05 * k, 1.0) for k in range(4)]
    bottom = found(*rows, flavour=[(5, 60.0, 0.55, 1.0)]).jets
    light = found(*rows).jets
    for point, efficiency in zip((40, 60, 70), TRIGGER.bottom, strict=True):
        tagged = (bottom.extra["btag"] > 0) & (bottom.extra["btag"] <= point)
        assert tagged.mean() == pytest.approx(efficiency, abs=0.03)
    assert (light.extra["btag"] > 0).mean() < 0.02


def test_taus_are_narrow_and_have_few_tracks():
    one_prong = [(211, 40.0, 0.5, 1.0), (22, 15.0, 0.52, 1.02)]
    wide = [*one_prong, *((211, 10.0, 0.5 + 0.3 * s, 1.0) for s in (-1, 1))]
    flavour = [(15, 60.0, 0.5, 1.0)]
    assert per_event(found(*one_prong, flavour=flavour).taus) == pytest.approx(0.95 * TRIGGER.tau, abs=0.04)
    assert per_event(found(*one_prong).taus) == pytest.approx(0.95 * TRIGGER.jet_as_tau, abs=0.04)
    assert per_event(found(*wide, flavour=flavour).taus) < 0.1
    assert set(found(*one_prong, flavour=flavour).taus.extra["charge"]) == {1}


def test_missing_momentum_balances_jets_and_pileup_noise_has_its_width():
    result = found(*((211, 25.0, 0.5, 1.0 + 0.02 * k) for k in range(4)))
    assert np.median(np.hypot(*result.met.T)) == pytest.approx(100, rel=0.05)
    assert np.median(result.ht) == pytest.approx(100, rel=0.05)
    quiet = found((211, 0.5, 3.0, 0.0), pileup=49.0)
    assert quiet.met.std() == pytest.approx(7 * TRIGGER.met_pileup, rel=0.05)


def test_the_density_of_other_collisions_is_taken_from_jets():
    rows = [(211, 25.0, 0.5, 0.1 * k) for k in range(3)]
    grid = [(22, 1.0, e, f) for e in np.arange(-4.9, 5, 0.2) for f in np.arange(-3.1, 3.1, 0.2)]
    events = 300
    others = particles(*grid, events=events)
    plain = found(*rows, events=events).jets
    corrected = found(*rows, events=events, others=others).jets
    leading = []
    for jets in (plain, corrected):
        _, first = np.unique(jets.objects.event, return_index=True)
        leading.append(np.median(jets.objects.pt[first]))
    added = 25 * np.pi * 0.4**2  # GeV that the grid puts into a jet
    assert added > 10
    assert leading[1] == pytest.approx(leading[0], abs=4.0)


def test_large_jets_are_made_of_small_ones():
    rows = [(211, 100.0, 0.5, 1.0), (211, 100.0, 0.5, 1.7)]
    large = found(*rows).large_jets
    assert np.median(large.objects.pt) == pytest.approx(200 * np.cos(0.35), rel=0.05)
    assert np.median(large.extra["mass"]) == pytest.approx(200 * np.sin(0.35), rel=0.08)


def test_objects_of_an_event_are_ordered_and_few():
    rows = [(13, 5.0 + k, -2.0 + 0.25 * k, 0.0) for k in range(16)]
    muons = found(*rows, events=50).muons
    assert np.bincount(muons.objects.event).max() == 12
    same = np.diff(muons.objects.event) == 0
    assert (np.diff(muons.objects.pt)[same] <= 0).all()
