"""What a network is trained for: classes or numbers, their loss, and whether events and targets fit it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SampleError, SettingsError

__all__ = ["Loss", "checked_events", "task_loss"]

Loss = Literal["cross-entropy", "squared error"]
"""``"cross-entropy"``: outputs are logits, targets the numbers of classes, (events,). ``"squared error"``:
outputs and targets are numbers, (events, outputs)."""

LOSSES = ("cross-entropy", "squared error")


def task_loss(loss: Loss, outputs: Any, targets: Any) -> Any:
    """The mean over the events.

    Args:
        loss: which one.
        outputs: (events, outputs).
        targets: (events,) classes from 0, or (events, outputs).
    """
    keras = require("keras", extra="train", purpose="training a network")
    if loss == "squared error":
        return keras.ops.mean(keras.ops.square(outputs - targets))
    if outputs.shape[-1] == 1:
        return keras.ops.mean(keras.losses.binary_crossentropy(targets[:, None], outputs, from_logits=True))
    return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(targets, outputs, from_logits=True))


def checked_events(
    model: Any, x: NDArray[Any], targets: NDArray[Any], loss: Loss
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Events and targets as float32.

    Raises:
        SampleError: they do not fit each other or the model, or are not finite.
        SettingsError: no such loss.
    """
    require("keras", extra="train", purpose="training a network")
    if loss not in LOSSES:
        message = f"loss {loss!r}; accepted: {' or '.join(map(repr, LOSSES))}"
        raise SettingsError(message)
    x, targets = np.asarray(x, dtype=np.float32), np.asarray(targets)
    shape, outputs = tuple(model.inputs[0].shape[1:]), int(model.outputs[0].shape[-1])
    wanted = () if loss == "cross-entropy" else (outputs,)
    if x.shape[1:] != shape or targets.shape != (len(x), *wanted) or len(x) < 20:
        both = (_shape("events", shape), _shape("events", wanted))
        what = "labels" if loss == "cross-entropy" else "targets"
        message = (
            f"inputs of shape {x.shape} and {what} of shape {targets.shape}; accepted: {both[0]} and "
            f"{both[1]}, 20 events at least"
        )
        raise SampleError(message)
    for array in (x, targets):
        if not np.isfinite(array).all():
            event = int(np.argwhere(~np.isfinite(array))[0][0])
            message = f"event {event} holds values that are not finite; remove or mend it"
            raise SampleError(message)
    classes = max(2, outputs)
    if loss == "cross-entropy" and (
        targets.min() < 0 or targets.max() >= classes or (targets != np.floor(targets)).any()
    ):
        message = (
            f"labels from {targets.min()} to {targets.max()}; accepted: whole numbers 0 to {classes - 1}"
        )
        raise SampleError(message)
    return x, targets.astype(np.float32)


def _shape(first: str, rest: tuple[int, ...]) -> str:
    return f"({', '.join([first, *map(str, rest)])})" if rest else f"({first},)"
