"""Training with labels or numbers: the compiled, resumable epochs of `nanosieve.networks`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.networks.compress.task import Loss, checked_events, task_loss
from nanosieve.networks.loop import TrainingLoop
from nanosieve.networks.pruning import PruningSchedule
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import Trained, run_loop
from nanosieve.progress import Progress, silent

__all__ = ["Supervised", "fit"]


def fit(
    model: Any,
    x: NDArray[Any],
    labels: NDArray[Any],
    folder: str | Path,
    *,
    loss: Loss = "cross-entropy",
    settings: TrainingSettings | None = None,
    pruning: PruningSchedule | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train `model` (changed in place) and write ``NAME.keras`` and ``NAME.history.json`` into `folder`.

    The loss is the cross-entropy of the output, taken as logits: (events, classes) with the softmax left out,
    or (events, 1) with the sigmoid left out; see `plain`. For numbers instead of classes it is the mean
    squared error. Quantised layers add ``bits_price · EBOPs``. If the folder holds the result of the same
    model, events and settings, it is loaded; a checkpoint of them is gone on from, to the same weights as
    without a break.

    Args:
        model: of one input and one output; its weights are where the training begins.
        x: (events, *input shape).
        labels: (events,) numbers of the classes from 0; with ``"squared error"`` (events, outputs) numbers.
        folder: made if missing.
        loss: ``"cross-entropy"`` or ``"squared error"``.
        settings: how to train.
        pruning: what part of the weights becomes zero; only epochs after its end can be the best.
        progress: told after every epoch.

    Raises:
        SampleError: events and labels do not fit each other or the model, or are not finite.
        SettingsError: Keras does not run on JAX, or no such loss.
        OutputError: the folder cannot be written to.
    """
    settings = settings or TrainingSettings()
    x, labels = checked_events(model, x, labels, loss)
    return run_loop(
        partial(Supervised, loss), model, x, labels, folder, settings, pruning=pruning, more={"loss": loss},
        progress=progress,
    )  # fmt: skip


class Supervised(TrainingLoop):
    """The epochs of `TrainingLoop` with targets in the place of weights.

    Args:
        loss: of the output against the targets.
        model, x, targets, settings, pruning: see `TrainingLoop`; the targets are (events,) or
            (events, numbers).
    """

    def __init__(
        self,
        loss: Loss,
        model: Any,
        x: NDArray[np.float32],
        targets: NDArray[np.float32],
        settings: TrainingSettings,
        pruning: PruningSchedule | None = None,
    ) -> None:
        self._loss = loss
        super().__init__(model, x, targets, settings, pruning)

    def _data_loss(self, outputs: Any, x: Any, w: Any) -> Any:
        return task_loss(self._loss, outputs, w)
