"""Rates of trigger samples beside published ones: ratios with errors, targets, and what is further off.

Usage: python validation/rates.py SAMPLE.parquet... [--out out/rates]

Samples of the detector ``cms`` are compared with Level-1 rates of CMS in 2018 at their pile-up, samples of
``atlas`` with the ATLAS menu of 2018. Ends with a code other than zero where a line misses its target and
`rates.yaml` gives no reason. With --out, a report with figures is written for each menu.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from nanosieve.figure import Figure
from nanosieve.physics.events import TriggerSample, open_trigger_sample
from nanosieve.physics.menu import MenuRates, load_menu, menu_rates
from nanosieve.physics.menu.compare import Comparison, compare
from nanosieve.report.menu_report import menu_report

MENUS = {"cms": {"cms-2018-scan": 52.0, "cms-2018-zero-bias": 43.1}, "atlas": {"atlas-2018": 55.9}}
"""Detector → menu → mean pile-up of its rates."""
RULES = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Row:
    """One rate beside its reference."""

    line: str
    level: str
    comparison: Comparison
    target: float

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
            f"{ratio:>18}   × {self.target:g} {self.verdict}"
        )


def rows_of(rates: MenuRates) -> list[Row]:
    """Every rate with a reference; Level-1 items once."""
    found, seen = [], set()
    for line in compare(rates):
        target = RULES["targets"].get(line.category, RULES["targets"]["other"])
        if line.l1.reference is not None and (line.item, line.l1.reference) not in seen:
            seen.add((line.item, line.l1.reference))
            name = line.name if rates.menu.lines[line.name].hlt.pass_through else line.item
            found.append(Row(name, "L1", line.l1, target))
        if line.hlt.reference is not None:
            found.append(Row(line.name, "HLT", line.hlt, target))
    return found


def menus_for(sample: TriggerSample) -> list[str]:
    """The menus whose pile-up is within 5 % of that of the sample."""
    known = MENUS.get(sample.detector, {})
    return [name for name, pileup in known.items() if abs(sample.pileup / pileup - 1) < 0.05]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    unexplained = 0
    for path in options.samples:
        sample = open_trigger_sample(path)
        names = menus_for(sample)
        if not names:
            print(f"{path}: no published rates for detector {sample.detector}, pile-up {sample.pileup:g}")
        for name in names:
            rates = menu_rates(load_menu(name), [path])
            print(f"\n{name} on {path}: pile-up {sample.pileup:g}, {sample.detector}, simulated")
            print(f"fitted: {RULES['fitted'][sample.detector]}")
            for row in rows_of(rates):
                print(row)
                reason = RULES["reasons"].get(row.line)
                if row.verdict == "BEYOND":
                    print(f"    {reason or 'no reason known'}")
                    unexplained += reason is None
            print(f"Level 1 in total {rates.l1.any.number()} kHz, HLT in total {rates.hlt.any.number()} Hz")
            if options.out:
                menu_report(rates, options.out / name)
    print(f"\n{unexplained} rates beyond their target without a reason")
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
