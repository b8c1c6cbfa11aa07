"""Vectors that find faults: random codes over the full range, codes of every magnitude, and corners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.verification.folder import DesignFolder, Element

__all__ = ["corner_vectors", "random_vectors", "scaled_vectors"]

Codes = NDArray[np.int64]


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


def corner_vectors(design: DesignFolder) -> dict[str, Codes]:
    """All elements low, high, zero, at the smallest steps, alternating; each one alone at low and at high.

    Returns:
        Input name → (7 + 2 × elements, elements), where zero stands for the allowed code nearest to it.
    """
    low, high = _ends(design)
    zero = np.clip(0, low, high)
    even = np.arange(len(low)) % 2 == 0
    whole = [low, high, zero, np.clip(1, low, high), np.clip(-1, low, high)]
    whole += [np.where(even, low, high), np.where(even, high, low)]
    alone = np.eye(len(low), dtype=bool)
    return _split(design, np.concatenate([whole, np.where(alone, low, zero), np.where(alone, high, zero)]))


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
