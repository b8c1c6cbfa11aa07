"""QKeras' quantisers in the graph's terms: activations as ops, weights as codes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.frontends.qkeras.functions import Quantizer, fitted, quantized
from nanosieve.compiler.frontends.quantizers import dyadic
from nanosieve.compiler.graph import (
    Add,
    GreaterEqual,
    Integers,
    LeakyRelu,
    Lookup,
    Multiply,
    Overflow,
    Quantize,
    Rounding,
    Scale,
    Select,
    Subtract,
    TensorType,
)
from nanosieve.errors import UnsupportedLayerError

__all__ = ["QkerasNodes", "Uniform", "activated", "uniform", "weight_codes"]

LARGEST_TABLE = 1 << 16
SIGNIFICANT = 18
"""Bits that a real factor keeps where the file states no quantiser: one port of a DSP multiplier."""
FRACTIONAL = 24
"""Numbers with no more fractional bits are kept as they are."""


@dataclass
class QkerasNodes(LayerNodes):
    """The nodes of one layer.

    Attributes:
        kind: class of the layer, for messages.
        rounded: names of layers with real numbers that had to be rounded, shared by all layers.
    """

    kind: str = ""
    rounded: list[str] = field(default_factory=list)

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """Raise the error for what is not supported."""
        message = f"layer {self.name!r} ({self.kind}): {what}; {remedy}"
        raise UnsupportedLayerError(message)

    def numbers(self, values: NDArray[Any], node: str, part: str) -> str:
        """Add fixed numbers, exactly."""
        full = np.broadcast_to(np.asarray(values, dtype=np.float64), self.shape(node))
        return self.codes(*dyadic(full, f"layer {self.name!r}: {part}"), part)

    def times(self, node: str, factor: NDArray[Any], part: str) -> str:
        """`node` times real factors, rounded to `SIGNIFICANT` bits each where they are not short already."""
        full = np.broadcast_to(np.asarray(factor, dtype=np.float64), self.shape(node))
        if np.all(full == 1):
            return node
        mantissa, exponent = np.frexp(full)
        if np.all(np.abs(mantissa) == 0.5) and np.all(full > 0):
            return self.add(Scale(exponent - 1), node, part=part)
        bits = np.int64(SIGNIFICANT)
        codes = np.rint(np.ldexp(mantissa, SIGNIFICANT)).astype(np.int64)
        if np.any(np.ldexp(codes.astype(float), exponent - SIGNIFICANT) != full):
            self.rounded.append(self.name)
        lowest = np.where(codes == 0, 1, codes & -codes)
        spare = np.frexp(lowest.astype(float))[1] - 1
        exponent = np.where(codes == 0, 0, exponent - bits + spare)
        return self.add(Multiply(), node, self.codes(codes >> spare, exponent, f"{part}_factor"), part=part)

    def plus(self, node: str, offset: NDArray[Any], part: str) -> str:
        """`node` plus real numbers; those with many fractional bits are rounded to the step of `node`."""
        full = np.broadcast_to(np.asarray(offset, dtype=np.float64), self.shape(node))
        if not full.any():
            return node
        step = np.minimum(self.type(node).exponent, -FRACTIONAL)
        if np.abs(np.ldexp(full, -step)).max() >= 2.0**60:
            self.refuse(f"{part} of {np.abs(full).max():.3g} at a step of 2**{step.min()}", "train it again")
        codes = np.rint(np.ldexp(full, -step)).astype(np.int64)
        if np.any(np.ldexp(codes.astype(float), step) != full):
            self.rounded.append(self.name)
        lowest = np.where(codes == 0, 1, codes & -codes)
        spare = np.frexp(lowest.astype(float))[1] - 1
        exponent = np.where(codes == 0, self.type(node).exponent, step + spare)
        return self.add(Add(), node, self.codes(codes >> spare, exponent, f"{part}_offset"), part=part)


@dataclass(frozen=True)
class Uniform:
    """A quantiser that rounds to the nearest multiple of a step, ties to even, then saturates."""

    low: int
    high: int
    exponent: int

    def quantize(self, shape: tuple[int, ...]) -> Quantize:
        """The op for elements of the given shape."""
        target = TensorType(*(np.full(shape, n) for n in (self.low, self.high, self.exponent)))
        return Quantize(target, Rounding.RND_CONV, Overflow.SAT)


def uniform(q: Quantizer) -> Uniform | None:
    """The quantiser as step and range; None for one of another kind, with a scale, or of one bit."""
    if q.fits_scale or q.settings.get("alpha") not in (None, 1):
        return None
    bits = q["bits"] if "bits" in q.settings else 1
    if q.kind in ("quantized_bits", "quantized_linear"):
        signed = bool(q["keep_negative"])
        most = 1 << (bits - signed)
        if most > 1:
            return Uniform((-most + bool(q["symmetric"])) * signed, most - 1, q["integer"] - bits + signed)
    if q.kind == "quantized_relu" and not q["use_sigmoid"] and not q["negative_slope"]:
        return Uniform(0, (1 << bits) - 1, q["integer"] - bits)
    if q.kind == "quantized_tanh" and not q["use_real_tanh"]:
        most = 1 << (bits - 1)
        return Uniform(-most + bool(q["symmetric"]), most - 1, 1 - bits)
    return None


def activated(b: QkerasNodes, x: str, q: Quantizer) -> str:
    """The value of `x` behind the quantiser.

    Raises:
        UnsupportedLayerError: a scale that depends on the events, or a table that would be too large.
    """
    if q.fits_scale:
        b.refuse(
            f"{q.kind} with alpha={q['alpha']!r} on an activation, whose scale depends on the batch",
            "state alpha=1",
        )
    alpha = q.settings.get("alpha")
    plain = Quantizer(q.kind, {**q.settings, "alpha": None}) if alpha is not None else q
    if q.kind == "quantized_linear":
        return _scaled_about(b, x, plain, alpha)
    node = _on_grid(b, x, plain)
    return node if alpha is None else b.times(node, np.asarray(np.float32(alpha)), "scaled")


def _scaled_about(b: QkerasNodes, x: str, q: Quantizer, alpha: float | None) -> str:
    """A scale that also stretches the grid: before and behind the rounding."""
    if alpha is None:
        return _on_grid(b, x, q)
    mantissa, exponent = math.frexp(alpha)
    if mantissa != 0.5:
        b.refuse(f"quantized_linear with alpha={alpha!r} on an activation", "use a power of two")
    shape = b.shape(x)
    x = b.add(Scale(np.full(shape, 1 - exponent)), x, part="shrunk")
    return b.add(Scale(np.full(shape, exponent - 1)), _on_grid(b, x, q), part="stretched")


def _on_grid(b: QkerasNodes, x: str, q: Quantizer) -> str:
    simple = uniform(q)
    if simple is not None:
        return b.add(simple.quantize(b.shape(x)), x, part="quantized")
    if q.kind in ("quantized_bits", "quantized_linear"):  # of one bit
        size = 1.0 if q.kind == "quantized_bits" else 2.0 ** (q["integer"] - 1)
        return _sign(b, x, -size, size)
    if q.kind in ("binary", "stochastic_binary"):
        return _sign(b, x, 0.0 if q["use_01"] else -1.0, 1.0)
    if q.kind in ("ternary", "stochastic_ternary"):
        return _ternary(b, x, 0.33 if q["threshold"] is None else float(q["threshold"]))
    if q.kind == "quantized_relu" and not q["use_sigmoid"]:
        return _leaky(b, x, q)
    if q.kind == "quantized_sigmoid" and not q["use_real_sigmoid"]:
        half = b.plus(b.times(x, np.asarray(0.5), "half"), np.asarray(0.5), "centred")
        full = (1 << q["bits"]) - 1
        return b.add(Uniform(int(q["symmetric"]), full, -q["bits"]).quantize(b.shape(x)), half, part="q")
    return _table(b, x, q)


def _sign(b: QkerasNodes, x: str, negative: float, positive: float) -> str:
    bit = b.add(GreaterEqual(), x, b.numbers(np.asarray(0.0), x, "zero"), part="sign")
    ends = (b.numbers(np.asarray(v), x, name) for v, name in ((positive, "above"), (negative, "below")))
    return b.add(Select(), bit, *ends, part="signed")


def _ternary(b: QkerasNodes, x: str, threshold: float) -> str:
    """1 at and above the threshold, -1 at and below its negative; the codes next to them decide."""
    exponent = b.type(x).exponent
    codes = np.ceil(np.ldexp(threshold, -exponent)).astype(np.int64)
    above = b.add(GreaterEqual(), x, b.codes(codes, exponent, "threshold"), part="above")
    below = b.add(GreaterEqual(), b.codes(-codes, exponent, "negative_threshold"), x, part="below")
    return b.add(Subtract(), above, below, part="ternary")


def _leaky(b: QkerasNodes, x: str, q: Quantizer) -> str:
    shift = 1 - math.frexp(q["negative_slope"])[1]
    most = 1 << (q["bits"] - 1)
    if most >> shift == 0:
        b.refuse(f"a slope of 2**-{shift} in {q['bits']} bits, which is less than a step", "use more bits")
    leaky = b.add(LeakyRelu(1, -shift), x, part="leaky")
    grid = Uniform(-(most >> shift), most - 1, q["integer"] - q["bits"] + 1)
    return b.add(grid.quantize(b.shape(x)), leaky, part="quantized")


def _table(b: QkerasNodes, x: str, q: Quantizer) -> str:
    """Any function of one value, code by code; far out, where it is constant, the input may be cut."""
    if q.settings.get("quadratic_approximation") or q.settings.get("log2_rounding") == "floor":
        b.refuse(
            f"{q.kind} on an activation with quadratic_approximation or log2_rounding='floor', where the "
            "rounding of a float32 logarithm decides at powers of two",
            "use it without them",
        )
    x = b.aligned(x, tuple(range(len(b.shape(x)))))
    given = b.type(x)
    exponent = int(given.exponent.max(initial=-1024, where=(given.low != 0) | (given.high != 0)))
    if "sigmoid" in q.kind or "tanh" in q.kind:
        far = 1 << max(0, (q["bits"] + 2).bit_length() - min(exponent, 0))
        cut = Uniform(-far, far - 1, exponent)
        x = b.add(cut.quantize(given.shape), x, part="cut")
        given = b.type(x)
    first, last = int(given.low.min()), int(given.high.max())
    if last - first >= LARGEST_TABLE:
        b.refuse(
            f"{q.kind} of a value of {int(given.width.max())} bits, whose table would have "
            f"{last - first + 1} entries",
            "put a QActivation(quantized_bits(…)) of at most 16 bits before it",
        )
    entries = quantized(q, np.ldexp(np.arange(first, last + 1, dtype=np.float64), exponent))
    codes, step = dyadic(entries, f"layer {b.name!r}: {q.kind}")
    return b.add(Lookup(codes[np.newaxis], np.array([first]), np.array([step])), x, part="table")


@dataclass(frozen=True)
class Weights:
    """Weight codes of step ``2**exponent``, and a factor for each output (or one for all), or None."""

    codes: Integers
    exponent: int
    scale: NDArray[np.float64] | None = None


def weight_codes(w: NDArray[Any], q: Quantizer, where: str) -> Weights:
    """A kernel as its quantiser makes it; the last axis holds the outputs.

    Raises:
        InexactModelError: a value on the grid needs more than 40 fractional bits.
    """
    simple = uniform(q)
    if simple is not None:
        steps = np.rint(np.ldexp(w.astype(np.float64), -simple.exponent))
        return Weights(np.clip(steps, simple.low, simple.high).astype(np.int64), simple.exponent)
    grid, scale = fitted(q, w.astype(np.float32))
    factor = np.asarray(scale, dtype=np.float64)
    if np.all((np.frexp(factor)[0] == 0.5) | (factor == 0)):
        return Weights(*dyadic(grid * factor, where))
    codes, exponent = dyadic(grid, where)
    return Weights(codes, exponent, factor.reshape(-1))
