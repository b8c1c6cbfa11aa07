"""The cheapest feed for the slots of a layer: which elements are tapped and which are captured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from nanosieve.compiler.graph import Integers
from nanosieve.compiler.hardware.delay_lines import delay_cost
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.feed import (
    Capture,
    Choice,
    Feed,
    FeedPort,
    Lane,
    Literal,
    Stored,
    Tap,
    Words,
)
from nanosieve.errors import FoldingError

__all__ = ["Reads", "plan_feed"]


@dataclass(frozen=True)
class Reads:
    """What a kernel reads, as arrays (ports, slots).

    Attributes:
        lanes: the lanes that `lane` counts.
        low, high, exponent: of each port (ports,).
        lane: which lane holds the element; -1 for a constant.
        arrival: the cycle in which it stands there, from the first of the event; of an element that the
            kernel itself makes the stage in which it leaves the kernel.
        own: the slot of this kernel that makes it; -1 for elements of other layers.
        code: the constant.
        late: whether the element comes too late in its cycle to go through a multiplexer.
        stored: which of the `weights` is read, where `lane` is -1; -1 for a constant. None: no weights.
        weights: that can be reloaded.
    """

    lanes: tuple[Lane, ...]
    low: Integers
    high: Integers
    exponent: Integers
    lane: Integers
    arrival: Integers
    own: Integers
    code: Integers
    late: np.typing.NDArray[np.bool_]
    stored: Integers | None = None
    weights: tuple[Element, ...] = ()

    @property
    def ports(self) -> int:
        """Number of ports."""
        return len(self.low)

    @property
    def slots(self) -> int:
        """Number of slots."""
        return int(self.lane.shape[1])

    @cached_property
    def kept(self) -> np.typing.NDArray[np.bool_]:
        """Whether a slot reads what the slot before it read (ports, slots)."""
        same = np.zeros(self.lane.shape, dtype=bool)
        pairs = [array[:, 1:] == array[:, :-1] for array in (self.lane, self.arrival, self.own, self.code)]
        same[:, 1:] = np.logical_and.reduce(pairs)
        return same

    def arrivals(self, start: Integers) -> Integers:
        """The cycle in which every element stands on its lane, when slot ``j`` begins at ``start[j]``."""
        return np.where(self.own >= 0, start[np.maximum(self.own, 0)], 0) + self.arrival


def _line_cost(depths: Sequence[int], width: int) -> tuple[float, float]:
    """LUTs and registers of a delay line with taps."""
    stretches = [delay_cost(after - before) for before, after in pairwise([0, *depths])]
    return width * sum(lut for lut, _ in stretches), width * sum(ff for _, ff in stretches)


def plan_feed(reads: Reads, start: Integers, interval: int) -> Feed:
    """The cheapest feed for slots that begin in the cycles `start`.

    Args:
        reads: what each port reads in each slot.
        start: cycle of stage 0 of each slot (slots,), rising; every element is there a cycle before.
        interval: the number of cycles that two events are apart, at least.
    """
    reads = _with_lanes_in_use(reads)
    arrival = reads.arrivals(start)
    depth = start[np.newaxis] - 1 - arrival
    free = _free(reads, depth)
    captured = _lanes_to_capture(reads, arrival, depth, free, interval)
    ports = tuple(
        _port(reads, p, start, depth[p], bool(free[p]), captured, interval) for p in range(reads.ports)
    )
    return Feed(reads.lanes, ports, tuple(start.tolist()), interval)


def _with_lanes_in_use(reads: Reads) -> Reads:
    """The same without the lanes that no port reads."""
    used = np.flatnonzero(np.bincount(reads.lane[reads.lane >= 0], minlength=len(reads.lanes)))
    place = np.full(len(reads.lanes) + 1, -1)  # the last is for the lane -1
    place[used] = np.arange(len(used))
    return replace(reads, lanes=tuple(reads.lanes[n] for n in used.tolist()), lane=place[reads.lane])


def _free(reads: Reads, depth: Integers) -> np.typing.NDArray[np.bool_]:
    """Which ports are the same tap in every slot."""
    same_lane = (reads.lane == reads.lane[:, :1]).all(axis=1) & (reads.lane[:, 0] >= 0)
    return np.asarray(same_lane & (depth == depth[:, :1]).all(axis=1) & ~reads.kept.any(axis=1))


def _port(
    reads: Reads, p: int, start: Integers, depth: Integers, free: bool, captured: set[int], interval: int
) -> FeedPort:
    ends = int(reads.low[p]), int(reads.high[p]), int(reads.exponent[p])
    if free:
        lane, last = int(reads.lane[p, 0]), int(start[-1])
        seen = Capture(lane, int(start[0]) - 1 - int(depth[0]))
        once = len(depth) == 1  # else the tap holds another element in each slot
        keep = once and lane in captured and depth[0] > 0 and last - seen.cycle <= interval
        source = seen if keep else Tap(lane, int(depth[0]) + 1)
        return FeedPort(*ends, (source,), ((0, 0),), True, False)
    if (reads.lane[p] < 0).all():
        stored = reads.stored is not None and (reads.stored[p] >= 0).any()
        return _weights(reads, p, start) if stored else _constants(reads, p, start)
    kept = reads.kept[p]
    fresh = np.flatnonzero(~kept)
    phases, cycles = (start[fresh] - start[0]).tolist(), (start[fresh] - 1 - depth[fresh]).tolist()
    lanes, codes, depths = (array[fresh].tolist() for array in (reads.lane[p], reads.code[p], depth))
    words = tuple((phase, code) for phase, code, lane in zip(phases, codes, lanes, strict=True) if lane < 0)
    several = len({code for _, code in words}) > 1
    choices: dict[tuple[int, bool, int], int] = {}  # lane, whether captured, number
    loads = []
    for phase, lane, code, ago, cycle in zip(phases, lanes, codes, depths, cycles, strict=True):
        if lane < 0:
            choice = lane, False, 0 if several else code
        else:
            late = bool(ago) and lane in captured
            choice = lane, late, cycle if late else ago
        loads.append((phase, choices.setdefault(choice, len(choices))))
    made = tuple(
        (Capture(lane, number) if late else Tap(lane, number))
        if lane >= 0
        else (Words(words) if several else Literal(number))
        for lane, late, number in choices
    )
    only = made[0]
    if len(made) == 1 and isinstance(only, Capture) and start[-1] - only.cycle <= interval:
        return FeedPort(*ends, made, ((0, 0),), True, bool(kept.any()))
    return FeedPort(*ends, made, tuple(loads), False, bool(kept.any()))


def _constants(reads: Reads, p: int, start: Integers) -> FeedPort:
    """A port that reads nothing but constants: a column of the table."""
    ends = int(reads.low[p]), int(reads.high[p]), int(reads.exponent[p])
    codes, which = np.unique(reads.code[p], return_inverse=True)
    loads = zip((start - start[0]).tolist(), which.tolist(), strict=True)
    return FeedPort(*ends, tuple(Literal(code) for code in codes.tolist()), tuple(loads), False, False)


def _weights(reads: Reads, p: int, start: Integers) -> FeedPort:
    """A port that reads weights that can be reloaded: a column of their rows."""
    assert reads.stored is not None
    ends = int(reads.low[p]), int(reads.high[p]), int(reads.exponent[p])
    choices: dict[Choice, int] = {}
    loads = []
    for j, (which, code) in enumerate(zip(reads.stored[p].tolist(), reads.code[p].tolist(), strict=True)):
        weight = reads.weights[which] if which >= 0 else None
        if weight is None and code:
            message = f"weights that can be reloaded share port {p} with the constant {code}"
            raise FoldingError(message)
        choice = Stored(weight, weight.exponent - ends[2]) if weight else Literal(code)
        loads.append((int(start[j] - start[0]), choices.setdefault(choice, len(choices))))
    return FeedPort(*ends, tuple(choices), tuple(loads), False, False)


def _lanes_to_capture(
    reads: Reads, arrival: Integers, depth: Integers, free: np.typing.NDArray[np.bool_], interval: int
) -> set[int]:
    """The lanes of which single elements are kept, because a line with all taps would cost more."""
    taps: dict[int, set[int]] = {}
    steady = free & (reads.slots > 1)  # what is read once can be kept as well
    for p in np.flatnonzero(steady):
        taps.setdefault(int(reads.lane[p, 0]), set()).add(int(depth[p, 0]) + 1)
    loaded = ~reads.kept & (reads.lane >= 0) & ~steady[:, np.newaxis]
    lanes, delays, cycles = reads.lane[loaded], depth[loaded], arrival[loaded]
    ports = np.nonzero(loaded)[0]
    chosen: set[int] = set()
    order = np.argsort(lanes, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(lanes[order])) + 1):
        ago = delays[rows].tolist()
        if not 0 < max(ago, default=0) <= interval:
            continue
        lane = int(lanes[rows[0]])
        width, base = reads.lanes[lane].width, taps.get(lane, set())
        # a multiplexer has an input for each depth, or for each element and for the lane itself
        inputs = list(zip(ports[rows].tolist(), ago, cycles[rows].tolist(), strict=True))
        late = {cycle for _, delay, cycle in inputs if delay > 0}
        before = _line_cost(sorted(base), width)
        after = _line_cost(sorted(base | {delay for delay in ago if delay > 0}), width)
        line = after[0] - before[0] + (after[1] - before[1]) / 2
        line += width * len({(port, delay) for port, delay, _ in inputs}) / 3
        capture = width * len(late) / 2
        capture += width * len({(port, cycle if delay > 0 else None) for port, delay, cycle in inputs}) / 3
        if capture < line:
            chosen.add(lane)
    return chosen
