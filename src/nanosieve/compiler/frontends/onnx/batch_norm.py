"""Batch normalisation folded into the product before it, in a model that is quantised after training.

The weights are then quantised as they act, and the product is rounded once instead of twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.onnx.file import OnnxModel, OnnxNode

__all__ = ["without_batch_norms"]


def without_batch_norms(model: OnnxModel) -> OnnxModel:
    """The model without the batch normalisations that alone read a Conv or Gemm of constant weights."""
    readers = Counter(name for node in model.nodes for name in {*node.inputs})
    makers = {node.outputs[0]: node for node in model.nodes if node.op in ("Conv", "Gemm")}
    constants = dict(model.constants)
    changed: dict[str, OnnxNode | None] = {}
    for node in model.nodes:
        product = makers.get(node.inputs[0]) if node.op == "BatchNormalization" else None
        if product is None or readers[node.inputs[0]] != 1 or node.inputs[0] in model.outputs:
            continue
        found = _folded(product, node, model.constants)
        if found is not None:
            names = f"{product.name} folded kernel", f"{product.name} folded bias"
            constants.update(zip(names, found, strict=True))
            changed[product.name] = None
            changed[node.name] = replace(
                product, inputs=(product.inputs[0], *names), outputs=node.outputs[:1]
            )
    nodes = (changed.get(node.name, node) for node in model.nodes)
    return replace(model, constants=constants, nodes=tuple(node for node in nodes if node is not None))


def _folded(
    product: OnnxNode, norm: OnnxNode, constants: Mapping[str, NDArray[Any]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Kernel and bias of both in one; None where a parameter is no constant or does not fit."""
    given = [constants.get(name) for name in (*product.inputs[1:], *norm.inputs[1:])]
    arrays = [np.asarray(array, dtype=np.float64) for array in given if array is not None]
    attributes = product.attributes
    plain = attributes.get("alpha", 1.0) == 1 and attributes.get("beta", 1.0) == 1
    if len(arrays) != len(given) or len(arrays) < 5 or not plain or norm.attributes.get("training_mode", 0):
        return None
    kernel, *bias = arrays[:-4]
    scale, offset, mean, variance = arrays[-4:]
    axis = 0 if product.op == "Conv" or attributes.get("transB", 0) else 1
    spread = variance + np.float32(norm.attributes.get("epsilon", 1e-5))
    alike = {a.shape for a in (scale, offset, mean, variance)} == {(kernel.shape[axis],)}
    if not alike or product.channels_last != norm.channels_last or not np.all(spread > 0):
        return None
    slope = scale / np.sqrt(spread)
    before = bias[0] if bias else np.zeros(())
    if before.ndim > 1 or (before.ndim == 1 and before.shape not in ((1,), slope.shape)):
        return None
    lengths = [-1 if a == axis else 1 for a in range(kernel.ndim)]
    whole = (kernel * slope.reshape(lengths)).astype(np.float32)
    return whole, (np.broadcast_to(before, slope.shape) * slope + offset - mean * slope).astype(np.float32)
