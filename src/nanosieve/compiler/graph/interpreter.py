"""The reference interpreter: the one definition of what a graph computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph.fixed import Integers, Overflow, Rounding, TensorType
from nanosieve.compiler.graph.graph import Graph
from nanosieve.compiler.graph.structure import Input
from nanosieve.errors import SampleError, UnknownNameError

__all__ = ["decode", "encode", "interpret"]

CHUNK = 4096
"""Most events evaluated at a time."""
LARGEST = 1 << 24
"""Most elements of one value at a time, which bounds the memory."""


def encode(graph: Graph, values: Mapping[str, NDArray[Any]]) -> dict[str, Integers]:
    """Codes of the input ports for real `values`, rounded and saturated (or wrapped) as each port states.

    Args:
        values: input name → array (events, *shape), in the units the network was trained in.

    Raises:
        SampleError: NaN or infinity, or a shape that does not fit.
        UnknownNameError: an input is missing or unknown.
    """
    codes: dict[str, Integers] = {}
    _check_names(graph, values)
    for name, type in graph.inputs.items():
        array = np.asarray(values[name], dtype=np.float64)
        _check_shape(name, array, type)
        bad = ~np.isfinite(array)
        if bad.any():
            event, *element = (int(n[0]) for n in np.nonzero(bad))
            message = (
                f"input {name!r} holds {array[bad][0]} at event {event}, element {element}; "
                "remove or mend such events"
            )
            raise SampleError(message)
        codes[name] = _to_codes(array, graph.ports[name])
    return codes


def _to_codes(array: NDArray[np.float64], port: Input) -> Integers:
    scaled = array * np.exp2(-port.type.exponent.astype(float))
    if port.rounding is Rounding.RND_CONV:
        rounded = np.rint(scaled)
    else:
        rounded = np.floor(scaled)
        if port.rounding is Rounding.RND:
            rounded += scaled - rounded >= 0.5
    # the last steps are taken in integers: a double holds the ends of a range of at most 53 bits only
    low, high, limit = port.type.low, port.type.high, 2.0**62
    if port.overflow is Overflow.SAT:
        return np.asarray(np.clip(np.clip(rounded, -limit, limit).astype(np.int64), low, high))
    codes = high - low + 1
    whole = np.where(np.abs(rounded) < limit, rounded, np.fmod(rounded, codes)).astype(np.int64)
    return np.asarray((whole - low) % codes + low)


def decode(codes: Integers, type: TensorType) -> NDArray[np.float64]:
    """The real values of `codes`; exact while they have at most 53 bits."""
    return np.asarray(codes * np.exp2(type.exponent.astype(float)), dtype=np.float64)


def interpret(graph: Graph, codes: Mapping[str, Integers], *, keep_all: bool = False) -> dict[str, Integers]:
    """Evaluate the graph on integer codes.

    Args:
        codes: input name → int64 array (events, *shape), within the ranges of the inputs.
        keep_all: return every node by its name instead of the outputs by theirs.

    Raises:
        SampleError: a shape does not fit or a code lies outside its type.
        UnknownNameError: an input is missing or unknown.
    """
    types = graph.verify().types
    _check_names(graph, codes)
    for name, type in graph.inputs.items():
        _check_shape(name, codes[name], type)
        outside = ~type.holds(np.asarray(codes[name]))
        if outside.any():
            event = int(np.nonzero(outside)[0][0])
            message = f"input {name!r} has a code outside its type {type} at event {event}"
            raise SampleError(message)
    events = len(next(iter(codes.values())))
    wanted = {node.name: node.name for node in graph.nodes} if keep_all else dict(graph.outputs)
    parts: dict[str, list[Integers]] = {name: [] for name in wanted}
    chunk = max(1, min(CHUNK, LARGEST // max(type.size for type in types.values())))
    for start in range(0, max(events, 1), chunk):
        size = min(chunk, events - start)
        values: dict[str, Integers] = {}
        for node in graph.nodes:
            if isinstance(node.op, Input):
                values[node.name] = np.asarray(codes[node.name][start : start + size], dtype=np.int64)
                continue
            given = tuple(types[name] for name in node.inputs)
            values[node.name] = node.op.evaluate(given, *(values[name] for name in node.inputs))
        for name, node_name in wanted.items():
            value = values[node_name]
            parts[name].append(np.broadcast_to(value, (size, *value.shape[1:])))
    return {name: np.concatenate(chunks) for name, chunks in parts.items()}


def _check_names(graph: Graph, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in graph.inputs:
            raise UnknownNameError.among("input", name, graph.inputs)
    for name in graph.inputs:
        if name not in given:
            message = f"the input {name!r} of the graph is missing"
            raise SampleError(message)


def _check_shape(name: str, array: NDArray[Any], type: TensorType) -> None:
    if array.shape[1:] != type.shape or array.ndim == 0:
        message = (
            f"input {name!r} takes an array (events, {', '.join(map(str, type.shape))}), not {array.shape}"
        )
        raise SampleError(message)
