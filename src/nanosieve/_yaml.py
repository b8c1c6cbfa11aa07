"""YAML that a user wrote, read into a pydantic model with errors that name file, line and key.

Files are data from outside: nothing in them is executed, their size is limited, and aliases, with which a few
lines can stand for millions, are refused. A model says what a type cannot say by raising a
``PydanticCustomError`` of the kind ``unknown`` (a name) or ``contradiction`` with ``message`` and ``path``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from nanosieve._files import existing_file
from nanosieve.errors import InputFileError, NanosieveError, SettingsError, UnknownNameError

__all__ = [
    "LARGEST",
    "SUFFIXES",
    "Document",
    "parse_yaml",
    "read_table",
    "read_yaml",
    "validated",
    "yaml_text",
]

LARGEST = 4 << 20
"""Bytes of a file."""
SUFFIXES = (".yaml", ".yml")

_MISSPELT = "extra_forbidden"
_MISSING = "missing"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Document:
    """What a file holds, and where its keys stand.

    Attributes:
        kind: what it is, in messages: ``"menu"``.
        content: plain dictionaries and lists.
        where: the file; empty if the content came from none.
        root: the tree of YAML nodes, for line numbers; None without a file.
    """

    kind: str
    content: Mapping[str, Any]
    where: str = ""
    root: Any = None

    def place(self, path: Sequence[str | int]) -> str:
        """Kind, file, line and key of `path`, as they begin a message."""
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
        line = f", line {_line_of(self.root, path)}" if self.root is not None else ""
        start = f"{self.kind} {self.where!r}{line}" if self.where else self.kind
        return f"{start}, key {key!r}" if key else start


def read_yaml(path: str | Path, *, kind: str, needs: str) -> Document:
    """The YAML file of that path.

    Args:
        path: the file.
        kind: what it is, in messages.
        needs: the keys to write, for the message about a file that holds none.

    Raises:
        InputFileError: the file is missing, too large, no text or not YAML, or uses aliases.
        SettingsError: it is no mapping, or holds a key twice.
    """
    return parse_yaml(yaml_text(path, kind=kind), str(path), kind=kind, needs=needs)


def yaml_text(path: str | Path, *, kind: str) -> str:
    """The text of the YAML file of that path.

    Raises:
        InputFileError: the file is missing, too large or no text.
    """
    path = existing_file(path, kind=kind, suffixes=SUFFIXES)
    if path.stat().st_size > LARGEST:
        message = f"{kind} {str(path)!r} has {path.stat().st_size:,} bytes; at most {LARGEST:,} are read"
        raise InputFileError(message)
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        message = f"{kind} {str(path)!r} is not readable text in UTF-8: {error}"
        raise InputFileError(message) from error


def parse_yaml(text: str, where: str, *, kind: str, needs: str) -> Document:
    """The YAML in `text`, which came from the file `where`; raises as `read_yaml`."""
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                message = (
                    f"{kind} {where!r}, line {_line(event)}: aliases (*{event.anchor}) are not accepted; "
                    "write it out"
                )
                raise InputFileError(message)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _no_repetition(root, kind, where)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        message = f"{kind} {where!r} is not YAML: {' '.join(str(error).split())}"
        raise InputFileError(message) from error
    if not isinstance(content, dict):
        message = f"{kind} {where!r} holds no mapping; write {needs}"
        raise SettingsError(message)
    return Document(kind, content, where, root)


def validated(model: type[Model], document: Document) -> Model:
    """The content of `document` as `model`.

    Raises:
        UnknownNameError: a key that the model does not have, or a name that it does not know.
        SettingsError: a value out of its domain, or two that contradict each other.
    """
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        raise _explained(error, model, document) from error


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _no_repetition(node: Any, kind: str, where: str) -> None:
    """YAML keeps the last of two equal keys silently; a file with two entries of one name is a mistake."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                message = (
                    f"{kind} {where!r}, line {_line(key)}: key {name!r} is there already "
                    f"(line {seen[name]}); give it another name"
                )
                raise SettingsError(message)
            seen[name] = _line(key)
            _no_repetition(value, kind, where)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _no_repetition(value, kind, where)


def _explained(error: ValidationError, model: type[BaseModel], document: Document) -> NanosieveError:
    """The first error of pydantic as one of ours, in one line."""
    # a misspelt key comes first: what is missing then is its consequence
    first = min(error.errors(), key=lambda found: found["type"] != _MISSPELT)
    context = first.get("ctx") or {}
    path = tuple(context.get("path", ())) or tuple(part for part in first["loc"] if part != "[key]")
    start = document.place(path)
    if first["type"] == _MISSPELT:
        known = _accepted(model, path)
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


def _accepted(model: Any, path: Sequence[str | int]) -> list[str]:
    """The keys that the schema knows where an unknown one stands."""
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


def read_table(model: type[Model], text: str, where: str | Path, *, kind: str) -> Model:
    """The YAML of a table of the house, such as a catalogue, as `model`.

    Args:
        model: the pydantic model.
        text: the YAML.
        where: what it is called in messages.
        kind: what it is in messages, as ``"device catalogue"``.

    Raises:
        InputFileError: not YAML, or not a table of that kind; the message names the entry.
    """
    try:
        return model.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        message = f"{kind} {str(where)!r} is not YAML: {' '.join(str(error).split())}"
        raise InputFileError(message) from error
    except ValidationError as error:
        first = error.errors()[0]
        entry = ".".join(map(str, first["loc"])) or "the file"
        message = f"{kind} {str(where)!r}: {entry}: {first['msg']}"
        raise InputFileError(message) from error
