import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.errors import UnknownNameError
from nanosieve.physics.events.detector import DETECTORS, detector_named, smeared

CMS = DETECTORS["cms"]


def one(function, *values):
    return float(function(*(np.array([float(v)]) for v in values))[0])


def test_resolutions_are_those_of_the_published_cards():
    assert one(CMS.muon_resolution, 40, 0.3) == pytest.approx(40 * np.hypot(0.01, 1e-4 * 40))
    assert one(CMS.muon_resolution, 40, -2.0) == pytest.approx(40 * np.hypot(0.025, 3.5e-4 * 40))
    assert one(CMS.hadron_track_resolution, 10, 1.0) == pytest.approx(10 * np.hypot(0.015, 2.5e-3))
    coarse = DETECTORS["cms-coarse-tracks"]
    assert one(coarse.hadron_track_resolution, 10, 1.0) == pytest.approx(10 * np.hypot(0.10, 1.7e-2))
    expected = np.sqrt((0.009 * 50) ** 2 + 0.12**2 * 50 + 0.45**2)
    assert one(CMS.ecal_resolution, 50, 0) == pytest.approx(expected)
    assert one(CMS.ecal_resolution, 50, 4) == pytest.approx(np.sqrt((0.08 * 50) ** 2 + 1.98**2 * 50))
    assert one(CMS.hcal_resolution, 100, -2) == pytest.approx(np.sqrt(25 + 100))
    assert one(CMS.hcal_resolution, 100, -4) == pytest.approx(np.sqrt(11**2 + 2.8**2 * 100))


@pytest.mark.parametrize(
    ("pt", "eta", "expected"),
    [(50, 1, 0.95 * 0.95), (150, 1, 0.99 * 0.95), (50, 2, 0.83 * 0.85), (50, 2.9, 0.83 * 0.85), (50, 3.1, 0)],
)
def test_electron_efficiency(pt, eta, expected):
    assert float(CMS.electron_efficiency(np.array([pt]), np.array([eta]), 3.0)[0]) == pytest.approx(expected)


def test_tracks_and_muons_end_with_the_tracker():
    assert one(CMS.hadron_track_efficiency, 5, 2.4) == 0.85
    assert one(CMS.hadron_track_efficiency, 0.5, 0) == 0.70
    assert one(CMS.hadron_track_efficiency, 5, 2.6) == 0
    assert one(CMS.muon_track_efficiency, 5, 2.6) == 0
    assert float(CMS.muon_identification(np.array([2.2]), 2.1)[0]) == 0


def test_soft_particles_stay_in_the_field():
    reaches = CMS.reaches_calorimeter(np.array([0.7, 0.8]))
    assert reaches.tolist() == [False, True]


@given(st.floats(0.5, 1000), st.floats(0.001, 2.0))
def test_smearing_keeps_mean_and_width(mean, relative):
    number = 20_000
    draw = np.random.default_rng(5)
    values = smeared(np.full(number, mean), np.full(number, mean * relative), draw)
    assert (values > 0).all()
    # the mean of log-normal numbers has the error σ/√n; allow five of them
    assert abs(values.mean() / mean - 1) < 5 * relative / np.sqrt(number) + 1e-9


def test_noise_makes_no_cluster_out_of_a_soft_photon():
    draw = np.random.default_rng(1)
    values = smeared(np.full(1_000_000, 0.3), np.full(1_000_000, 0.42), draw)
    assert values.max() == pytest.approx(0.3 + 5 * 0.42)
    assert values.mean() == pytest.approx(0.3, rel=0.03)


def test_an_unknown_detector_comes_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"^unknown detector 'cns'; nearest: cms"):
        detector_named("cns")
