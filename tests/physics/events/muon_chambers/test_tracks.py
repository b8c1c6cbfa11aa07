"""Tracks in the toroid against the formulae of a circle, and what ends them."""

import numpy as np
import pytest

from nanosieve.physics.events.muon_chambers import DriftTubes
from nanosieve.physics.events.muon_chambers.tracks import Tracks, crossings, paths

NOWHERE = np.full(3, -1)


def track(momentum, *, position=(4.7, 0.0, 1.0), charge=1.0, kicks=(0.0, 0.0, 0.0)):
    return Tracks(
        np.array([0]),
        np.array([position], float),
        np.array([momentum], float),
        np.array([charge]),
        np.array([kicks], float),
    )


@pytest.mark.parametrize("pt", [3.0, 10.0, 100.0])
def test_the_sagitta_is_that_of_a_circle(pt):
    planes = np.array([4.8, 7.3, 9.8])
    z = crossings(track((pt, 0, 0)), planes, NOWHERE, DriftTubes()).z
    sagitta = z[1] - (z[0] + z[2]) / 2
    chord = np.hypot(5.0, z[2] - z[0])
    expected = 0.3 * 0.5 * chord**2 / (8 * pt)  # s = 0.3 B L² / 8 p
    assert -sagitta == pytest.approx(expected, rel=0.03 if pt == 3 else 0.003)
    mirrored = crossings(track((pt, 0, 0), charge=-1.0), planes, NOWHERE, DriftTubes()).z
    assert mirrored - 1 == pytest.approx(-(z - 1))


def test_all_points_lie_on_one_circle_and_none_bends_outside_of_the_field():
    detector, momentum = DriftTubes(), np.array([2.0, 0.1, 0.8])
    planes = np.array([5.0, 7.0, 10.0])
    met = crossings(track(momentum), planes, NOWHERE, detector)
    across = np.hypot(momentum[0], momentum[2])
    radius = across / (0.299792458 * detector.field)
    centre = np.array([4.7, 1.0]) + radius * np.array([-momentum[2], momentum[0]]) / across
    assert np.hypot(planes - centre[0], met.z - centre[1]) == pytest.approx(radius)
    angle = np.arcsin(momentum[2] / across + (planes - 4.7) / radius) - np.arcsin(momentum[2] / across)
    assert met.y == pytest.approx(momentum[1] / across * radius * angle)
    straight = crossings(track(momentum), planes, NOWHERE, DriftTubes(field=0.0))
    assert straight.z == pytest.approx(1.0 + 0.4 * (planes - 4.7))
    outside = crossings(
        track((2, 0, 0), position=(10.05, 0, 0)), np.array([10.1, 10.6]), NOWHERE[:2], detector
    )
    assert outside.z == pytest.approx(0.0)


def test_a_soft_track_turns_and_ends_in_the_calorimeter():
    planes = np.array([4.8, 5.0, 7.5])
    met = crossings(track((0.2, 0, 0)), planes, NOWHERE, DriftTubes())
    assert met.plane.tolist() == [0, 1, 1, 0]
    assert (np.diff(met.z) > 0).all()
    radius = 0.2 / (0.299792458 * 0.5)
    assert met.z[0] + met.z[-1] == pytest.approx(2 * (1.0 + radius))
    (way,) = paths(track((0.2, 0, 0)), DriftTubes(), to=10.0)
    assert way[:, 0].max() < 4.7 + radius < 6.1


def test_scattering_turns_the_track_at_a_station_and_what_leaves_the_sector_is_lost():
    detector = DriftTubes(field=0.0)
    radii, stations = detector.radii(), detector.station()
    still = crossings(track((5, 0, 0)), radii, stations, detector)
    kicked = crossings(track((5, 0, 0), kicks=(0, 2.0, 0)), radii, stations, detector)
    turn = 2 * 0.0136 * np.sqrt(detector.station_thickness) / 5
    assert len(still.z) == 20
    assert (kicked.z - still.z)[:9] == pytest.approx(0.0, abs=1e-12)
    assert (kicked.z - still.z)[9:] == pytest.approx(np.tan(turn) * (radii[9:] - radii[8]))
    aside = crossings(
        track((5, 5, 0)), radii, stations, detector
    )  # at 45° it leaves behind the inner station
    assert aside.plane.tolist() == list(range(8))
