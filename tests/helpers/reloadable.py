"""Networks whose weights can be reloaded, and other weights for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from helpers.random_networks import Network, activation, convolution, flat, pooling, rows
from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.graph import Add, Constant, Dense, Graph, Lookup, Node

Random = np.random.Generator


def image_network(seed: int = 4) -> Graph:
    """A convolution with a bias, a pooling, a dense layer with a bias, and one without."""
    rng = np.random.default_rng(seed)
    net = Network(rng)
    x = net.input("image", (5, 4, 2))
    x = flat(net, flat(net, pooling(net, convolution(net, x))))
    return replace(net.builder.finish({"y": x}), name="image_network")


class WholeTables(Network):
    """Tables with an entry for each code that a cut can have, not only for those that the weights reach."""

    def table(self, b: LayerNodes, x: str) -> str:
        codes = self.rng.integers(-16, 17, (1, 128))
        return b.add(Lookup(codes, np.array([-64]), np.array([-3])), x, part="table")


def weighted_network(rng: Random) -> Graph:
    """A random network of dense layers and convolutions, and layers without weights between them."""
    net = WholeTables(rng)
    places = int(rng.integers(1, 3))
    x = net.input("x", (*rng.integers(2, 6 if places == 2 else 9, places).tolist(), int(rng.integers(1, 4))))
    for _ in range(int(rng.integers(1, 4))):
        kinds = (convolution, convolution, pooling, rows, activation)
        kind = pooling if net.builder.types[x].size > 100 else kinds[rng.integers(len(kinds))]
        x = kind(net, x)
    return net.builder.finish({"y": flat(net, x)})


def shuffled(graph: Graph, rng: Random) -> Graph:
    """The network with the weights of each layer in another order, so that they fit the same types."""
    biases = {
        name
        for node in graph.nodes
        if isinstance(node.op, Add)
        for name in node.inputs
        for layer in [graph.by_name[name].layer]
        if layer == node.layer
    }

    def changed(node: Node) -> Node | None:
        if isinstance(node.op, Dense):
            kernel = rng.permutation(node.op.kernel.ravel()).reshape(node.op.kernel.shape)
            return replace(node, op=Dense(kernel, node.op.exponent))
        if isinstance(node.op, Constant) and (node.name in biases or node.name.endswith("bias")):
            return replace(node, op=Constant(rng.permutation(node.op.codes), node.op.exponent))
        return None

    return graph.rewrite(changed)
