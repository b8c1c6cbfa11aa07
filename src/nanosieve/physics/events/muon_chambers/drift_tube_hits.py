"""Which of the drift tubes answer: to tracks, to electrons knocked out, to the cavern, and by themselves."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.physics.events.muon_chambers.settings import DriftTubes
from nanosieve.physics.events.muon_chambers.tracks import Tracks, crossings

__all__ = ["background_hits", "dead_tubes", "drift_tube_images", "track_hits"]

Hits = NDArray[np.bool_]
SHALLOWEST = 0.1
"""cos α below which no more tubes of a layer are hit: that is 10 of them."""


def drift_tube_images(
    tracks: Tracks, number: int, detector: DriftTubes, draw: np.random.Generator
) -> tuple[Hits, NDArray[np.int64]]:
    """Images (N, layers, tubes) with everything in them, and the tubes (N,) hit by the tracks themselves.

    Args:
        tracks: of images 0 to N - 1; an image may have none.

    Raises:
        SettingsError: a track belongs to no image.
    """
    if len(tracks) and not 0 <= tracks.image.min() <= tracks.image.max() < number:
        message = f"tracks of images up to {tracks.image.max()} for {number} images; give as many images"
        raise SettingsError(message)
    signal = track_hits(tracks, number, detector, draw)
    everything = (signal | background_hits(number, detector, draw)) & ~dead_tubes(detector)
    return everything, (signal & ~dead_tubes(detector)).sum(axis=(1, 2))


def track_hits(tracks: Tracks, number: int, detector: DriftTubes, draw: np.random.Generator) -> Hits:
    """(number, layers, tubes) tubes that answer to tracks, dead ones not taken out.

    A tube is crossed if the track, straight on this scale, passes its wire at less than its inner radius.
    """
    images = np.zeros((number, *detector.shape), dtype=bool)
    met = crossings(tracks, detector.radii(), detector.station(), detector)
    reach = detector.tube_radius / np.maximum(met.cosine, SHALLOWEST)
    place = (met.z - detector.first_wire()[met.plane]) / detector.pitch
    lowest = np.ceil(place - reach / detector.pitch).astype(np.int64)
    crossed = np.floor(place + reach / detector.pitch).astype(np.int64) - lowest + 1
    which = np.repeat(np.arange(len(place)), crossed)
    tube = lowest[which] + np.arange(len(which)) - np.repeat(np.cumsum(crossed) - crossed, crossed)
    image, layer = tracks.image[met.track][which], met.plane[which]
    knocked = draw.random(len(which)) < detector.delta_ray
    beside = tube[knocked] + np.where(draw.random(int(knocked.sum())) < 0.5, 1, -1)
    answers = draw.random(len(which)) < detector.efficiency
    for a, b, c in (
        (image[answers], layer[answers], tube[answers]),
        (image[knocked], layer[knocked], beside),
    ):
        inside = (c >= 0) & (c < detector.tubes)
        images[a[inside], b[inside], c[inside]] = True
    return images


def background_hits(number: int, detector: DriftTubes, draw: np.random.Generator) -> Hits:
    """(number, layers, tubes) tubes that fire without a track: noise, bursts, cavern; dead ones too.

    Every crossing has its own number of collisions, a Poisson number around the pile-up of the detector; the
    cavern follows it.
    """
    images = np.zeros((number, *detector.shape), dtype=bool)
    layers, tubes = detector.shape
    _fire(images, np.full(layers, detector.noise), np.ones(number), draw)
    if detector.pileup:
        collisions = draw.poisson(detector.pileup, number) / detector.pileup
        for layer, tube, image in _fire(images, detector.cavern_occupancy(), collisions, draw):
            while len(tube):  # the same photon or neutron in the next tube
                on = draw.random(len(tube)) < detector.cluster
                image, layer, tube = image[on], layer[on], tube[on] + 1
                inside = tube < tubes
                images[image[inside], layer[inside], tube[inside]] = True
    bursts = np.repeat(np.arange(number), draw.poisson(detector.burst, number))
    multilayer = detector.multilayer()
    cards = -(-tubes // detector.card)
    card = draw.integers(0, cards, len(bursts))
    where = draw.integers(0, multilayer[-1] + 1, len(bursts))
    for event, one, which in zip(bursts, card, where, strict=True):
        layer_mask, columns = multilayer == which, slice(one * detector.card, (one + 1) * detector.card)
        block = images[event, layer_mask, columns]
        images[event, layer_mask, columns] = block | (draw.random(block.shape) < detector.burst_tubes)
    return images


def _fire(
    images: Hits, mean: NDArray[np.float64], factor: NDArray[np.float64], draw: np.random.Generator
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Put a Poisson number of hits of `mean` (layers,) × `factor` (images,) on every tube; returns them."""
    number, _, tubes = images.shape
    found = []
    for layer, expected in enumerate(mean):
        image = np.repeat(np.arange(number), draw.poisson(expected * tubes * factor))
        tube = draw.integers(0, tubes, len(image))
        images[image, layer, tube] = True
        found.append((np.full(len(image), layer), tube, image))
    return found


@cache
def dead_tubes(detector: DriftTubes) -> Hits:
    """(layers, tubes) tubes that never answer, the same ones in all images of a detector."""
    draw = np.random.default_rng(detector.dead_seed)
    dead: Hits = draw.random(detector.shape) < detector.dead
    dead.setflags(write=False)
    return dead
