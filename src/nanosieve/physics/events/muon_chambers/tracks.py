"""Charged particles in the toroid of a sector: exact arcs of circles from plane to plane.

The field B points along y, so that p_y is constant and the momentum p_xz in the plane (x, z) turns: with the
angle α between p_xz and the radial direction x, dα/ds = κ = q 0.299792458 B / p_xz (T, GeV, m), hence

    sin α' = sin α + κ (x' - x),    z' = z + (cos α - cos α') / κ,    y' = y + (p_y / p_xz) (α' - α) / κ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events.muon_chambers.settings import DriftTubes, StripPlanes

__all__ = ["Crossings", "Tracks", "crossings", "joined_tracks", "paths"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LIGHT = 0.299792458
"""GeV / (T m)"""
SCATTERING = 0.0136
"""GeV; Highland's formula, PDG review of the passage of particles through matter."""


@dataclass(frozen=True)
class Tracks:
    """T charged particles where they enter the muon system or are born in it.

    Attributes:
        image: (T,) index of the image each belongs to.
        position: (T, 3) x, y, z in the sector, metres.
        momentum: (T, 3) GeV.
        charge: (T,) ±1.
        kicks: (T, stations) standard normal numbers: multiple scattering in each station.
    """

    image: Integers
    position: Floats
    momentum: Floats
    charge: Floats
    kicks: Floats

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Tracks:
        return Tracks(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Crossings:
    """Where tracks cross planes.

    Attributes:
        track, plane: (C,) indices; a track that turns back crosses a plane twice.
        y, z: (C,) metres.
        cosine: (C,) |cos α| there.
    """

    track: Integers
    plane: Integers
    y: Floats
    z: Floats
    cosine: Floats


def joined_tracks(*parts: Tracks) -> Tracks:
    """All tracks of all parts."""
    return Tracks(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in Tracks.__dataclass_fields__)
    )


def crossings(
    tracks: Tracks, planes: Floats, stations: Integers, barrel: DriftTubes | StripPlanes
) -> Crossings:
    """Where `tracks` cross the planes inside the sector; scattering is done at the first plane of a station.

    A track ends when it turns back into the calorimeter, when it turns a second time, or at the last plane.

    Args:
        planes: (P,) rising radii in metres.
        stations: (P,) number of the station of each; -1 for a plane without matter.
    """
    edges = np.array([barrel.calorimeter_radius, barrel.toroid_inner, barrel.toroid_outer])
    everything = np.concatenate([edges, planes])
    order = np.argsort(everything, kind="stable")
    x = everything[order]
    plane = np.concatenate([np.full(len(edges), -1), np.arange(len(planes))])[order]
    first = np.r_[True, np.diff(stations) != 0] & (stations >= 0)
    kick = np.concatenate([np.full(len(edges), -1), np.where(first, stations, -1)])[order]
    middles = np.concatenate([[-np.inf], (x[1:] + x[:-1]) / 2, [np.inf]])
    field = barrel.field * ((middles > barrel.toroid_inner) & (middles < barrel.toroid_outer))
    wall = int(np.flatnonzero(order == 0)[0])
    across = np.maximum(np.hypot(tracks.momentum[:, 0], tracks.momentum[:, 2]), 1e-6)
    thickness = barrel.station_thickness
    total = np.maximum(np.linalg.norm(tracks.momentum, axis=1), 1e-6)
    scatter = SCATTERING * np.sqrt(thickness) / total if thickness else np.zeros(len(tracks))
    start = np.column_stack(
        [
            tracks.position,
            np.arctan2(tracks.momentum[:, 2], tracks.momentum[:, 0]),
            tracks.charge * LIGHT / across,
            tracks.momentum[:, 1] / across,
        ]
    )
    steps = 2 * len(x) + 2  # every plane on the way out and back, and the turns
    whole = np.empty((len(tracks) * steps, 3))
    where = np.empty((len(tracks) * steps, 2), dtype=np.int64)
    number = _follow(start, tracks.kicks * scatter[:, None], x, plane, kick, field, wall, where, whole)
    y, z, cosine = whole[:number].T
    track, crossed = where[:number].T
    inside = np.abs(y) < planes[crossed] * np.tan(barrel.half_opening)
    return Crossings(track[inside], crossed[inside], y[inside], z[inside], cosine[inside])


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _follow(
    start: Floats,
    kicks: Floats,
    planes: Floats,
    names: Integers,
    stations: Integers,
    field: Floats,
    wall: int,
    where: Integers,
    found: Floats,
) -> int:
    """Follow tracks and fill (track, plane) and (y, z, |cos α|); returns how many crossings there are.

    `field` (P + 1,) belongs to the spaces between the planes.
    """
    number = 0
    for track in range(len(start)):
        x, y, z, alpha, bend, slope = start[track]
        sine, cosine = np.sin(alpha), np.cos(alpha)
        place = np.searchsorted(planes, x, side="right")
        turns = 0
        for _ in range(2 * len(planes) + 2):
            target = place if cosine > 0 else place - 1
            if target < 0 or target >= len(planes) or cosine == 0:
                break
            curvature = bend * field[place]
            wanted = sine + curvature * (planes[target] - x)
            before = np.arctan2(sine, cosine)
            if abs(wanted) >= 1:  # the arc comes back to where it is now
                turns += 1
                if turns > 1:
                    break
                z += 2 * cosine / curvature
                cosine = -cosine
                y += slope * _turned(before, np.arctan2(sine, cosine), curvature) / curvature
                continue
            after = np.sqrt(1 - wanted * wanted) * (1.0 if cosine > 0 else -1.0)
            if curvature == 0:
                length = (planes[target] - x) / cosine
                z += length * sine
            else:
                length = _turned(before, np.arctan2(wanted, after), curvature) / curvature
                z += (cosine - after) / curvature
            y += slope * length
            x, sine, cosine = planes[target], wanted, after
            if target == wall and cosine < 0:
                break
            if names[target] >= 0:
                where[number, 0], where[number, 1] = track, names[target]
                found[number, 0], found[number, 1], found[number, 2] = y, z, abs(cosine)
                number += 1
            if stations[target] >= 0:
                alpha = np.arctan2(sine, cosine) + kicks[track, stations[target]]
                sine, cosine = np.sin(alpha), np.cos(alpha)
            place = target + 1 if cosine > 0 else target
    return number


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _turned(before: float, after: float, curvature: float) -> float:
    """Angle from `before` to `after`, turning the way of the curvature."""
    angle = after - before
    if curvature > 0 and angle < 0:
        angle += 2 * np.pi
    elif curvature < 0 and angle > 0:
        angle -= 2 * np.pi
    return angle


def paths(tracks: Tracks, barrel: DriftTubes | StripPlanes, *, to: float, points: int = 80) -> list[Floats]:
    """The way of each track as (points, 2) of x and z in metres, as far as it stays in the sector.

    Args:
        to: largest radius in metres.
        points: planes between calorimeter and `to`; the scattering is left out.
    """
    planes = np.linspace(barrel.calorimeter_radius + 1e-6, to, points)
    met = crossings(tracks, planes, np.full(points, -1), barrel)
    found = []
    for track in range(len(tracks)):
        own = met.track == track
        begin = tracks.position[track, [0, 2]][None, :]
        found.append(np.concatenate([begin, np.column_stack([planes[met.plane[own]], met.z[own]])]))
    return found
