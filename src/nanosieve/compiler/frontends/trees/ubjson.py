"""UBJSON (draft 12), the binary form of JSON in which XGBoost saves models."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

__all__ = ["read_ubjson"]

DEEPEST = 64
_NUMBERS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d"}
_ARRAYS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_WORDS = {"Z": None, "T": True, "F": False}


def read_ubjson(content: bytes) -> Any:
    """The value that `content` holds; arrays of one numeric type become NumPy arrays.

    Raises:
        ValueError: `content` is cut off, has a marker that UBJSON does not have, or is nested too deeply.

    >>> read_ubjson(b"{U\\x01a[$l#U\\x02" + bytes([0, 0, 0, 1, 0, 0, 0, 2]) + b"U\\x01bT}")
    {'a': array([1, 2], dtype='>i4'), 'b': True}
    """
    reader = _Reader(content)
    value = reader.value(reader.marker(), 0)
    if reader.at != len(content):
        message = f"{len(content) - reader.at} bytes are left over"
        raise ValueError(message)
    return value


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0

    def take(self, count: int) -> bytes:
        if not 0 <= count <= len(self.content) - self.at:
            message = "the file is cut off"
            raise ValueError(message)
        self.at += count
        return self.content[self.at - count : self.at]

    def marker(self) -> str:
        return chr(self.take(1)[0])

    def number(self, marker: str) -> int | float:
        form = _NUMBERS.get(marker)
        if form is None:
            message = f"marker {marker!r} at byte {self.at - 1}"
            raise ValueError(message)
        (number,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return number  # type: ignore[no-any-return]

    def length(self) -> int:
        return int(self.number(self.marker()))

    def text(self) -> str:
        return self.take(self.length()).decode("utf-8")

    def value(self, marker: str, depth: int) -> Any:
        if depth > DEEPEST:
            message = "it is nested too deeply"
            raise ValueError(message)
        if marker in _WORDS:
            return _WORDS[marker]
        if marker in "SH":
            return self.text()
        if marker == "C":
            return self.marker()
        if marker in "[{":
            return self._container(marker == "{", depth + 1)
        return self.number(marker)

    def _container(self, named: bool, depth: int) -> Any:
        kind = count = None
        following = self.marker()
        if following == "$":
            kind, following = self.marker(), self.marker()
        if following == "#":
            count, following = self.length(), ""
            if not 0 <= count <= len(self.content):
                message = "the file is cut off"
                raise ValueError(message)
        elif kind is not None:
            message = "a container of one type has no count"
            raise ValueError(message)
        if kind in _ARRAYS and count is not None and not named:
            form = np.dtype(_ARRAYS[kind])
            return np.frombuffer(self.take(count * form.itemsize), dtype=form)
        return self._members(named, kind, count, following, depth)

    def _members(self, named: bool, kind: str | None, count: int | None, following: str, depth: int) -> Any:
        items: list[Any] = []
        keys: list[str] = []
        end = "}" if named else "]"
        while count is None or len(items) < count:
            if count is None:
                if following == end:
                    break
                self.at -= 1  # the marker belongs to the next member
            if named:
                keys.append(self.text())
            items.append(self.value(kind or self.marker(), depth))
            following = self.marker() if count is None else ""
        return dict(zip(keys, items, strict=True)) if named else items
