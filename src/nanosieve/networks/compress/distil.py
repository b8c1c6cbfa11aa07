"""Distillation: a small network learns from what a large one says and from what it sees on the way.

The loss of the student is

    ``task · L(y, student) + output · L(teacher, student) + sum_h weight_h · |r_h(s_h) - t_h|² / <t_h²>``

(arXiv:1503.02531 for the second term, arXiv:1412.6550 eq. 3 for the third): ``t_h`` is what a layer of the
teacher hands on, ``s_h`` what a layer of the student hands on, and ``r_h`` a linear map that is learned
with the student and thrown away afterwards. Dividing by the mean square of ``t_h`` makes weights of
different layers comparable. All terms are trained together, while arXiv:1412.6550 trains on the hint first.

The teacher does not change, so that it runs once over the events, not once in every epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SampleError, SettingsError
from nanosieve.networks.compress.fit import Supervised
from nanosieve.networks.compress.hints import Hint, guided, hint_layer
from nanosieve.networks.compress.task import Loss, checked_events, task_loss
from nanosieve.networks.model_file import save_model
from nanosieve.networks.pruning import PruningSchedule
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import Trained, run_loop
from nanosieve.progress import Progress, silent

__all__ = ["Distillation", "distil"]

_BATCH = 256
MOST_BYTES = 4 << 30
"""What the teacher has seen of all events may take so much memory."""


@dataclass(frozen=True)
class Distillation:
    """The weights of what a student learns from.

    Attributes:
        task: of the loss against the true targets.
        output: of the loss against the output of the teacher.
        hints: layers of the teacher that layers of the student are led to.
        temperature: of the softmax of both, for classes; soft targets count ``temperature²``
            (arXiv:1503.02531 sec. 2).

    Raises:
        SettingsError: a negative weight, none at all, or a temperature that is not positive.
    """

    task: float = 1.0
    output: float = 1.0
    hints: Sequence[Hint] = ()
    temperature: float = 1.0

    def __post_init__(self) -> None:
        weights = (self.task, self.output, *(hint.weight for hint in self.hints))
        if min(weights) < 0 or max(self.task, self.output) <= 0:
            message = (
                f"task={self.task!r}, output={self.output!r}, hints {[h.weight for h in self.hints]}: "
                "weights are not negative, and task or output is positive"
            )
            raise SettingsError(message)
        if not self.temperature > 0:
            message = f"temperature={self.temperature!r}; accepted: a positive number, 1 for none"
            raise SettingsError(message)


def distil(
    student: Any,
    teacher: Any,
    x: NDArray[Any],
    targets: NDArray[Any],
    folder: str | Path,
    *,
    loss: Loss = "cross-entropy",
    distillation: Distillation | None = None,
    seen: NDArray[Any] | None = None,
    settings: TrainingSettings | None = None,
    pruning: PruningSchedule | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train `student` (changed in place) with `teacher` and write ``NAME.keras`` into `folder`.

    Both are Keras models of one input and one output, floating point or quantised (HGQ2); for classes the
    outputs are logits, see `plain`. Like `fit`, the training goes on from its checkpoint after a break, and
    loads what is finished. The best epoch is that of the best task loss on the events held back.

    Args:
        student: built; its weights are where the training begins.
        teacher: trained.
        x: (events, *input shape of the student).
        targets: as in `fit`.
        folder: made if missing.
        loss: ``"cross-entropy"`` or ``"squared error"``.
        distillation: weights and hints; by default the true targets and the output of the teacher.
        seen: the same events as the teacher takes them, where its input has another shape.
        settings: how to train.
        pruning: see `fit`.
        progress: told after every epoch.

    Raises:
        SampleError: events and targets do not fit each other or a model, or are not finite.
        SettingsError: outputs of different shapes, hints that need too much memory, or Keras not on JAX.
        UnknownNameError: a hint at a layer that is not there.
        OutputError: the folder cannot be written to.
    """
    keras = require("keras", extra="train", purpose="distillation")
    wanted, settings = distillation or Distillation(), settings or TrainingSettings()
    x, targets = checked_events(student, x, targets, loss)
    own, theirs = (tuple(model.outputs[0].shape[1:]) for model in (student, teacher))
    if own != theirs:
        message = (
            f"student {student.name!r} says {own} numbers, teacher {teacher.name!r} {theirs}; give both the "
            "same outputs"
        )
        raise SettingsError(message)
    layers = [hint_layer(teacher, hint.teacher, "teacher") for hint in wanted.hints]
    lessons = _lessons(teacher, layers, x if seen is None else np.asarray(seen, dtype=np.float32), len(x))
    parts = [targets.reshape(len(x), -1), *(lesson.reshape(len(x), -1) for lesson in lessons)]
    means = tuple(max(float(np.mean(np.square(lesson))), 1e-12) for lesson in lessons[1:])
    ends = np.cumsum([part.shape[1] for part in parts])
    model = student
    if wanted.hints:
        heads = [
            guided(hint, student, lesson.shape[1:], settings.seed)
            for hint, lesson in zip(wanted.hints, lessons[1:], strict=True)
        ]
        model = keras.Model(
            student.inputs[0], [student.outputs[0], *heads], name=f"{student.name}_with_hints"
        )
    trained = run_loop(
        partial(_Distilled, loss, _Lesson(wanted, means, tuple(int(end) for end in ends))),
        model, x, np.concatenate(parts, axis=1), folder, settings, pruning=pruning,
        more={"loss": loss, "distillation": _record(wanted)}, progress=progress,
    )  # fmt: skip
    if model is student:
        return trained
    if trained.model is not model:  # an earlier call has made it
        model.set_weights(trained.model.get_weights())
    path = save_model(student, Path(folder) / f"{student.name}.keras")
    return replace(trained, model=student, path=path)


