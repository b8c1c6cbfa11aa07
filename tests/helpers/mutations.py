"""One fault planted in generated Verilog: what an equality proof must find."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

Change = tuple[str, str]
"""What was changed, and the text of the module with it."""


def _each(pattern: str, change: Callable[[re.Match[str]], str]) -> Callable[[str], Iterator[Change]]:
    """One fault for each match of the pattern, a line at a time."""

    def faults(text: str) -> Iterator[Change]:
        for match in re.finditer(pattern, text, re.MULTILINE):
            new = change(match)
            if new != match[0]:
                yield (
                    f"{match[0].strip()} -> {new.strip()}",
                    text[: match.start()] + new + text[match.end() :],
                )

    return faults


def _missing_registers(text: str) -> Iterator[Change]:
    """A register becomes the wire before it."""
    for match in re.finditer(r"^ +(?P<name>\w+) <= (?P<given>[^;?]+);\n", text, re.MULTILINE):
        name, given = match["name"], match["given"]
        declared = re.search(rf"^  reg (?P<kind>(signed )?\[\d+:0\]) {name};$", text, re.MULTILINE)
        if declared:
            without = text[: match.start()] + text[match.end() :]
            wire = f"  wire {declared['kind']} {name} = {given};"
            # the wire may be declared behind its use; `always` blocks that are left empty do no harm
            yield f"{name} is no register", without.replace(declared[0], wire)


def _swapped(match: re.Match[str]) -> str:
    high, low, name = int(match["high"]), int(match["low"]), match["name"]
    if high == low:
        return match[0]
    rest = f"{name}[{high - low}:2], " if high - low > 1 else ""
    return f"assign out[{high}:{low}] = {{{rest}{name}[0], {name}[1]}};"


def _constant(match: re.Match[str]) -> str:
    line = match.string[match.string.rfind("\n", 0, match.start()) + 1 :]
    if re.match(r" +(\d+'d\d+|default):", line):  # a row of a table
        return match[0]
    high = max(int(match["v"]).bit_length() - 1, 0)
    return f"{match['w']}'{match['s']}{_flipped(match['v'], high)}"


def _flipped(digits: str, bit: int) -> int:
    return int(digits) ^ 1 << bit


KINDS: dict[str, Callable[[str], Iterator[Change]]] = {
    # a + b or a - b between two operands of an adder
    "add <-> subtract": _each(
        r"(?<== )(?P<a>\S.*?) (?P<op>[+-]) (?P<b>[$n(].*);$",
        lambda m: f"{m['a']} {'-' if m['op'] == '+' else '+'} {m['b']};",
    ),
    # the zeros appended to an operand: its weight of 2**n
    "shift amount": _each(r"(?P<n>\d+)'b0\}\)", lambda m: f"{int(m['n']) - 1 or 2}'b0}})"),
    # the highest bit of a constant in an expression; the lowest may be below what a rounding keeps
    "constant bit": _each(r"(?<=[ (-])(?P<w>\d+)'(?P<s>s?d)(?P<v>\d+)", _constant),
    "sign of a wire": _each(r"^  (?P<kind>wire|reg) signed \[", lambda m: f"  {m['kind']} ["),
    "missing register": _missing_registers,
    "table entry": _each(
        r"^ +(?P<label>\d+'d\d+): (?P<name>n\d+) = (?P<w>\d+)'d(?P<v>\d+);$",
        lambda m: f"      {m['label']}: {m['name']} = {m['w']}'d{_flipped(m['v'], 0)};",
    ),
    "swapped output bits": _each(
        r"assign out\[(?P<high>\d+):(?P<low>\d+)\] = (?P<name>n\d+(_s\d+)?);", _swapped
    ),
}


def faults(text: str, kind: str) -> list[Change]:
    """All faults of one of `KINDS` that can be planted in a module."""
    return list(KINDS[kind](text))


def mutate(design: Path, file: str, kind: str, place: int = 0) -> str:
    """Change one place of ``design/file`` and say what was changed.

    Args:
        design: folder of a compiled design, changed in place.
        file: as `design.json` names it, e.g. ``"rtl/vae_dense_1.v"``.
        kind: one of `KINDS`.
        place: which of the possible places.
    """
    path = design / file
    change, text = faults(path.read_text(), kind)[place]
    path.write_text(text)
    return change
