"""Rates of trigger samples beside published ones: ratios with errors, targets, and what is further off.

Usage: python validation/rates.py SAMPLE.parquet... [--out out/rates]

Samples of the detector ``cms`` are compared with Level-1 rates of CMS in 2018 at their pile-up, samples of
``atlas`` with the ATLAS menu of 2018. Ends with a code other than zero where a line misses its target and
`rates.yaml` gives no reason. Items that the settings were fitted to (`level1_fit.py`) are marked. With --out,
a report with all ratios and the rates against pile-up is written, and a page for each menu.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rate_rows import RULES, SampleRates, menus_for, rows_of
from rates_report import write_rates_report

from nanosieve.physics.events import open_trigger_sample
from nanosieve.physics.menu import load_menu, menu_rates
from nanosieve.report.menu_report import menu_report


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    samples = [open_trigger_sample(path) for path in options.samples]
    found = []
    for sample in samples:
        names = menus_for(sample)
        if not names:
            print(
                f"{sample.path}: no published rates for detector {sample.detector}, pile-up {sample.pileup:g}"
            )
        for name in names:
            rates = menu_rates(load_menu(name), [sample])
            found.append(SampleRates(sample, rates, rows_of(rates)))
    unexplained = sum(print_rates(entry) for entry in found)
    if options.out:
        for entry in found:
            menu_report(entry.rates, options.out / entry.rates.menu.name)
        print(f"\nreport: {write_rates_report(options.out, found, samples)}")
    print(f"\n{unexplained} rates beyond their target without a reason")
    return int(unexplained > 0)


def print_rates(found: SampleRates) -> int:
    """Gives the number of rates beyond their target without a reason."""
    sample, unexplained = found.sample, 0
    print(
        f"\n{found.rates.menu.name} on {sample.path}: pile-up {sample.pileup:g}, {sample.detector}, simulated"
    )
    for row in found.rows:
        print(row)
        reason = RULES["reasons"].get(row.line)
        if row.verdict == "BEYOND":
            print(f"    {reason or 'no reason known'}")
            unexplained += reason is None
    print(found.totals)
    return unexplained


if __name__ == "__main__":
    sys.exit(main())
