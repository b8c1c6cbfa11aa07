"""QONNX's quantisers: their meaning on numbers, and the same written in standard ops.

Definitions: QONNX, arXiv:2206.07527, section IV, and its repository (`Quant`, `BipolarQuant`, `Trunc` in both
versions, `MultiThreshold`), checked against the package qonnx 1.0.0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.onnx.file import OnnxNode

__all__ = ["ROUNDINGS", "Quantiser", "channel_axis", "quantiser", "thresholds_of"]

Reals = NDArray[np.floating[Any]]


def _away(x: Reals) -> Reals:
    return np.sign(x) * np.ceil(np.abs(x))


def _half_up(x: Reals) -> Reals:
    return np.sign(x) * np.floor(np.abs(x) + x.dtype.type(0.5))


def _half_down(x: Reals) -> Reals:
    return np.sign(x) * np.ceil(np.abs(x) - x.dtype.type(0.5))


ROUNDINGS: dict[str, Callable[[Reals], Reals]] = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": _away,
    "DOWN": np.trunc,
    "HALF_UP": _half_up,
    "HALF_DOWN": _half_down,
}
"""QONNX's word → rounding; ``UP`` and ``DOWN`` are away from and towards zero, also in the halves."""


@dataclass(frozen=True)
class Quantiser:
    """``scale * (round(clip(x / divisor + zero)) - zero)``, or ±scale by the sign of `x`.

    Attributes:
        divisor: what the input is divided by, any shape that broadcasts with the input.
        scale: the step of the output; the same as the divisor but in `Trunc`.
        zero: zero-point.
        offset: what is taken off the integers at the end: the zero-point, in units of the output.
        low, high: range of the integers.
        rounding: a key of `ROUNDINGS`; None for the sign.
        first: what `Trunc` rounds its input to before it divides on: a step in units of `divisor`.
    """

    divisor: NDArray[np.float32]
    scale: NDArray[np.float32]
    zero: NDArray[np.float32]
    offset: NDArray[np.float32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rounding: str | None
    first: NDArray[np.float64] | None = None

    def integers(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The integers before the zero-point is taken off, in the framework's float32 arithmetic."""
        with np.errstate(over="ignore"):  # clipped below
            y = x / self.divisor + self.zero
        if self.rounding is None:
            return np.where(y >= 0, np.float32(1), np.float32(-1))
        if self.first is not None:
            y = np.rint(y) / self.first.astype(np.float32)
        y = np.clip(y, self.low.astype(np.float32), self.high.astype(np.float32))
        return np.asarray(ROUNDINGS[self.rounding](y), dtype=np.float32)

    def values(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The quantised values."""
        return np.asarray((self.integers(x) - self.offset) * self.scale, dtype=np.float32)


def quantiser(node: OnnxNode, given: list[NDArray[Any] | None]) -> Quantiser:
    """The quantiser that a `Quant`, `IntQuant`, `BipolarQuant` or `Trunc` node states.

    Args:
        node: the node.
        given: its inputs behind the first, None where one is no constant.

    Raises:
        UnsupportedLayerError: a parameter is not constant, out of its domain, or of an unknown mode.
    """
    counts = {"BipolarQuant": (1,), "Trunc": (4, 5)}.get(node.op, (3,))
    if len(given) not in counts:
        node.refuse(f"{len(given) + 1} inputs", f"it takes {' or '.join(str(n + 1) for n in counts)}")
    if any(array is None for array in given):
        node.refuse("a scale, zero-point or width that is computed", "export it with constant parameters")
    parameters = [np.asarray(array, dtype=np.float32) for array in given]
    if any(not p.size or not np.isfinite(p).all() for p in parameters) or np.any(parameters[0] <= 0):
        node.refuse("a parameter that is not finite, or a scale of 0 or less", "train and export again")
    scale, one = parameters[0], np.ones((), dtype=np.float64)
    if node.op == "BipolarQuant":
        none = np.zeros((), dtype=np.float32)
        return Quantiser(scale, scale, none, none, -one, one, None)
    zero = parameters[1]
    mode = str(node.attributes.get("rounding_mode", "FLOOR" if node.op == "Trunc" else "ROUND")).upper()
    if mode not in ROUNDINGS:
        node.refuse(f"rounding_mode {mode!r}", f"accepted are {', '.join(ROUNDINGS)}")
    if node.op != "Trunc":
        low, high = _range(node, parameters[2])
        sign = node.attributes.get("signed", 1) and np.all(parameters[2] == 1)
        return Quantiser(scale, scale, zero, zero, low, high, None if sign else mode)
    if len(given) == 4:
        first = np.exp2(np.float64(parameters[2]) - parameters[3])
        limit = np.full((), 2.0**62)
        return Quantiser(scale, scale, zero, zero, -limit, limit, mode, first)
    if np.any(parameters[3] <= 0):
        node.refuse("an output scale of 0 or less", "train and export again")
    first = np.exp2(np.rint(np.log2(np.float64(parameters[3]) / scale)))
    low, high = _range(node, parameters[4])
    return Quantiser(
        scale, parameters[3], zero, np.asarray(zero / first, dtype=np.float32), low, high, mode, first
    )


def _range(node: OnnxNode, bits: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest integer."""
    if np.any(bits != np.rint(bits)) or np.any(bits < 1) or np.any(bits > 32):
        node.refuse(f"a width of {bits.ravel()[0]} bits", "accepted are whole numbers from 1 to 32")
    signed, narrow = bool(node.attributes.get("signed", 1)), bool(node.attributes.get("narrow", 0))
    width = bits.astype(np.float64)
    if signed:
        return -np.exp2(width - 1) + narrow, np.exp2(width - 1) - 1
    return np.zeros_like(width), np.exp2(width) - 1 - narrow


def channel_axis(node: OnnxNode, rank: int) -> int:
    """The axis of `MultiThreshold`'s input that has a row of thresholds each."""
    layout = str(node.attributes.get("data_layout", "")) or {3: "NWC"}.get(rank, "NC")
    return layout.index("C") if "C" in layout else 1


def thresholds_of(node: OnnxNode, thresholds: NDArray[Any] | None, channels: int) -> NDArray[np.float32]:
    """The thresholds of a `MultiThreshold`, shape (channels or 1, steps).

    Raises:
        UnsupportedLayerError: they are not constant or do not fit.
    """
    if thresholds is None or thresholds.ndim != 2 or len(thresholds) not in (1, channels):
        shape = "computed" if thresholds is None else str(thresholds.shape)
        node.refuse(f"thresholds {shape}", f"they are constants of shape ({channels} or 1, steps)")
    return np.asarray(thresholds, dtype=np.float32)
