"""Attention between two variables: Keras' MultiHeadAttention, quantised after training."""

from __future__ import annotations

import math

import numpy as np

from nanosieve.compiler.frontends.calibrated.builder import Traced
from nanosieve.compiler.frontends.keras_float.call import LayerCall, array

__all__ = ["multi_head_attention"]


def multi_head_attention(call: LayerCall, query: Traced, value: Traced, key: Traced | None = None) -> Traced:
    """``softmax(Q K / sqrt(d)) V`` for each head; arXiv:1706.03762, section 3.2.

    Roles: ``query``, ``key``, ``value`` and their kernels such as ``query_kernel``, ``scores``, ``scaled``,
    ``weights``, ``heads``, ``output_kernel``, ``result`` (whose step bounds the error of the softmax).

    Raises:
        UnsupportedLayerError: attention over several axes.
    """
    layer, b, name = call.layer, call.b, call.name
    if len(query.shape) != 2:
        call.refuse(f"attention over an input of shape {query.shape}", "give it (positions, features)")

    def projected(x: Traced, part: str) -> Traced:
        dense = getattr(layer, f"_{part}_dense")
        total = b.einsum(x, array(dense.kernel), dense.equation, layer=name, role=f"{part}_kernel")
        bias = None if dense.bias is None else array(dense.bias)
        return b.settle(b.offset(total, bias, layer=name, role=f"{part}_bias"), part)

    queries = projected(query, "query")
    keys, values = projected(value if key is None else key, "key"), projected(value, "value")
    scores = b.einsum(queries, keys, "bqhd,bkhd->bhqk", layer=name)
    scale = b.constant(np.array(1.0 / math.sqrt(layer.key_dim)), layer=name)
    scaled = b.settle(b.multiply(b.settle(scores, "scores"), scale, layer=name), "scaled")
    weights = b.softmax(scaled, layer=name)
    heads = b.einsum(b.settle(weights, "weights"), values, "bhqk,bkhd->bqhd", layer=name)
    output = layer._output_dense
    total = b.einsum(
        b.settle(heads, "heads"), array(output.kernel), output.equation, layer=name, role="output_kernel"
    )
    return b.offset(
        total, None if output.bias is None else array(output.bias), layer=name, role="output_bias"
    )
