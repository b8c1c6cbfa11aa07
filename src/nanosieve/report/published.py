"""Numbers from publications, each with its trust mark; only those that were read in the source come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.figure import Figure, Provenance

__all__ = ["Published", "published"]


@dataclass(frozen=True)
class Published:
    """One row of a published table.

    Attributes:
        model: as the publication calls it.
        figures: metric → value; provenance `published`, source = publication and table.
        source: publication and table.
        device: what it ran on or was compiled for; empty if not stated.
        clock_mhz: clock frequency; None if not stated.
        stage: how the resources were found (HLS estimate, synthesis, post route); empty if not stated.
    """

    model: str
    figures: Mapping[str, Figure]
    source: str
    device: str = ""
    clock_mhz: float | None = None
    stage: str = ""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    model: str
    trust: Literal["published", "reported", "recalled"]
    values: dict[str, tuple[float, str] | tuple[float, str, float]]
    """Value, unit, and the error where one is printed."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    arxiv: str = Field(pattern=r"^(\d{4}\.\d{4,5}|10\.\d{4,9}/\S+)$")
    source: str
    device: str = ""
    clock_ns: float | None = None
    stage: str = ""
    rows: tuple[_Row, ...]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Literal[1]
    tables: tuple[_Table, ...]


@cache
def _tables() -> tuple[_Table, ...]:
    text = resources.files("nanosieve.report").joinpath("published.yaml").read_text(encoding="utf-8")
    return _File.model_validate(yaml.safe_load(text)).tables


def published(arxiv: str, table: str) -> tuple[Published, ...]:
    """The rows of one published table.

    Args:
        arxiv: identifier of the publication, e.g. ``"2108.03986"``; the DOI of one that is not there.
        table: name of the table, e.g. ``"anomaly-hardware"``.

    Raises:
        UnknownNameError: no such publication or table.
        SettingsError: the table holds a number that was not read in the source; it is not given out.

    >>> vae = {row.model: row for row in published("2108.03986", "anomaly-hardware")}["DNN VAE PTQ 8 bit"]
    >>> print(vae.figures["latency"])
    80 ns (published)
    """
    return tuple(_rows(_find(arxiv, table)))


def _find(arxiv: str, table: str) -> _Table:
    of_paper = {entry.id: entry for entry in _tables() if entry.arxiv == arxiv}
    if not of_paper:
        raise UnknownNameError.among("publication", arxiv, {entry.arxiv for entry in _tables()})
    if table not in of_paper:
        kind = f"table of arXiv:{arxiv}"
        raise UnknownNameError.among(kind, table, of_paper)
    return of_paper[table]


def _rows(table: _Table) -> Iterator[Published]:
    for row in table.rows:
        if row.trust != "published":
            message = (
                f"row {row.model!r} of table {table.id!r} (arXiv:{table.arxiv}) is {row.trust}, not "
                "read in the source, and cannot be shown as published; check it there, then change its trust"
            )
            raise SettingsError(message)
        figures = {
            metric: Figure(
                value, unit, Provenance.PUBLISHED, error=error[0] if error else None, source=table.source
            )
            for metric, (value, unit, *error) in row.values.items()
        }
        clock = None if table.clock_ns is None else 1000.0 / table.clock_ns
        yield Published(row.model, figures, table.source, table.device, clock, table.stage)
