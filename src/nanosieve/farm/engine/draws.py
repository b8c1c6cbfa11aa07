"""All chance of a run, drawn before it starts: classes, sizes, service times, verdicts, outages of nodes.

Each kind of number has a stream of its own, which depends on the seed and on nothing else, so that two
farms with the same seed meet the same events: their difference is that of the farms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.farm.engine.farm import Failures, Farm

__all__ = ["Drawn", "draw_events", "draw_outages", "stream"]

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

ARRIVALS, CLASSES, SIZES, OUTAGES, STAGES = range(5)


def stream(seed: int, kind: int, part: int = 0) -> np.random.Generator:
    """The stream of random numbers of a kind; the streams of stages count on in `part`."""
    return np.random.default_rng([seed, kind, part])


@dataclass(frozen=True, eq=False)
class Drawn:
    """Events before they meet a farm.

    Attributes:
        event_class: (N,) place in ``farm.classes``.
        size: (N,) in byte.
        work: (N, S) service times in s, whether or not a stage is reached.
        verdict: (N,) stage whose end rejects the event; S for one that passes all.
    """

    event_class: Whole
    size: Floats
    work: Floats
    verdict: Whole

    def chosen(self, places: Whole) -> Drawn:
        """Those of (M,) places."""
        return Drawn(self.event_class[places], self.size[places], self.work[places], self.verdict[places])

    @property
    def reached(self) -> NDArray[np.bool_]:
        """(N, S) whether an event gets to a stage, if nothing is lost."""
        return np.asarray(np.arange(self.work.shape[1]) <= self.verdict[:, None])


def draw_events(farm: Farm, number: int, seed: int) -> Drawn:
    """Draw what `number` events are."""
    bounds = np.cumsum([each.fraction for each in farm.classes])[:-1]
    event_class = np.searchsorted(bounds, stream(seed, CLASSES).random(number), side="right")
    sizes = stream(seed, SIZES)
    common = sizes.standard_normal(number)
    size = np.empty(number)
    members = [np.flatnonzero(event_class == k) for k in range(len(farm.classes))]
    for each, mine in zip(farm.classes, members, strict=True):
        size[mine] = each.size.draw(common[mine], sizes)
    work = np.empty((number, len(farm.stages)))
    verdict = np.full(number, len(farm.stages), dtype=np.int64)
    for s, stage in enumerate(farm.stages):
        rng = stream(seed, STAGES, s)
        own, passes = rng.standard_normal(number), rng.random(number)
        for each, mine in zip(farm.classes, members, strict=True):
            rho = each.correlation
            normal = rho * common[mine] + (1 - rho * rho) ** 0.5 * own[mine]
            work[mine, s] = stage.service_of(each.name).draw(normal, rng)
            rejected = mine[passes[mine] >= stage.keep_of(each.name)]
            verdict[rejected] = np.minimum(verdict[rejected], s)
    return Drawn(event_class, size, work, verdict)


def draw_outages(failures: Failures | None, nodes: int, duration: float, seed: int) -> tuple[Floats, Whole]:
    """(F,) ascending times, and (F,) the node that fails, or its complement where it comes back.

    A node that is down at the end of the run comes back behind it, so that the farm can be emptied.
    """
    if failures is None:
        return np.empty(0), np.empty(0, dtype=np.int64)
    times, of = [], []
    for node in range(nodes):
        rng, time = stream(seed, OUTAGES, node), 0.0
        while True:
            time += rng.exponential(float(failures.mean_up))
            if time >= duration:
                break
            times.append(time)
            of.append(node)
            time += rng.exponential(float(failures.mean_down))
            times.append(time)
            of.append(~node)
    order = np.argsort(times, kind="stable")
    return np.asarray(times, dtype=np.float64)[order], np.asarray(of, dtype=np.int64)[order]
