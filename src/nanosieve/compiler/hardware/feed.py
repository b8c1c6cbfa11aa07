"""How the values that a layer reads come to it in time: the feed between its sources and its kernel.

A layer that works in several slots per event reads in each slot other elements, or other constants. For
every port of its kernel the compiler knows the element of every slot, the cycle in which that element
stood on its lane, and the cycle in which it is read. From that the feed is built of

- *taps*: the lane as it was a fixed number of cycles ago, from a delay line that all ports share (the line
  buffers of a convolution are such lines, and the tables of weights need none);
- *captures*: a register that keeps one element of an event until the next event brings it again;
- literals: constants, which differ from slot to slot (weights, zero padding).

A port that takes the same tap in every slot is that tap. Any other port is a register, loaded one cycle
before its slot from the choice that the phase of the event selects, and kept while a slot reads what the
slot before it read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nanosieve.compiler.graph import bit_width
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.memories import Memory, best_delay, best_rom, best_rows
from nanosieve.compiler.hardware.phases import repeats_after
from nanosieve.compiler.hardware.rows import unique_rows

__all__ = [
    "Capture",
    "Choice",
    "Feed",
    "FeedPort",
    "Lane",
    "Line",
    "Literal",
    "Stored",
    "Tap",
    "Words",
    "lane_of",
]


@dataclass(frozen=True)
class Lane:
    """Bits of the bus of `source` that hold an element after the other."""

    source: str
    index: int
    low: int
    high: int
    exponent: int

    @property
    def width(self) -> int:
        """Bits."""
        return max(bit_width(self.low, self.high), 1)


@dataclass(frozen=True)
class Tap:
    """Lane number `lane` of the feed, `depth` cycles ago."""

    lane: int
    depth: int


@dataclass(frozen=True)
class Capture:
    """What stood on lane number `lane` in the cycle `cycle` of the event."""

    lane: int
    cycle: int


@dataclass(frozen=True)
class Literal:
    """A constant code of the port."""

    code: int


@dataclass(frozen=True)
class Words:
    """Constants of the port, one for each phase in which it is chosen.

    Attributes:
        codes: phase → constant code of the port, by phase.
    """

    codes: tuple[tuple[int, int], ...]

    @cached_property
    def bits(self) -> int:
        """The low bits of the phase that tell the codes apart."""
        for bits in range(1, self.codes[-1][0].bit_length()):
            if len({(phase % (1 << bits), code) for phase, code in self.codes}) == len(
                {phase % (1 << bits) for phase, _ in self.codes}
            ):
                return bits
        return max(self.codes[-1][0].bit_length(), 1)


@dataclass(frozen=True)
class Stored:
    """A weight that can be reloaded.

    Attributes:
        weight: which.
        shift: its code is shifted by so much to the step of the port.
    """

    weight: Element
    shift: int


Choice = Tap | Capture | Literal | Words | Stored

PRICES = {"lut": 1.0, "ff": 0.5, "bram36": 550.0, "uram": 1250.0}
"""What memories cost in LUTs: as scarce as they are on the large devices of the catalogue."""
CHEAP_DEPTH = 64
"""Words of a table up to which a bit takes one LUT, however few they are."""
COUNTER = 2.5
"""LUTs of a counter for each bit, its register among them."""


@dataclass(frozen=True)
class Line:
    """A delay line with taps.

    Attributes:
        lanes: that go through it side by side.
        depths: cycles of delay at which it is read, rising.
        width: bits of all lanes.
    """

    lanes: tuple[int, ...]
    depths: tuple[int, ...]
    width: int

    @cached_property
    def stretches(self) -> tuple[Memory, ...]:
        """The delays between the taps."""
        lengths = np.diff([0, *self.depths])
        return tuple(best_delay(self.width, int(length), PRICES) for length in lengths)


@dataclass(frozen=True)
class FeedPort:
    """A port of the kernel.

    Attributes:
        low, high, exponent: its type.
        choices: what it can be loaded from.
        loads: (phase, choice) in order; a phase counts cycles from the first load of the event.
        free: the port is ``choices[0]`` always, without a register of its own.
        keeps: a value is read in more than one slot, so that nothing else may be loaded in between.
    """

    low: int
    high: int
    exponent: int
    choices: tuple[Choice, ...]
    loads: tuple[tuple[int, int], ...]
    free: bool
    keeps: bool

    @property
    def width(self) -> int:
        """Bits."""
        return max(bit_width(self.low, self.high), 1)

    @cached_property
    def table(self) -> bool:
        """Whether it holds nothing but constants."""
        return not self.free and all(isinstance(choice, Literal) for choice in self.choices)

    @cached_property
    def stored(self) -> bool:
        """Whether it holds weights that can be reloaded, and nothing else but constants."""
        return any(isinstance(choice, Stored) for choice in self.choices)


@dataclass(frozen=True)
class Feed:
    """All ports of a kernel.

    Attributes:
        lanes: what enters.
        ports: what leaves.
        start: cycle of stage 0 of each slot, from the first cycle of the event.
        interval: the number of cycles that two events are apart, at least.
    """

    lanes: tuple[Lane, ...]
    ports: tuple[FeedPort, ...]
    start: tuple[int, ...]
    interval: int

    @property
    def first_load(self) -> int:
        """The cycle in which phase 0 is."""
        return self.start[0] - 1

    @property
    def phases(self) -> int:
        """Cycles from the first load to the last."""
        return self.start[-1] - self.start[0] + 1

    @cached_property
    def captures(self) -> tuple[Capture, ...]:
        """The captures of all ports, by cycle."""
        found = {c for port in self.ports for c in port.choices if isinstance(c, Capture)}
        return tuple(sorted(found, key=lambda c: (c.cycle, c.lane)))

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The delay lines; lanes that are read at the same depths share one."""
        depths: dict[int, set[int]] = {}
        for port in self.ports:
            for choice in port.choices:
                if isinstance(choice, Tap) and choice.depth:
                    depths.setdefault(choice.lane, set()).add(choice.depth)
        together: dict[tuple[int, ...], list[int]] = {}
        for lane in sorted(depths):
            together.setdefault(tuple(sorted(depths[lane])), []).append(lane)
        return tuple(
            Line(tuple(lanes), found, sum(self.lanes[n].width for n in lanes))
            for found, lanes in together.items()
        )

    @cached_property
    def period(self) -> int:
        """Phases after which the tables begin again: those of a step where one cell makes all steps.

        All phases where the tables never repeat, or where the counter costs more than it saves.
        """
        tables = [port for port in self.ports if port.table or port.stored]
        if not tables or self.phases <= CHEAP_DEPTH:
            return self.phases
        chosen = np.array([[n for _, n in port.loads] for port in tables])
        phase = np.array(self.start) - self.start[0]
        period = repeats_after(unique_rows(chosen.T)[1], phase)
        counted = 0 if period & (period - 1) == 0 else COUNTER * period.bit_length()
        words = int((phase % period).max()) + 1
        return period if self._price(words) + counted < self._price(self.phases) else self.phases

    @cached_property
    def words(self) -> int:
        """Words of the tables: one for each phase of a period up to the last in which a slot begins."""
        return max((start - self.start[0]) % self.period for start in self.start) + 1

    @property
    def counts_rows(self) -> bool:
        """Whether the place in the tables is more than low bits of the phase."""
        return self.period < self.phases and self.period & (self.period - 1) != 0

    def _price(self, words: int) -> float:
        """Of the tables with so many words."""
        return sum(memory.price(PRICES) for memory in self._tables(words) if memory)

    def _tables(self, words: int) -> tuple[Memory | None, Memory | None]:
        constants = sum(port.width for port in self.ports if port.table)
        weights = sum(port.width for port in self.ports if port.stored)
        return (
            best_rom(constants, words, PRICES) if constants else None,
            best_rows(weights, words, PRICES) if weights else None,
        )

    @cached_property
    def table(self) -> Memory | None:
        """The constants of all ports that hold nothing else, a word for each phase of a period."""
        return self._tables(self.words)[0]

    @property
    def table_apart(self) -> bool:
        """Whether the table is a module of its own: among other logic Yosys takes twice its LUTs."""
        return self.table is not None and self.table.style == "distributed" and self.words > CHEAP_DEPTH

    @cached_property
    def rows(self) -> Memory | None:
        """The weights of all ports that hold them, a row for each phase of a period."""
        return self._tables(self.words)[1]

    @cached_property
    def memories(self) -> tuple[Memory, ...]:
        """The delays, the table and the rows of weights."""
        delays = [memory for line in self.lines for memory in line.stretches]
        return (*delays, *(memory for memory in (self.table, self.rows) if memory))

    @property
    def needed_interval(self) -> int:
        """The least number of cycles between two events with which this feed works."""
        last_read = dict.fromkeys(self.captures, 0)
        for port in self.ports:
            if port.table or port.stored:
                continue
            for phase, n in port.loads:
                choice = port.choices[n]
                if isinstance(choice, Capture):
                    read = self.start[-1] if port.free else self.first_load + phase
                    last_read[choice] = max(last_read[choice], read - choice.cycle)
        span = self.captures[-1].cycle - self.captures[0].cycle + 1 if self.captures else 1
        return max(self.phases, span, *last_read.values(), 1)

    @cached_property
    def cost(self) -> dict[str, float]:
        """LUT, FF, BRAM36 and URAM of memories, captures, multiplexers and counters; before synthesis."""
        total = dict.fromkeys(("lut", "ff", "bram36", "uram"), 0.0)
        total["ff"] += sum(self.lanes[c.lane].width for c in self.captures)
        for memory in self.memories:
            for kind, number in memory.cost.items():
                total[kind] += number
        for port in self.ports:
            if not (port.free or port.table or port.stored):
                total["lut"] += port.width * _choose_cost(port)
                total["ff"] += port.width
        if self.phases > 1 or self.captures:
            counter = self.phases.bit_length() + 1
            total["lut"] += 2 * counter
            total["ff"] += counter
        if self.counts_rows:
            total["lut"] += 2 * self.period.bit_length()
            total["ff"] += self.period.bit_length()
        return total


def _choose_cost(port: FeedPort) -> float:
    """LUTs of a tree of multiplexers, for each bit."""
    constants = sum(isinstance(choice, Literal) for choice in port.choices)
    tables = sum(max(0.5, 2.0 ** (c.bits - 6)) for c in port.choices if isinstance(c, Words))
    return max(0.0, (len(port.choices) - constants - 1) / 3 + (constants > 0) / 2) + tables


def lane_of(element: Element) -> Lane:
    """The lane on which an element stands."""
    return Lane(element.source, element.index, element.low, element.high, element.exponent)
