"""Simulated rates and published ones, row by row: what `rates.py` prints and `rates_report.py` draws."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml

from nanosieve.figure import Figure
from nanosieve.physics.events import TriggerSample
from nanosieve.physics.menu import MenuRates
from nanosieve.physics.menu.compare import Comparison, compare

MENUS = {"cms": {"cms-2018-scan": 52.0, "cms-2018-zero-bias": 43.1}, "atlas": {"atlas-2018": 55.9}}
"""Detector → menu → mean pile-up of its rates."""
RULES = yaml.safe_load(Path(__file__).with_name("rates.yaml").read_text(encoding="utf-8"))


class SampleRates(NamedTuple):
    """A menu on a sample, and its rows with a reference."""

    sample: TriggerSample
    rates: MenuRates
    rows: list[Row]

    @property
    def totals(self) -> str:
        """Of Level 1, and of the high-level trigger where the menu has one with a reference."""
        level1, high = self.rates.l1.any.number(), self.rates.hlt.any.number()
        beyond = f", of the high-level trigger {high} Hz" if any(r.level == "HLT" for r in self.rows) else ""
        return f"Total rate of Level 1 {level1} kHz{beyond}"


@dataclass(frozen=True)
class Row:
    """One rate beside its reference."""

    line: str
    level: str
    comparison: Comparison
    target: float
    fitted: bool = False

    @property
    def factor(self) -> float | None:
        """How far apart they are, as a factor of at least 1; None where ours is a limit."""
        ratio = self.comparison.ratio
        return None if ratio is None or ratio.value <= 0 else max(ratio.value, 1 / ratio.value)

    @property
    def verdict(self) -> str:
        """In words."""
        if self.factor is None:
            return "limit"
        ratio = self.comparison.ratio
        assert ratio is not None
        if self.factor <= self.target:
            return "within"
        pull = abs(math.log(self.factor / self.target)) / max((ratio.error or 0.0) / ratio.value, 1e-9)
        return "beyond, by less than 2σ" if pull < 2 else "BEYOND"

    def __str__(self) -> str:
        c = self.comparison
        ratio = "–" if c.ratio is None else Figure.number(c.ratio)
        reference = f"{c.reference:g} ({c.trust})"
        return (
            f"{self.line:<24}{self.level:<5}{c.rate.number():>18} {c.rate.figure.unit:<4}{reference:>18}"
            f"{ratio:>18}   × {self.target:g} {self.verdict}{', fitted' if self.fitted else ''}"
        )


def rows_of(rates: MenuRates) -> list[Row]:
    """Every rate with a reference; Level-1 items once."""
    found, seen = [], set()
    of_menu = [entry["items"] for entry in RULES["fitted"].values() if entry["menu"] == rates.menu.name]
    fitted = {item for items in of_menu for names in items.values() for item in names}
    for line in compare(rates):
        target = RULES["targets"].get(line.category, RULES["targets"]["other"])
        if line.l1.reference is not None and (line.item, line.l1.reference) not in seen:
            seen.add((line.item, line.l1.reference))
            name = line.name if rates.menu.lines[line.name].hlt.pass_through else line.item
            found.append(Row(name, "L1", line.l1, target, line.item in fitted))
        if line.hlt.reference is not None:
            found.append(Row(line.name, "HLT", line.hlt, target))
    return found


def menus_for(sample: TriggerSample) -> list[str]:
    """The menus whose pile-up is within 5 % of that of the sample."""
    known = MENUS.get(sample.detector, {})
    return [name for name, pileup in known.items() if abs(sample.pileup / pileup - 1) < 0.05]
