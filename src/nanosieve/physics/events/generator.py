"""Candidates: collisions that may pass the lepton filter, with their statistical weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import ToolError
from nanosieve.physics.events._heavy_flavour import heavy_flavour_final_states
from nanosieve.physics.events._particles import particle_table, visible
from nanosieve.physics.events._pythia import derived_seed, make_pythia
from nanosieve.physics.events._taus import decay_taus
from nanosieve.physics.events.recipe import Recipe

__all__ = ["Candidate", "candidates"]

GIVE_UP_AFTER = 50_000
"""Complete collisions without a single candidate."""


@dataclass(frozen=True)
class Candidate:
    """One collision after hadronisation and decays.

    Attributes:
        particles: rows (PDG code, px, py, pz, energy) of the visible particles; GeV.
        weight: its share of `generated_weight`; the sum over passing events divided by the sum of generated
            weights is the filter efficiency.
        process_weight: weight of its hard process alone.
        collision: number of the parton-level collision in this stream, from 0; candidates that share it
            differ by hadronisation and decays only, and are not independent.
        generated_events: hard processes drawn up to and including this candidate; a fraction where a
            collision gives several candidates.
        generated_weight: the sum of their weights.
        generated_weight_squared: the sum of the squares.
    """

    particles: NDArray[np.float64]
    weight: float
    process_weight: float
    collision: int
    generated_events: float
    generated_weight: float
    generated_weight_squared: float


def candidates(recipe: Recipe, energy: float, seed: int) -> Iterator[Candidate]:
    """An endless stream of candidates; the same arguments give the same stream.

    Initial- and final-state radiation, multiple interactions and hadronisation are as Pythia has them; the
    recipe may only turn them off in its own settings. There is no pile-up.

    Args:
        energy: centre-of-mass energy in GeV.
        seed: 1 … 900,000,000.

    Raises:
        SettingsError, ToolError: as `make_pythia`; also if `GIVE_UP_AFTER` collisions have no candidate.
    """
    pythia, tally, _hook = make_pythia(recipe, energy, seed)  # Pythia does not keep the hook alive
    draw = np.random.default_rng(derived_seed(seed, "choice"))
    copy = require("pythia8mc", extra="events", purpose="event generation").Event
    barren = 0
    collision = -1
    while True:
        before = (tally.events, tally.weight, tally.weight_squared)
        if not pythia.next():
            continue
        process_weight = tally.settle()
        collision += 1
        weight = process_weight / tally.survival
        after = (tally.events, tally.weight, tally.weight_squared)
        barren += 1
        for share, final_weight, particles in _final_states(pythia, copy, weight, recipe, draw):
            barren = 0
            counts = [b + share * (a - b) for a, b in zip(after, before, strict=True)]
            yield Candidate(particles, final_weight, process_weight, collision, *counts)
        if barren > GIVE_UP_AFTER:
            message = (
                f"recipe {recipe.name!r}: none of {GIVE_UP_AFTER:,} collisions has a lepton near the filter; "
                "lower the filter or allow leptonic decays"
            )
            raise ToolError(message)


def _final_states(
    pythia: Any, copy: Any, weight: float, recipe: Recipe, draw: np.random.Generator
) -> Iterator[tuple[float, float, NDArray[np.float64]]]:
    """Hadronise the collision: (share of the collision used up, weight, visible particles) of each."""
    if recipe.heavy_flavour is not None:
        yield from heavy_flavour_final_states(pythia, copy, weight, recipe, recipe.heavy_flavour, draw)
        return
    if recipe.prompt_leptons is not None:
        weight *= decay_taus(
            pythia,
            copy,
            trials=recipe.tau_trials,
            window=recipe.filter,
            pt=recipe.prompt_leptons.pt,
            draw=draw,
        )
    # the junctions are in the record already: looking for them again would fail
    if weight and pythia.forceHadronLevel(False):
        yield 1.0, weight, visible(particle_table(pythia.event))
