"""Farm designs in YAML, those that come with the package and a user's own, which may extend one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from nanosieve._yaml import SUFFIXES, Document, parse_yaml, read_yaml, validated
from nanosieve.errors import NanosieveError, SettingsError, UnknownNameError
from nanosieve.farm.designs.schema import Design
from nanosieve.farm.workload import Workload, load_workload, service_time

__all__ = ["design_text", "known_designs", "load_design", "workload_of"]

_NEEDS = "name, title, workload and nodes, or 'extends: cpu-2018' and what differs"
DEEPEST = 8
"""Designs that extend each other."""


@cache
def known_designs() -> tuple[str, ...]:
    """Names of the designs that come with the package."""
    folder = resources.files("nanosieve.farm.designs") / "designs"
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


def design_text(name: str) -> str:
    """The YAML of a design that comes with the package, to be copied.

    Raises:
        UnknownNameError: no such design.
    """
    if name not in known_designs():
        raise UnknownNameError.among("farm design", name, known_designs())
    return (resources.files("nanosieve.farm.designs") / "designs" / f"{name}.yaml").read_text("utf-8")


def load_design(name: str | Path) -> Design:
    """The design that comes with the package under `name`, or the one in the YAML file of that path.

    A file with ``extends: NAME`` (a design of the package, or a file beside it) says only what differs:
    mappings are joined key by key, everything else is replaced, and what is set to ``null`` is left out.

    Raises:
        UnknownNameError: no such design; an unknown key, device or task in it.
        InputFileError: the file is missing, too large or not YAML.
        SettingsError: the file breaks the schema or contradicts itself. The message names file, line and key.

    >>> load_design("gpu-in-node").nodes.count
    200
    """
    document = _document(name, Path())
    document = replace(document, content=_extended(document, DEEPEST))
    design = validated(Design, document)
    _check_tasks(design, document)
    return design


def workload_of(design: Design) -> Workload:
    """The workload that `design` names; raises as `load_workload`."""
    return load_workload(design.workload)


def _document(name: str | Path, folder: Path) -> Document:
    if str(name) in known_designs():
        return parse_yaml(design_text(str(name)), f"{name}.yaml", kind="farm design", needs=_NEEDS)
    if Path(name).suffix not in SUFFIXES:
        raise UnknownNameError.among("farm design", str(name), known_designs())
    return read_yaml(folder / name, kind="farm design", needs=_NEEDS)


def _extended(document: Document, deepest: int) -> Mapping[str, Any]:
    """The content with what it extends; the file of a workload is found beside the design that names it.

    Raises:
        SettingsError: designs that extend each other in a circle, or too deep.
    """
    content = dict(document.content)
    workload = content.get("workload")
    if isinstance(workload, str) and Path(workload).suffix in SUFFIXES:
        content["workload"] = str(Path(document.where).parent / workload)
    if "extends" not in content:
        return content
    parent = content.pop("extends")
    if not isinstance(parent, str) or not deepest:
        reason = f"at most {DEEPEST} designs extend each other" if not deepest else "is no name of a design"
        message = f"{document.place(('extends',))}: {reason}, not {parent!r}"
        raise SettingsError(message)
    base = _document(parent, Path(document.where).parent)
    return _joined(_extended(base, deepest - 1), content)


def _joined(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own` over `base`; the sources of numbers that `own` replaces are dropped."""
    replaced = tuple(_replaced(own))
    joined = _merged(base, own)
    before, after = base.get("sources"), own.get("sources")
    kept = {
        key: source
        for key, source in (before.items() if isinstance(before, dict) else ())
        if not any(f"{key}.".startswith(f"{part}.") for part in replaced)
    }
    joined["sources"] = kept | after if isinstance(after, dict) else after or kept
    return joined


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(base)
    for key, value in own.items():
        if value is None:
            joined.pop(key, None)
        elif isinstance(value, dict) and isinstance(joined.get(key), dict):
            joined[key] = _merged(joined[key], value)
        else:
            joined[key] = value
    return joined


def _replaced(content: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Dotted keys of everything that is no mapping."""
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _replaced(value, f"{before}{key}.")
        else:
            yield f"{before}{key}"


def _check_tasks(design: Design, document: Document) -> None:
    """Every stage has a task with a time on its device.

    Raises:
        UnknownNameError: unknown workload or task, or a task without a time on that device.
    """
    try:
        workload = workload_of(design)
    except UnknownNameError as error:
        message = f"{document.place(('workload',))}: {error}"
        raise UnknownNameError(message) from error
    for number, stage in enumerate(design.stages):
        accelerators = design.accelerators
        device = accelerators.kind if stage.device == "accelerator" and accelerators else "cpu"
        try:
            service_time(workload, stage.task, device)
        except NanosieveError as error:
            message = f"{document.place(('stages', number, 'task'))}: {error}"
            raise UnknownNameError(message) from error
