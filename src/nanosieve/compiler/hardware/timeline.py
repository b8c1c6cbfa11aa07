"""The pulses that tell the layers of the cycles of an event, made from `valid_in`."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["timeline"]

CHAIN = 12
"""Cycles up to which a pulse is delayed by registers; a longer delay is counted."""


def timeline(cycles: Iterable[int], interval: int, reset: str = "reset") -> tuple[list[str], dict[int, str]]:
    """Verilog of pulses.

    ``cycle_0`` is high in the first cycle of an event. An event begins where `valid_in` is high and the
    interval of the one before is over; in between `valid_in` says nothing.

    Args:
        cycles: those in which a pulse is wanted.
        interval: least number of cycles between two events.
        reset: what forgets all events.

    Returns:
        The lines, and cycle → the wire that is high in that cycle of every event.
    """
    lines = []
    if interval > 1:
        width = (interval - 1).bit_length()
        lines += [
            f"  // {interval} cycles belong to each event",
            f"  reg [{width - 1}:0] busy;",
            f"  wire cycle_0 = valid_in & (busy == {width}'d0);",
            "  always @(posedge clk)",
            f"    if ({reset}) busy <= {width}'d0;",
            f"    else if (cycle_0) busy <= {width}'d{interval - 1};",
            f"    else if (busy != {width}'d0) busy <= busy - {width}'d1;",
        ]
    else:
        lines.append("  wire cycle_0 = valid_in;")
    names = {0: "cycle_0"}
    last = 0
    for cycle in sorted(set(cycles) - {0}):
        while last < cycle:
            length = cycle - last if cycle - last <= CHAIN else min(cycle - last, interval)
            counted = length > CHAIN
            step = last + length if counted else last + min(length, CHAIN)
            lines += (_counted if counted else _chained)(names[last], f"cycle_{step}", step - last, reset)
            names[step] = f"cycle_{step}"
            last = step
    return lines, names


def _chained(given: str, name: str, length: int, reset: str) -> list[str]:
    if length == 1:
        return [f"  reg {name};", f"  always @(posedge clk) {name} <= ~{reset} & {given};"]
    moved = f"{{{name}_chain[{length - 2}:0], {given}}}"
    return [
        f"  reg [{length - 1}:0] {name}_chain;",
        f"  always @(posedge clk) {name}_chain <= {reset} ? {length}'d0 : {moved};",
        f"  wire {name} = {name}_chain[{length - 1}];",
    ]


def _counted(given: str, name: str, length: int, reset: str) -> list[str]:
    width = length.bit_length()
    return [
        f"  reg [{width - 1}:0] {name}_left;",
        "  always @(posedge clk)",
        f"    if ({reset}) {name}_left <= {width}'d0;",
        f"    else if ({given}) {name}_left <= {width}'d{length};",
        f"    else if ({name}_left != {width}'d0) {name}_left <= {name}_left - {width}'d1;",
        f"  wire {name} = {name}_left == {width}'d1;",
    ]
