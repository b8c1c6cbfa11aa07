"""Input ports from the quantisers directly behind an input: its type is then stated by the file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nanosieve.compiler.frontends.onnx.conversion import Conversion
from nanosieve.compiler.frontends.onnx.quantisers import Quantiser
from nanosieve.compiler.frontends.onnx.requantise import with_scale
from nanosieve.compiler.frontends.onnx.values import Reals, Value, full, power_of_two, standard_layout
from nanosieve.compiler.graph import Add, Overflow, Rounding, Scale, TensorType
from nanosieve.errors import UnsupportedLayerError

__all__ = ["port"]

_ROUNDINGS = {"ROUND": Rounding.RND_CONV, "HALF_EVEN": Rounding.RND_CONV, "FLOOR": Rounding.TRN}


def port(c: Conversion, value: Value, q: Quantiser) -> Value | None:
    """The value behind a quantiser of an input, whose port takes the steps of that quantiser.

    Between the input and the quantiser may be scales and whole offsets; the port then has the steps that
    they make of the quantiser's, so that its code is the quantiser's integer but for an offset. An odd offset
    makes one difference: of an input exactly half-way between two steps the port takes the even one, and
    the framework the other.

    Returns:
        None where no port of a power-of-two step does: a model that states its types is then refused, and one
        that is quantised after training gets a port of the precision wanted.

    Raises:
        UnsupportedLayerError: another quantiser makes another port of the same input.
    """
    line = _line(value, q)
    if line is None or q.rounding not in _ROUNDINGS or q.first is not None:
        return None
    slope, offset = line
    low, high = full(q.low, value.shape), full(q.high, value.shape)
    step = power_of_two(1 / slope)
    if step is None or np.any(offset != np.rint(offset)) or low is None or high is None:
        return None
    shape = c.model.event_shape(value.node)
    layout = standard_layout(shape)
    if not max(np.abs(low - offset).max(), np.abs(high - offset).max()) < 2.0**60:
        return None
    spread = [
        _by_input(value, np.asarray(array, dtype=np.float64), shape)
        for array in (low - offset, high - offset, step)
    ]
    if any(array is None for array in spread):
        return None
    least, most, exponent = (
        a.reshape([shape[n] for n in layout]).astype(np.int64) for a in spread if a is not None
    )
    _declare(c, value.node, TensorType(least, most, exponent), _ROUNDINGS[q.rounding])
    before = c.moved(Value(value.node, shape, layout), np.asarray(value.places))
    node = before.node
    physical = replace(before, shape=value.shape)
    zero, scale = full(q.offset, value.shape), full(q.scale, value.shape)
    less = physical.physical(offset if zero is None else offset - zero)
    whole = np.ones(value.shape) if scale is None else scale
    binary = power_of_two(whole)
    if binary is not None and not np.any(less):  # the port has the steps of the value, but for a shift
        shift = physical.physical(binary - step)
        return replace(before, node=c.nodes.add(Scale(shift), node, part="scaled") if np.any(shift) else node)
    shift = physical.physical(np.broadcast_to(step, value.shape))
    if np.any(shift):
        node = c.nodes.add(Scale(-shift), node, part="units")
    if np.any(less):
        codes = c.nodes.codes(less.astype(np.int64), 0, "offset")
        node = c.nodes.add(Add(), node, codes, part="centred")
    return with_scale(c.nodes, replace(before, node=node, scale=None), whole)


def _line(value: Value, q: Quantiser) -> tuple[Reals, Reals] | None:
    """Slope and offset from the input to the integers of the quantiser; None where something bends."""
    slope: Reals = np.ones(value.shape) if value.scale is None else value.scale
    offset: Reals = np.zeros(value.shape)
    for stage in value.stages:
        if stage.slope is None or stage.offset is None:
            return None
        slope, offset = slope * stage.slope, offset * stage.slope + stage.offset
    divisor, zero = full(q.divisor, value.shape), full(q.zero, value.shape)
    if divisor is None or zero is None:
        return None
    return slope / divisor, offset / divisor + zero


def _by_input(value: Value, array: Reals, shape: tuple[int, ...]) -> Reals | None:
    """Numbers of the elements of `value` as those of the input they come from; None if two disagree."""
    if not any(array.strides) or np.all(array == array.flat[0]):
        return np.full(shape, array.flat[0])
    places = np.asarray(value.places).reshape(-1)
    found = np.full(int(np.prod(shape)), np.nan)
    found[places] = array.reshape(-1)
    if np.isnan(found).any() or np.any(found[places] != array.reshape(-1)):
        return None
    return found.reshape(shape)


def _declare(c: Conversion, name: str, type: TensorType, rounding: Rounding) -> None:
    """The port, once."""
    if name not in c.builder.types:
        c.builder.input(name, type, rounding, Overflow.SAT)
        return
    there = next(node.op for node in c.builder.nodes if node.name == name)
    if c.builder.types[name] != type or there.rounding is not rounding:  # type: ignore[attr-defined]
        message = f"input {name!r} is quantised in two ways; put one Quant node behind it, before it branches"
        raise UnsupportedLayerError(message)
