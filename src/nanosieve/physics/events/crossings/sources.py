"""The one way to collisions, wherever they come from: Pythia, a Les Houches event file, a HepMC file."""

from __future__ import annotations

from collections.abc import Generator

from nanosieve.physics.events._pythia import cross_section
from nanosieve.physics.events.crossings.collisions import Collisions
from nanosieve.physics.events.crossings.event_files import EventIndex, FilePart, check_energy, section_of
from nanosieve.physics.events.crossings.hepmc import hepmc_collisions, index_hepmc
from nanosieve.physics.events.crossings.lhe import index_lhe, lhe_collisions
from nanosieve.physics.events.crossings.pythia_source import pythia_collisions
from nanosieve.physics.events.recipe import Recipe

__all__ = ["collisions", "index_events", "section"]


def collisions(
    recipe: Recipe, energy: float, seed: int, part: FilePart | None = None
) -> Generator[Collisions, None, None]:
    """A stream of batches; the same arguments give the same stream.

    Args:
        energy: centre-of-mass energy in GeV.
        seed: 1 … 900,000,000.
        part: the events to read, where the recipe names a file; the stream ends with them, while that of
            Pythia is endless.

    Raises:
        SettingsError, ToolError: Pythia refuses the settings or stops.
        InputFileError: the file is damaged.
    """
    if part is None:
        return pythia_collisions(recipe, energy, seed)
    return hepmc_collisions(part) if recipe.hepmc is not None else lhe_collisions(recipe, seed, part)


def index_events(recipe: Recipe, energy: float) -> EventIndex | None:
    """Read the event file of a recipe to its end and compare it with the request; None if it names none.

    Raises:
        InputFileError: the file is damaged.
        SettingsError: another energy, or no cross section.
    """
    if recipe.event_file is None:
        return None
    path = recipe.event_file.path
    index = index_hepmc(path) if recipe.hepmc is not None else index_lhe(path)
    check_energy(index, recipe, energy)
    section_of(index, recipe)
    return index


def section(recipe: Recipe, energy: float, seed: int, index: EventIndex | None) -> tuple[float, float]:
    """Cross section of a recipe before any filter and its error, in pb."""
    if index is not None:
        value, error = section_of(index, recipe)
    else:
        found = cross_section(recipe, energy, seed)
        value, error = found.value, found.error
    return value * recipe.branching, error * recipe.branching
