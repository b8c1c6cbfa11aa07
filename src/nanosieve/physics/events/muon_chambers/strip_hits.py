"""Which strips of the resistive plates answer to one muon and to noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events.muon_chambers.settings import StripPlanes
from nanosieve.physics.events.muon_chambers.tracks import Tracks, crossings

__all__ = ["strip_images"]


def strip_images(
    tracks: Tracks, number: int, detector: StripPlanes, draw: np.random.Generator
) -> NDArray[np.bool_]:
    """(number, layers, strips) hits of tracks and noise; an image may have no track.

    A hit covers the strip that the track crosses, and with the probability of a cluster the nearer one beside
    it, with its square the other one as well.
    """
    images = draw.random((number, *detector.shape)) < _noise(number, detector, draw)
    met = crossings(tracks, np.array(detector.radii), np.array(detector.stations), detector)
    # the strips are parallel to y, so that only x and z decide
    place = detector.place_of(np.arcsinh(met.z / np.array(detector.radii)[met.plane]))
    strip = np.floor(place).astype(np.int64)
    near = np.where(place - strip < 0.5, -1, 1)
    seen = draw.random(len(place)) < detector.efficiency
    larger = draw.random(len(place))
    for shift, chosen in (
        (0 * near, seen),
        (near, seen & (larger < detector.cluster)),
        (-near, seen & (larger < detector.cluster**2)),
    ):
        column = strip + shift
        chosen = chosen & (column >= 0) & (column < detector.strips)
        images[tracks.image[met.track[chosen]], met.plane[chosen], column[chosen]] = True
    return images


def _noise(number: int, detector: StripPlanes, draw: np.random.Generator) -> NDArray[np.float64]:
    """(number, layers, strips) probability of noise in images whose numbers of collisions vary."""
    collisions = draw.poisson(detector.pileup, number) / max(detector.pileup, 1e-9)
    own = np.full(detector.shape, detector.noise)
    mean = own + (detector.occupancy() - own) * collisions[:, None, None]
    probability: NDArray[np.float64] = -np.expm1(-mean)
    return probability
