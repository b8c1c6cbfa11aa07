"""Hits of both detectors: geometry, efficiency as set, cavern linear in pile-up, fragments."""

from dataclasses import replace

import numpy as np
import pytest

from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.events.muon_chambers import (
    DriftTubes,
    FragmentPattern,
    StripPlanes,
    fragments_of,
    global_eta,
    local_eta,
    settings_table,
)
from nanosieve.physics.events.muon_chambers.drift_tube_hits import (
    background_hits,
    dead_tubes,
    drift_tube_images,
    track_hits,
)
from nanosieve.physics.events.muon_chambers.simulation import strip_tracks
from nanosieve.physics.events.muon_chambers.strip_hits import strip_images
from nanosieve.physics.events.muon_chambers.tracks import Tracks

DRAW = np.random.default_rng
CLEAN = DriftTubes(
    field=0.0,
    station_thickness=0.0,
    efficiency=1.0,
    delta_ray=0.0,
    dead=0.0,
    noise=0.0,
    burst=0.0,
    pileup=0.0,
)
QUIET = StripPlanes(efficiency=1.0, cluster=0.0, noise=0.0, pileup=0.0, station_thickness=0.0)


def radial(number, seed=1):
    """Straight tracks at right angles to the layers, at random places."""
    z = DRAW(seed).uniform(1.0, 9.0, number)
    position = np.stack([np.full(number, 4.3), np.zeros(number), z], axis=1)
    momentum = np.tile([50.0, 0, 0], (number, 1))
    return Tracks(np.arange(number), position, momentum, np.ones(number), np.zeros((number, 3)))


def test_the_detectors_have_the_published_shapes_and_every_number_a_source():
    assert DriftTubes().shape == (20, 333)
    assert StripPlanes().shape == (9, 384)
    for detector in (DriftTubes(), StripPlanes()):
        assert all(one.source for one in settings_table(detector))
    sources = {one.name: one.source for one in settings_table(DriftTubes())}
    assert sources["efficiency"] == sources["cavern"] == "assumed"


def test_a_track_hits_the_tube_whose_gas_it_crosses():
    tracks = radial(2000)
    images = track_hits(tracks, 2000, CLEAN, DRAW(1))
    part = 2 * CLEAN.tube_radius / CLEAN.pitch
    assert images.sum(axis=2).max() == 1
    assert images.mean(axis=0).sum() / 20 == pytest.approx(part, abs=0.005)
    image, layer, tube = np.nonzero(images)
    wires = CLEAN.first_wire()[layer] + tube * CLEAN.pitch
    assert np.abs(wires - tracks.position[image, 2]).max() <= CLEAN.tube_radius


@pytest.mark.parametrize("efficiency", [0.6, 0.95])
def test_the_efficiency_is_the_one_that_was_set(efficiency):
    tracks = radial(2000)
    everything = track_hits(tracks, 2000, CLEAN, DRAW(1))
    some = track_hits(tracks, 2000, replace(CLEAN, efficiency=efficiency), DRAW(2))
    assert not (some & ~everything).any()
    assert some.sum() / everything.sum() == pytest.approx(efficiency, abs=0.007)


def test_delta_rays_fire_a_neighbour_and_dead_tubes_nothing():
    tracks = radial(2000)
    more = track_hits(tracks, 2000, replace(CLEAN, delta_ray=0.2), DRAW(2))
    clean = track_hits(tracks, 2000, CLEAN, DRAW(1))
    assert more.sum() / clean.sum() == pytest.approx(1.2, abs=0.02)
    broken = replace(CLEAN, dead=0.3)
    images, hits = drift_tube_images(tracks, 2000, broken, DRAW(1))
    assert not images[:, dead_tubes(broken)].any()
    assert dead_tubes(broken).mean() == pytest.approx(0.3, abs=0.02)
    assert hits.tolist() == images.sum(axis=(1, 2)).tolist()


def test_the_cavern_is_linear_in_the_pile_up():
    noisy = replace(CLEAN, cluster=0.0)
    means = []
    for pileup in (20.0, 40.0, 80.0, 160.0):
        occupancy = background_hits(300, replace(noisy, pileup=pileup), DRAW(int(pileup))).mean(axis=(0, 2))
        hits = -np.log1p(-occupancy)  # several hits in a tube count once
        expected = replace(noisy, pileup=pileup).cavern_occupancy()
        stations = [np.bincount(noisy.station(), values) for values in (hits, expected)]
        assert stations[0] == pytest.approx(stations[1], rel=0.08)
        means.append(hits.sum() / pileup)
    assert means == pytest.approx([means[0]] * 4, rel=0.05)
    assert not background_hits(50, CLEAN, DRAW(1)).any()


def test_bursts_are_correlated_and_clusters_are_neighbours():
    images = background_hits(200, replace(CLEAN, burst=1.0, burst_tubes=1.0), DRAW(1))
    per_image = images.sum(axis=(1, 2))
    assert set(np.unique(per_image[per_image > 0]) % 1) == {0}
    assert per_image[per_image > 0].min() >= 3 * (CLEAN.tubes % CLEAN.card)
    assert (images[:, :, :-1] & images[:, :, 1:]).sum() > 0.7 * images.sum()
    pile = replace(CLEAN, pileup=10.0)
    alone, pairs = (background_hits(300, replace(pile, cluster=c), DRAW(2)) for c in (0.0, 0.5))
    assert pairs.sum() / alone.sum() == pytest.approx(2.0, rel=0.05)


