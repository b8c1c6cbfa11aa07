"""One use of a float Keras layer while its model is walked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder, Reals, Traced
from nanosieve.errors import UnsupportedLayerError

__all__ = ["LayerCall", "array", "function_name"]


@dataclass(frozen=True)
class LayerCall:
    """A layer, its name in the graph, and what its result is to look like.

    Attributes:
        b: the builder.
        layer: the Keras layer.
        name: in the graph and for the precision.
        fold: factor and offset of the output channels by the batch normalisation behind, which is folded into
            the kernel before it is quantised.
    """

    b: CalibratedBuilder
    layer: Any
    name: str
    fold: tuple[Reals, Reals] | None = None

    def inner(self, layer: Any, name: str | None = None) -> LayerCall:
        """A layer inside this one."""
        if name is not None:
            self.b.precision.parents[name] = self.name
        return replace(self, layer=layer, name=name or self.name, fold=None)

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """Refuse the layer.

        Raises:
            UnsupportedLayerError: always.
        """
        message = f"layer {self.name!r} ({type(self.layer).__name__}): {what} is not supported; {remedy}"
        raise UnsupportedLayerError(message)

    def folded(self, kernel: Reals, bias: Reals | None) -> tuple[Reals, Reals | None]:
        """Kernel (…, channels) and bias with the batch normalisation behind the layer folded in."""
        if self.fold is None:
            return kernel, bias
        factor, offset = self.fold
        return kernel * factor, offset + (0.0 if bias is None else bias * factor)

    def stacked(self, values: Sequence[Traced]) -> Traced:
        """Values one behind the other along a new first axis."""
        rows = [self.b.reshape(x, (1, *x.shape), layer=self.name) for x in values]
        return self.b.concatenate(rows, axis=0, layer=self.name)


def array(variable: Any) -> Reals:
    """The values of a Keras variable."""
    return np.asarray(variable, dtype=np.float64)


def function_name(function: Any) -> str:
    """The name of an activation function of Keras; its own name with brackets if it is none."""
    if function is None:
        return "linear"
    module = str(getattr(function, "__module__", ""))
    name = str(getattr(function, "__name__", type(function).__name__))
    return name if module.startswith("keras.") else f"{module}.{name}"
