"""The pool of minimum-bias collisions that pile-up is drawn from.

A crossing draws without replacement, and turns each collision by a random number of cells in φ and mirrors it
in η at random: 144 versions of each. Bottom and charm hadrons, pions and kaons decay to muons anew in each
crossing. Crossings still share collisions, so that their fluctuations are not independent; the pool is much
larger than the number of collisions in a crossing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import atomic_path
from nanosieve.physics.events._geometry import Objects, concatenate, delta_phi
from nanosieve.physics.events._pythia import derived_seed
from nanosieve.physics.events.crossings.calorimeter_trigger import Overlay
from nanosieve.physics.events.crossings.cells import CELL, PHI_CELLS, Deposits, deposits
from nanosieve.physics.events.crossings.collisions import LOWEST_DECAYING_PT, Collisions, decays_in_flight
from nanosieve.physics.events.crossings.heavy_muons import decay_muons
from nanosieve.physics.events.crossings.pythia_source import undecayed_collisions
from nanosieve.physics.events.detector import Detector
from nanosieve.physics.events.recipe import Recipe

__all__ = ["Pool", "draw_overlay", "join_pools", "make_pool", "read_pool", "write_pool"]

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """Minimum-bias collisions and what they leave in the calorimeters.

    Attributes:
        collisions: without the muons of `hadrons`.
        hadrons: the first bottom and charm hadrons, in order of collision; ``code`` is their PDG code.
        cells: of the calorimeters.
    """

    collisions: Collisions
    hadrons: Objects
    cells: Deposits

    def __len__(self) -> int:
        return len(self.collisions)

    @cached_property
    def _muon_sources(self) -> Objects:
        p = self.collisions.particles
        code = np.abs(p.code)
        return p[(code == 13) | (np.isin(code, (211, 321)) & (p.pt > LOWEST_DECAYING_PT))]

    def muons(
        self, overlay: Overlay, which: Integers, detector: Detector, draw: np.random.Generator
    ) -> Objects:
        """The muons of some collisions of an overlay, decays drawn anew; ``event`` is the crossing.

        Args:
            which: ascending indices into ``overlay.collision``.
        """
        crossing = np.repeat(np.arange(len(overlay.offsets) - 1), np.diff(overlay.offsets))[which]
        there = np.ones(len(which), dtype=bool)
        light, heavy = (
            _turned(group, overlay, which, overlay.collision[which], there)
            for group in (self._muon_sources, self.hadrons)
        )
        light = decays_in_flight(light, detector, draw)
        found = concatenate(light[np.abs(light.code) == 13], decay_muons(heavy, draw))
        return replace(found, event=crossing[found.event])

    def particles(self, overlay: Overlay, which: Integers) -> Objects:
        """Particles of some collisions of an overlay, no muons of heavy hadrons; ``event`` counts these."""
        there = np.ones(len(which), dtype=bool)
        return _turned(self.collisions.particles, overlay, which, overlay.collision[which], there)

    def chosen(self, overlay: Overlay, which: Integers, draw: np.random.Generator) -> Collisions:
        """Some collisions of an overlay, turned and mirrored, heavy hadrons decayed anew; -1 stands for an
        empty one.

        Args:
            which: (M,) indices into ``overlay.collision``.
        """
        there = which >= 0
        index = np.where(there, overlay.collision[which], 0) if len(overlay.collision) else 0 * which
        particles, flavour, heavy = (
            _turned(group, overlay, which, index, there)
            for group in (self.collisions.particles, self.collisions.flavour, self.hadrons)
        )
        everything = concatenate(particles, decay_muons(heavy, draw))
        c = self.collisions
        invisible = np.where(there[:, None], c.invisible[index], 0.0)
        angle = CELL * (overlay.turn[which] if len(overlay.turn) else 0 * which)
        x, y = invisible.T
        turned_invisible = np.stack(
            [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=1
        )
        return Collisions(
            everything[np.argsort(everything.event, kind="stable")],
            flavour,
            np.where(there, c.pthat[index], 0.0),
            np.ones(len(which)),
            turned_invisible,
        )


def _turned(
    group: Objects, overlay: Overlay, which: Integers, index: Integers, there: NDArray[np.bool_]
) -> Objects:
    """The objects of collisions `index` of a pool, as `which` of the overlay turns them; ``event`` counts
    them.
    """
    first = np.searchsorted(group.event, index)
    number = np.where(there, np.searchsorted(group.event, index, side="right") - first, 0)
    objects = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number - first, number)
    owner = np.repeat(np.arange(len(which)), number)
    part = group[objects]
    phi = delta_phi(part.phi + CELL * overlay.turn[which[owner]], np.zeros(len(part)))
    eta = np.where(overlay.mirrored[which[owner]], -part.eta, part.eta)
    return replace(part, event=owner, eta=eta, phi=phi)


def make_pool(recipe: Recipe, energy: float, detector: Detector, number: int, seed: int) -> Pool:
    """Generate `number` collisions and pass them through the calorimeters.

    Raises:
        SettingsError, ToolError: Pythia refuses the settings or stops.
    """
    draw = np.random.default_rng(derived_seed(seed, "pool"))
    parts, hadrons = [], []
    made = 0
    for batch, heavy in undecayed_collisions(recipe, energy, seed):
        used = min(len(batch), number - made)
        parts.append(batch[:used])
        hadrons.append(heavy[(heavy.event < used) & (heavy.pt > LOWEST_DECAYING_PT)].counted_on(made))
        made += used
        if made == number:
            break
    whole = Collisions.joined(parts)
    return Pool(whole, concatenate(*hadrons), deposits(whole.particles, number, detector, draw))


def join_pools(pools: list[Pool]) -> Pool:
    """All collisions of all pools, counted on."""
    first = np.cumsum([0, *(len(pool) for pool in pools)])
    hadrons = [pool.hadrons.counted_on(n) for pool, n in zip(pools, first, strict=False)]
    offsets = [pools[0].cells.offsets]
    for pool in pools[1:]:
        offsets.append(pool.cells.offsets[1:] + offsets[-1][-1])
    rest = [np.concatenate([getattr(pool.cells, name) for pool in pools]) for name in Deposits._fields[1:]]
    return Pool(
        Collisions.joined([pool.collisions for pool in pools]),
        concatenate(*hadrons),
        Deposits(np.concatenate(offsets), *rest),
    )


def write_pool(pool: Pool, path: Path) -> None:
    """Write `pool` as an uncompressed npz, atomically; single precision."""
    arrays: dict[str, NDArray[np.generic]] = {f"cells.{n}": a for n, a in pool.cells._asdict().items()}
    groups = {
        "particles": pool.collisions.particles,
        "flavour": pool.collisions.flavour,
        "hadrons": pool.hadrons,
    }
    for group, objects in groups.items():
        for field in fields(Objects):
            values = getattr(objects, field.name)
            small = np.int32 if values.dtype.kind == "i" else np.float32
            arrays[f"{group}.{field.name}"] = values.astype(small)
    for name in ("pthat", "weight", "invisible"):
        arrays[name] = getattr(pool.collisions, name)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


@lru_cache(maxsize=2)
def read_pool(path: Path) -> Pool:
    """Read a pool; the last two stay in memory."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    groups = []
    for group in ("particles", "flavour", "hadrons"):
        values = [arrays[f"{group}.{field.name}"] for field in fields(Objects)]
        wide = [v.astype(np.int64 if v.dtype.kind == "i" else np.float64) for v in values]
        groups.append(Objects(*wide))
    rest = [arrays[name] for name in ("pthat", "weight", "invisible")]
    particles, flavour, hadrons = groups
    cells = Deposits(*(arrays[f"cells.{n}"] for n in Deposits._fields))
    return Pool(Collisions(particles, flavour, *rest), hadrons, cells)


def draw_overlay(events: int, pileup: float, pool: int, draw: np.random.Generator) -> Overlay:
    """Poisson(`pileup`) collisions out of `pool` for each of `events` crossings, none twice in one."""
    number = draw.poisson(pileup, events)
    offsets = np.concatenate([[0], np.cumsum(number)]).astype(np.int64)
    total = int(offsets[-1])
    collision = draw.integers(0, pool, total)
    for n in range(events):
        part = collision[offsets[n] : offsets[n + 1]]
        if len(np.unique(part)) < len(part):
            part[:] = draw.choice(pool, size=len(part), replace=False)
    return Overlay(offsets, collision, draw.integers(0, PHI_CELLS, total), draw.random(total) < 0.5)