@dataclass(frozen=True)
class _Lesson:
    """What stands in which columns of the targets: task, output of the teacher, each hint."""

    wanted: Distillation
    means: tuple[float, ...]
    ends: tuple[int, ...]

    def parts(self, w: Any) -> list[Any]:
        starts = (0, *self.ends[:-1])
        return [w[:, start:end] for start, end in zip(starts, self.ends, strict=True)]


class _Distilled(Supervised):
    """Epochs in which the targets hold what the teacher says and sees as well."""

    def __init__(self, loss: Loss, lesson: _Lesson, *arguments: Any) -> None:
        self._lesson = lesson
        super().__init__(loss, *arguments)

    def _data_loss(self, outputs: Any, x: Any, w: Any) -> Any:
        wanted, ops = self._lesson.wanted, self._keras.ops
        said, *seen = outputs if isinstance(outputs, list | tuple) else [outputs]
        _, teacher, *hints = self._lesson.parts(w)
        total = wanted.task * self._task(said, w)
        if wanted.output:
            total = total + wanted.output * _imitation(self._loss, said, teacher, wanted.temperature)
        for hint, own, theirs, mean in zip(wanted.hints, seen, hints, self._lesson.means, strict=True):
            flat = ops.reshape(own, (-1, theirs.shape[1]))
            total = total + hint.weight * ops.mean(ops.square(flat - theirs)) / mean
        return total

    def _judged_loss(self, outputs: Any, x: Any, w: Any) -> Any:
        return self._task(outputs[0] if isinstance(outputs, list | tuple) else outputs, w)

    def _task(self, said: Any, w: Any) -> Any:
        targets = self._lesson.parts(w)[0]
        return task_loss(self._loss, said, targets if self._loss == "squared error" else targets[:, 0])


def _imitation(loss: Loss, said: Any, teacher: Any, temperature: float) -> Any:
    """Distance from the output of the teacher: squared, or the cross-entropy of softened classes."""
    ops = require("keras.ops", extra="train", purpose="distillation")
    if loss == "squared error":
        return ops.mean(ops.square(said - teacher))
    soft = temperature**2
    said, teacher = said / temperature, teacher / temperature
    if said.shape[-1] == 1:
        truth = ops.sigmoid(teacher)
        return soft * ops.mean(ops.softplus(said) - truth * said)
    return -soft * ops.mean(ops.sum(ops.softmax(teacher) * ops.log_softmax(said), axis=-1))


def _lessons(
    teacher: Any, layers: list[Any], seen: NDArray[np.float32], events: int
) -> list[NDArray[np.float32]]:
    """What the teacher says and what its layers hand on, for every event."""
    keras = require("keras", extra="train", purpose="distillation")
    shape = tuple(teacher.inputs[0].shape[1:])
    if seen.shape != (events, *shape):
        message = (
            f"teacher {teacher.name!r} takes ({', '.join(map(str, (events, *shape)))}) and is given "
            f"{seen.shape}; give seen= the same events in its shape"
        )
        raise SampleError(message)
    size = 4 * events * sum(int(np.prod(layer.output.shape[1:])) for layer in layers)
    if size > MOST_BYTES:
        message = (
            f"hints {', '.join(layer.name for layer in layers)} of {events:,} events take {size / 2**30:.1f} "
            f"GiB, {MOST_BYTES >> 30} at most; hint at a later layer or train on fewer events"
        )
        raise SettingsError(message)
    whole = keras.Model(teacher.inputs[0], [teacher.outputs[0], *(layer.output for layer in layers)])
    found = whole.predict(seen, batch_size=_BATCH, verbose=0)
    return [np.asarray(each, dtype=np.float32) for each in (found if layers else _as_list(found))]


def _as_list(found: Any) -> list[Any]:
    return list(found) if isinstance(found, list | tuple) else [found]


def _record(wanted: Distillation) -> dict[str, Any]:
    return {**asdict(wanted), "hints": [asdict(hint) for hint in wanted.hints]}
