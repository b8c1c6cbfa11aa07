"""Level-1 muons: what the muon chambers make of true muons, mis-measured transverse momentum included.

The rate of a single-muon trigger is mostly soft muons whose transverse momentum is overestimated: the
spectrum falls like a high power of it. The response is a log-normal core, wider towards the endcaps, and an
exponential tail towards higher values; the tail of each detector is fitted to published rates (see
``validation/rates``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.physics.events._geometry import Objects
from nanosieve.physics.events.crossings.level1_settings import MuonTrigger

__all__ = ["response", "trigger_muons"]

Floats = NDArray[np.float64]


BOOSTED = 15.0
BOOST = (6.0, 90.0)
"""GeV"""


def trigger_muons(
    muons: Objects, events: int, trigger: MuonTrigger, draw: np.random.Generator
) -> tuple[Objects, Floats, Floats]:
    """Candidates made of true muons; `code` keeps the PDG code, i.e. the charge.

    Mis-measurement of soft muons is rare and makes most of the rate. In half of the events with muons, all
    of them softer than `BOOSTED` GeV, the measured value of one, chosen at random, is therefore drawn from
    the density b instead of its true one p: uniform in its logarithm between the two ends of `BOOST`. The
    event then weighs 1 / (1/2 + 1/2 ⟨b/p⟩), the mean taken over the muons: at most 2, and every rate stays.

    Args:
        events: number of events N that the muons belong to.

    Returns:
        Candidates, the true transverse momentum of each in GeV, and the weights (N,) of the events.
    """
    momentum = muons.pt * np.cosh(muons.eta)
    reached = (np.abs(muons.eta) < trigger.eta_max) & (muons.pt > trigger.lowest_pt)
    reached &= (momentum > trigger.lowest_p) & (draw.random(len(muons)) < trigger.efficiency)
    seen = muons[reached].in_order()
    width = _width(seen.eta, trigger)
    logarithm = np.log(trigger.scale) + width * draw.standard_normal(len(seen))
    in_tail = draw.random(len(seen)) < trigger.tail
    logarithm += np.where(in_tail, draw.exponential(trigger.tail_slope, len(seen)), 0.0)
    hardest = np.zeros(events)
    np.maximum.at(hardest, seen.event, seen.pt)
    soft = np.flatnonzero(hardest[seen.event] < BOOSTED)
    weights, boosted = np.ones(events), _one_of_each(seen.event[soft], events, draw)
    low, high = np.log(BOOST[0] / seen.pt[soft]), np.log(BOOST[1] / seen.pt[soft])
    uniform = low + (high - low) * draw.random(len(soft))
    value = np.where(boosted, uniform, logarithm[soft])
    logarithm[soft] = value
    density = np.maximum(_density(value - np.log(trigger.scale), width[soft], trigger), 1e-300)
    other = ((value >= low) & (value < high)) / (high - low)
    number = np.bincount(seen.event[soft], minlength=events)
    ratio = np.bincount(seen.event[soft], other / density, minlength=events)
    some = number > 0
    weights[some] = 1 / (0.5 + 0.5 * ratio[some] / number[some])
    pt = np.minimum(seen.pt * np.exp(logarithm), trigger.highest_pt)
    pt = np.maximum(trigger.step * np.floor(pt / trigger.step), trigger.step)
    return seen.with_pt(pt), seen.pt, weights


def _one_of_each(event: NDArray[np.int64], events: int, draw: np.random.Generator) -> NDArray[np.bool_]:
    """Choose one muon at random in half of the events; `event` (n,) must not fall."""
    first = np.searchsorted(event, np.arange(events), side="left")
    number = np.bincount(event, minlength=events)
    chosen = first + (draw.random(events) * number).astype(np.int64)
    taken = (draw.random(events) < 0.5) & (number > 0)
    result = np.zeros(len(event), dtype=bool)
    result[chosen[taken]] = True
    return result


def response(pt: Floats, gen_pt: Floats, eta: Floats, trigger: MuonTrigger) -> Floats:
    """The probability that a candidate of true `gen_pt` is measured at `pt`, which is a multiple of the step.

    Ratios of it for two triggers turn a sample made with one into a sample of the other.
    """
    low = np.where(pt <= trigger.step, 0.0, pt)
    high = np.where(pt + trigger.step > trigger.highest_pt, np.inf, pt + trigger.step)
    width = _width(eta, trigger)
    with np.errstate(divide="ignore"):
        below, above = (np.log(edge / (gen_pt * trigger.scale)) for edge in (low, high))
    return _cumulative(above, width, trigger) - _cumulative(below, width, trigger)


def _width(eta: Floats, trigger: MuonTrigger) -> Floats:
    """Of the core."""
    return np.array(trigger.resolution)[np.searchsorted([0.8, 1.2], np.abs(eta))]


# The logarithm x of measured over median is a Gaussian, and in the tail its sum with an exponential of slope
# 1/λ. With T(x) = exp(λ²σ²/2 − λx) Φ(x/σ − λσ) the density of that sum is λ T, and its integral Φ(x/σ) − T.


def _density(x: Floats, width: Floats, trigger: MuonTrigger) -> Floats:
    gaussian = np.exp(-0.5 * (x / width) ** 2) / (width * np.sqrt(2 * np.pi))
    result: Floats = (1 - trigger.tail) * gaussian
    return result + trigger.tail / trigger.tail_slope * _folded(x, width, trigger)


def _cumulative(x: Floats, width: Floats, trigger: MuonTrigger) -> Floats:
    """The integral of `_density` up to `x`."""
    special = require("scipy.special", extra="events", purpose="the response of the muon trigger")
    finite = np.isfinite(x)
    folded = np.where(finite, _folded(np.where(finite, x, 0.0), width, trigger), 0.0)
    result: Floats = special.ndtr(x / width) - trigger.tail * folded
    return result


def _folded(x: Floats, width: Floats, trigger: MuonTrigger) -> Floats:
    """T."""
    special = require("scipy.special", extra="events", purpose="the response of the muon trigger")
    slope = 1 / trigger.tail_slope
    logarithm = special.log_ndtr(x / width - slope * width)
    result: Floats = np.exp(0.5 * (slope * width) ** 2 - slope * x + logarithm)
    return result
