"""Workloads in YAML, those that come with the package and a user's own."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

from nanosieve._yaml import SUFFIXES, parse_yaml, validated, yaml_text
from nanosieve.errors import UnknownNameError
from nanosieve.farm.workload.schema import Workload

__all__ = ["known_workloads", "load_workload"]

_NEEDS = "name, title, pileup, classes and tasks"


@cache
def known_workloads() -> tuple[str, ...]:
    """Names of the workloads that come with the package."""
    folder = resources.files("nanosieve.farm.workload") / "workloads"
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


def load_workload(name: str | Path) -> Workload:
    """The workload that comes with the package under `name`, or the one in the YAML file of that path.

    Raises:
        UnknownNameError: no such workload; an unknown key, device or class in it.
        InputFileError: the file is missing, too large or not YAML.
        SettingsError: the file breaks the schema. The message names file, line and key.

    >>> load_workload("run-3").pileup
    64.0
    """
    if str(name) in known_workloads():
        return _packaged(str(name))
    if Path(name).suffix not in SUFFIXES:
        raise UnknownNameError.among("workload", str(name), known_workloads())
    return _parsed(yaml_text(name, kind="workload"), str(name))


@cache
def _packaged(name: str) -> Workload:
    text = (resources.files("nanosieve.farm.workload") / "workloads" / f"{name}.yaml").read_text("utf-8")
    return _parsed(text, f"{name}.yaml")


@lru_cache(maxsize=64)
def _parsed(text: str, where: str) -> Workload:
    """By its text: a simulation asks for its workload often, and a file may change in between."""
    return validated(Workload, parse_yaml(text, where, kind="workload", needs=_NEEDS))
