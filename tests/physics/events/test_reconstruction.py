import numpy as np
import pytest

pytest.importorskip("fastjet")

from nanosieve.physics.events.detector import DETECTORS
from nanosieve.physics.events.recipe import LeptonFilter
from nanosieve.physics.events.reconstruction import reconstruct

CMS = DETECTORS["cms"]
MASSES = {11: 0.0005, 13: 0.1057, 22: 0.0, 130: 0.498, 211: 0.1396}


def particle(code, pt, eta, phi):
    momentum = pt * np.array([np.cos(phi), np.sin(phi), np.sinh(eta)])
    return [code, *momentum, np.sqrt(momentum @ momentum + MASSES[abs(code)] ** 2)]


def run(*particles, events=400, window=None):
    """The same collision many times: what is found on average."""
    collision = np.array([particle(*p) for p in particles]).reshape(-1, 5)
    draw = np.random.default_rng(3)
    return reconstruct([collision] * events, CMS, window or LeptonFilter(), draw)


def test_an_isolated_muon_is_found_with_its_efficiency_and_charge():
    found = run((13, 50, 0.2, 1.0), events=4000)
    assert len(found.muons) / 4000 == pytest.approx(0.99 * 0.95, abs=0.02)
    assert found.muons.pt.mean() == pytest.approx(50, rel=0.002)
    assert found.muons.pt.std() == pytest.approx(50 * np.hypot(0.01, 0.005), rel=0.1)
    assert set(found.muons.code) == {13}
    seen = found.muons.event
    assert found.met_pt[seen].mean() == pytest.approx(50, rel=0.01)
    assert abs(found.met_phi[seen][0]) == pytest.approx(np.pi - 1.0, abs=0.01)
    assert len(found.jets) == 0, "the jet is the muon itself"


def test_acceptances_are_the_published_ones():
    assert len(run((13, 50, 2.2, 0)).muons) == 0
    assert len(run((11, 50, 2.9, 0)).electrons) > 200
    assert len(run((11, 50, 3.1, 0)).electrons) == 0


def test_an_electron_collects_its_photons():
    alone = run((11, 40, 0.1, 0))
    dressed = run((11, 30, 0.1, 0), (22, 10, 0.13, 0.03))
    assert dressed.electrons.pt.mean() == pytest.approx(alone.electrons.pt.mean(), rel=0.01)
    apart = run((11, 30, 0.1, 0), (22, 10, 0.9, 0.03))
    assert apart.electrons.pt.mean() == pytest.approx(30, rel=0.01)


def test_a_lepton_in_a_jet_is_not_isolated():
    lepton, hadrons = (13, 30, 0.0, 0.0), [(211, 8, 0.1, 0.1), (-211, 8, -0.1, 0.1)]
    assert len(run(lepton, *hadrons).muons) < 20
    far = [(code, pt, eta + 1.0, phi) for code, pt, eta, phi in hadrons]
    assert len(run(lepton, *far).muons) > 300
    kept = run(lepton, *hadrons, window=LeptonFilter(isolated=False))
    assert len(kept.muons) > 300


def test_leptons_do_not_spoil_the_isolation_of_each_other():
    assert len(run((13, 30, 0, 0), (-13, 25, 0.1, 0.1)).muons) > 700


def test_jets_keep_clear_of_isolated_leptons_only():
    jet = [(211, 20, 1.0, 2.0), (-211, 20, 1.1, 2.1), (22, 20, 1.05, 2.0)]
    found = run((13, 50, -1.0, 0.0), *jet)
    assert len(found.jets) / 400 == pytest.approx(1, abs=0.02)
    assert found.jets.eta.mean() == pytest.approx(1.05, abs=0.05)
    assert found.jets.pt.mean() == pytest.approx(60, rel=0.05)
    inside = run((13, 10, 1.0, 2.0), *jet)
    assert len(inside.muons) == 0
    assert inside.jets.pt.mean() > 65, "a muon in a jet belongs to it"


def test_a_balanced_event_has_little_missing_momentum():
    found = run((22, 50, 0.5, 0.0), (22, 50, -0.5, np.pi))
    assert found.met_pt.mean() < 3


def test_nothing_is_seen_outside_the_calorimeter_or_below_threshold():
    found = run((22, 50, 5.5, 0.0), (130, 0.6, 0.0, 0.0))
    assert len(found.jets) == 0
    assert np.median(found.met_pt) < 2


def test_forward_jets_end_at_four():
    assert len(run((22, 60, 4.3, 0.0)).jets) < 20
    assert len(run((22, 60, 3.7, 0.0)).jets) > 350


def test_the_filter_looks_at_reconstructed_leptons():
    window = LeptonFilter()
    assert run((13, 30, 0, 0)).passing(window).mean() > 0.9
    assert run((13, 20, 0, 0)).passing(window).mean() < 0.01
    assert run((22, 50, 0, 0)).passing(window).mean() == 0


def test_order_and_reproducibility():
    particles = [(13, 20, 0, 0), (-13, 60, 1, 2), (13, 40, -1, 4), (22, 50, 2, 5), (22, 90, -2, 5)]
    first, second = run(*particles), run(*particles)
    for name in ("muons", "jets"):
        group, again = getattr(first, name), getattr(second, name)
        assert np.array_equal(group.pt, again.pt)
        same = np.diff(group.event) == 0
        assert (np.diff(group.event) >= 0).all()
        assert (np.diff(group.pt)[same] <= 0).all()


def test_events_without_any_particle_are_allowed():
    found = run(events=3)
    assert found.events == 3
    assert found.met_pt.tolist() == [0, 0, 0]
    assert not found.passing(LeptonFilter()).any()
