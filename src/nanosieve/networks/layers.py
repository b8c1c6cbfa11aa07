"""Layers that exist in training only; `fold_batch_norm` leaves plain `QDense` layers for the hardware."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hgq.layers
import keras

from nanosieve.compiler.frontends.keras_layers import within_limits

__all__ = [
    "DenseBatchNorm",
    "PhysicalRange",
    "SampleLatent",
    "apply_copy",
    "copy_weights",
    "fold_batch_norm",
]

ops = keras.ops


@keras.saving.register_keras_serializable(package="nanosieve")
class DenseBatchNorm(hgq.layers.QDense):  # type: ignore[misc]  # HGQ ships no types
    """A quantised dense layer with the batch normalisation behind it folded into kernel and bias.

    With ``s = gamma / sqrt(variance + epsilon)`` per output, mean and variance being those of ``x·K``:

        ``y = x · Q(s K) + Q(beta - s mean)``

    In training the moments are the batch's, afterwards the moving averages. The quantisers act on the
    *folded* numbers, so that training sees exactly the weights that the hardware will hold. (HGQ's
    `QBatchNormDense` normalises the inputs instead and does not scale the mean that it subtracts.)
    """

    def __init__(self, units: int, momentum: float = 0.98, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.momentum, self.epsilon = float(momentum), float(epsilon)

    def build(self, input_shape: Any) -> None:
        """Make the variables; `bias` is the beta of the batch normalisation."""
        super().build(input_shape)
        self.gamma = self.add_weight(name="gamma", shape=(self.units,), initializer="ones")
        self.moving_mean = self.add_weight(
            name="moving_mean", shape=(self.units,), initializer="zeros", trainable=False
        )
        self.moving_variance = self.add_weight(
            name="moving_variance", shape=(self.units,), initializer="ones", trainable=False
        )

    def folded(self, mean: Any, variance: Any) -> tuple[Any, Any]:
        """Quantised kernel and bias for these moments."""
        scale = self.gamma / ops.sqrt(variance + self.epsilon)
        return self.kq(self._kernel * scale), self.bq(self.bias - mean * scale)

    @property
    def qkernel(self) -> Any:
        """The kernel that the hardware holds."""
        return self.folded(self.moving_mean, self.moving_variance)[0]

    @property
    def qbias(self) -> Any:
        """The bias that the hardware holds."""
        return self.folded(self.moving_mean, self.moving_variance)[1]

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The normalised, quantised product."""
        if self.enable_iq:
            inputs = self.iq(inputs, training=training)
        mean, variance = self.moving_mean, self.moving_variance
        if training:
            mean, variance = ops.moments(ops.matmul(inputs, self._kernel), axes=[0])
            self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1 - self.momentum))
            self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1 - self.momentum))
        kernel, bias = self.folded(mean, variance)
        return ops.matmul(inputs, kernel) + bias

    def get_config(self) -> dict[str, Any]:
        """Settings for the model file."""
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="nanosieve")
class SampleLatent(keras.layers.Layer):  # type: ignore[misc]
    """The reparametrisation of a variational autoencoder: ``z = mu + exp(-lambda / 2) * noise``.

    Inputs: mean, ``lambda = -log sigma²``, unit-normal noise; each (N, latent).
    """

    def call(self, inputs: Any) -> Any:
        """The sampled latent vector."""
        mean, negative_log_variance, noise = inputs
        return mean + ops.exp(-0.5 * negative_log_variance) * noise

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the mean."""
        return input_shape[0]


@keras.saving.register_keras_serializable(package="nanosieve")
class PhysicalRange(keras.layers.Layer):  # type: ignore[misc]
    """``limit · tanh(x)`` per element in floating point, None passing it through (cf. `PhysicalRangeLUT`)."""

    def __init__(self, limits: Sequence[float | None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.limits = list(limits)

    def call(self, inputs: Any) -> Any:
        """The bounded values."""
        return within_limits(inputs, self.limits, ops.tanh)

    def get_config(self) -> dict[str, Any]:
        """Settings for the model file."""
        return {**super().get_config(), "limits": self.limits}


def fold_batch_norm(layer: Any) -> Any:
    """A built `QDense` with the quantised weights of `layer` (a built `DenseBatchNorm` or `QDense`)."""
    plain = hgq.layers.QDense(
        layer.units,
        name=layer.name,
        iq_conf=layer.iq.config,
        kq_conf=layer.kq.config,
        bq_conf=layer.bq.config,
    )
    plain.build((None, layer.kernel.shape[0]))
    plain._kernel.assign(ops.convert_to_numpy(layer.qkernel))
    plain.bias.assign(ops.convert_to_numpy(layer.qbias))
    for mine, theirs in ((plain.iq, layer.iq), (plain.kq, layer.kq), (plain.bq, layer.bq)):
        copy_variables(mine, theirs)
    return plain


def apply_copy(layer: Any, inputs: Any) -> Any:
    """The output of a copy of `layer`, with variables of its own, on `inputs`."""
    copy = type(layer).from_config(layer.get_config())
    outputs = copy(inputs)
    copy_variables(copy, layer)
    return outputs


WEIGHTS = frozenset({"kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"})


def copy_weights(model: Any, trained: Any) -> None:
    """Give `model` the weights of `trained`, a network of the same layers with other quantisers."""
    for layer in trained.layers:
        theirs = {v.name: v for v in layer.variables if v.name in WEIGHTS}
        ours = {v.name: v for v in model.get_layer(layer.name).variables if v.name in WEIGHTS}
        for name in ours.keys() & theirs.keys():
            ours[name].assign(ops.convert_to_numpy(theirs[name]))


def copy_variables(target: Any, source: Any) -> None:
    """Give `target` the values of `source`, a built layer of the same kind.

    The arrays are copied: Keras donates its buffers in `predict`, after which a shared one would be gone.
    """
    for variable, value in zip(target.variables, source.variables, strict=True):
        variable.assign(ops.convert_to_numpy(value))
