"""One weight flipped in generated Verilog: what an equality proof must find."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

KINDS: dict[str, tuple[str, Callable[[re.Match[str]], str]]] = {
    # a + b or a - b between two operands of an adder
    "add <-> subtract": (
        r"(?<== )(?P<a>\S.*?) (?P<op>[+-]) (?P<b>[$n(].*);",
        lambda m: f"{m['a']} {'-' if m['op'] == '+' else '+'} {m['b']};",
    ),
    # the zeros appended to an operand: its weight of 2**n
    "shift amount": (r"(?P<n>\d+)'b0\}\)", lambda m: f"{int(m['n']) - 1 or 2}'b0}})"),
    # the highest bit of a constant; the lowest may be below what a rounding keeps
    "constant bit": (
        r"(?<![\w'])(?P<w>\d+)'(?P<s>s?d)(?P<v>\d+)",
        lambda m: f"{m['w']}'{m['s']}{int(m['v']) ^ 1 << max(int(m['v']).bit_length() - 1, 0)}",
    ),
}


def places(text: str, kind: str) -> list[re.Match[str]]:
    """Where in a module text a mutation of this kind can be made."""
    return list(re.finditer(KINDS[kind][0], text))


def mutate(design: Path, file: str, kind: str, place: int = 0) -> str:
    """Change one place of ``design/file`` and say what was changed.

    Args:
        design: folder of a compiled design, changed in place.
        file: as `design.json` names it, e.g. ``"rtl/vae_dense_1.v"``.
        kind: one of `KINDS`.
        place: which of the possible places.
    """
    path = design / file
    text = path.read_text()
    match = places(text, kind)[place]
    changed = KINDS[kind][1](match)
    assert changed != match[0]
    path.write_text(text[: match.start()] + changed + text[match.end() :])
    return f"{match[0]} -> {changed}"
