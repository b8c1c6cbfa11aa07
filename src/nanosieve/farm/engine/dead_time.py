"""Dead time bunch by bunch: which candidates of a hardware trigger the rules let through.

A candidate arises in each filled crossing independently. Where candidates are rare, only their crossings
are visited: the number of filled crossings to the next one is geometric, so that nothing is approximated by
the leap, and levels of buckets and buffers follow from the time elapsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError
from nanosieve.farm.engine.batches import BATCHES, check_batches, fraction_of_batches
from nanosieve.farm.engine.checks import quantity
from nanosieve.farm.engine.compiled import compiled
from nanosieve.farm.engine.dead_time_rules import CROSSING_TIME, DeadTimeRules, HardwareTrigger
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.filling import SLOTS, FillingScheme

__all__ = ["DeadTime", "candidate_crossings", "simulate_dead_time", "veto"]

MOST_CANDIDATES = 100_000_000
"""Of a run; more would need more than some 4 GB of memory."""

FREQUENT = 0.05
"""Probability of a candidate from which on every crossing is visited, not only those with one."""

AT_ONCE = 32
"""Orbits for which numbers are drawn at once: few enough to stay in the cache."""

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DeadTime:
    """What a hardware trigger lets through.

    Attributes:
        live: accepted / candidates in %; one minus the dead time that is quoted as ``1 - TAV / TAP``.
        losses: rule → % of the candidates that it vetoed first.
        candidates: rate before the veto in kHz (TAP: after prescale).
        accepted: rate after the veto in kHz (TAV).
        crossings: (N,) number of the accepted crossings, counted in bunch slots from the start of the run.
        times: (N,) when their decisions leave the trigger, in s.
        duration: simulated, in s.
    """

    live: Figure
    losses: Mapping[str, Figure]
    candidates: Figure
    accepted: Figure
    crossings: Whole
    times: Floats
    duration: float


def simulate_dead_time(
    trigger: HardwareTrigger,
    scheme: FillingScheme,
    *,
    duration: float | str = 1.0,
    seed: int = 0,
    batches: int = BATCHES,
) -> DeadTime:
    """Run a hardware trigger over a filling scheme.

    Args:
        trigger: rate of candidates, rules, latency.
        scheme: filled bunch slots.
        duration: in s, or with a unit; whole orbits are simulated.
        seed: same seed, same accepts.
        batches: for the errors.

    Raises:
        SettingsError: more candidates than filled crossings, or a run of less than an orbit per batch.
    """
    check_batches(batches)
    seconds = quantity(duration, "s", name="dead time: duration", example="1 s", zero=False)
    orbits = int(seconds / (SLOTS * CROSSING_TIME) + 1e-9) if np.isfinite(seconds) else 0
    if orbits < batches:
        message = f"dead time: duration = {duration!r} must be finite and at least {batches} orbits of 89 µs"
        raise SettingsError(message)
    candidates = candidate_crossings(trigger, scheme, orbits, np.random.default_rng(seed))
    cause = veto(candidates, trigger.rules)
    kept = candidates[cause == 0]
    names = trigger.rules.names
    starts = np.searchsorted(candidates, np.arange(batches + 1) * (orbits * SLOTS) // batches)
    parts = np.zeros((len(names) + 1, batches))
    _count(cause, starts, parts)
    offered = np.diff(starts).astype(np.float64)
    span = orbits * SLOTS * CROSSING_TIME
    return DeadTime(
        fraction_of_batches(parts[0], offered),
        {name: fraction_of_batches(each, offered) for name, each in zip(names, parts[1:], strict=True)},
        _rate(offered, span),
        _rate(parts[0], span),
        kept,
        (kept + trigger.depth) * CROSSING_TIME,
        span,
    )


def candidate_crossings(
    trigger: HardwareTrigger, scheme: FillingScheme, orbits: int, rng: np.random.Generator
) -> Whole:
    """(N,) ascending bunch slots, counted through all orbits, in which a candidate arises.

    Raises:
        SettingsError: a probability above 1 in some crossing; slot weights that are all zero.
    """
    expected = float(trigger.rate) * orbits * SLOTS * CROSSING_TIME
    if expected > MOST_CANDIDATES:
        message = (
            f"hardware trigger: {expected:.3g} candidates; accepted: up to {MOST_CANDIDATES:,} in a run; "
            "shorten it"
        )
        raise SettingsError(message)
    weights = np.array([trigger.slot_weights.get(int(slot), 1.0) for slot in scheme.slots])
    if not weights.sum() > 0:
        message = f"hardware trigger: slot_weights of scheme {scheme.name!r} are all zero; raise some"
        raise SettingsError(message)
    mean = float(trigger.rate) / scheme.crossing_rate
    probability = mean * weights / weights.mean()
    highest = float(probability.max())
    if highest > 1:
        message = (
            f"hardware trigger: rate = {trigger.rate:g} Hz is more than the filled crossings of "
            f"{scheme.name!r} can give ({scheme.crossing_rate:.6g} Hz); lower it"
        )
        raise SettingsError(message)
    if highest > FREQUENT:
        return _every_crossing(probability.astype(np.float32), np.asarray(scheme.slots), orbits, rng)
    filled = orbits * scheme.bunches
    number = _geometric_walk(highest, filled, rng)
    if not (weights == weights[0]).all():  # thinning
        number = number[rng.random(len(number)) * highest < probability[number % scheme.bunches]]
    return np.asarray(number // scheme.bunches * SLOTS + scheme.slots[number % scheme.bunches])


def _every_crossing(probability: Any, slots: Any, orbits: int, rng: np.random.Generator) -> Whole:
    """Ascending bunch slots, counted through all orbits, present with the `probability` of their bunch."""
    found, number = np.empty(orbits * len(slots), dtype=np.int64), 0
    room = np.empty((AT_ONCE, len(slots)), dtype=np.float32)
    for first in range(0, orbits, AT_ONCE):
        drawn = room[: orbits - first]
        rng.random(out=drawn, dtype=np.float32)
        number = _fired(drawn, probability, slots, first, found, number)
    return found[:number]


def _geometric_walk(probability: float, length: int, rng: np.random.Generator) -> Whole:
    """Ascending numbers below `length`, each present with `probability`."""
    parts, reached = [], -1
    while reached < length:
        expected = (length - reached) * probability
        steps = rng.geometric(probability, size=int(expected + 5 * expected**0.5) + 16)
        parts.append(reached + np.cumsum(steps))
        reached = int(parts[-1][-1])
    number = np.concatenate(parts)
    return np.asarray(number[number < length], dtype=np.int64)


def veto(crossings: Whole, rules: DeadTimeRules) -> NDArray[np.int8]:
    """(N,) 0 for an accept, or 1 + the place in ``rules.names`` of the first rule that vetoes.

    Args:
        crossings: (N,) ascending bunch slots of the candidates.
        rules: dead time.
    """
    cause = np.zeros(len(crossings), dtype=np.int8)
    front = rules.front_end
    _veto(
        np.asarray(crossings, dtype=np.int64),
        rules.simple,
        _table([(bucket.size, bucket.period) for bucket in rules.buckets]),
        _table([(window.accepts, window.crossings) for window in rules.windows]),
        front.depth if front else 0,
        front.readout if front else 0,
        cause,
    )
    return cause


def _table(rows: list[tuple[int, int]]) -> Whole:
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def _rate(counts: Floats, span: float) -> Figure:
    batches = len(counts)
    rates = counts * batches / span / 1000
    error = float(rates.std(ddof=1) / batches**0.5)
    return Figure(float(rates.mean()), "kHz", Provenance.SIMULATED, error=error)


@compiled
def _full_bucket(elapsed: Any, level: Any, buckets: Any, rule: Any) -> Any:
    """`rule` and the number of the first bucket without room, or 0."""
    for b in range(len(buckets)):
        if level[b] - elapsed > (buckets[b, 0] - 1) * buckets[b, 1]:
            return rule + b + 1
    return 0


@compiled
def _full_window(now: Any, accepts: Any, accepted: Any, windows: Any, rule: Any) -> Any:
    """`rule` and the number of the first window that has its accepts, or 0."""
    for w in range(len(windows)):
        if now - accepted[(accepts - windows[w, 0]) & (len(accepted) - 1)] < windows[w, 1]:
            return rule + w + 1
    return 0


@compiled
def _veto(crossings: Any, simple: Any, buckets: Any, windows: Any, depth: Any, readout: Any,
          cause: Any) -> None:  # fmt: skip
    """Fill `cause`. Levels of buckets are kept in BC, so that everything is a whole number."""
    long_ago = np.int64(-1) << 60
    level = np.zeros(len(buckets), dtype=np.int64)
    memory = 1
    while memory < max(windows[:, 0].max() if len(windows) else 1, depth):
        memory *= 2
    within = memory - 1  # the rings are as long as a power of two: a mask finds the place
    accepted = np.full(memory, long_ago)  # the last accepts, in a ring
    leaving = np.full(memory, long_ago)  # when they leave the front-end buffer
    last, departure, accepts = long_ago, long_ago, 0
    for n in range(len(crossings)):
        now = crossings[n]
        rule = 1 if simple > 0 else 0
        if now - last <= simple:
            cause[n] = 1
            continue
        vetoed = _full_bucket(now - last, level, buckets, rule)
        rule += len(buckets)
        if vetoed == 0:
            vetoed = _full_window(now, accepts, accepted, windows, rule)
        if vetoed == 0 and depth > 0 and leaving[(accepts - depth) & within] > now:
            vetoed = rule + len(windows) + 1
        cause[n] = vetoed
        if vetoed == 0:
            for b in range(len(buckets)):
                level[b] = max(0, level[b] - (now - last)) + buckets[b, 1]
            if depth > 0:
                departure = max(departure, now) + readout
                leaving[accepts & within] = departure
            accepted[accepts & within] = now
            last = now
            accepts += 1


@compiled
def _fired(drawn: Any, probability: Any, slots: Any, first: Any, found: Any, number: Any) -> Any:
    """Append to the `number` bunch slots in `found` those where `drawn` (orbits, bunches) is small enough."""
    orbits, bunches = drawn.shape
    for orbit in range(orbits):
        for bunch in range(bunches):
            found[number] = (first + orbit) * SLOTS + slots[bunch]
            if drawn[orbit, bunch] < probability[bunch]:
                number += 1
    return number


@compiled
def _count(cause: Any, starts: Any, parts: Any) -> None:
    """Add 1 to the row of every cause in `parts` (causes, batches), in the column of its batch."""
    for batch in range(len(starts) - 1):
        for n in range(starts[batch], starts[batch + 1]):
            parts[cause[n], batch] += 1