def test_tracks_without_an_image_are_refused():
    with pytest.raises(SettingsError, match=r"tracks of images up to 4 for 3 images"):
        drift_tube_images(radial(5), 3, CLEAN, DRAW(1))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (DriftTubes, {"pileup": -1.0}, r"DriftTubes: pileup is -1.0; give 0 or more, and finite"),
        (DriftTubes, {"efficiency": 1.2}, r"efficiency is 1.2; a probability is 0 to 1"),
        (DriftTubes, {"tubes": 0}, r"0 tubes of radius"),
        (DriftTubes, {"stations": (5.0, 7.5)}, r"different lengths; give one each"),
        (DriftTubes, {"stations": (5.0, 5.1, 10.0)}, r"overlap; move the stations apart"),
        (StripPlanes, {"pileup": float("nan")}, r"StripPlanes: pileup is nan"),
        (StripPlanes, {"strips": 0}, r"0 strips up to"),
        (StripPlanes, {"sectors": 2}, r"2 sectors; give 4 or more"),
        (StripPlanes, {"toroid_inner": 11.0}, r"they have to rise"),
        (StripPlanes, {"radii": (5.0, 4.0)}, r"give rising radii and the station of each layer"),
    ],
)
def test_wrong_detectors(kind, settings, message):
    with pytest.raises(SettingsError, match=message) as caught:
        kind(**settings)
    assert "\n" not in str(caught.value)


def strips(pt, number=300, detector=QUIET, seed=1):
    draw = DRAW(seed)
    eta = draw.uniform(-0.9, 0.9, number)
    tracks = strip_tracks(np.full(number, pt), eta, np.zeros(number), detector, draw)
    return strip_images(tracks, number, detector, draw).astype(np.uint8), eta, tracks.charge


def test_a_stiff_muon_makes_a_straight_line_and_a_soft_one_bends_with_its_charge():
    images, eta, _ = strips(1000.0)
    assert (images.sum(axis=2) == 1).all()
    place = images.argmax(axis=2)
    assert np.abs(place - np.floor(QUIET.place_of(eta))[:, None]).max() <= 1
    soft, eta, charge = strips(5.0)
    place = soft.argmax(axis=2).astype(float)
    moved = (place[:, -1] - place[:, 0]) * charge
    assert (moved > 0).all()
    # small angles: Δz = 0.3 B (r - r0)² / 2 pT at η = 0, in strips of r Δη
    middle = np.abs(eta) < 0.15
    expected = 0.3 * 0.5 * (9.88 - 4.7) ** 2 / (2 * 5.0) / 9.88 * 384 / 2.1
    assert moved[middle].mean() == pytest.approx(expected, rel=0.08)


def test_strips_answer_as_set():
    images, *_ = strips(1000.0, 1000, replace(QUIET, efficiency=0.7))
    assert images.sum() / 9000 == pytest.approx(0.7, abs=0.02)
    images, *_ = strips(1000.0, 1000, replace(QUIET, cluster=0.4))
    assert images.sum() / 9000 == pytest.approx(1 + 0.4 + 0.16, abs=0.03)
    noisy = replace(QUIET, noise=0.01, pileup=0.0)
    empty = Tracks(np.zeros(0, int), np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros((0, 3)))
    assert strip_images(empty, 200, noisy, DRAW(1)).mean() == pytest.approx(0.01, rel=0.05)
    cavern = [
        strip_images(empty, 300, replace(QUIET, pileup=p), DRAW(2)).mean() for p in (50.0, 100.0, 200.0)
    ]
    assert np.array(cavern) / cavern[0] == pytest.approx([1, 2, 4], rel=0.1)


def test_fragments_hold_the_muon_and_lead_back_to_its_place():
    images, eta, _ = strips(8.0)
    found = fragments_of(images, QUIET)
    assert found.images.shape == (300, 9, 16)
    assert (found.height == 4).all()
    assert found.images.sum() > 0.98 * images.sum()
    for image, cut, first in zip(images, found.images, found.first, strict=True):
        assert np.array_equal(cut, image[:, first : first + 16])
    local = local_eta(eta, found.first, QUIET)
    assert ((local > 0) & (local < 1)).all()
    assert global_eta(local, found.first, QUIET) == pytest.approx(eta)


def test_the_seed_is_the_first_of_the_highest_and_ends_are_kept_inside():
    image = np.zeros((3, 9, 384), np.uint8)
    image[0, 3:7, 100], image[0, 3:6, 50], image[0, 3:7, 300] = 1, 1, 1
    image[1, 4, 383] = 1
    found = fragments_of(image, QUIET)
    assert found.first[0] <= 100 < found.first[0] + 16
    assert found.height.tolist() == [4, 1, 0]
    assert found.first[1:].tolist() == [368, 184]
    assert not found.images[2].any()
    assert not fragments_of(image, QUIET, FragmentPattern(least=2)).images[1].any()


def test_wrong_fragments():
    with pytest.raises(SampleError, match=r"accepted: \(N, 9, 384\)"):
        fragments_of(np.zeros((2, 9, 300), np.uint8), QUIET)
    with pytest.raises(SettingsError, match=r"accepted: 1 ≤ window ≤ width"):
        FragmentPattern(window=20)
    with pytest.raises(SettingsError, match=r"there are 384 and 0"):
        fragments_of(np.zeros((1, 9, 384), np.uint8), QUIET, FragmentPattern(station=7))
