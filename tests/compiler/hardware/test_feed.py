"""Feeds, the times of slots and the pulses of events, on reads made by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nanosieve.compiler.hardware.feed import Capture, Feed, Lane, Literal, Tap
from nanosieve.compiler.hardware.feed_plan import Reads, plan_feed
from nanosieve.compiler.hardware.slot_times import best_feed, soonest
from nanosieve.compiler.hardware.timeline import timeline


def reads(arrival: list[list[int]], own: list[list[int]] | None = None, width: int = 8) -> Reads:
    """Ports that read one lane, at the cycles `arrival` (ports, slots); -1 for the constant 5."""
    cycles = np.array(arrival)
    ports = len(cycles)
    constant = cycles < 0
    return Reads(
        (Lane("x", 0, 0, (1 << width) - 1, 0),),
        np.zeros(ports, dtype=np.int64),
        np.full(ports, (1 << width) - 1),
        np.zeros(ports, dtype=np.int64),
        np.where(constant, -1, 0),
        np.maximum(cycles, 0),
        np.full(cycles.shape, -1) if own is None else np.array(own),
        np.where(constant, 5, 0),
        np.zeros(cycles.shape, dtype=bool),
    )


def test_a_window_at_a_fixed_distance_is_taps() -> None:
    """Three neighbours, one position further in every slot."""
    feed = best_feed(reads([[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]), 8)
    assert feed is not None
    assert all(port.free for port in feed.ports)
    depths = [port.choices[0].depth for port in feed.ports if isinstance(port.choices[0], Tap)]
    assert depths == [3, 2, 1]
    assert feed.captures == ()
    assert feed.start == (3, 4, 5, 6)


def test_old_elements_are_captured_and_not_delayed() -> None:
    """Two elements of a lane that are read much later: two registers cost less than a line of 43 cycles."""
    feed = plan_feed(reads([[0, 40, 40, 0]]), np.array([41, 42, 43, 44]), 60)
    assert feed.captures == (Capture(0, 0), Capture(0, 40))
    assert feed.lines == ()


def test_a_tap_is_no_capture() -> None:
    """A port at a fixed distance reads another element in each slot, whatever the other ports do."""
    given = reads([[0, 2], [1, -1]])
    feed = plan_feed(given, np.array([10, 12]), 20)
    assert feed.captures == (Capture(0, 1),)
    assert feed.ports[0].choices == (Tap(0, 10),)


def test_beyond_the_interval_nothing_is_captured() -> None:
    """The next event would overwrite what is still read."""
    given = reads([[0, 40, 40, 0]])
    feed = plan_feed(given, np.array([41, 42, 43, 44]), 30)
    assert feed.captures == ()
    assert [line.depths[-1] for line in feed.lines] == [43]


def test_kept_ports_load_once() -> None:
    feed = plan_feed(reads([[0, 0, 0, 3]]), np.array([4, 5, 6, 7]), 16)
    (port,) = feed.ports
    assert port.keeps
    assert [phase for phase, _ in port.loads] == [0, 3]


def test_constants_are_a_table() -> None:
    feed = plan_feed(reads([[-1, -1]]), np.array([2, 3]), 4)
    (port,) = feed.ports
    assert port.table
    assert port.choices == (Literal(5),)
    assert feed.lanes == ()


def needed(feed: Feed) -> int:
    return feed.needed_interval


def test_needed_interval() -> None:
    """As many cycles as there are from the first slot to the last, or that a captured element is read."""
    taps = best_feed(reads([[0, 1, 2, 3]]), 10)
    assert taps is not None
    assert needed(taps) == 4
    captured = plan_feed(reads([[0, 40, 40, 0]]), np.array([41, 42, 43, 44]), 60)
    assert needed(captured) == 43  # loaded in cycle 43


def test_slots_that_do_not_fit() -> None:
    assert best_feed(reads([[0, 1, 2, 3]]), 3) is None


def test_a_recurrence_waits_for_its_own_output() -> None:
    """Stage 5 of the slot before is read by the next: six cycles for each."""
    given = reads([[0, 5, 5], [0, 1, 2]], own=[[-1, 0, 1], [-1, -1, -1]])
    assert np.diff(soonest(given)).tolist() == [6, 6]
    assert best_feed(given, 12) is None
    assert best_feed(given, 13) is not None


@pytest.mark.parametrize("interval", [1, 2, 7, 30])
def test_pulses_come_in_their_cycle(interval: int) -> None:
    """Stretches of registers and counters add up to the cycle of each pulse."""
    cycles = [1, 5, 12, 13, 40, 41, 100]
    lines, names = timeline(cycles, interval)
    assert set(cycles) <= set(names)
    text = "\n".join(lines)
    counted = [int(n) for n in re.findall(r"_left <= \d+'d(\d+);", text)]
    assert all(n <= max(interval, 12) for n in counted if n)
    assert f"busy == {(interval - 1).bit_length()}'d0" in text or interval == 1
