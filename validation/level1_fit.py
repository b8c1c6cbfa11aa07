"""Fit Level-1 settings to one part of the published rates; the rest shows what they predict.

Usage: python validation/level1_fit.py SAMPLE.parquet

`rates.yaml` names the items that are fitted. Muons: the fraction of candidates in the tail of the response,
and one factor on all resolutions, by reweighting the sample with the ratio of both responses (exact, no new
sample). Calorimeter: the factor on each kind of object that leads to its published rate. Printed are values
for `level1_settings.py`, from a sample made with the present ones; `rates.py` tells what they predict.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rate_rows import RULES
from scipy.optimize import least_squares

from nanosieve.physics.events import TriggerSample, open_trigger_sample
from nanosieve.physics.events.crossings.level1_settings import (
    CALORIMETER_TRIGGERS,
    MUON_TRIGGERS,
    MuonTrigger,
)
from nanosieve.physics.events.crossings.muon_trigger import response
from nanosieve.physics.menu import (
    Evaluator,
    Menu,
    Rate,
    conditions_of,
    load_menu,
    menu_rates,
    threshold_for_rate,
)
from nanosieve.physics.menu.passes import weighted_blocks

Floats = NDArray[np.float64]

SCALES = {"em": "eg_scale", "tau": "tau_scale", "jet": "jet_scale", "met": "met_scale"}
"""Object of a menu → its setting in `CalorimeterTrigger`."""
AROUND = (1.5, 0.6)
"""Parts of a rate between whose thresholds its power is taken."""
PRIOR = 0.15
"""How well the resolution of a core is known before the fit, as a fraction."""


def published(menu: Menu, item: str) -> float:
    """kHz"""
    found = next(line.published for line in menu.lines.values() if line.l1 == item)
    assert found is not None
    assert found.l1_khz is not None
    return found.l1_khz


@dataclass(frozen=True)
class MuonEvents:
    """Crossings that fire one of M items, with their muons one after the other.

    Attributes:
        rates: (N,) kHz that each crossing stands for.
        fired: (N, M).
        start: (N,) index of the first muon of each crossing.
        pt, gen_pt, eta: of all muons; GeV.
    """

    rates: Floats
    fired: NDArray[np.bool_]
    start: NDArray[np.int64]
    pt: Floats
    gen_pt: Floats
    eta: Floats
    base: MuonTrigger

    def rate(self, trigger: MuonTrigger) -> tuple[Floats, Floats]:
        """(M,) kHz with another trigger, and statistical errors."""
        factor = self._response(trigger) / self._response(self.base)
        w = (self.rates * np.multiply.reduceat(factor, self.start))[:, None] * self.fired
        return w.sum(axis=0), np.sqrt((w**2).sum(axis=0))

    def _response(self, trigger: MuonTrigger) -> Floats:
        return response(self.pt, self.gen_pt, self.eta, trigger)


def muon_events(sample: TriggerSample, menu: Menu, items: Sequence[str]) -> MuonEvents:
    """Read the muons of the crossings that fire one of `items`, which ask for muons alone."""
    conditions = conditions_of([sample], luminosity=menu.luminosity)
    evaluator = Evaluator(menu)
    which = [list(menu.l1).index(item) for item in items]
    rates, fired, counts = [], [], []
    parts: dict[str, list[Floats]] = {"pt": [], "gen_pt": [], "eta": []}
    for events, w in weighted_blocks([sample], conditions, evaluator.columns):
        chosen = evaluator(events).l1[:, which]
        some = chosen.any(axis=1)
        muons = events.collections["L1Mu"]
        taken = np.repeat(some, muons.counts)
        rates.append(conditions.luminosity * w[some] / 1000)
        fired.append(chosen[some])
        counts.append(muons.counts[some])
        for name, part in parts.items():
            part.append(muons.fields[name][taken].astype(np.float64))
    number = np.concatenate(counts)
    start = np.cumsum(number) - number
    muons_of = {name: np.concatenate(part) for name, part in parts.items()}
    base = MUON_TRIGGERS[sample.detector]
    return MuonEvents(np.concatenate(rates), np.concatenate(fired), start, base=base, **muons_of)


def widened(base: MuonTrigger, tail: float, factor: float) -> MuonTrigger:
    """`base` with another tail and all resolutions multiplied by `factor`."""
    low, middle, high = (factor * width for width in base.resolution)
    return base._replace(tail=tail, resolution=(low, middle, high))


def fit_muons(events: MuonEvents, targets: Floats) -> tuple[Floats, Floats]:
    """Tail and factor on the resolution that come nearest to the rates `targets` (kHz), and their errors.

    Residuals are logarithms of ratios over the statistical errors of the sample.
    """
    before, error = events.rate(events.base)

    def residuals(x: Floats) -> Floats:
        rates, _ = events.rate(widened(events.base, x[0], x[1]))
        return np.append(np.log(rates / targets) / (error / before), (x[1] - 1) / PRIOR)

    start = np.array([events.base.tail, 1.0])
    found = least_squares(residuals, start, bounds=([0.0, 0.5], [0.5, 2.0]), x_scale=(0.02, 0.1))
    return found.x, np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac)))


def print_muons(sample: TriggerSample, menu: Menu, items: Sequence[str]) -> None:
    """Fit and print."""
    events = muon_events(sample, menu, items)
    targets = np.array([published(menu, item) for item in items])
    (tail, factor), (tail_error, factor_error) = fit_muons(events, targets)
    fitted = widened(events.base, tail, factor)
    before, after = events.rate(events.base), events.rate(fitted)
    for n, item in enumerate(items):
        print(
            f"{item:<18}{targets[n]:>8g} kHz published, {before[0][n]:7.2f} ± {before[1][n]:.2f} before, "
            f"{after[0][n]:7.2f} ± {after[1][n]:.2f} after"
        )
    widths = ", ".join(f"{width:.3f}" for width in fitted.resolution)
    print(
        f"tail = {tail:.3f} ± {tail_error:.3f}; resolution × {factor:.3f} ± {factor_error:.3f}: ({widths})\n"
    )


def scale_of(sample: TriggerSample, menu: Menu, item: str) -> tuple[Rate, float, float]:
    """The rate of `item`, and the factor on momenta, with its error, that leads to the published one.

    Momenta come in steps, so thresholds for a rate do, too: the factor follows from the rate at the threshold
    and the power of the threshold with which it falls.
    """
    wanted = published(menu, item)
    rate = menu_rates(menu, [sample]).l1.total[item]
    low, high = (
        threshold_for_rate(menu, item, [sample], f"{rate.figure.value * part} kHz").threshold.value
        for part in AROUND
    )
    power = math.log(AROUND[0] / AROUND[1]) / math.log(high / low)
    factor = (wanted / rate.figure.value) ** (1 / power)
    return rate, factor, factor * (rate.figure.error or 0.0) / rate.figure.value / power


def print_scale(sample: TriggerSample, menu: Menu, kind: str, items: Sequence[str]) -> None:
    """The factor on the energy of objects of one kind."""
    factors, errors = [], []
    for item in items:
        rate, factor, error = scale_of(sample, menu, item)
        factors.append(factor)
        errors.append(error)
        print(f"{item:<18}{published(menu, item):>8g} kHz published, {rate.figure.number()} kHz here")
    weights = np.array(errors) ** -2.0
    factor = float((np.array(factors) * weights).sum() / weights.sum())
    setting = SCALES[kind]
    old = getattr(CALORIMETER_TRIGGERS[sample.detector], setting)
    # the rates of one scan share their events: the error is that of the best one
    print(f"{setting} × {factor:.3f} ± {min(errors):.3f}: {old:g} → {old * factor:.3f}\n")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("sample", type=Path)
    sample = open_trigger_sample(parser.parse_args(arguments).sample)
    fitted = RULES["fitted"][sample.detector]
    menu = load_menu(fitted["menu"])
    print(f"{menu.name} on {sample.path}: pile-up {sample.pileup:g}\n")
    for kind, items in fitted["items"].items():
        if kind == "mu":
            print_muons(sample, menu, items)
        else:
            print_scale(sample, menu, kind, items)
    return 0


if __name__ == "__main__":
    sys.exit(main())
