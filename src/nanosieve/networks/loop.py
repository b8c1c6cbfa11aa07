"""One epoch of training as one compiled JAX function."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SettingsError
from nanosieve.networks.checkpoint import TrainingState
from nanosieve.networks.losses import kl_divergence, mean_squared_error
from nanosieve.networks.pruning import PruningSchedule, prune
from nanosieve.networks.settings import TrainingSettings

__all__ = ["TrainingLoop"]

WIDTHS_REACH = 12.0
"""Bits that a learned width can move by in a training, at least: the sum of all largest steps of Adam."""


class TrainingLoop:
    """The sample on the device and the compiled epoch.

    Args:
        model: a network of `build_autoencoder` or `build_variational_autoencoder`.
        x: (N, 57) events.
        weights: (N,) event weights with mean 1.
        settings: how to train.
        pruning: what part of the weights becomes zero.

    Raises:
        SettingsError: Keras does not run on JAX.
    """

    def __init__(
        self,
        model: Any,
        x: NDArray[np.float32],
        weights: NDArray[np.float32],
        settings: TrainingSettings,
        pruning: PruningSchedule | None = None,
    ) -> None:
        self._keras = require("keras", extra="train", purpose="training a network")
        self._jax = require("jax", extra="train", purpose="training a network")
        if self._keras.backend.backend() != "jax":
            backend = self._keras.backend.backend()
            message = f"Keras runs on {backend!r}; set KERAS_BACKEND=jax before it is imported"
            raise SettingsError(message)
        self._model, self._settings = model, settings
        order = np.random.default_rng([settings.seed, 2**32 - 1]).permutation(len(x))
        held_back = max(1, round(settings.validation * len(x)))
        put = self._jax.numpy.asarray
        self._x, self._w = put(x[order[held_back:]]), put(weights[order[held_back:]])
        self._x_held, self._w_held = put(x[order[:held_back]]), put(weights[order[:held_back]])
        # One price for both networks: in the variational loss the reconstruction error weighs 1 - beta.
        self._price = settings.bits_price * (1 - settings.kl_weight if len(model.inputs) > 1 else 1)
        self._events = len(x) - held_back
        self._batch = min(settings.batch, self._events)
        self._steps = self._events // self._batch
        layers = [layer for layer in model._flatten_layers() if getattr(layer, "_ebops", None) is not None]
        position = {id(variable): index for index, variable in enumerate(model.non_trainable_variables)}
        self._price_at = [position[id(layer._beta)] for layer in layers]
        self._ebops_at = [position[id(layer._ebops)] for layer in layers]
        self._optimizer = self._adam(
            self._keras.optimizers.schedules.CosineDecay(
                settings.learning_rate, self._steps * settings.epochs
            )
        )
        self._optimizer.build(model.trainable_variables)
        if pruning is not None:
            prune(model, pruning, self._optimizer, self._steps * settings.epochs)
        self._run_epoch, self._judge = self._compiled()

    def initial_state(self) -> TrainingState:
        """The state before the first epoch."""
        model = self._model
        trainable = [np.asarray(v.value) for v in model.trainable_variables]
        weights = {id(variable) for variable in model.weights}
        non_trainable = [
            # what is no weight is the state of a random generator, which Keras seeds from the system
            np.asarray(v.value) if id(v) in weights else np.array([self._settings.seed, n], dtype=v.dtype)
            for n, v in enumerate(model.non_trainable_variables)
        ]
        optimizer = [np.asarray(v.value) for v in self._optimizer.variables]
        return TrainingState(trainable, non_trainable, optimizer, trainable, non_trainable)

    def done(self, state: TrainingState) -> bool:
        """All epochs are done, or `patience` epochs after the ramp did not better the objective."""
        settings = self._settings
        calm = state.epochs - max(state.best_epoch, math.ceil(settings.price_ramp * settings.epochs))
        return state.epochs >= settings.epochs or calm >= settings.patience

    def epoch(self, state: TrainingState) -> TrainingState:
        """One pass over the training events."""
        settings, number = self._settings, state.epochs
        ramp = settings.price_ramp * settings.epochs
        price = self._price * (min(1.0, (number + 1) / ramp) if ramp else 1.0)
        non_trainable = list(state.non_trainable)
        for index in self._price_at:
            non_trainable[index] = np.float32(price)
        order = np.random.default_rng([settings.seed, number]).permutation(self._events)
        batches = order[: self._steps * self._batch].reshape(self._steps, self._batch)
        key = self._jax.random.key(settings.seed * 100_003 + number)
        trainable, non_trainable, optimizer, loss = self._run_epoch(
            state.trainable, non_trainable, state.optimizer, self._x, self._w, batches, key
        )
        judged, _ = self._judge(trainable, non_trainable, self._x_held, self._w_held)
        judged = float(judged)
        bits = float(sum(int(non_trainable[index]) for index in self._ebops_at))
        objective = judged + self._price * bits
        entries = {"loss": float(loss), "validation_loss": judged, "ebops": bits, "objective": objective}
        history = {name: [*values, entries[name]] for name, values in state.history.items()}
        state = replace(
            state, trainable=trainable, non_trainable=non_trainable, optimizer=optimizer, history=history
        )
        # On the ramp the bits are still too cheap: its epochs are no candidates.
        on_ramp = number + 1 < min(ramp, settings.epochs)
        if objective < state.best_objective and not on_ramp:
            state = replace(
                state,
                best_trainable=trainable,
                best_non_trainable=non_trainable,
                best_epoch=number + 1,
                best_objective=objective,
            )
        return state

    def tells_events_apart(self, state: TrainingState) -> bool:
        """Whether the network of the best epoch says anything else of any event that was held back."""
        variables = state.best_trainable, state.best_non_trainable
        _, differ = self._judge(*variables, self._x_held, self._w_held)
        return bool(differ) or len(self._x_held) == 1

    def restore_best(self, state: TrainingState) -> None:
        """Give the model the variables of the best epoch."""
        for variables, values in (
            (self._model.trainable_variables, state.best_trainable),
            (self._model.non_trainable_variables, state.best_non_trainable),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(np.asarray(value))

    def _adam(self, rate: Any) -> Any:
        """Adam, with larger steps for learned widths, which have to move by whole bits."""
        if not self._ebops_at:
            return self._keras.optimizers.Adam(rate)
        quantizers = require("hgq.quantizer.internal", extra="train", purpose="learning widths")
        widths = {
            id(variable)
            for layer in self._model._flatten_layers()
            if isinstance(layer, quantizers.TrainableQuantizerBase)
            for variable in layer.trainable_variables
        }
        reach = 0.5 * self._settings.learning_rate * self._steps * self._settings.epochs
        larger = max(1.0, WIDTHS_REACH / reach)

        class Adam(self._keras.optimizers.Adam):  # type: ignore[misc, name-defined]
            def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
                scale = larger if id(variable) in widths else 1.0
                super().update_step(gradient, variable, learning_rate * scale)

        return Adam(rate)

    def _data_loss(self, outputs: Any, x: Any, w: Any) -> Any:
        """Weighted mean of the loss over the events, without the price of the bits."""
        ops = self._keras.ops
        if not isinstance(outputs, list | tuple):
            return ops.sum(w * mean_squared_error(x, outputs)) / ops.sum(w)
        reconstruction, mean, lam = outputs
        beta = self._settings.kl_weight
        per_event = (1 - beta) * mean_squared_error(x, reconstruction)
        per_event = per_event + beta * kl_divergence(mean, lam) / x.shape[-1]
        return ops.sum(w * per_event) / ops.sum(w)

    def _judged_loss(self, outputs: Any, x: Any, w: Any) -> Any:
        """What the best epoch is chosen by; the loss of the training unless a class below says otherwise."""
        return self._data_loss(outputs, x, w)

    def _inputs(self, x: Any, key: Any) -> Any:
        """What the model takes: the events, and the noise where it wants some."""
        if len(self._model.inputs) == 1:
            return x
        noise = self._jax.random.normal(key, (x.shape[0], self._model.inputs[1].shape[1]))
        return [x, noise]

    def _compiled(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        jax, model, optimizer = self._jax, self._model, self._optimizer

        def loss_of(trainable: Any, non_trainable: Any, x: Any, w: Any, key: Any) -> Any:
            outputs, non_trainable, extra = model.stateless_call(
                trainable, non_trainable, self._inputs(x, key), training=True, return_losses=True
            )
            data = self._data_loss(outputs, x, w)
            return data + sum(extra), (data, non_trainable)

        gradient = jax.grad(loss_of, has_aux=True)

        def step(carry: Any, x: Any, w: Any, at: Any) -> Any:
            trainable, non_trainable, slots, key = carry
            key, now = jax.random.split(key)
            slopes, (loss, non_trainable) = gradient(trainable, non_trainable, x[at], w[at], now)
            trainable, slots = optimizer.stateless_apply(slots, slopes, trainable)
            return (trainable, non_trainable, slots, key), loss

        def scanned(carry: Any, x: Any, w: Any, batches: Any) -> Any:
            return jax.lax.scan(lambda carry, at: step(carry, x, w, at), carry, batches)

        every_step = jax.jit(step)

        def stepped(carry: Any, x: Any, w: Any, batches: Any) -> Any:
            losses = []
            for at in batches:
                carry, loss = every_step(carry, x, w, at)
                losses.append(loss)
            return carry, jax.numpy.stack(losses)

        # inside a scan, XLA for CPUs takes five times as long for a convolution
        convolves = any(hasattr(layer, "kernel_size") for layer in model._flatten_layers())
        steps = stepped if convolves and jax.default_backend() == "cpu" else jax.jit(scanned)

        def run_epoch(
            trainable: Any, non_trainable: Any, slots: Any, x: Any, w: Any, batches: Any, key: Any
        ) -> Any:
            carry, losses = steps((trainable, non_trainable, slots, key), x, w, batches)
            trainable, non_trainable, slots, _ = carry
            return trainable, non_trainable, slots, losses.mean()

        def judge(trainable: Any, non_trainable: Any, x: Any, w: Any) -> Any:
            inputs = self._inputs(x, jax.random.key(self._settings.seed))
            outputs, _ = model.stateless_call(trainable, non_trainable, inputs, training=False)
            several = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
            # the reconstruction of a variational network differs by its noise, those of hints are no result
            said = several[1:] if len(model.inputs) > 1 else several[:1]
            differ = jax.numpy.stack([(each != each[:1]).any() for each in said]).any()
            return self._judged_loss(outputs, x, w), differ

        return run_epoch, jax.jit(judge)
