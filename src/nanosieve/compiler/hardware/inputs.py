"""Where and when the elements of an input enter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nanosieve.compiler.graph import Graph, Integers, Weights
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.schedule import CONSTANT, Arrival

__all__ = ["beats_of", "input_elements", "weight_elements"]


def input_elements(graph: Graph, beats: Mapping[str, int]) -> dict[str, list[Element]]:
    """Input name → the elements of its port.

    Args:
        graph: the network.
        beats: input → positions (rows of the last axis, neighbours along the axis before it) in a cycle.
    """
    found = {}
    for name, type in graph.inputs.items():
        beat, lane = beats_of(type.shape, beats.get(name, 0))
        low, high = (np.zeros(lane.max(initial=0) + 1, dtype=np.int64) for _ in range(2))
        np.minimum.at(low, lane, type.low.ravel())
        np.maximum.at(high, lane, type.high.ravel())
        if not beat.any():
            low, high = type.low.ravel(), type.high.ravel()
        found[name] = [
            Element(name, int(n), int(low[n]), int(high[n]), int(exponent), Arrival(int(cycle), 0.0))
            for n, cycle, exponent in zip(lane, beat, type.exponent.flat, strict=True)
        ]
    return found


def weight_elements(graph: Graph) -> dict[str, list[Element]]:
    """Node of weights → its elements, which stand still."""
    found = {}
    for node in graph.nodes:
        if isinstance(node.op, Weights):
            type = node.op.type
            ends = zip(type.low.flat, type.high.flat, type.exponent.flat, strict=True)
            found[node.name] = [
                Element(node.name, n, int(low), int(high), int(exponent), CONSTANT)
                for n, (low, high, exponent) in enumerate(ends)
            ]
    return found


def beats_of(shape: tuple[int, ...], positions: int) -> tuple[Integers, Integers]:
    """Beat and lane of every element of an input, flat; 0 positions in a beat means all of them."""
    size = int(np.prod(shape, dtype=np.int64))
    if positions < 1 or len(shape) < 2:
        return np.zeros(size, dtype=np.int64), np.arange(size)
    length, channels = shape[-2:]
    per_row = -(-length // positions)
    row, along, channel = np.unravel_index(np.arange(size), (size // (length * channels), length, channels))
    return row * per_row + along // positions, (along % positions) * channels + channel
