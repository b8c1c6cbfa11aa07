"""The parts of a C++ source: integer types, literals, constant arrays and functions, each written once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph.fixed import Integers

__all__ = ["Source", "bits_of", "cast", "integer", "literal", "loops", "offset"]

WIDTH = 110


def bits_of(*values: Integers | int, narrowest: int = 32) -> int:
    """Bits of the narrowest C++ integer that holds all `values`, of `narrowest` … 64."""
    low, high = 0, 0
    for part in values:
        array = np.asarray(part, dtype=np.int64)
        low, high = min(low, int(array.min(initial=0))), max(high, int(array.max(initial=0)))
    return next(b for b in (8, 16, 32, 64) if b >= narrowest and -(1 << b - 1) <= low and high < 1 << b - 1)


def integer(bits: int) -> str:
    """The C++ type."""
    return f"std::int{bits}_t"


def literal(value: int) -> str:
    """`value` as C++ writes it; the type is int or, where that is too narrow, long long.

    >>> literal(5), literal(-(2**31)), literal(2**40)
    ('5', '(-2147483647 - 1)', '1099511627776LL')
    """
    if value == -(2**31):
        return "(-2147483647 - 1)"
    return str(value) if -(2**31) < value < 2**31 else f"{value}LL"


def cast(text: str, given: int, wanted: int) -> str:
    """An expression of `given` bits as one of `wanted` bits; whatever is narrower than int becomes int."""
    if max(given, 32) == wanted:
        return text
    return f"static_cast<{integer(wanted)}>({text})"


def offset(*axes: tuple[str, int, int]) -> str:
    """The place of an element: the sum of index times stride over `axes` (index, length, stride)."""
    parts = [i if stride == 1 else f"{i} * {stride}" for i, n, stride in axes if n > 1 and stride]
    return " + ".join(parts) or "0"


def loops(axes: Sequence[tuple[str, int]], body: Sequence[str]) -> list[str]:
    """`body` inside one loop for each of `axes` (index, length); an axis of length 1 needs none."""
    if any(length == 0 for _, length in axes):
        return []
    axes = [axis for axis in axes if axis[1] != 1]
    if not axes:
        return list(body)
    (index, length), *rest = axes
    head = f"for (std::size_t {index} = 0; {index} < {length}; ++{index}) {{"
    return [head, *(f"    {line}" for line in loops(rest, body)), "}"]


@dataclass
class Source:
    """Arrays and functions in the order in which they were asked for; equal ones are one.

    Attributes:
        arrays: definitions of the constant arrays.
        functions: definitions of the functions.
    """

    arrays: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    _array_names: dict[tuple[int, bytes], str] = field(default_factory=dict)
    _function_names: dict[str, str] = field(default_factory=dict)

    def array(self, values: NDArray[Any], narrowest: int = 8) -> tuple[str, int]:
        """Name and bits of the constant array with these `values`, row-major, of the narrowest type."""
        flat = np.ascontiguousarray(values, dtype=np.int64).reshape(-1)
        bits = bits_of(flat, narrowest=narrowest)
        key = (bits, flat.tobytes())
        if key not in self._array_names:
            name = self._array_names[key] = f"k{len(self._array_names)}"
            head = f"inline constexpr {integer(bits)} {name}[{max(flat.size, 1)}] = {{"
            self.arrays.append(f"{head}\n{_wrapped(flat)}}};" if flat.size else f"{head}0}};")
        return self._array_names[key], bits

    def term(
        self, values: Integers, index: str = "k", *, inner: str = "", care: NDArray[np.bool_] | None = None
    ) -> str:
        """What gives the entry of `values` at `index`: a number if all are equal, else an array.

        Args:
            values: one entry for each element, in the shape of the tensor.
            index: C++ expression of the flat index.
            inner: of the index along the last axis; default ``index % length``.
            care: the entries that matter.
        """
        used = values if care is None else values[care]
        if not used.size or np.all(used == used.flat[0]):
            return literal(int(used.flat[0]) if used.size else 0)
        if care is not None:
            values = np.where(care, values, used.flat[0])
        length = values.shape[-1]
        rows = values.reshape(-1, length)
        if len(rows) > 1 and np.all(rows == rows[0]):
            if length == 1:
                return literal(int(rows[0, 0]))
            return f"{self.array(rows[0])[0]}[{inner or f'{index} % {length}'}]"
        return f"{self.array(values)[0]}[{index}]"

    def function(self, kind: str, returns: str, parameters: Sequence[str], body: Sequence[str]) -> str:
        """Name of the function with this `body`; a new name begins with `kind`."""
        given = f"\n{' ' * 8}" + f",\n{' ' * 8}".join(parameters)
        lines = "".join(f"    {line}\n" for line in body)
        text = f"{given}) noexcept {{\n{lines}}}"
        key = f"{returns} {text}"
        if key not in self._function_names:
            name = self._function_names[key] = f"{kind}_{len(self._function_names)}"
            self.functions.append(f"inline {returns} {name}({text}")
        return self._function_names[key]


def _wrapped(values: Integers) -> str:
    lines, line = [], "   "
    for text in map(literal, values.tolist()):
        if len(line) + len(text) + 2 > WIDTH:
            lines.append(line)
            line = "   "
        line += f" {text},"
    return "".join(f"{line}\n" for line in [*lines, line])
