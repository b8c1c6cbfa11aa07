"""Chains of element-wise ops made one pass over the data, and the proof that floats are exact for it.

A stage is ``y = clip(round(max(t, slope * t) + after), low, high) * post`` with ``t = x * scale + offset``,
or ``clip(round(t), low, high)`` with the bits above dropped. A bias, a batch norm, a ReLU, a leaky ReLU and a
quantiser in a row are one stage. All values between the ops are integers, so that rounding is idle where
nothing is shifted to the right.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.emulate import kernels
from nanosieve.compiler.emulate.tiers import FLOAT32, FLOAT64, INT64, LIMITS, Floats, Tier
from nanosieve.compiler.graph import Integers

__all__ = ["Apply", "Stage", "period", "tiled"]

LARGEST_EXPONENT = {FLOAT32: 100.0, FLOAT64: 900.0}
"""Constants and grids beyond ``2**±this`` are left to integers: far from denormals and infinity."""
TILE = 512
"""Constants are repeated to about this length, for long inner loops."""


@dataclass(frozen=True)
class Stage:
    """Constants of each element, flat; see the module for the formula.

    Attributes:
        nearest: round to the nearest, ties to even, instead of down.
        rounded: whether rounding changes anything.
        count: number of codes of the range from `base` that stays where bits above are dropped; None where
            they are not.
    """

    scale: Floats
    offset: Floats
    slope: Floats
    after: Floats
    low: Floats
    high: Floats
    post: Floats
    nearest: bool = False
    rounded: bool = False
    base: Floats | None = None
    count: Floats | None = None

    @classmethod
    def identity(cls, size: int) -> Stage:
        """The stage that changes nothing."""
        one, zero = np.ones(size), np.zeros(size)
        return cls(one, zero, one, zero, np.full(size, -np.inf), np.full(size, np.inf), one)

    @cached_property
    def clips(self) -> bool:
        """Whether a bound is finite."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    @cached_property
    def bends(self) -> bool:
        """Whether negative values have another slope."""
        return bool((self.slope != 1).any())

    @cached_property
    def idle(self) -> bool:
        """Whether it changes nothing."""
        moves = (self.scale != 1).any() or self.offset.any() or self.after.any() or (self.post != 1).any()
        return not (moves or self.clips or self.bends or self.rounded or self.count is not None)

    def affine(self, factor: Floats, term: Floats) -> Stage | None:
        """Behind it ``y * factor + term``; None if that is no stage."""
        if self.count is not None:
            return None
        if self.rounded:
            powers = (factor > 0) & (np.frexp(factor)[0] == 0.5)
            return replace(self, post=self.post * factor) if powers.all() and not term.any() else None
        if not (self.clips or self.bends):
            return replace(self, scale=self.scale * factor, offset=self.offset * factor + term)
        if (factor <= 0).any():
            return None
        low, high = self.low * factor + term, self.high * factor + term
        moved = replace(self, scale=self.scale * factor, offset=self.offset * factor, low=low, high=high)
        if self.bends:
            return replace(moved, after=self.after * factor + term)
        return replace(moved, offset=moved.offset + term)

    def relu(self) -> Stage | None:
        """Behind it ``max(y, 0)``."""
        if self.count is not None:
            return None
        return replace(self, low=np.maximum(self.low, 0), high=np.maximum(self.high, 0))

    def leaky(self, slope: float, factor: float) -> Stage | None:
        """Behind it ``max(y, slope * y) * factor``."""
        if self.count is not None or self.rounded or self.clips or self.bends:
            return None
        scaled = replace(self, scale=self.scale * factor, offset=self.offset * factor)
        return replace(scaled, slope=np.full_like(self.slope, slope))

    def round(self, factor: Floats, term: Floats, *, nearest: bool) -> Stage | None:
        """Behind it ``floor(y * factor + term)``, or the nearest integer."""
        if (factor >= 1).all():
            return self.affine(factor, np.zeros_like(term))
        moved = None if self.rounded else self.affine(factor, term)
        if moved is None:
            return None
        rule = np.rint if nearest else np.floor
        # a rounding never decreases, so it may come before the clip if the bounds are rounded too
        return replace(moved, nearest=nearest, rounded=True, low=rule(moved.low), high=rule(moved.high))

    def saturate(self, low: Floats, high: Floats) -> Stage | None:
        """Behind it ``clip(y, low, high)``."""
        if self.count is not None:
            return None
        low, high = low / self.post, high / self.post
        return replace(self, low=np.clip(self.low, low, high), high=np.clip(self.high, low, high))

    def wrap(self, base: Floats, count: Floats) -> Stage | None:
        """Behind it the bits above `count` codes dropped."""
        if self.count is not None or self.bends or (self.post != 1).any():
            return None
        return replace(self, base=base, count=count)

    def tier(self, peak: Floats) -> Tier:
        """The fastest exact arithmetic for codes up to `peak` in magnitude; int64 if floats are not.

        Every intermediate is a multiple of a power of two, its grid. In units of it, it is an integer, which
        has to stay below the limit of the format; the constants have to be numbers of the format.
        """
        slope = np.where(self.slope == 0, 1.0, np.minimum(_grid(self.slope), 1.0))
        grid = np.minimum(np.minimum(_grid(self.scale), _grid(self.offset)), _grid(self.after)) * slope
        bound = peak * np.abs(self.scale) + np.abs(self.offset) + np.abs(self.after)
        units = np.where(np.isfinite(grid), bound / grid, 0.0).max(initial=0.0)
        if self.base is not None and self.count is not None:  # of integers: it stands behind the rounding
            units = max(units, float((bound + 1 + np.abs(self.base) + self.count).max(initial=0.0)))
        constants = [v for v in self._constants if v is not None]
        for tier, limit in LIMITS.items():
            exponents = [np.abs(np.log2(np.abs(v[(v != 0) & np.isfinite(v)]))) for v in (*constants, grid)]
            if (
                units <= limit
                and all(np.array_equal(v.astype(tier), v) for v in constants)
                and max(e.max(initial=0.0) for e in exponents) <= LARGEST_EXPONENT[tier]
            ):
                return tier
        return INT64

    @property
    def _constants(self) -> tuple[Floats | None, ...]:
        return tuple(getattr(self, f.name) for f in fields(self) if f.name not in ("nearest", "rounded"))


