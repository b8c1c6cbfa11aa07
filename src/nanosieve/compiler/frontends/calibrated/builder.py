"""Networks quantised after training: what all front ends of float models (Keras, ONNX) build with.

Each method computes the float result from the float operands, in float64, and adds the fixed-point nodes with
types chosen from the range of the sample and the precision wanted; so no framework is hooked into, and
loops such as recurrent layers are traced like everything else.

- Sums are exact: products and their bias are added in full. Such a value is *pending*: it takes its result
  type (round half up, saturate) where it is first multiplied, looked up or put out, or where the front end
  calls `settle`. What only picks or compares (ReLU, the largest of a window, reshaping) passes a pending
  value on, so that a layer and its activation function are rounded once.
- A function of one value is a table; see `nanosieve.compiler.frontends.calibrated.tables`.
- Values that come again in every step of a loop share their types: `in_steps`.

Tensors are channels-last, (*positions, channels), without the batch; `layer` is the user's name of the layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends.calibrated.real_windows import convolved, picked, windows
from nanosieve.compiler.frontends.calibrated.softmax import softmax_nodes
from nanosieve.compiler.frontends.calibrated.tables import add_table
from nanosieve.compiler.frontends.calibrated.traced import Reals, Traced, TracedGraph
from nanosieve.compiler.frontends.einsum import einsum_of_variables, einsum_with_kernel, indices
from nanosieve.compiler.frontends.windows import Padding, convolution, halved, pooled, summed
from nanosieve.compiler.graph import (
    Add,
    Concatenate,
    GreaterEqual,
    Integers,
    LeakyRelu,
    Max,
    Min,
    Multiply,
    Op,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    Scale,
    Select,
    Subtract,
    Sum,
    TensorType,
    Windows,
)

__all__ = ["CalibratedBuilder", "Function", "Reals", "Traced"]

Function = Callable[[Reals], Reals]
"""A function of one real value, vectorised."""


class CalibratedBuilder(TracedGraph):
    """Grows the graph of a float model; see the module.

    >>> import numpy as np
    >>> from nanosieve.compiler.frontends.calibration import Calibration
    >>> sample = np.linspace(-1, 1, 8).reshape(4, 2)
    >>> b = CalibratedBuilder("toy", Calibration(sample, "fixed<8>"))
    >>> y = b.relu(b.dense(b.input("x", (2,)), np.eye(2), layer="dense"), layer="relu")
    >>> print(b.finish({"y": y}))
    graph toy
      x = Input()  # 2 fixed<8,2>
      dense.product = Dense(x, kernel=[[128,0],[0,128]], exponent=-7)  # 2 fixed<8,2>
      relu.relu = Relu(dense.product)  # 2 ufixed<7,1>
      relu = Quantize(relu.relu, 2 ufixed<8,1>, RND, SAT)  # 2 ufixed<8,1>
      output y = relu
    """

    # sums of products

    def dense(
        self,
        x: Traced,
        kernel: NDArray[Any],
        bias: NDArray[Any] | None = None,
        *,
        layer: str,
        role: str = "kernel",
    ) -> Traced:
        """``x @ kernel + bias`` over the last axis; kernel (inputs, outputs), bias (outputs,)."""
        x = self.settle(x)
        kernel = np.asarray(kernel, dtype=np.float64)
        codes, exponent = self.weights(kernel, layer, role)
        node = self.nodes(layer).product(x.node, codes, exponent)
        return self.offset(Traced(node, x.real @ kernel, layer), bias, layer=layer)

    def conv(
        self,
        x: Traced,
        kernel: NDArray[Any],
        bias: NDArray[Any] | None = None,
        *,
        layer: str,
        strides: Sequence[int],
        padding: Padding,
        dilation: Sequence[int] | None = None,
        groups: int = 1,
        role: str = "kernel",
    ) -> Traced:
        """A convolution over all axes but the last.

        Args:
            x: shape (*positions, channels).
            kernel: shape (*size, channels / groups, filters), filters in the order of the groups.
            bias: shape (filters,).
            layer: name of the layer.
            strides, dilation: of the window.
            padding: zeros (before, after) along each axis of the positions.
            groups: of channels that do not meet.
            role: of the kernel, for its precision.
        """
        x = self.settle(x)
        kernel = np.asarray(kernel, dtype=np.float64)
        dilation = tuple(dilation or [1] * len(strides))
        codes, exponent = self.weights(kernel, layer, role)
        node = convolution(
            self.nodes(layer), x.node, codes, exponent,
            strides=strides, dilation=dilation, padding=padding, groups=groups,
        )  # fmt: skip
        window = Windows(kernel.shape[:-2], tuple(strides), dilation, padding)
        real = convolved(x.real, kernel, window.index(x.shape), groups)
        return self.offset(Traced(node, real, layer), bias, layer=layer)

    def einsum(
        self, x: Traced, other: Traced | NDArray[Any], equation: str, *, layer: str, role: str = "kernel"
    ) -> Traced:
        """An Einstein sum of two variables, or of a variable and a constant kernel.

        Args:
            x, other: the operands, in the order of the equation.
            equation: with the batch as the first index of each variable, as ``"bqd,bkd->bqk"``.
            layer: name of the layer.
            role: of a constant kernel.

        Raises:
            UnsupportedLayerError: an equation of another form.
        """
        x, nodes = self.settle(x), self.nodes(layer)
        if isinstance(other, Traced):
            other = self.settle(other)
            node = einsum_of_variables(nodes, [x.node, other.node], equation)
            second, batched = other.real, True
        else:
            second, batched = np.asarray(other, dtype=np.float64), False
            codes, exponent = self.weights(second, layer, role)
            node = einsum_with_kernel(nodes, x.node, codes, exponent, equation)
        ranks = [len(x.shape), second.ndim - batched]
        (left, right), out = indices(equation, ranks, f"layer {layer!r}", [True, batched])
        real = np.einsum(f"...{left},{'...' * batched}{right}->...{out}", x.real, second, optimize=True)
        return Traced(node, real, layer)

    def offset(self, x: Traced, bias: NDArray[Any] | None, *, layer: str, role: str = "bias") -> Traced:
        """``x + bias`` with a constant that broadcasts to `x`, in full precision."""
        if bias is None or not np.any(bias):
            return x
        bias = np.asarray(bias, dtype=np.float64)
        codes, exponent = self.weights(bias, layer, role)
        nodes = self.nodes(layer)
        constant = nodes.codes(np.broadcast_to(codes, x.shape), exponent, role)
        return Traced(nodes.add(Add(), x.node, constant, part="sum"), x.real + bias, layer)

    def scaled(self, x: Traced, scale: NDArray[Any], *, layer: str, role: str = "kernel") -> Traced:
        """``x * scale`` with a constant that broadcasts to `x`; powers of two cost nothing."""
        scale = np.asarray(scale, dtype=np.float64)
        mantissa, power = np.frexp(scale)
        nodes = self.nodes(layer)
        if np.all(mantissa == 0.5):
            shift = np.broadcast_to(power - 1, x.shape)
            return Traced(nodes.add(Scale(shift), x.node, part="scaled"), x.real * scale, x.pending and layer)
        x = self.settle(x)
        codes, exponent = self.weights(scale, layer, role)
        constant = nodes.codes(np.broadcast_to(codes, x.shape), exponent, role)
        return Traced(nodes.add(Multiply(), x.node, constant, part="scaled"), x.real * scale, layer)

    # two values, which broadcast as in NumPy

    def add(self, x: Traced, y: Traced, *, layer: str) -> Traced:
        """``x + y``."""
        return self._pair(Add(), x, y, np.add, layer)

    def subtract(self, x: Traced, y: Traced, *, layer: str) -> Traced:
        """``x - y``."""
        return self._pair(Subtract(), x, y, np.subtract, layer)

    def multiply(self, x: Traced, y: Traced, *, layer: str) -> Traced:
        """``x * y``."""
        x, y = self.settle(x), self.settle(y)
        return self._pair(Multiply(square=x.node == y.node), x, y, np.multiply, layer)

    def maximum(self, x: Traced, y: Traced, *, layer: str) -> Traced:
        """The larger of two."""
        return self._extreme(Max(), x, y, np.maximum, layer)

    def minimum(self, x: Traced, y: Traced, *, layer: str) -> Traced:
        """The smaller of two."""
        return self._extreme(Min(), x, y, np.minimum, layer)

    def _pair(self, op: Op, x: Traced, y: Traced, real: Callable[..., Any], layer: str) -> Traced:
        shape = np.broadcast_shapes(x.shape, y.shape)
        x, y = self.broadcast(x, shape, layer=layer), self.broadcast(y, shape, layer=layer)
        node = self.nodes(layer).add(op, x.node, y.node, part="merged")
        return Traced(node, real(x.real, y.real), layer)

    def _extreme(self, op: Max | Min, x: Traced, y: Traced, real: Callable[..., Any], layer: str) -> Traced:
        shape = np.broadcast_shapes(x.shape, y.shape)
        x, y = self.broadcast(x, shape, layer=layer), self.broadcast(y, shape, layer=layer)
        nodes = self.nodes(layer)
        left, right = (nodes.reshaped(v.node, (*shape, 1), "apart") for v in (x, y))
        best = nodes.add(op, nodes.add(Concatenate(), left, right, part="pairs"), part="best")
        return Traced(nodes.reshaped(best, shape, "merged"), real(x.real, y.real), layer)

    # functions of one value

    def relu(self, x: Traced, *, layer: str) -> Traced:
        """``max(x, 0)``."""
        node = self.nodes(layer).add(Relu(), x.node, part="relu")
        return Traced(node, np.maximum(x.real, 0.0), x.pending and layer)

    def leaky_relu(self, x: Traced, slope: NDArray[Any] | float, *, layer: str) -> Traced:
        """``x`` where it is positive, else ``slope * x``; the slope broadcasts to `x` (PReLU)."""
        slopes = np.asarray(slope, dtype=np.float64)
        if not slopes.any():
            return self.relu(x, layer=layer)
        x, nodes = self.settle(x), self.nodes(layer)
        real = np.where(x.real >= 0, x.real, x.real * slopes)
        codes, exponent = self.weights(slopes, layer, "slope")
        if slopes.size == 1 and exponent < 0 < int(codes.flat[0]) < 2**-exponent:
            code = int(codes.flat[0])
            zeros = (code & -code).bit_length() - 1
            op = LeakyRelu(code >> zeros, exponent + zeros)
            return Traced(nodes.add(op, x.node, part="leaky"), real, layer)
        zero = nodes.codes(np.zeros(x.shape, dtype=np.int64), 0, "zero")
        under = nodes.add(Relu(), nodes.add(Subtract(), zero, x.node, part="negated"), part="under")
        constant = nodes.codes(np.broadcast_to(codes, x.shape), exponent, "slope")
        below = nodes.add(Multiply(), under, constant, part="below")
        above = nodes.add(Relu(), x.node, part="above")
        return Traced(nodes.add(Subtract(), above, below, part="leaky"), real, layer)

    def clip(self, x: Traced, low: float | None = None, high: float | None = None, *, layer: str) -> Traced:
        """``min(max(x, low), high)``, the ends at the nearest step of `x`."""
        type = self.type(x)
        step = np.exp2(type.exponent.astype(np.float64))
        ends = [type.low, type.high]
        for n, end in enumerate((low, high)):
            if end is not None:
                ends[n] = np.clip(np.floor(end / step + 0.5), type.low, type.high).astype(np.int64)
        op = Quantize(TensorType(ends[0], ends[1], type.exponent), Rounding.RND, Overflow.SAT)
        real = np.clip(x.real, -np.inf if low is None else low, np.inf if high is None else high)
        return Traced(self.nodes(layer).add(op, x.node, part="clipped"), real, x.pending and layer)

    def select(self, x: Traced, threshold: float, above: Traced, below: Traced, *, layer: str) -> Traced:
        """`above` where ``x >= threshold``, else `below`."""
        nodes = self.nodes(layer)
        limit = self.constant(np.full(x.shape, threshold), layer=layer, role="threshold")
        bit = nodes.add(GreaterEqual(), x.node, limit.node, part="passes")
        node = nodes.add(Select(), bit, above.node, below.node, part="selected")
        return Traced(node, np.where(x.real >= threshold, above.real, below.real), layer)

    def function(self, x: Traced, f: Function, *, layer: str, role: str = "result") -> Traced:
        """Any function of one value, as a table; the result has the type of `role`."""
        return add_table(self, x, f, layer=layer, role=role)

    def softmax(self, x: Traced, *, layer: str) -> Traced:
        """Softmax over the last axis, within the bound that `calibrated.softmax` proves."""
        return softmax_nodes(self, x, layer=layer)

    # windows and reductions

    def max_pool(
        self, x: Traced, size: Sequence[int], strides: Sequence[int], padding: Padding, *, layer: str
    ) -> Traced:
        """The largest of each window, padding aside; shape (*positions, channels)."""
        node = pooled(self.nodes(layer), x.node, Max(), size, strides, padding)
        real = windows(x.real, size, strides, padding, -np.inf).max(axis=-1)
        return Traced(node, real, x.pending and layer)

    def average_pool(
        self,
        x: Traced,
        size: Sequence[int],
        strides: Sequence[int],
        padding: Padding,
        *,
        layer: str,
        count_padding: bool = False,
    ) -> Traced:
        """The mean of each window, over what lies inside `x` or, with `count_padding`, over all of it."""
        x, nodes = self.settle(x), self.nodes(layer)
        node, inside = summed(nodes, x.node, size, strides, padding)
        counts = np.full_like(inside, np.prod(size)) if count_padding else inside
        real = windows(x.real, size, strides, padding, 0.0).sum(axis=-1)
        return self.divided(Traced(node, real, layer), counts[..., np.newaxis], layer=layer)

    def divided(self, x: Traced, counts: NDArray[Any] | int, *, layer: str) -> Traced:
        """``x / counts``, which broadcast to `x`: the sum of a mean, in full precision."""
        counts = np.broadcast_to(np.asarray(counts, dtype=np.int64), x.shape)
        nodes = self.nodes(layer)
        node = halved(nodes, x.node, counts)
        if node is None:
            share = self.constant(1.0 / counts, layer=layer, role="share")
            node = nodes.add(Multiply(), x.node, share.node, part="divided")
        return Traced(node, x.real / counts, layer)

    def sum(self, x: Traced, axes: Sequence[int], *, layer: str, keepdims: bool = False) -> Traced:
        """The sum over axes, counted without the batch."""
        return self._reduced(Sum(), np.sum, x, axes, layer, keepdims)

    def mean(self, x: Traced, axes: Sequence[int], *, layer: str, keepdims: bool = False) -> Traced:
        """The mean over axes, counted without the batch."""
        count = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
        total = self.sum(self.settle(x), axes, layer=layer, keepdims=keepdims)
        return self.divided(total, count, layer=layer)

    def largest(self, x: Traced, axes: Sequence[int], *, layer: str, keepdims: bool = False) -> Traced:
        """The largest along axes, counted without the batch."""
        best = self._reduced(Max(), np.max, x, axes, layer, keepdims)
        return Traced(best.node, best.real, x.pending and layer)

    def _reduced(
        self, op: Op, real: Callable[..., Reals], x: Traced, axes: Sequence[int], layer: str, keepdims: bool
    ) -> Traced:
        gone = sorted(a % len(x.shape) for a in axes)
        kept = [a for a in range(len(x.shape)) if a not in gone]
        lengths = [x.shape[a] for a in kept]
        nodes = self.nodes(layer)
        rows = nodes.rewired(x.node, lambda i: i.transpose([*kept, *gone]).reshape(*lengths, -1), "rows")
        result = real(x.real, axis=tuple(a + 1 for a in gone), keepdims=keepdims)
        node = nodes.reshaped(nodes.add(op, rows, part="total"), tuple(result.shape[1:]), "reduced")
        return Traced(node, result, layer)

    # picking

    def gather(
        self, x: Traced, rule: Callable[[Integers], Any], *, layer: str, part: str = "picked"
    ) -> Traced:
        """Elements picked: `rule` does to an array of places what is to happen to `x`; -1 is a zero."""
        node = self.nodes(layer).rewired(x.node, rule, part)
        places = np.arange(np.prod(x.shape, dtype=np.int64)).reshape(x.shape)
        index = np.asarray(rule(places), dtype=np.int64)
        return Traced(node, picked(x.real, index), x.pending and layer)

    def reshape(self, x: Traced, shape: Sequence[int], *, layer: str) -> Traced:
        """The same elements in another shape."""
        return self.gather(x, lambda index: index.reshape(tuple(shape)), layer=layer, part="reshaped")

    def broadcast(self, x: Traced, shape: Sequence[int], *, layer: str) -> Traced:
        """`x` repeated to a shape, as NumPy does it."""
        return self.gather(x, lambda index: np.broadcast_to(index, shape), layer=layer, part="repeated")

    def concatenate(self, xs: Sequence[Traced], *, axis: int, layer: str) -> Traced:
        """Tensors one behind the other along an axis, counted without the batch; each in its own type."""
        xs = [self.settle(x) for x in xs]
        rank = len(xs[0].shape)
        axis %= rank
        nodes = self.nodes(layer)
        turned = [nodes.rewired(x.node, lambda i: np.moveaxis(i, axis, -1), "turned") for x in xs]
        node = nodes.add(Concatenate(), *turned, part="joined") if len(xs) > 1 else turned[0]
        node = nodes.rewired(node, lambda i: np.moveaxis(i, -1, axis), "ordered")
        events = max(len(x.real) for x in xs)
        reals = [np.broadcast_to(x.real, (events, *x.shape)) for x in xs]
        return Traced(node, np.concatenate(reals, axis=axis + 1))
