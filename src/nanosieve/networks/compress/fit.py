"""Training with labels: the compiled, resumable epochs of `nanosieve.networks` for classifiers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SampleError
from nanosieve.networks.loop import TrainingLoop
from nanosieve.networks.pruning import PruningSchedule
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import Trained, run_loop
from nanosieve.progress import Progress, silent

__all__ = ["fit"]

WIDTHS_REACH = 12.0
"""Bits that a learned width can move by in a training, at least: the sum of all largest steps of Adam."""


def fit(
    model: Any,
    x: NDArray[Any],
    labels: NDArray[Any],
    folder: str | Path,
    *,
    settings: TrainingSettings | None = None,
    pruning: PruningSchedule | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train `model` (changed in place) and write ``NAME.keras`` and ``NAME.history.json`` into `folder`.

    The loss is the cross-entropy of the output, taken as logits: (events, classes) with the softmax left out,
    or (events, 1) with the sigmoid left out; see `plain`. Quantised layers add ``bits_price · EBOPs``. If the
    folder holds the result of the same model, events and settings, it is loaded; a checkpoint of them is gone
    on from, to the same weights as without a break.

    Args:
        model: of one input and one output; its weights are where the training begins.
        x: (events, *input shape).
        labels: (events,) numbers of the classes from 0.
        folder: made if missing.
        settings: how to train.
        pruning: what part of the weights becomes zero; only epochs after its end can be the best.
        progress: told after every epoch.

    Raises:
        SampleError: events and labels do not fit each other or the model, or are not finite.
        SettingsError: Keras does not run on JAX.
        OutputError: the folder cannot be written to.
    """
    settings = settings or TrainingSettings()
    x, labels = _checked(model, x, labels)
    more = {"loss": "cross-entropy"}
    return run_loop(
        _Supervised, model, x, labels, folder, settings, pruning=pruning, more=more, progress=progress
    )


class _Supervised(TrainingLoop):
    """The epochs of `TrainingLoop` with labels in the place of weights."""

    def _adam(self, rate: Any) -> Any:
        """Adam, with larger steps for learned widths, which have to move by whole bits."""
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
        losses = self._keras.losses
        if outputs.shape[-1] == 1:
            return self._keras.ops.mean(losses.binary_crossentropy(w[:, None], outputs, from_logits=True))
        return self._keras.ops.mean(losses.sparse_categorical_crossentropy(w, outputs, from_logits=True))


def _checked(
    model: Any, x: NDArray[Any], labels: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    require("keras", extra="train", purpose="training a network")
    x, labels = np.asarray(x, dtype=np.float32), np.asarray(labels)
    shape, classes = tuple(model.inputs[0].shape[1:]), max(2, int(model.outputs[0].shape[-1]))
    if x.shape[1:] != shape or labels.shape != x.shape[:1] or len(x) < 20:
        wanted = ", ".join(["events", *map(str, shape)])
        message = (
            f"inputs of shape {x.shape} and labels of shape {labels.shape}; accepted: ({wanted}) and "
            "(events,), 20 events at least"
        )
        raise SampleError(message)
    if not np.isfinite(x).all():
        event = int(np.argwhere(~np.isfinite(x))[0][0])
        message = f"event {event} holds values that are not finite; remove or mend it"
        raise SampleError(message)
    if labels.min() < 0 or labels.max() >= classes or (labels != np.floor(labels)).any():
        message = f"labels from {labels.min()} to {labels.max()}; accepted: whole numbers 0 to {classes - 1}"
        raise SampleError(message)
    return x, labels.astype(np.float32)
