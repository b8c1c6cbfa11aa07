"""Long-lived particles from Pythia: a Higgs boson to two scalars, or a recipe of one's own.

Pythia gives the momentum of the particle and what it decays to; the place of its decay is drawn as by the
gun, so that every event decays in the muon system. `lifetime_weights` give a lifetime back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import ToolError
from nanosieve.physics.events._record import Record
from nanosieve.physics.events.crossings.pythia_source import descends, pythia_batches
from nanosieve.physics.events.muon_chambers.decays import Decays, LongLivedGun
from nanosieve.physics.events.muon_chambers.tracks import Tracks, joined_tracks
from nanosieve.physics.events.recipe import Recipe
from nanosieve.physics.events.sequences.tracks import charge as charges

__all__ = ["LONG_LIVED", "portal_decays"]

LONG_LIVED = 9000006
"""PDG code of the scalar in the recipe ``llp_h_ss``."""
LOWEST = 0.3
"""GeV; softer particles turn back before they reach a second station."""
NO_UNDERLYING_EVENT = "PartonLevel:MPI = off"
"""It does not change the long-lived particle, and takes most of the time."""
GIVE_UP_AFTER = 20_000
BATCH = 100
ENERGY = 13_000.0


def portal_decays(
    number: int,
    recipe: Recipe,
    gun: LongLivedGun,
    half_opening: float,
    stations: int,
    seed: int,
    draw: np.random.Generator,
    *,
    code: int = LONG_LIVED,
) -> Decays:
    """`number` decays of the particle `code`, one of each collision, turned into the sector and to z > 0.

    Args:
        recipe: whose Pythia settings make the particle and let it decay to charged ones.
        gun: its limits of radius and pseudorapidity hold here, too; its masses, momenta and numbers do not.
        half_opening: of the sector, radians.
        stations: of the detector.
        seed: of Pythia, 1 … 900,000,000.

    Raises:
        SettingsError: Pythia does not know a setting of the recipe.
        ToolError: Pythia cannot start, or its collisions hold no such particle.
    """
    quick = Recipe(name=recipe.name, title=recipe.title, pythia=(*recipe.pythia, NO_UNDERLYING_EVENT))
    parts: list[Decays] = []
    found = collisions = 0
    for batch in pythia_batches(quick, ENERGY, seed, BATCH):
        collisions += len(batch)
        part = _of_batch(batch, code, gun, half_opening, stations, draw)
        parts += [part] if len(part.radius) else []
        found += len(part.radius)
        if found >= number:
            break
        if not found and collisions > GIVE_UP_AFTER:
            message = (
                f"none of {collisions:,} collisions of {recipe.name!r} has a particle {code} in the barrel "
                "that decays to two charged particles; check its code and its decays"
            )
            raise ToolError(message)
    return _first(parts, number)


def _of_batch(
    batch: Any,
    code: int,
    gun: LongLivedGun,
    half_opening: float,
    stations: int,
    draw: np.random.Generator,
) -> Decays:
    awkward = require("awkward", extra="events", purpose="event generation")
    record = Record(batch.prt)
    number = awkward.num(batch.prt.id)
    decayed = (record.code == code) & (record.status < 0)
    mother = _last_of_each(decayed, record.event)
    charged = (record.status > 0) & (charges(record.code) != 0)
    found = descends(batch, awkward.unflatten(charged, number), awkward.unflatten(mother, number))
    seen = awkward.to_numpy(awkward.flatten(found)) & (
        np.linalg.norm(record.momentum[:, :3], axis=1) > LOWEST
    )

    particle = record.objects(mother)
    tracks = np.bincount(record.event[seen], minlength=record.collisions)[particle.event]
    good = (np.abs(particle.eta) >= gun.eta[0]) & (np.abs(particle.eta) <= gun.eta[1]) & (tracks >= 2)
    particle, tracks = particle[good], tracks[good]
    image_of = np.full(record.collisions, -1)
    image_of[particle.event] = np.arange(len(particle))
    products = np.flatnonzero(seen & (image_of[record.event] >= 0))
    image = image_of[record.event[products]]

    phi = draw.uniform(-half_opening, half_opening, len(particle))
    radius = draw.uniform(*gun.radius, len(particle))
    z = radius * np.sinh(np.abs(particle.eta))
    position = np.stack([radius * np.cos(phi), radius * np.sin(phi), z], axis=1)[image]
    turn = (phi - particle.phi)[image]
    px, py, pz = record.momentum[products, :3].T
    momentum = np.stack(
        [
            np.cos(turn) * px - np.sin(turn) * py,
            np.sin(turn) * px + np.cos(turn) * py,
            pz * np.sign(particle.eta)[image],
        ],
        axis=1,
    )
    charge = charges(record.code[products]).astype(np.float64)
    kicks = draw.standard_normal((len(image), stations))
    bent = Tracks(image, position, momentum, charge, kicks)
    return Decays(radius, z, particle.pt, particle.mass, tracks, bent)


def _last_of_each(chosen: NDArray[np.bool_], event: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Of the chosen particles, the last one in the record of each collision: copies stand before it."""
    places = np.flatnonzero(chosen)
    last = np.ones(len(places), dtype=bool)
    last[:-1] = np.diff(event[places]) != 0
    result = np.zeros(len(chosen), dtype=bool)
    result[places[last]] = True
    return result


def _first(parts: list[Decays], number: int) -> Decays:
    """The first `number` decays of all parts."""
    counts = np.cumsum([0, *(len(part.radius) for part in parts)])
    moved = [
        replace(part.tracks, image=part.tracks.image + n) for part, n in zip(parts, counts, strict=False)
    ]
    tracks = joined_tracks(*moved)
    radius, z, pt, mass, charged = (
        np.concatenate([getattr(part, name) for part in parts])[:number]
        for name in ("radius", "z", "pt", "mass", "number")
    )
    return Decays(radius, z, pt, mass, charged, tracks[tracks.image < number])
