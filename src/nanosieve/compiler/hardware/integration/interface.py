"""The interface of a design as ``design.json`` states it: its buses, beats, latency and interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Bus", "Element", "Interface"]


@dataclass(frozen=True)
class Element:
    """One number: bits ``[lsb +: width]`` of the bus in one beat, value ``code * 2**exponent``."""

    lsb: int
    width: int
    signed: bool
    exponent: int
    beat: int = 0

    @property
    def type(self) -> str:
        """The fixed-point type as in ap_fixed, ``fixed<W,I>`` or ``ufixed<W,I>``."""
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.width + self.exponent}>"


@dataclass(frozen=True)
class Bus:
    """A port of the top module; it carries its elements in `beats` cycles on end."""

    name: str
    bus: str
    elements: tuple[Element, ...]
    beats: int = 1

    @property
    def width(self) -> int:
        """Bits of the port."""
        return max(1, *(element.lsb + element.width for element in self.elements))

    @property
    def bytes(self) -> int:
        """Bytes of a stream that carries it."""
        return -(-self.width // 8)


@dataclass(frozen=True)
class Interface:
    """What a neighbour of the design has to know.

    Attributes:
        name: of the top module.
        device: of the budget.
        clock_mhz: of the budget.
        latency: cycles from the first beat of the inputs to the first of the outputs.
        interval: cycles from the first beat of an event to that of the next, at least.
        inputs: buses, in the order of the ports.
        outputs: likewise.
        modules: names of all Verilog modules.
        files: Verilog files, relative to the folder of the design.
    """

    name: str
    device: str
    clock_mhz: float
    latency: int
    interval: int
    inputs: tuple[Bus, ...]
    outputs: tuple[Bus, ...]
    modules: frozenset[str]
    files: tuple[str, ...]

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> Interface:
        """The interface of the content of ``design.json``; a bus that states no beats has one."""
        modules: Mapping[str, Mapping[str, Any]] = manifest["modules"]
        return cls(
            name=manifest["name"],
            device=manifest["device"],
            clock_mhz=float(manifest["clock_mhz"]),
            latency=manifest["latency_cycles"],
            interval=manifest["interval_cycles"],
            inputs=_buses(manifest["inputs"]),
            outputs=_buses(manifest["outputs"]),
            modules=frozenset(modules),
            files=tuple(dict.fromkeys(module["file"] for module in modules.values())),
        )

    @property
    def period_ns(self) -> float:
        """Clock period in ns."""
        return 1e3 / self.clock_mhz

    def unused(self, name: str) -> str:
        """`name`, with a number behind it if a module of the design is called so (in whatever case)."""
        taken = {module.lower() for module in self.modules}
        text, n = name, 2
        while text.lower() in taken:
            text, n = f"{name}_{n}", n + 1
        return text


def _buses(entries: Iterable[Mapping[str, Any]]) -> tuple[Bus, ...]:
    return tuple(
        Bus(
            entry["name"],
            entry["bus"],
            tuple(
                Element(e["lsb"], e["width"], e["signed"], e["exponent"], e.get("beat", 0))
                for e in entry["elements"]
            ),
            entry.get("beats", 1),
        )
        for entry in entries
    )
