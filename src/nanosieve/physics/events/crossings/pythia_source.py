"""Collisions that Pythia makes: batches of complete events."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SettingsError, ToolError
from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events._particles import BOTTOM_AND_CHARM
from nanosieve.physics.events.crossings.collisions import BATCH, TAGGED, Collisions, collected, objects_of
from nanosieve.physics.events.recipe import Recipe

__all__ = [
    "descends",
    "flat",
    "flat_without_heavy_muons",
    "pythia_batches",
    "pythia_collisions",
    "start_pythia",
    "undecayed_collisions",
]

OUTGOING = -23
"""Status in Pythia of what leaves the hardest scatter."""
MUON = 13
DIFFRACTIVE = 1.0
"""GeV; less is reported for diffraction."""


def start_pythia(recipe: Recipe, beams: Sequence[str], seed: int) -> Any:
    """Pythia, ready to generate complete collisions of `recipe` (showers, multiple interactions, hadrons).

    Args:
        beams: Pythia settings that say what collides.
        seed: 1 … 900,000,000.

    Raises:
        SettingsError: Pythia does not know a setting of the recipe.
        ToolError: Pythia cannot be initialised with them.
    """
    pythia8 = require("pythia8mc", extra="events", purpose="event generation")
    pythia = pythia8.Pythia("", False)
    settings = ["Print:quiet = on", *beams, "Random:setSeed = on", f"Random:seed = {seed}"]
    for line in [*settings, *recipe.pythia]:
        if not pythia.readString(line):
            message = f"recipe {recipe.name!r}: Pythia does not know the setting {line!r}; check its spelling"
            raise SettingsError(message)
    if not pythia.init():
        message = (
            f"recipe {recipe.name!r}: Pythia cannot start with these settings and beams; "
            "call with --debug, or check masses, channels and energy"
        )
        raise ToolError(message)
    return pythia


def pythia_collisions(recipe: Recipe, energy: float, seed: int) -> Generator[Collisions, None, None]:
    """An endless stream of batches; the same arguments give the same stream.

    Args:
        energy: centre-of-mass energy in GeV.
        seed: 1 … 900,000,000.

    Raises:
        SettingsError, ToolError: as `start_pythia`; also if Pythia stops generating.
    """
    yield from map(flat, pythia_batches(recipe, energy, seed))


def undecayed_collisions(
    recipe: Recipe, energy: float, seed: int
) -> Generator[tuple[Collisions, Objects], None, None]:
    """The same stream, as `flat_without_heavy_muons` gives it."""
    yield from map(flat_without_heavy_muons, pythia_batches(recipe, energy, seed))


def pythia_batches(recipe: Recipe, energy: float, seed: int, size: int = BATCH) -> Generator[Any, None, None]:
    """The stream as ``nextBatch`` of Pythia gives it, `size` collisions at once.

    Raises:
        SettingsError, ToolError: as `start_pythia`; also if Pythia stops generating.
    """
    beams = ("Beams:idA = 2212", "Beams:idB = 2212", f"Beams:eCM = {energy!r}")
    pythia = start_pythia(recipe, beams, seed)
    while True:
        batch = pythia.nextBatch(size)
        if not len(batch):
            message = f"recipe {recipe.name!r}: Pythia generates no more events; call with --debug"
            raise ToolError(message)
        yield batch


def flat(batch: Any) -> Collisions:
    """Collisions from what ``nextBatch`` of Pythia returns."""
    return _collisions(batch, batch.prt.status > 0)


def flat_without_heavy_muons(batch: Any) -> tuple[Collisions, Objects]:
    """As `flat`, but without the muons that weakly decaying bottom and charm hadrons end in; and these.

    Of a cascade only the first hadron is listed; ``event`` counts the collisions of the batch, ``code`` is
    its PDG code. Neutrinos stay.
    """
    heavy = _marked(batch, BOTTOM_AND_CHARM)
    first = heavy & (batch.prt.status < 0) & ~descends(batch, heavy, heavy)
    muon = (abs(batch.prt.id) == MUON) & (batch.prt.status > 0)
    kept = (batch.prt.status > 0) & ~(muon & descends(batch, muon, heavy))
    return _collisions(batch, kept), _objects(batch.prt[first])


def _collisions(batch: Any, final: Any) -> Collisions:
    awkward = require("awkward", extra="events", purpose="event generation")
    return collected(
        _objects(batch.prt[final]),
        _objects(batch.prt[_marked(batch, TAGGED) & (batch.prt.status < 0)]),
        _pthat(batch),
        awkward.to_numpy(awkward.firsts(batch.info.weights)),
    )


def _marked(batch: Any, codes: Sequence[int]) -> Any:
    """Of all particles, whether they are one of these or its antiparticle."""
    awkward = require("awkward", extra="events", purpose="event generation")
    found = np.isin(np.abs(awkward.to_numpy(awkward.flatten(batch.prt.id))), codes)
    return awkward.unflatten(found, awkward.num(batch.prt.id))


def descends(batch: Any, particles: Any, ancestors: Any) -> Any:
    """Of `particles`, those that stem from one of `ancestors`; all three are masks of the record."""
    awkward = require("awkward", extra="events", purpose="event generation")
    number = awkward.num(batch.prt.id)
    offset = np.repeat(np.cumsum(number) - number, number)
    mother = awkward.to_numpy(awkward.flatten(batch.prt.mother1)) + offset  # entry 0 is the event as a whole
    target = awkward.to_numpy(awkward.flatten(ancestors))
    found = np.zeros(len(mother), dtype=bool)
    walking = np.flatnonzero(awkward.to_numpy(awkward.flatten(particles)))
    place = mother[walking]
    while len(walking):
        found[walking[target[place]]] = True
        on = ~target[place] & (mother[place] != place)
        walking, place = walking[on], mother[place[on]]
    return awkward.unflatten(found, number)


def _pthat(batch: Any) -> NDArray[np.float64]:
    """Of the hardest scatter in GeV; in diffraction of that inside the dissociated proton.

    Pythia reports 0 for the latter, but its jets are among those of hard QCD, whose parton distributions are
    inclusive: with their own pT-hat, `stitching` does not count them twice.
    """
    awkward = require("awkward", extra="events", purpose="event generation")
    stated = np.sqrt(np.maximum(awkward.to_numpy(batch.info.pT2Hat), 0.0))
    code = abs(batch.prt.id)
    outgoing = batch.prt[(batch.prt.status == OUTGOING) & ((code <= 6) | (code == 21) | (code == 22))]
    found = awkward.max(np.hypot(outgoing.p.px, outgoing.p.py), axis=1)
    hardest = awkward.to_numpy(awkward.fill_none(found, 0.0))
    result: NDArray[np.float64] = np.where(stated < DIFFRACTIVE, np.maximum(stated, hardest), stated)
    return result


def _objects(particles: Any) -> Objects:
    awkward = require("awkward", extra="events", purpose="event generation")
    counts = awkward.to_numpy(awkward.num(particles.id))
    px, py, pz, energy = (
        awkward.to_numpy(awkward.flatten(particles.p[name])) for name in ("px", "py", "pz", "e")
    )
    code = awkward.to_numpy(awkward.flatten(particles.id))
    return objects_of(np.repeat(np.arange(len(counts)), counts), code, px, py, pz, energy)
