"""Menus in YAML: reading with errors that name file, line and key, and writing.

Files are data from outside: nothing in them is executed, their size is limited, and aliases, with which a few
lines can stand for millions, are refused.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from nanosieve._files import existing_file, write_text
from nanosieve.errors import InputFileError, NanosieveError, SettingsError, UnknownNameError
from nanosieve.physics.menu.schema import Menu

__all__ = ["known_menus", "load_menu", "parse_menu", "write_menu"]

LARGEST = 4 << 20
"""Bytes of a menu."""
SUFFIXES = (".yaml", ".yml")

_MISSPELT = "extra_forbidden"
_MISSING = "missing"


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
        return _read(file.read_text(encoding="utf-8"), f"{name}.yaml")
    if Path(name).suffix not in SUFFIXES:
        raise UnknownNameError.among("menu", str(name), known_menus())
    path = existing_file(name, kind="menu", suffixes=SUFFIXES)
    if path.stat().st_size > LARGEST:
        message = f"menu {str(path)!r} has {path.stat().st_size:,} bytes; at most {LARGEST:,} are read"
        raise InputFileError(message)
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        message = f"menu {str(path)!r} is not readable text in UTF-8: {error}"
        raise InputFileError(message) from error
    return _read(text, str(path))


def parse_menu(content: Mapping[str, Any], *, where: str = "menu") -> Menu:
    """The menu in plain dictionaries and lists, as YAML gives them.

    Raises:
        UnknownNameError, SettingsError: as `load_menu`, without a line number.
    """
    try:
        return Menu.model_validate(content)
    except ValidationError as error:
        raise _explained(error, where, None) from error


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


def _read(text: str, where: str) -> Menu:
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                message = (
                    f"menu {where!r}, line {_line(event)}: aliases (*{event.anchor}) are not accepted; "
                    "write it out"
                )
                raise InputFileError(message)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _no_repetition(root, where)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        message = f"menu {where!r} is not YAML: {' '.join(str(error).split())}"
        raise InputFileError(message) from error
    if not isinstance(content, dict):
        message = f"menu {where!r} holds no mapping; write name, l1 and lines"
        raise SettingsError(message)
    try:
        return Menu.model_validate(content)
    except ValidationError as error:
        raise _explained(error, where, root) from error


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _no_repetition(node: Any, where: str) -> None:
    """YAML keeps the last of two equal keys silently; a menu with two lines of one name is a mistake."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                message = (
                    f"menu {where!r}, line {_line(key)}: key {name!r} is there already (line {seen[name]}); "
                    "give it another name"
                )
                raise SettingsError(message)
            seen[name] = _line(key)
            _no_repetition(value, where)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _no_repetition(value, where)


def _explained(error: ValidationError, where: str, root: Any) -> NanosieveError:
    """The first error of pydantic as one of ours, in one line."""
    # a misspelt key comes first: what is missing then is its consequence
    first = min(error.errors(), key=lambda found: found["type"] != _MISSPELT)
    context = first.get("ctx") or {}
    path = tuple(context.get("path", ())) or tuple(part for part in first["loc"] if part != "[key]")
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    line = f", line {_line_of(root, path)}" if root is not None else ""
    start = f"menu {where!r}{line}" if where != "menu" else "menu"
    start = f"{start}, key {key!r}" if key else start
    if first["type"] == _MISSPELT:
        known = _accepted(path)
        near = difflib.get_close_matches(str(path[-1]), known, n=2, cutoff=0.5)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        return UnknownNameError(f"{start}: unknown key{hint}; known: {', '.join(known)}")
    if first["type"] == _MISSING:
        return SettingsError(f"{start}: is missing; write it")
    if first["type"] == "unknown":
        return UnknownNameError(f"{start}: {first['msg']}")
    given = "" if first["type"] == "contradiction" else f", not {_short(first['input'])}"
    return SettingsError(f"{start}: {first['msg']}{given}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _accepted(path: Sequence[str | int]) -> list[str]:
    """The keys that the schema knows where an unknown one stands."""
    model: Any = Menu
    for part in path[:-1]:
        if hasattr(model, "model_fields"):
            model = model.model_fields[part].annotation if part in model.model_fields else None
        else:  # a mapping or a tuple: its last argument is what it holds
            model = next((a for a in reversed(model.__args__) if a is not Ellipsis), None)
        while model is not None and not hasattr(model, "model_fields") and _optional(model):
            model = next(a for a in model.__args__ if a is not type(None))
    return sorted(getattr(model, "model_fields", {}))


def _optional(model: Any) -> bool:
    return type(None) in getattr(model, "__args__", ())


def _line_of(node: Any, path: Sequence[str | int]) -> int:
    """The line of the innermost node on `path` that exists."""
    line = _line(node)
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(part)]
            if not found:
                return line
            line, node = _line(found[0][0]), found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = _line(node)
        else:
            return line
    return line
