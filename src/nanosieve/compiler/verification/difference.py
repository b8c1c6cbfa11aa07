"""The first difference between graph and hardware: which layer, element and event, and both values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Graph, TensorType, interpret
from nanosieve.compiler.verification.folder import DesignFolder
from nanosieve.compiler.verification.simulation import probe
from nanosieve.compiler.verification.vector_set import VectorSet, flat, take
from nanosieve.errors import VerificationError

__all__ = ["check_hardware", "check_layers"]

Codes = NDArray[np.int64]

SUSPECTS = 32
"""Vectors that are simulated again, with every layer in view, after a difference."""

AT_A_TIME = 20_000_000
"""Values of all layers that are held in memory to be compared."""


def check_hardware(
    design: DesignFolder,
    graph: Graph,
    vectors: VectorSet,
    expected: Mapping[str, Codes],
    found: Mapping[str, Codes],
    pick: NDArray[np.int64],
) -> None:
    """Compare the outputs of the simulated hardware with those of the graph.

    Args:
        expected: output name → codes of the graph for all vectors.
        found: output name → codes of the hardware for the vectors number `pick`.

    Raises:
        VerificationError: they differ; the message names the first layer, in topological order, that does.
    """
    for bus in design.outputs:
        meant = _Side.of_graph(expected[bus.name][pick], graph.types[graph.outputs[bus.name]])
        there = _Side(found[bus.name], np.array([element.exponent for element in bus.elements]))
        differs = _differ(meant, there)
        if not differs.any():
            continue
        rows = np.flatnonzero(differs.any(axis=1))
        check_layers(design, graph, vectors, pick[rows[:SUSPECTS]])
        place = f"output {bus.name!r}, while every layer agrees when the same events enter back to back"
        raise _error(design.level, place, vectors, pick, differs, meant, there)


def check_layers(design: DesignFolder, graph: Graph, vectors: VectorSet, pick: NDArray[np.int64]) -> None:
    """Compare the wire of every layer with its node of the graph, for the vectors number `pick`.

    Raises:
        VerificationError: they differ; the message names the first layer, in topological order, that does.
    """
    values = sum(type.size for type in graph.types.values())
    for start in range(0, len(pick), step := max(1, AT_A_TIME // values)):
        _check_layers(design, graph, vectors, pick[start : start + step])


def _check_layers(design: DesignFolder, graph: Graph, vectors: VectorSet, pick: NDArray[np.int64]) -> None:
    codes = take(vectors.codes, pick)
    wires = probe(design, {name: flat(array) for name, array in codes.items()})
    nodes = interpret(graph, codes, keep_all=True)
    for layer in design.layers:
        if layer.name not in nodes:  # a part of a sum, which is no value of the graph
            continue
        made = [element is not None for element in layer.elements]
        meant = _Side.of_graph(nodes[layer.name], graph.types[layer.name])
        own = [0 if element is None else element.exponent for element in layer.elements]
        there = _Side(wires[layer.name], np.array(own))
        differs = _differ(meant, there) & made
        if differs.any():
            first = layer.elements[int(np.nonzero(differs)[1][0])]
            assert first is not None
            name = graph.by_name[layer.name].layer
            node = "" if name == layer.name else f"node {layer.name!r}, "
            place = f"layer {name!r} ({node}{layer.file}, stage {first.stage})"
            raise _error(design.level, place, vectors, pick, differs, meant, there)


@dataclass(frozen=True)
class _Side:
    """What one side holds: codes (vectors, elements), and the exponent of every element."""

    codes: Codes
    exponents: NDArray[np.int64]

    @classmethod
    def of_graph(cls, codes: Codes, type: TensorType) -> _Side:
        return cls(flat(codes), type.exponent.ravel())

    def at(self, event: int, element: int) -> str:
        code = int(self.codes[event, element])
        return f"{code * 2.0 ** int(self.exponents[element]):.10g} (code {code})"


def _differ(one: _Side, other: _Side) -> NDArray[np.bool_]:
    """Where the values differ; the two sides may count in different steps."""
    common = np.minimum(one.exponents, other.exponents)
    return np.asarray((one.codes << (one.exponents - common)) != (other.codes << (other.exponents - common)))


def _error(
    level: str,
    place: str,
    vectors: VectorSet,
    numbers: NDArray[np.int64],
    differs: NDArray[np.bool_],
    graph: _Side,
    hardware: _Side,
) -> VerificationError:
    event, element = (int(n[0]) for n in np.nonzero(differs))
    return VerificationError(
        f"graph and {level} differ first in {place}, element {element}, {vectors.name(int(numbers[event]))}: "
        f"graph {graph.at(event, element)}, {level} {hardware.at(event, element)}"
    )
