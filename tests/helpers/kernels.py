"""Kernels against the reference interpreter of the graph that they are made from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from helpers.random_graphs import random_codes
from nanosieve.compiler.graph import Constant, Graph, Node, interpret
from nanosieve.compiler.hardware.slices import Fold, Kernel, interpret_kernel, live_elements, slice_layer

EVENTS = 6


def layer_nodes(graph: Graph, layer: str) -> list[Node]:
    """The nodes of a layer, in order."""
    return [node for node in graph.nodes if node.layer == layer and node.name not in graph.inputs]


def output_of(graph: Graph, nodes: Sequence[Node]) -> str:
    """The last node of a layer that others read."""
    inside = {node.name for node in nodes}
    used = [
        node.name
        for node in nodes
        if not isinstance(node.op, Constant)
        and (
            node.name in graph.outputs.values()
            or any(user.name not in inside for user in graph.users[node.name])
        )
    ]
    return used[-1]


def reference(graph: Graph, seed: int = 0) -> dict[str, np.ndarray]:
    """The codes of every node for random events; the ends of the ranges among them."""
    rng = np.random.default_rng(seed)
    codes = {name: random_codes(rng, type, EVENTS) for name, type in graph.inputs.items()}
    return interpret(graph, codes, keep_all=True)


def differences(graph: Graph, kernels: Sequence[Kernel], seed: int = 0) -> list[tuple[str, int]]:
    """The written elements that differ from the interpreter, after the `kernels` one behind the other."""
    truth = reference(graph, seed)
    values = {name: codes.copy() for name, codes in truth.items()}
    for kernel in kernels:
        own = written(graph, kernel)
        for name in own:
            values[name][:] = 0
    wrong = []
    for kernel in kernels:
        made = interpret_kernel(kernel, graph, values)
        for name, elements in written(graph, kernel).items():
            flat = values[name].reshape(EVENTS, -1)
            flat[:, elements] = made[name].reshape(EVENTS, -1)[:, elements]
            bad = (flat != truth[name].reshape(EVENTS, -1)).any(axis=0)
            wrong += [(name, int(n)) for n in elements if bad[n]]
    return wrong


def written(graph: Graph, kernel: Kernel) -> dict[str, np.ndarray]:
    """Node → its flat elements that the kernel writes."""
    found = {}
    for name, first in kernel.base.items():
        own = (
            kernel.writes[(kernel.writes >= first) & (kernel.writes < first + graph.types[name].size)] - first
        )
        if own.size:
            assert len(np.unique(own)) == own.size, "an element is written twice"
            found[name] = np.sort(own)
    return found


def sliced(graph: Graph, layer: str, fold: Fold, live: bool = True) -> Kernel:
    """The kernel of a layer, checked: it verifies, writes what is live, and equals the interpreter."""
    nodes = layer_nodes(graph, layer)
    output = output_of(graph, nodes)
    mask = live_elements(graph)[output] if live else np.ones(graph.types[output].shape, dtype=bool)
    kernel = slice_layer(graph, nodes, output, fold, mask)
    kernel.graph.verify()
    own = written(graph, kernel)
    assert list(own) == [output]
    assert np.array_equal(own[output], np.flatnonzero(mask))
    assert differences(graph, [kernel]) == []
    return kernel
