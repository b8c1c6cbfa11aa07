"""Attention: projections, scores, softmax and mixing, each with the quantisers that the layer states."""

from __future__ import annotations

from typing import Any

from nanosieve.compiler.frontends.einsum import einsum_of_variables
from nanosieve.compiler.frontends.hgq.converters.base import Converter, LayerBuilder, Value
from nanosieve.compiler.frontends.hgq.converters.functions import softmax
from nanosieve.compiler.frontends.hgq.converters.products import einsum_dense
from nanosieve.compiler.frontends.hgq.converters.tables import einsum_table

__all__ = ["CONVERTERS"]


def _projection(b: LayerBuilder, layer: Any, x: str, step: str) -> str:
    here = b.of(layer, step)
    convert = einsum_table if type(layer).__name__ == "QEinsumDenseT" else einsum_dense
    return here.output_quantized(convert(here, x))


def _arguments(b: LayerBuilder) -> tuple[str, str, str]:
    """Query, value and key, as the call gives them."""
    masks = [
        name for name, value in b.arguments.items() if name.endswith("mask") and isinstance(value, Value)
    ]
    if masks:
        b.refuse(f"{masks[0]}", "pad with zeros and leave the mask out")
    if b.arguments.get("use_causal_mask"):
        b.refuse("use_causal_mask=True", "leave the mask out")
    if b.arguments.get("return_attention_scores"):
        b.refuse("return_attention_scores=True", "return the output alone")
    query = b.arguments["query"]
    value = b.arguments.get("value") or query
    return query, value, b.arguments.get("key") or value


def _attention(b: LayerBuilder, *inputs: str) -> str:
    return _attend(b, *_arguments(b))


def _attend(b: LayerBuilder, query: str, value: str, key: str) -> str:
    layer = b.layer
    query = _projection(b, layer._query_dense, query, "query")
    key = _projection(b, layer._key_dense, key, "key")
    value = _projection(b, layer._value_dense, value, "value")
    scores = einsum_of_variables(b.within("scores"), [key, query], layer._dot_product_equation)
    shares = b.of(layer._softmax, "softmax")
    scores = shares.output_quantized(softmax(shares, scores))
    mixed = einsum_of_variables(b.within("mixed"), [scores, value], layer._combine_equation)
    return _projection(b, layer._output_dense, mixed, "output")


def _linformer(b: LayerBuilder, *inputs: str) -> str:
    query, value, key = _arguments(b)
    key = _projection(b, b.layer._lin_k_proj, key, "key_rows")
    value = _projection(b, b.layer._lin_v_proj, value, "value_rows")
    return _attend(b, query, value, key)


CONVERTERS: dict[str, Converter] = {
    "QLinformerAttention": _linformer,
    "QLinformerAttentionT": _linformer,
    "QMultiHeadAttention": _attention,
    "QMultiHeadAttentionT": _attention,
}
