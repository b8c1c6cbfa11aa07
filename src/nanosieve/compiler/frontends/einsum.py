"""Einstein sums, of a tensor with a constant kernel (`Dense` between two permutations) and of variables.

Equations are written with the batch axis, as in a model: ``"bnc,cd->bnd"``; ``...`` stands for the axes that
are not named.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.layer_nodes import LayerNodes
from nanosieve.compiler.graph import Einsum, Integers, Sum
from nanosieve.errors import UnsupportedLayerError

__all__ = ["einsum_of_variables", "einsum_with_kernel", "indices"]


def indices(
    equation: str, ranks: Sequence[int], where: str, batched: Sequence[bool] | None = None
) -> tuple[list[str], str]:
    """The indices of each operand and of the result without the batch, ``...`` written out.

    Args:
        equation: with its arrow.
        ranks: axes of each operand, the batch not counted.
        where: the layer, for messages.
        batched: which operands have a batch axis; all by default.

    Raises:
        UnsupportedLayerError: a diagonal, no arrow, or a batch that is not the first axis of result and
            variables.

    >>> indices("...c,cd->...d", [3, 2], "layer 'd'", [True, False])
    (['BCc', 'cd'], 'BCd')
    """
    batched = batched or [True] * len(ranks)
    left, arrow, out = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    axes = [rank + batch for rank, batch in zip(ranks, batched, strict=True)]
    hidden = {n - len(part) + 3 for part, n in zip(parts, axes, strict=False) if "..." in part}
    free = [letter for letter in ascii_letters[26:] + ascii_letters[:26] if letter not in equation]
    dots = "".join(free[: max(hidden, default=0)])
    full = [part.replace("...", dots) for part in parts]
    result = out.replace("...", dots)
    variables = [part for part, batch in zip(full, batched, strict=False) if batch]
    kernels = [part for part, batch in zip(full, batched, strict=False) if not batch]
    first = {part[:1] for part in [*variables, result]}
    allowed = (
        bool(arrow)
        and len(hidden) <= 1
        and [len(part) for part in full] == axes
        and all(len(set(part)) == len(part) for part in [*full, result])
        and len(first) == 1
        and not any(first & set(part) for part in kernels)
        and set(result) <= set("".join(full))
    )
    if not allowed:
        message = (
            f"{where}: equation {equation!r} is not supported; write it with an arrow, the batch as the "
            "first index of each variable and of the result, and no index twice in one of them"
        )
        raise UnsupportedLayerError(message)
    return [p[1:] if batch else p for p, batch in zip(full, batched, strict=True)], result[1:]


def einsum_with_kernel(b: LayerNodes, x: str, kernel: Integers, exponent: int, equation: str) -> str:
    """The product of `x` with a constant of codes `kernel` and step ``2**exponent``.

    Raises:
        UnsupportedLayerError: see `indices`.
    """
    where = f"layer {b.name!r}"
    (given, weights), out = indices(equation, [len(b.shape(x)), kernel.ndim], where, [True, False])
    sizes = {**dict(zip(given, b.shape(x), strict=True)), **dict(zip(weights, kernel.shape, strict=True))}
    gone = tuple(n for n, i in enumerate(weights) if i not in given + out)
    kernel, weights = kernel.sum(axis=gone), "".join(i for i in weights if i in given + out)
    blocks = [i for i in out if i in given and i in weights]
    rows = [i for i in out if i in given and i not in weights]
    columns = [i for i in out if i not in given]
    contracted = [i for i in given if i not in out]

    def shape(*groups: list[str]) -> tuple[int, ...]:
        return tuple(sizes[i] for group in groups for i in group)

    def length(group: list[str]) -> int:
        return int(np.prod(shape(group), dtype=np.int64))

    def matrices(index: NDArray[np.int64]) -> NDArray[np.int64]:
        order = [given.index(i) for i in [*blocks, *rows, *contracted]]
        return index.transpose(order).reshape(*shape(blocks, rows), length(contracted))

    def result(index: NDArray[np.int64]) -> NDArray[np.int64]:
        now = [*blocks, *rows, *columns]
        return index.reshape(shape(now)).transpose([now.index(i) for i in out])

    # an index that only x has is summed over: the kernel is the same for all of it
    order = [weights.index(i) for i in [*blocks, *contracted, *columns] if i in weights]
    full = np.expand_dims(
        kernel.transpose(order),
        [len(blocks) + n for n, i in enumerate(contracted) if i not in weights],
    )
    full = np.broadcast_to(full, shape(blocks, contracted, columns))
    full = full.reshape(*shape(blocks), length(contracted), length(columns))
    product = b.product(b.rewired(x, matrices, "rows"), full, exponent)
    return b.rewired(product, result, "ordered")


def einsum_of_variables(b: LayerNodes, nodes: Sequence[str], equation: str) -> str:
    """The Einstein sum of one or more variables, two at a time from the left.

    Raises:
        UnsupportedLayerError: see `indices`.
    """
    given, out = indices(equation, [len(b.shape(node)) for node in nodes], f"layer {b.name!r}")
    node, now = nodes[0], given[0]
    for step, (other, others) in enumerate(zip(nodes[1:], given[1:], strict=True)):
        later = out + "".join(given[step + 2 :])
        kept = "".join(i for i in dict.fromkeys(now + others) if i in later)
        kept = out if step == len(nodes) - 2 else kept
        op = Einsum(f"{now},{others}->{kept}")
        suffix = f"{step}" if len(nodes) > 2 else ""
        left = b.aligned(node, op.summed(0), f"left{suffix}")
        right = b.aligned(other, op.summed(1), f"right{suffix}")
        node, now = b.add(op, left, right, part=f"product{suffix}"), kept
    if len(nodes) > 1:
        return node
    gone = [i for i in now if i not in out]
    order = [now.index(i) for i in [*out, *gone]]
    if not gone:
        return b.rewired(node, lambda index: index.transpose(order), "ordered")
    lengths = dict(zip(now, b.shape(node), strict=True))
    shape = tuple(lengths[i] for i in out)
    rows = b.rewired(node, lambda index: index.transpose(order).reshape(*shape, -1), "rows")
    return b.reshaped(b.add(Sum(), rows, part="total"), shape, "summed")
