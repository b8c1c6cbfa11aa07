"""Vectors that find faults: random codes, codes of every magnitude, corners, and edges of the input ports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Graph, Overflow, Rounding
from nanosieve.compiler.verification.folder import DesignFolder, Element

__all__ = [
    "all_vectors",
    "corner_vectors",
    "edge_values",
    "random_vectors",
    "scaled_vectors",
    "usual_number",
]

Codes = NDArray[np.int64]


def usual_number(design: DesignFolder, number: int, least: int) -> int:
    """What `number` vectors for an interval of one cycle become where each takes longer; `least` or more."""
    return max(least, number // design.interval_cycles)


def random_vectors(design: DesignFolder, count: int, random: np.random.Generator) -> dict[str, Codes]:
    """Codes uniform between the low and the high end of every element: input name → (count, elements)."""
    low, high = _ends(design)
    return _split(design, random.integers(low, high, (count, len(low)), endpoint=True))


def scaled_vectors(design: DesignFolder, count: int, random: np.random.Generator) -> dict[str, Codes]:
    """Codes whose number of bits is uniform, a third of them zero: input name → (count, elements).

    Uniform codes are nearly all large and saturate the first layers; these reach the small values, and
    the empty places of zero-padded objects, that events are made of.
    """
    low, high = _ends(design)
    shape = (count, len(low))
    magnitudes = np.exp2(random.random(shape) * np.log2(np.maximum(high, -low) + 1.0))
    codes = np.where(random.random(shape) < 0.5, 1, -1) * magnitudes.astype(np.int64)
    codes[random.random(shape) < 1 / 3] = 0
    return _split(design, np.clip(codes, low, high))


def all_vectors(design: DesignFolder, limit: int) -> dict[str, Codes] | None:
    """Every combination of codes: input name → (combinations, elements); None if more than `limit`."""
    low, high = _ends(design)
    sizes = [int(size) for size in high - low + 1]
    total = math.prod(sizes)
    if total > limit:
        return None
    return _split(design, np.stack(np.unravel_index(np.arange(total), sizes), axis=1) + low)


def corner_vectors(design: DesignFolder, alone: int | None = None) -> dict[str, Codes]:
    """All elements low, high, zero, at the smallest steps, alternating; each one alone at low and at high.

    Args:
        alone: the number of elements that are sent alone, spread over all of them; default all.

    Returns:
        Input name → (7 + 2 × alone, elements), where zero stands for the allowed code nearest to it.
    """
    low, high = _ends(design)
    zero = np.clip(0, low, high)
    even = np.arange(len(low)) % 2 == 0
    whole = [low, high, zero, np.clip(1, low, high), np.clip(-1, low, high)]
    whole += [np.where(even, low, high), np.where(even, high, low)]
    picked = np.linspace(0, len(low) - 1, min(alone or len(low), len(low))).astype(np.int64)
    own = np.arange(len(low)) == picked[:, np.newaxis]
    return _split(design, np.concatenate([whole, np.where(own, low, zero), np.where(own, high, zero)]))


def edge_values(graph: Graph) -> dict[str, NDArray[np.float32]]:
    """Real numbers at the edges of what the input ports state: input name → float32 (vectors, *shape).

    Ends of the range; half a step, one step and far beyond them, where the port saturates or wraps;
    halves of a step, where it rounds, and numbers beside them; minus zero and denormal numbers.
    Far is 2**40 ranges where the port saturates, and three ranges where it wraps.
    """
    values = {}
    for name, type in graph.inputs.items():
        step = np.exp2(type.exponent.astype(np.float64))
        low, high, span = type.low, type.high, type.high - type.low + 1.0
        far = 2.0**40 if graph.ports[name].overflow is Overflow.SAT else 3.0
        rows = [high + 0.5, high + 1.0, high + 1.5, low - 0.5, low - 1.0, low - 1.5]
        rows += [high + far * span, low - far * span, high + span / 2, low - span / 2]
        rows += [low + 0.5, high - 0.5, *(np.full(type.shape, n + 0.5) for n in (-2, -1, 0, 1))]
        # nearer to a half, single precision rounds the sum with a half to the next step
        rows += [
            np.full(type.shape, sign * 0.5 * (1 + side * 2.0**-23)) for sign in (-1, 1) for side in (-1, 1)
        ]
        real = [np.asarray(row * step, dtype=np.float32) for row in rows]
        zero = np.zeros(type.shape, dtype=np.float32)
        real += [-zero, np.nextafter(zero, zero + 1)]
        if (
            graph.ports[name].rounding is not Rounding.TRN
        ):  # frameworks flush it to zero, which TRN would not do
            real.append(np.nextafter(zero, zero - 1))
        values[name] = np.stack(real).astype(np.float32)
    return values


def _elements(design: DesignFolder) -> Sequence[Element]:
    return [element for bus in design.inputs for element in bus.elements]


def _ends(design: DesignFolder) -> tuple[Codes, Codes]:
    elements = _elements(design)
    return np.array([element.low for element in elements]), np.array([element.high for element in elements])


def _split(design: DesignFolder, codes: Codes) -> dict[str, Codes]:
    cuts = np.cumsum([len(bus.elements) for bus in design.inputs])[:-1]
    parts: Mapping[str, Codes] = dict(
        zip((bus.name for bus in design.inputs), np.split(codes, cuts, axis=1), strict=True)
    )
    return dict(parts)
