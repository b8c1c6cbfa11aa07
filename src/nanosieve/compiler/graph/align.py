"""One step along some axes, without loss: what sums over aligned codes need."""

from __future__ import annotations

import numpy as np

from nanosieve.compiler.graph.fixed import Overflow, Rounding, TensorType
from nanosieve.compiler.graph.quantize import Quantize
from nanosieve.compiler.graph.steps import common_step, finest_step

__all__ = ["aligning"]


def aligning(x: TensorType, axes: tuple[int, ...]) -> Quantize | None:
    """The op that brings all elements along `axes` to their finest common step; None if they share one.

    Raises:
        GraphError: a code would need more than 62 bits.
    """
    if common_step(x, axes) is not None:
        return None
    exponent, shift = finest_step(x, axes)
    target = TensorType(x.low << shift, x.high << shift, np.broadcast_to(exponent, x.shape))
    return Quantize(target, Rounding.TRN, Overflow.SAT)
