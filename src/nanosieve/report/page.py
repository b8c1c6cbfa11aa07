"""The report: sections of text, tables and pictures as one HTML file that needs nothing else."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from nanosieve import __version__
from nanosieve._files import output_folder, write_text
from nanosieve._require import require
from nanosieve.errors import SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.report.style import FONT, Drawing, Key, css_variable

__all__ = ["Block", "Cell", "Numbers", "Picture", "Section", "Table", "Text", "render_page", "write_report"]

Cell: TypeAlias = str | Figure | None
"""What stands in a table: words, a number with its provenance, or nothing."""


@dataclass(frozen=True)
class Text:
    """Paragraphs. ```code``` in backticks and ``arXiv:1234.56789`` are set as such.

    Attributes:
        paragraphs: plain text each.
        tone: ``""``, ``"good"`` (a proof that holds) or ``"bad"`` (something to worry about).
    """

    paragraphs: tuple[str, ...]
    tone: str = ""


@dataclass(frozen=True)
class Numbers:
    """A row of headline numbers.

    Attributes:
        entries: what it is → the figure.
    """

    entries: tuple[tuple[str, Figure], ...]

    @property
    def columns(self) -> int:
        """How many stand side by side on a wide window: all, or as many as make full rows."""
        count = len(self.entries)
        return max(count, 1) if count <= 5 else next((n for n in (4, 3, 5) if count % n == 0), 4)


@dataclass(frozen=True)
class Table:
    """A table; every number in it carries its provenance as a word.

    Attributes:
        columns: headings; the first column names the rows.
        rows: cells, as many per row as there are columns.
        caption: what the table shows and under which conditions.

    Raises:
        SettingsError: a row of the wrong length, or a bare number in a cell.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, start=1):
            where = f"row {number} of table {self.caption!r}"
            if len(row) != len(self.columns):
                message = f"{where} has {len(row)} cells for {len(self.columns)} columns"
                raise SettingsError(message)
            cells: tuple[object, ...] = row
            for cell in cells:
                if not isinstance(cell, str | Figure | None):
                    message = (
                        f"{where} holds the bare value {cell!r}; give a Figure, which states its provenance"
                    )
                    raise SettingsError(message)


@dataclass(frozen=True)
class Picture:
    """Panels with a caption.

    Attributes:
        drawings: what the figure functions of this room return; their panels stand side by side.
        caption: what is seen, under which conditions, and what the errors are.
    """

    drawings: tuple[Drawing, ...]
    caption: str


Block: TypeAlias = Text | Numbers | Table | Picture


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


def write_report(
    folder: str | Path,
    title: str,
    sections: Sequence[Section],
    *,
    summary: str = "",
    conditions: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write ``folder/report.html`` atomically and return its path.

    Args:
        folder: made if it does not exist.
        title: of the page.
        sections: in reading order.
        summary: one or two sentences below the title.
        conditions: settings the numbers depend on (seed, sizes, versions), name → value.

    Raises:
        OutputError: the folder cannot be written to.
        MissingDependencyError: jinja2 is not installed.
    """
    page = render_page(title, sections, summary=summary, conditions=conditions)
    return write_text(output_folder(folder) / "report.html", page)


def render_page(
    title: str,
    sections: Sequence[Section],
    *,
    summary: str = "",
    conditions: Sequence[tuple[str, str]] = (),
) -> str:
    """The page as text; see `write_report`."""
    jinja2 = require("jinja2", extra="report", purpose="the report")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nanosieve.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    safe = environment.filters["safe"]
    panels = itertools.count(1)
    environment.filters["prose"] = lambda text: safe(_prose(text))
    environment.filters["panel"] = lambda svg: safe(_own_ids(svg, next(panels)))
    environment.filters["anchor"] = _anchor
    environment.filters["keys"] = _keys
    environment.filters["variable"] = css_variable
    environment.tests["number"] = lambda cell: isinstance(cell, Figure)
    page = environment.get_template("page.html").render(
        title=title,
        summary=summary,
        conditions=list(conditions),
        sections=[
            (section, [(type(block).__name__, block) for block in section.blocks]) for section in sections
        ],
        words=_used_words(sections),
        version=__version__,
        font=safe(FONT),
    )
    return str(page)


_MEANINGS = {
    Provenance.ESTIMATED: "from a model of cost or delay",
    Provenance.SIMULATED: "from RTL simulation or Monte Carlo events",
    Provenance.SYNTHESISED: "counted in the netlist that Yosys made",
    Provenance.MEASURED: "measured on the machine named",
    Provenance.PUBLISHED: "printed in the publication named",
}


_WITH_SOURCE = (Provenance.MEASURED, Provenance.PUBLISHED)


def _used_words(sections: Sequence[Section]) -> list[tuple[str, str, list[str]]]:
    """The provenance words that the page uses, each with its meaning and the sources named under it."""
    sources: dict[Provenance, set[str]] = {}
    for section in sections:
        for block in section.blocks:
            cells: list[Any] = []
            if isinstance(block, Numbers):
                cells = [figure for _, figure in block.entries]
            elif isinstance(block, Table):
                cells = [cell for row in block.rows for cell in row]
            for cell in cells:
                if isinstance(cell, Figure):
                    sources.setdefault(cell.provenance, set()).add(cell.source)
    return [
        (str(word), meaning, sorted(sources[word]) if word in _WITH_SOURCE else [])
        for word, meaning in _MEANINGS.items()
        if word in sources
    ]


def _keys(drawings: Sequence[Drawing]) -> list[tuple[Key, ...]]:
    """The legends of `drawings`, each once."""
    return list(dict.fromkeys(drawing.key for drawing in drawings if drawing.key))


def _prose(text: str) -> str:
    """Escaped text with `code`, links to arXiv, and the index of R_z or p_T lowered."""
    text = html.escape(text, quote=False)
    text = re.sub(r"\b([A-Za-z])_([A-Za-z])\b", r"\1<sub>\2</sub>", text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r'<a href="https://arxiv.org/abs/\1">arXiv:\1</a>', text)


def _own_ids(svg: str, number: int) -> str:
    """`svg` with identifiers that no other panel of the page has."""
    svg = re.sub(r'\bid="([^"]+)"', rf'id="p{number}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#p{number}-\1"', svg)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#p{number}-\1)", svg)


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
