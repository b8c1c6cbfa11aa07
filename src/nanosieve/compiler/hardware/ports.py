"""The flat buses of the top module: where each element of an input or output lies, and what it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nanosieve.compiler.graph import TensorType
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.verilog import Bus

__all__ = ["Layout", "Port", "elements_to_dicts", "input_port", "layout_of", "output_port"]

Layout = tuple[tuple[int, int], ...]
"""(lowest bit, width) of every lane of a bus."""


@dataclass(frozen=True)
class Port:
    """A flat bus of the top module: lane ``n`` occupies ``bus[lsb[n] +: width[n]]``.

    Attributes:
        elements: of the input or output; of an input in several beats their arrival is the beat.
        layout: of the lanes.
        ranges: of an input: the codes that each element can have, where its lane holds others' too.
        kept: of an output: the bits of each element that vary and stand in registers.
    """

    name: str
    bus: str
    elements: tuple[Element, ...]
    layout: Layout
    ranges: tuple[tuple[int, int], ...] = ()
    kept: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Bits of the bus."""
        return sum(width for _, width in self.layout)

    @property
    def beats(self) -> int:
        """Cycles in which an event enters."""
        return 1 + max((e.arrival.stage for e in self.elements), default=0) if self.ranges else 1

    def to_dict(self) -> dict[str, object]:
        """The JSON form."""
        places = [self.layout[e.index if self.ranges else n] for n, e in enumerate(self.elements)]
        rows = elements_to_dicts(self.elements, places)
        for row, e, (low, high) in zip(rows, self.elements, self.ranges, strict=False):
            row.update(low=low, high=high, beat=e.arrival.stage)
        return {"name": self.name, "bus": self.bus, "beats": self.beats, "elements": rows}


def elements_to_dicts(
    elements: Sequence[Element], layout: Sequence[tuple[int, int]]
) -> list[dict[str, object]]:
    """The JSON form of the elements of a bus."""
    return [
        {
            "lsb": lsb,
            "width": width,
            "signed": e.low < 0,
            "exponent": e.exponent,
            "low": e.low,
            "high": e.high,
        }
        for e, (lsb, width) in zip(elements, layout, strict=True)
    ]


def layout_of(widths: Sequence[int]) -> Layout:
    """Lanes of these widths, one above the other."""
    layout: Bus = []
    for width in widths:
        layout.append((sum(layout[-1]) if layout else 0, width))
    return tuple(layout)


def input_port(name: str, bus: str, elements: Sequence[Element], type: TensorType) -> Port:
    """An input whose elements enter in their beats."""
    widths = {e.index: e.width for e in elements}
    ranges = tuple((int(low), int(high)) for low, high in zip(type.low.flat, type.high.flat, strict=True))
    return Port(name, bus, tuple(elements), layout_of([widths[n] for n in sorted(widths)]), ranges)


def output_port(name: str, bus: str, lanes: Sequence[Element], type: TensorType) -> Port:
    """An output with its elements as the graph states them; a lane can have another width and step."""
    stated = zip(type.low.flat, type.high.flat, type.exponent.flat, strict=True)
    elements = tuple(
        replace(lane, low=int(low), high=int(high), exponent=int(exponent))
        for lane, (low, high, exponent) in zip(lanes, stated, strict=True)
    )
    kept = tuple(_kept(e, lane) for e, lane in zip(elements, lanes, strict=True))
    return Port(name, bus, elements, layout_of([e.width for e in elements]), kept=kept)


def _kept(element: Element, lane: Element) -> int:
    """Bits of the lane that the element has."""
    if element.low == element.high:
        return 0
    zeros, unused = max(0, lane.exponent - element.exponent), max(0, element.exponent - lane.exponent)
    return max(0, min(element.width - zeros, lane.width - unused))
