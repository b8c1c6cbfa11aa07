"""What an engine computes in every cycle: the products of a step, and what is done to their sums.

Both are kernels as those of layers in slots, so that they are lowered, packed and priced by the same rules:
the coefficients of the products, and the parameters of the steps behind them, are ports that read constants.
A *slot* of the products is a kernel, a part of the columns and a part of the inputs; one of the steps behind
them is a *variant* and a part of the columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nanosieve.compiler.graph import (
    Add,
    Builder,
    Constant,
    Gather,
    Integers,
    Multiply,
    Overflow,
    Quantize,
    Relu,
    Reshape,
    Rounding,
    Sum,
    TensorType,
    bit_width,
)
from nanosieve.compiler.hardware.engines.positions import Positions, Step
from nanosieve.compiler.hardware.kernel import Fold, Kernel
from nanosieve.compiler.hardware.packing import pack_columns
from nanosieve.compiler.hardware.slices import slice_layer
from nanosieve.errors import FoldingError

__all__ = ["Arithmetic", "arithmetic_of"]


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """The two kernels.

    Attributes:
        products: operands (addresses from 0 on) and coefficients to the sums of a step.
        behind: sums (address ``variant * columns + column``) to results; None where nothing is done.
        variant: of each position, shape (positions,).
        variants: how many there are.
        kernel: which kernel each variant has, shape (variants,).
        sums: least and most of all sums.
        exponent: of the sums.
    """

    products: Kernel
    behind: Kernel | None
    variant: Integers
    variants: int
    kernel: Integers
    sums: tuple[int, int]
    exponent: int

    @property
    def sum_width(self) -> int:
        """Bits of a sum, as a signed number."""
        low, high = min(self.sums[0], -1), self.sums[1]
        return bit_width(low, high)


def arithmetic_of(
    layer: Positions,
    ends: tuple[int, int, int],
    columns: int,
    inputs: int,
    *,
    packed: bool,
) -> Arithmetic:
    """The kernels of a layer.

    Args:
        layer: what is computed.
        ends: low, high and exponent of the elements that it reads.
        columns, inputs: parts of the columns, and of the inputs.
        packed: whether one multiplier makes two products.

    Raises:
        FoldingError: nothing can be packed, or the steps behind the sums differ too much.
    """
    variant, kernel = _variants(layer)
    products = _products(layer, ends, columns, inputs)
    if packed:
        made = pack_columns(products)
        if made is None:
            message = f"layer {layer.layers[0]!r}: no multiplier can make two of its products"
            raise FoldingError(message)
        products = made
    used = np.unique(layer.windows)
    sums = int(layer.sums[0][used].min()), int(layer.sums[1][used].max())
    behind = _behind(layer, variant, len(kernel), columns) if layer.steps else None
    return Arithmetic(products, behind, variant, len(kernel), kernel, sums, layer.exponent)


def _variants(layer: Positions) -> tuple[Integers, Integers]:
    """Positions with the same kernel and the same parameters behind it; the kernel of each."""
    used = np.unique(layer.windows)
    keys = [layer.kernel[used]]
    for step in layer.steps:
        for numbers in step.numbers:
            rows = numbers[used]
            if (rows != rows[:1]).any():
                keys.append(np.unique(rows, axis=0, return_inverse=True)[1].ravel())
    found, inverse = np.unique(np.stack(keys), axis=1, return_inverse=True)
    variant = np.zeros(len(layer.rows), dtype=np.int64)
    variant[used] = inverse.ravel()
    return variant, np.asarray(found[0], dtype=np.int64)


def _products(layer: Positions, ends: tuple[int, int, int], columns: int, inputs: int) -> Kernel:
    """Operands times coefficients, summed for each column of a part."""
    low, high, exponent = ends
    kernels, count, _ = layer.kernels.shape
    operands, lanes = count // inputs, layer.columns // columns
    # (kernels, inputs, operands, columns, lanes) to (lanes, operands) × (kernels, columns, inputs)
    split = layer.kernels.reshape(kernels, inputs, operands, columns, lanes)
    slots = kernels * columns * inputs
    codes = np.ascontiguousarray(split.transpose(4, 2, 0, 3, 1).reshape(lanes * operands, slots))
    step = layer.exponent - exponent
    type = TensorType(
        np.concatenate([np.full(operands, low), codes.min(axis=1)]),
        np.concatenate([np.full(operands, high), codes.max(axis=1)]),
        np.concatenate([np.full(operands, exponent), np.full(len(codes), step)]),
    )
    name = layer.layers[0]
    builder = Builder(name)
    builder.input("in", type)
    left = np.tile(np.arange(operands), (lanes, 1))
    right = operands + np.arange(lanes * operands).reshape(lanes, operands)
    x = builder.add(Gather(left), "in", layer=name, part="operands")
    w = builder.add(Gather(right), "in", layer=name, part="coefficients")
    product = builder.add(Multiply(), x, w, layer=name, part="products")
    total = builder.add(Sum(), product, layer=name, part="sums")
    flat = builder.add(Reshape((lanes,)), total, layer=name, part="step")
    reads = np.full((operands + len(codes), slots), -1)
    reads[:operands] = np.arange(operands)[:, np.newaxis]
    constants = np.concatenate([np.zeros((operands, slots), dtype=np.int64), codes])
    writes = np.zeros((lanes, slots), dtype=np.int64)
    return Kernel(builder.finish({"out": flat}), {}, reads, constants, writes)


def _behind(layer: Positions, variant: Integers, variants: int, columns: int) -> Kernel:
    """The steps behind the sums."""
    used = np.unique(layer.windows)
    low, high = (
        np.full((variants, layer.columns), fill) for fill in (np.iinfo(np.int64).max, np.iinfo(np.int64).min)
    )
    np.minimum.at(low, variant[used], layer.sums[0][used])
    np.maximum.at(high, variant[used], layer.sums[1][used])
    one = np.zeros(variants, dtype=np.int64)
    one[variant[used]] = used  # any position of the variant
    name = layer.layers[-1]
    builder = Builder(name)
    high = np.maximum(high, low + 1)  # a sum that is one number comes from the accumulator like the others
    value = builder.input("sums", TensorType(low, high, np.full(low.shape, layer.exponent)))
    for n, step in enumerate(layer.steps):
        value = _added(builder, name, n, step, one, value)
    graph = builder.finish({"out": value})
    return slice_layer(graph, graph.nodes, value, Fold(1, columns))


def _added(builder: Builder, name: str, n: int, step: Step, one: Integers, value: str) -> str:
    numbers = tuple(array[one] for array in step.numbers)
    match step.op:
        case Add():
            constant = builder.constant(Constant(*numbers), layer=name, part=f"summand_{n}")
            return builder.add(Add(), value, constant, layer=name, part=f"sum_{n}")
        case Quantize(rounding=rounding):
            target = Quantize(TensorType(*numbers), Rounding(rounding), Overflow.SAT)
            return builder.add(target, value, layer=name, part=f"rounded_{n}")
        case Relu():
            return builder.add(Relu(), value, layer=name, part=f"positive_{n}")
    message = f"an engine has no {type(step.op).__name__}"
    raise FoldingError(message)
