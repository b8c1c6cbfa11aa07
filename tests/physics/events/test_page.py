"""The page about events names everything there is, and its recipes are valid."""

import re
from pathlib import Path

import pytest
import yaml

from helpers.event_files import write_lhe
from nanosieve.physics.events.crossings.stitching import PhaseSpace
from nanosieve.physics.events.recipe import COCKTAILS, Recipe, known_processes, load_recipe
from nanosieve.physics.events.trigger_sample import COLLECTIONS, SCALARS
from nanosieve.physics.filling import SCHEMES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "examples" / "recipes").glob("*.yaml"))
RECIPES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def rows(heading):
    """The rows of the tables of a section, as lists of cells."""
    section = PAGE.split(f"{heading}\n", 1)[1].split("\n## ", 1)[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "|" in line
    ]


def test_every_process_is_listed_with_its_title():
    listed = {cells[0].strip("`"): cells[1] for cells in rows("## All processes")[2:]}
    assert listed == {name: load_recipe(name).title for name in known_processes()}
    assert all(f"`{name}`" in PAGE for name in COCKTAILS)
    assert all(f"`{name}`" in PAGE for name in SCHEMES)


def test_every_column_is_listed_with_its_fields():
    found = rows("### Columns")
    columns = {name for cells in found for name in re.findall(r"`(\w+)`", cells[0])}
    assert columns == {*SCALARS, *COLLECTIONS}
    for cells in found:
        for name in re.findall(r"`(\w+)`", cells[0]):
            if name in COLLECTIONS:
                assert tuple(re.findall(r"`(\w+)`", cells[1])) == COLLECTIONS[name]


@pytest.mark.parametrize("text", RECIPES)
def test_recipes_of_the_page_are_valid(text, tmp_path):
    content = yaml.safe_load(text)
    for key in ("lhe", "hepmc"):
        if key in content:
            write_lhe(tmp_path / content[key], events=1)  # only its presence matters here
    assert Recipe.model_validate(content, context={"folder": tmp_path}).title


def test_example_recipes_are_valid_and_their_slices_meet():
    recipes = {path.stem: load_recipe(path) for path in EXAMPLES}
    assert set(recipes) == {recipe.name for recipe in recipes.values()}
    slices = [PhaseSpace.of(recipe) for recipe in recipes.values() if recipe.part_of_minimum_bias]
    low, high = sorted(slices, key=lambda space: space.lowest)
    assert low.highest == high.lowest
    assert high.highest == float("inf")
    assert all(path.name in PAGE for path in EXAMPLES)
