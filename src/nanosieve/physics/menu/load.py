"""Menus in YAML: reading with errors that name file, line and key, and writing."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from nanosieve._files import write_text
from nanosieve._yaml import SUFFIXES, Document, parse_yaml, read_yaml, validated
from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.physics.menu.schema import Menu

__all__ = ["known_menus", "load_menu", "parse_menu", "write_menu"]

_NEEDS = "name, l1 and lines"


@cache
def known_menus() -> tuple[str, ...]:
    """Names of the menus that come with the package."""
    folder = resources.files("nanosieve.physics.menu") / "menus"
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


def load_menu(name: str | Path) -> Menu:
    """The menu that comes with the package under `name`, or the one in the YAML file of that path.

    Raises:
        UnknownNameError: no such menu; an unknown object, key, item, leg or word in it.
        InputFileError: the file is missing, too large or not YAML.
        SettingsError: the file breaks the schema or contradicts itself. The message names file, line and key.

    >>> load_menu("atlas-2018").lines["mu_52"].hlt.legs[0].pt
    50.0
    """
    if str(name) in known_menus():
        file = resources.files("nanosieve.physics.menu") / "menus" / f"{name}.yaml"
        text = file.read_text(encoding="utf-8")
        return validated(Menu, parse_yaml(text, f"{name}.yaml", kind="menu", needs=_NEEDS))
    if Path(name).suffix not in SUFFIXES:
        raise UnknownNameError.among("menu", str(name), known_menus())
    return validated(Menu, read_yaml(name, kind="menu", needs=_NEEDS))


def parse_menu(content: Mapping[str, Any], *, where: str = "") -> Menu:
    """The menu in plain dictionaries and lists, as YAML gives them.

    Raises:
        UnknownNameError, SettingsError: as `load_menu`, without a line number.
    """
    return validated(Menu, Document("menu", content, where))


def write_menu(menu: Menu, path: str | Path) -> Path:
    """Write `menu` as YAML; what is left at its default is not written.

    Raises:
        OutputError: the file cannot be written.
        SettingsError: the path does not end in .yaml.
    """
    if Path(path).suffix not in SUFFIXES:
        message = f"menu {str(path)!r} ends in {Path(path).suffix!r}; accepted: {', '.join(SUFFIXES)}"
        raise SettingsError(message)
    content = {"format": menu.format} | menu.model_dump(mode="json", exclude_defaults=True)
    if menu.bunch_groups:
        content["bunch_groups"] = {name: _ranges(slots) for name, slots in menu.bunch_groups.items()}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=108, default_flow_style=None)
    return write_text(path, text)


def _ranges(slots: Sequence[int]) -> list[int | str]:
    """Bunch slots with runs of them as ranges."""
    found: list[int | str] = []
    for _, run in itertools.groupby(enumerate(slots), key=lambda pair: pair[1] - pair[0]):
        members = [slot for _, slot in run]
        found += members if len(members) < 3 else [f"{members[0]}-{members[-1]}"]
    return found
