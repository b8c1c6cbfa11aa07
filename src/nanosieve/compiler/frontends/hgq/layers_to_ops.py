"""What each Keras and HGQ2 layer means: one short function for each class, in one table."""

from __future__ import annotations

from nanosieve.compiler.frontends.hgq.converters import (
    attention,
    functions,
    merges,
    operations,
    pooling,
    products,
    recurrent,
    shapes,
    tables,
)
from nanosieve.compiler.frontends.hgq.converters.base import Converter

__all__ = ["CONVERTERS", "OPERATIONS", "WITH_OUTPUT_QUANTIZER"]

CONVERTERS: dict[str, Converter] = {
    **products.CONVERTERS,
    **tables.CONVERTERS,
    **recurrent.CONVERTERS,
    **attention.CONVERTERS,
    **pooling.CONVERTERS,
    **merges.CONVERTERS,
    **shapes.CONVERTERS,
    **functions.CONVERTERS,
}
"""Class name → function (LayerBuilder, input nodes) → node before the output quantiser."""

OPERATIONS = operations.OPERATIONS
"""The same for the operations of `keras.ops`."""

WITH_OUTPUT_QUANTIZER = functions.WITH_OUTPUT_QUANTIZER
"""Classes whose output quantiser is no node of its own."""
