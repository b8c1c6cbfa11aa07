"""The loops that NumPy has no single call for, compiled by numba on first use and kept on disk.

All arrays are C-contiguous. Values of a block are flat; constants of the elements have a length of which the
period of the elements is a divisor, so that element ``n`` of the block meets constant ``n % length``. Output
and input never overlap, and sums of indices are made unsigned (no test for counting from the end): only then
does the compiler turn the loops into vector instructions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

__all__ = [
    "ARGMAX",
    "CLIP",
    "DROP",
    "MAX",
    "MIN",
    "SUM",
    "WRAP",
    "bend",
    "clip",
    "decode",
    "encode",
    "load",
    "look_up",
    "pick",
    "pick_reduce",
    "pool",
    "products",
    "reduce_last",
    "windows",
    "wrap",
]

SUM = 0
MAX = 1
MIN = 2
ARGMAX = 3

CLIP = 0
DROP = 1  # bits: of a power of two of codes
WRAP = 2  # any number of codes

CHUNK = 8
"""Elements copied at a time."""
PART = 1024
"""Elements that stay in the nearest cache."""

_at = np.uintp


def _compiled(function: Callable[..., Any]) -> Any:
    return numba.njit(nogil=True, cache=True, error_model="numpy")(function)


@_compiled
def clip(x: Any, scale: Any, offset: Any, low: Any, high: Any, out: Any) -> None:
    """``clip(floor(x * scale + offset), low, high)``."""
    for start in range(0, x.size, scale.size):
        for j in range(min(scale.size, x.size - start)):
            t = np.floor(x[_at(start + j)] * scale[j] + offset[j])
            out[_at(start + j)] = min(max(t, low[j]), high[j])


@_compiled
def bend(
    x: Any,
    scale: Any,
    offset: Any,
    slope: Any,
    after: Any,
    nearest: Any,
    low: Any,
    high: Any,
    post: Any,
    out: Any,
) -> None:
    """``clip(round(max(t, slope * t) + after), low, high) * post`` with ``t = x * scale + offset``."""
    for start in range(0, x.size, scale.size):
        count = min(scale.size, x.size - start)
        if nearest:
            for j in range(count):
                t = x[_at(start + j)] * scale[j] + offset[j]
                t = np.rint(max(t, t * slope[j]) + after[j])
                out[_at(start + j)] = min(max(t, low[j]), high[j]) * post[j]
        else:
            for j in range(count):
                t = x[_at(start + j)] * scale[j] + offset[j]
                t = np.floor(max(t, t * slope[j]) + after[j])
                out[_at(start + j)] = min(max(t, low[j]), high[j]) * post[j]


@_compiled
def wrap(
    x: Any,
    scale: Any,
    offset: Any,
    nearest: Any,
    low: Any,
    high: Any,
    base: Any,
    count: Any,
    inverse: Any,
    out: Any,
) -> None:
    """``clip(round(x * scale + offset), low, high)`` modulo `count`, a power of two, from `base` upwards."""
    for start in range(0, x.size, scale.size):
        for j in range(min(scale.size, x.size - start)):
            t = x[_at(start + j)] * scale[j] + offset[j]
            t = min(max(np.rint(t) if nearest else np.floor(t), low[j]), high[j])
            out[_at(start + j)] = t - count[j] * np.floor((t - base[j]) * inverse[j])


@_compiled
def look_up(x: Any, place: Any, table: Any, out: Any) -> None:
    """``table[place + x]``."""
    for start in range(0, x.size, place.size):
        for j in range(min(place.size, x.size - start)):
            out[_at(start + j)] = table[place[j] + np.int64(x[_at(start + j)])]


@_compiled
def reduce_last(x: Any, kind: Any, out: Any) -> None:
    """Sum, maximum, minimum or index of the (first) maximum of each row of `x`."""
    for row in range(x.shape[0]):
        best = x[row, 0]
        at = 0
        for j in range(1, x.shape[1]):
            value = x[row, j]
            if kind == SUM:
                best += value
            elif kind == MIN:
                best = min(best, value)
            elif value > best:
                best = value
                at = j
        if kind == ARGMAX:
            out[row] = at
        else:
            out[row] = best


@_compiled
def pick(x: Any, sources: Any, length: Any, step: Any, out: Any) -> None:
    """Runs of `length` elements, `step` apart, from each source on (zeros where it is -1)."""
    if length == 1:  # without the loop over a run, four times as fast
        for event in range(x.shape[0]):
            for n in range(sources.size):
                value = x[event, _at(max(sources[n], 0))]
                out[event, _at(n)] = value if sources[n] >= 0 else value - value
        return
    for event in range(x.shape[0]):
        for n in range(sources.size):
            source = sources[n]
            target = n * length
            if source < 0:
                for j in range(length):
                    out[event, _at(target + j)] = 0
            elif step == 1:
                for j in range(length):
                    out[event, _at(target + j)] = x[event, _at(source + j)]
            else:
                for j in range(length):
                    out[event, _at(target + j)] = x[event, _at(source + j * step)]


@_compiled
def pick_reduce(x: Any, sources: Any, length: Any, step: Any, kind: Any, out: Any) -> None:
    """Sum, maximum or minimum over the rows of `sources`, none of which is -1, run by run."""
    for event in range(x.shape[0]):
        for n in range(sources.shape[1]):
            target = n * length
            for j in range(length):
                out[event, _at(target + j)] = x[event, _at(sources[0, n] + j * step)]
            for k in range(1, sources.shape[0]):
                source = sources[k, n]
                if kind == SUM:
                    for j in range(length):
                        out[event, _at(target + j)] += x[event, _at(source + j * step)]
                elif kind == MAX:
                    for j in range(length):
                        best = out[event, _at(target + j)]
                        out[event, _at(target + j)] = max(best, x[event, _at(source + j * step)])
                else:
                    for j in range(length):
                        best = out[event, _at(target + j)]
                        out[event, _at(target + j)] = min(best, x[event, _at(source + j * step)])


def _chunk(context: Any, out: Any, target: Any, x: Any, source: Any) -> Any:
    """``out[target : target + CHUNK] = x[source : source + CHUNK]`` of flat arrays.

    Where both have one format it is a copy of memory of known size, thus one vector, which the compiler does
    not find by itself.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        to, origin = signature.args[0].dtype, signature.args[2].dtype
        put, get = (
            builder.gep(context.make_array(array)(context, builder, value).data, [place])
            for array, value, place in zip(signature.args[::2], arguments[::2], arguments[1::2], strict=True)
        )
        number = [context.get_constant(types.intp, n) for n in range(CHUNK + 1)]
        if to == origin:
            cgutils.raw_memcpy(builder, put, get, number[CHUNK], to.bitwidth // 8)
            return context.get_dummy_value()
        for n in number[:CHUNK]:
            value = context.cast(builder, builder.load(builder.gep(get, [n])), origin, to)
            builder.store(value, builder.gep(put, [n]))
        return context.get_dummy_value()

    return types.void(out, target, x, source), generate


_move: Any = intrinsic(_chunk)


@_compiled
def windows(x: Any, sources: Any, length: Any, first: Any, rows: Any, out: Any) -> None:
    """Windows ``first … first + rows`` of all events, `pick` with step 1: those of the first member of every
    pool, then those of the second …; `sources` are (members, windows, runs).
    """
    members, positions, runs = sources.shape
    values, laid = x.reshape(-1), out.reshape(-1)
    target = 0
    for member in range(members):
        event, position = divmod(first, positions)
        for _ in range(rows):
            for n in range(runs):
                source = sources[member, position, n]
                start = event * x.shape[1] + source
                if source < 0:
                    for j in range(length):
                        laid[_at(target + j)] = 0
                elif length < CHUNK:
                    for j in range(length):
                        laid[_at(target + j)] = values[_at(start + j)]
                else:
                    last = length - CHUNK  # the last chunk may overlap the one before
                    for j in range(0, last, CHUNK):
                        _move(laid, target + j, values, start + j)
                    _move(laid, target + last, values, start + last)
                target += length
            position += 1
            if position == positions:
                position = 0
                event += 1


@_compiled
def pool(x: Any, kind: Any) -> None:
    """Sum, maximum or minimum over the rows of `x`, left in the first row."""
    for start in range(0, x.shape[1], PART):
        stop = min(start + PART, x.shape[1])
        for k in range(1, x.shape[0]):
            if kind == SUM:
                for j in range(start, stop):
                    x[0, _at(j)] += x[k, _at(j)]
            elif kind == MAX:
                for j in range(start, stop):
                    x[0, _at(j)] = max(x[0, _at(j)], x[k, _at(j)])
            else:
                for j in range(start, stop):
                    x[0, _at(j)] = min(x[0, _at(j)], x[k, _at(j)])


@_compiled
def products(a: Any, b: Any, out: Any) -> None:
    """Small matrix products ``out[g] = a[g] @ b[g % len(b)]``, and those of integers."""
    for g in range(a.shape[0]):
        h = g % b.shape[0]
        for i in range(a.shape[1]):
            for j in range(b.shape[2]):
                out[g, i, j] = 0
            for k in range(a.shape[2]):
                factor = a[g, i, k]
                for j in range(b.shape[2]):
                    out[g, i, j] += factor * b[h, k, j]


@_compiled
def load(codes: Any, low: Any, high: Any, out: Any) -> int:
    """Copy codes; the place of the first one outside of its range, or -1."""
    for start in range(0, codes.size, low.size):
        count = min(low.size, codes.size - start)
        outside = 0
        for j in range(count):
            code = codes[_at(start + j)]
            outside += (code < low[j]) | (code > high[j])
            out[_at(start + j)] = code
        if outside:
            for j in range(count):
                if codes[_at(start + j)] < low[j] or codes[_at(start + j)] > high[j]:
                    return start + j
    return -1


@_compiled
def _rounded(value: Any, half: Any, nearest: Any) -> Any:
    """`value` to the nearest even integer, or to the integer below, plus 1 where `half` or more is cut."""
    below = np.floor(value)
    return np.rint(value) if nearest else below + (value - below >= half)


@_compiled
def encode(
    x: Any, factor: Any, low: Any, high: Any, count: Any, half: Any, nearest: Any, overflow: Any, out: Any
) -> int:
    """Codes of real values as `compiler.graph.encode` defines them; the place of the first NaN or infinity,
    or -1. Codes outside are wrapped to `count` ones, or clipped, as `overflow` says; 52 bits at most.
    """
    for start in range(0, x.size, factor.size):
        size = min(factor.size, x.size - start)
        bad = 0
        for j in range(size):
            value = x[_at(start + j)]
            bad += value - value != 0.0
        if bad:
            for j in range(size):
                value = x[_at(start + j)]
                if value - value != 0.0:
                    return start + j
        if overflow == CLIP:
            for j in range(size):
                rounded = _rounded(x[_at(start + j)] * factor[j], half, nearest)
                out[_at(start + j)] = min(max(rounded, low[j]), high[j])
        elif overflow == DROP:
            for j in range(size):
                rounded = _rounded(x[_at(start + j)] * factor[j], half, nearest)
                above = rounded - np.floor(rounded / count[j]) * count[j] - low[j]
                out[_at(start + j)] = above - np.floor(above / count[j]) * count[j] + low[j]
        else:
            for j in range(size):
                rounded = _rounded(x[_at(start + j)] * factor[j], half, nearest)
                out[_at(start + j)] = np.mod(np.fmod(rounded, count[j]) - low[j], count[j]) + low[j]
    return -1


@_compiled
def decode(codes: Any, step: Any, out: Any) -> None:
    """Real values of codes, without -0."""
    for start in range(0, codes.size, step.size):
        for j in range(min(step.size, codes.size - start)):
            out[_at(start + j)] = np.float64(codes[_at(start + j)]) * step[j] + 0.0
