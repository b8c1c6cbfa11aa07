"""Events of one class: their tracks, the images of these, and what is true of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events.muon_chambers.backgrounds import (
    Backgrounds,
    muon_momenta,
    prompt_muons,
    punch_through,
)
from nanosieve.physics.events.muon_chambers.decays import Decays, LongLivedGun, gun_decays
from nanosieve.physics.events.muon_chambers.drift_tube_hits import drift_tube_images
from nanosieve.physics.events.muon_chambers.images import packed_bits
from nanosieve.physics.events.muon_chambers.portal import portal_decays
from nanosieve.physics.events.muon_chambers.settings import DriftTubes, StripPlanes
from nanosieve.physics.events.muon_chambers.strip_hits import strip_images
from nanosieve.physics.events.muon_chambers.tracks import Tracks
from nanosieve.physics.events.recipe import Recipe

__all__ = [
    "COLUMNS",
    "DECAY_CLASSES",
    "STRIP_CLASSES",
    "decay_events",
    "decay_tracks",
    "strip_events",
    "strip_tracks",
]

Events = tuple[NDArray[np.uint8], dict[str, NDArray[np.float32]]]

DECAY_CLASSES = ("llp", "muon", "punch-through", "noise")
"""Decay of a long-lived particle, muon of the collision, jet that leaves the calorimeter, nothing."""
STRIP_CLASSES = ("muon", "noise")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "decays": ("decay_radius", "decay_z", "pt", "mass", "tracks", "signal_hits"),
    "strips": ("pt", "eta", "charge"),
}
"""What is true of an image, by kind of sample.

- ``decay_radius``, ``decay_z``: m, where a neutral particle has decayed. **0 where none has**: muons and jets
  come from the beams, and noise from nowhere. The radius is the label L_r.
- ``pt``, ``mass``: GeV, of the long-lived particle, or of the muon with a mass of 0; 0 for others.
- ``tracks``: charged particles that enter the muon system or are born in it; ``signal_hits``: tubes they hit.
- of ``strips``: ``pt`` in GeV, ``eta`` and ``charge`` of the muon at the origin; all **0 in noise only**, so
  that a momentum of 0 says that there is none.
"""
STRIP_ETA = 1.0
"""Largest |η| of muons: all layers see them."""


def decay_tracks(
    label: str,
    number: int,
    detector: DriftTubes,
    gun: LongLivedGun,
    backgrounds: Backgrounds,
    recipe: Recipe | None,
    seed: int,
    draw: np.random.Generator,
) -> Decays:
    """The particles of `number` images of a class; those of backgrounds as decays at radius 0.

    Args:
        label: one of `DECAY_CLASSES`.
        recipe: of Pythia, in place of the gun.
        seed: of Pythia.
    """
    stations, nothing = len(detector.stations), np.zeros(number)
    if label == "llp" and recipe is not None:
        return portal_decays(number, recipe, gun, detector.half_opening, stations, seed, draw)
    if label == "llp":
        return gun_decays(number, gun, detector.half_opening, stations, draw)
    pt = nothing
    if label == "muon":
        pt = muon_momenta(number, backgrounds, draw)
        eta = draw.uniform(*backgrounds.eta, number)
        phi = draw.uniform(-detector.half_opening, detector.half_opening, number)
        tracks = prompt_muons(
            pt,
            eta,
            phi,
            detector,
            draw,
            energy_loss=backgrounds.energy_loss,
            thickness=backgrounds.calorimeter_thickness,
        )
    elif label == "punch-through":
        tracks = punch_through(number, backgrounds, detector, draw)
    else:
        tracks = _none(stations)
    counts = np.bincount(tracks.image, minlength=number).astype(np.int64)
    return Decays(nothing, nothing, pt, nothing, counts, tracks)


def decay_events(
    label: str,
    number: int,
    detector: DriftTubes,
    gun: LongLivedGun,
    backgrounds: Backgrounds,
    recipe: Recipe | None,
    seed: int,
    draw: np.random.Generator,
) -> Events:
    """Packed images (number, bytes) of a class and their columns; arguments as `decay_tracks`."""
    found = decay_tracks(label, number, detector, gun, backgrounds, recipe, seed, draw)
    images, signal = drift_tube_images(found.tracks, number, detector, draw)
    columns = (found.radius, found.z, found.pt, found.mass, found.number, signal)
    truth = {n: v.astype(np.float32) for n, v in zip(COLUMNS["decays"], columns, strict=True)}
    return packed_bits(images), truth


def strip_tracks(
    pt: NDArray[np.float64],
    eta: NDArray[np.float64],
    phi: NDArray[np.float64],
    detector: StripPlanes,
    draw: np.random.Generator,
) -> Tracks:
    """One muon of random charge in each image; matter before the chambers only takes energy.

    Args:
        pt, eta, phi: (N,) at the origin; GeV, φ from the middle of the sector.
    """
    return prompt_muons(pt, eta, phi, detector, draw, energy_loss=detector.energy_loss, thickness=0.0)


def strip_events(
    label: str, number: int, pt: float, detector: StripPlanes, draw: np.random.Generator
) -> Events:
    """Packed images (number, bytes) of one muon of `pt` GeV each, or of noise, and their columns.

    Args:
        label: one of `STRIP_CLASSES`.
    """
    values, eta, charge = np.zeros(number), np.zeros(number), np.zeros(number)
    tracks = _none(1 + max(detector.stations))
    if label == "muon":
        values, eta = np.full(number, pt), draw.uniform(-STRIP_ETA, STRIP_ETA, number)
        phi = draw.uniform(-detector.half_opening, detector.half_opening, number)
        tracks = strip_tracks(values, eta, phi, detector, draw)
        charge = tracks.charge
    truth = {n: v.astype(np.float32) for n, v in zip(COLUMNS["strips"], (values, eta, charge), strict=True)}
    return packed_bits(strip_images(tracks, number, detector, draw)), truth


def _none(stations: int) -> Tracks:
    space = np.zeros((0, 3))
    return Tracks(np.zeros(0, np.int64), space, space, np.zeros(0), np.zeros((0, stations)))
