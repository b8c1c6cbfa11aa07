"""The first difference between graph and hardware: which layer, element and event, and both values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Graph, TensorType, interpret
from nanosieve.compiler.verification.folder import DesignFolder, Element
from nanosieve.compiler.verification.simulation import probe
from nanosieve.compiler.verification.vector_set import VectorSet, flat, take
from nanosieve.errors import VerificationError

__all__ = ["bus_codes", "check_hardware", "check_layers"]

Codes = NDArray[np.int64]

SUSPECTS = 32
"""Vectors that are simulated again, with every layer in view, after a difference."""


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
        type = graph.types[graph.outputs[bus.name]]
        meant = flat(expected[bus.name])[pick]
        differs = _differ(meant, type, found[bus.name], bus.elements)
        if not differs.any():
            continue
        rows = np.flatnonzero(differs.any(axis=1))
        check_layers(design, graph, vectors, pick[rows[:SUSPECTS]])
        place = f"output {bus.name!r}, while every layer agrees when the same events enter back to back"
        raise _error(
            design.level, place, vectors, pick, differs, (meant, type), (found[bus.name], bus.elements)
        )


def check_layers(design: DesignFolder, graph: Graph, vectors: VectorSet, pick: NDArray[np.int64]) -> None:
    """Compare the wire of every layer with its node of the graph, for the vectors number `pick`.

    Raises:
        VerificationError: they differ; the message names the first layer, in topological order, that does.
    """
    codes = take(vectors.codes, pick)
    wires = probe(design, {name: flat(array) for name, array in codes.items()})
    nodes = interpret(graph, codes, keep_all=True)
    for layer in design.layers:
        meant, type, found = flat(nodes[layer.name]), graph.types[layer.name], wires[layer.name]
        differs = _differ(meant, type, found, layer.elements)
        if differs.any():
            place = f"layer {layer.name!r} ({layer.file}, stage {layer.stage})"
            raise _error(design.level, place, vectors, pick, differs, (meant, type), (found, layer.elements))


def bus_codes(design: DesignFolder, graph: Graph, outputs: Mapping[str, Codes]) -> dict[str, Codes]:
    """The codes of the graph's outputs as the buses of the design count them: (vectors, elements)."""
    counted = {}
    for bus in design.outputs:
        own = np.array([element.exponent for element in bus.elements])
        shift = graph.types[graph.outputs[bus.name]].exponent.ravel() - own
        counted[bus.name] = flat(outputs[bus.name]) << np.maximum(shift, 0) >> np.maximum(-shift, 0)
    return counted


def _differ(meant: Codes, type: TensorType, found: Codes, elements: tuple[Element, ...]) -> NDArray[np.bool_]:
    """Where the values differ; the two sides may count in different steps."""
    own, exponents = np.array([element.exponent for element in elements]), type.exponent.ravel()
    common = np.minimum(exponents, own)
    return np.asarray((meant << (exponents - common)) != (found << (own - common)))


def _error(
    level: str,
    place: str,
    vectors: VectorSet,
    numbers: NDArray[np.int64],
    differs: NDArray[np.bool_],
    graph: tuple[Codes, TensorType],
    hardware: tuple[Codes, tuple[Element, ...]],
) -> VerificationError:
    event, element = (int(n[0]) for n in np.nonzero(differs))
    meant, found = int(graph[0][event, element]), int(hardware[0][event, element])
    meant_value = meant * 2.0 ** int(graph[1].exponent.flat[element])
    found_value = found * 2.0 ** hardware[1][element].exponent
    return VerificationError(
        f"graph and {level} differ first in {place}, element {element}, {vectors.name(int(numbers[event]))}: "
        f"graph {meant_value:.10g} (code {meant}), {level} {found_value:.10g} (code {found})"
    )
