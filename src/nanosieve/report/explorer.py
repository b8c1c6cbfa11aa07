"""The interactive page of a farm comparison: sliders over a grid of simulations, as one file without "
"network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nanosieve import __version__
from nanosieve._files import output_folder, write_text
from nanosieve._require import require
from nanosieve.errors import SettingsError
from nanosieve.report.style import FONT, PALETTE

__all__ = ["check_grid", "write_explorer"]

LISTS = ("physics", "error", "physics_band", "lost", "stable", "power", "power_band", "cost", "cost_band")
"""Of a design: a value at each point of the grid."""


def write_explorer(folder: str | Path, grid: Mapping[str, Any], *, title: str, note: str = "") -> Path:
    """Write ``folder/farms.html`` atomically and return its path.

    Args:
        folder: made if it does not exist.
        grid: ``axes`` (name → rising values), ``order`` of the axes in the flat lists, and ``designs`` with
            ``letter``, ``title``, ``nodes`` and the lists ``physics``, ``error``, ``lost``, ``stable``,
            ``power``, ``cost`` (a list over the axis ``price`` at each point), and ``physics_band``,
            ``power_band``, ``cost_band`` with a lower and an upper edge instead of each number.
        title: of the page.
        note: what the numbers hold for.

    Raises:
        SettingsError: lists that do not fit the axes.
        OutputError: the folder cannot be written to.
        MissingDependencyError: jinja2 is not installed.
    """
    check_grid(grid)
    jinja2 = require("jinja2", extra="report", purpose="the interactive page")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("nanosieve.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    safe = environment.filters["safe"]
    data = json.dumps(grid, separators=(",", ":")).replace("<", "\\u003c")
    page = environment.get_template("farms.html").render(
        title=title, note=note, grid=safe(data), palette=safe(json.dumps(PALETTE)), font=safe(FONT),
        version=__version__,
    )  # fmt: skip
    return write_text(output_folder(folder) / "farms.html", page)


def check_grid(grid: Mapping[str, Any]) -> None:
    """Refuse a grid whose lists do not fit its axes.

    Raises:
        SettingsError: an axis that does not rise, or a list of another length.
    """
    axes = grid["axes"]
    points = 1
    for name, values in axes.items():
        if len(values) < 2 or sorted(set(values)) != list(values):
            message = f"axis {name!r} of the grid is {values!r}; accepted: two or more rising values"
            raise SettingsError(message)
        points *= len(values) if name in grid["order"] else 1
    for name, design in grid["designs"].items():
        for key in LISTS:
            if len(design[key]) != points:
                message = f"design {name!r} has {len(design[key])} values of {key} for {points} points"
                raise SettingsError(message)
        if any(len(prices) != len(axes["price"]) for prices in (*design["cost"], *design["cost_band"])):
            message = f"design {name!r}: the costs of a point are not as many as prices"
            raise SettingsError(message)