def _grid(values: Floats) -> Floats:
    """The largest power of two that divides each value; infinity for 0."""
    mantissa, exponent = np.frexp(values)
    integer = np.ldexp(mantissa, 53).astype(np.int64)
    lowest = (integer & -integer).astype(np.float64)
    return np.where(values == 0, np.inf, np.ldexp(lowest, exponent - 53))


def period(*arrays: NDArray[Any]) -> int:
    """The smallest divisor of the length after which all `arrays` repeat."""
    size = arrays[0].size
    divisors = {d for n in range(1, int(size**0.5) + 1) if size % n == 0 for d in (n, size // n)}
    return next((n for n in sorted(divisors) if all((a.reshape(-1, n) == a[:n]).all() for a in arrays)), size)


def tiled(tier: Tier, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """The period of the `arrays`, repeated to a useful length."""
    own = max(period(*arrays), 1)
    repeats = max(1, TILE // own)
    return [np.ascontiguousarray(np.tile(a[:own], repeats).astype(tier)) for a in arrays]


class Apply:
    """A stage ready to run on flat blocks."""

    def __init__(self, stage: Stage, tier: Tier) -> None:
        clips = [stage.scale, stage.offset, stage.low, stage.high]
        self.stage, self.tier = stage, tier
        self.nearest = stage.nearest
        if stage.count is not None:
            assert stage.base is not None
            parts = [*clips, stage.base, stage.count, 1 / stage.count]
        elif stage.bends or stage.nearest or (stage.post != 1).any():
            parts = [*clips[:2], stage.slope, stage.after, *clips[2:], stage.post]
        else:
            parts = clips
        self.period = period(*parts) if stage.scale.size else 1
        self.constants = tiled(tier, *parts) if stage.scale.size else parts
        self.wraps = stage.count is not None

    def picked(self, places: Integers) -> Apply:
        """The same for some of the elements."""
        some: dict[str, Any] = {
            f.name: value[places]
            for f in fields(Stage)
            if isinstance(value := getattr(self.stage, f.name), np.ndarray)
        }
        return Apply(replace(self.stage, **some), self.tier)

    def __call__(self, x: NDArray[Any], out: NDArray[Any]) -> None:
        """Flat `x` to flat `out`, which starts at a multiple of the period."""
        c = self.constants
        if self.wraps:
            kernels.wrap(x, *c[:2], self.nearest, *c[2:], out)
        elif len(c) == 4:
            kernels.clip(x, *c, out)
        else:
            kernels.bend(x, *c[:4], self.nearest, *c[4:], out)
