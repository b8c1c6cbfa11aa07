"""Teacher and students: alone, with the teacher's output, with a hint; in floating point, with 4 bits, with
learned bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._names import plain as ascii_name
from nanosieve.compiler.frontends import load_model, run_model
from nanosieve.compiler.graph import Graph
from nanosieve.networks.compress import distil, fit
from nanosieve.networks.compress.task import Loss
from nanosieve.networks.muon import STUDENT_BITS, build_student, build_teacher, quantise_student
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import Trained
from nanosieve.progress import Progress
from nanosieve.studies.muon_compression.samples import StudySamples
from nanosieve.studies.muon_compression.settings import BEST, HIGHEST_PT, LEARNED, LESSONS, Settings
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["FLOAT", "NARROW", "Networks", "Student", "make_networks"]

FLOAT = "floating point"
NARROW = f"{STUDENT_BITS} bits"
LOSS: Loss = "squared error"


@dataclass(frozen=True)
class Student:
    """One trained student and what it says of the test fragments.

    Attributes:
        lesson: a name of `LESSONS`.
        precision: ``"floating point"``, ``"4 bits"`` or ``"learned bits"``.
        seed: of its first weights.
        trained: the network.
        muons, noise: pT in GeV that it says of the test muons and of the test noise.
        graph: what the hardware computes; None in floating point.
    """

    lesson: str
    precision: str
    seed: int
    trained: Trained
    muons: NDArray[np.float64]
    noise: NDArray[np.float64]
    graph: Graph | None = None


@dataclass(frozen=True)
class Networks:
    """All networks of the study.

    Attributes:
        teacher: in the form of a student, its lesson ``"labels"``.
        students: of every lesson, precision and seed.
    """

    teacher: Student
    students: tuple[Student, ...]

    def of(self, lesson: str, precision: str) -> tuple[Student, ...]:
        """Those of a lesson and precision, one for each seed."""
        return tuple(s for s in self.students if (s.lesson, s.precision) == (lesson, precision))

    def chosen(self, precision: str) -> Student:
        """The student for hardware: with hint, of the seed with the best loss on the fragments held back."""
        return min(self.of(BEST, precision), key=lambda s: min(s.trained.history["objective"]))


def make_networks(
    settings: Settings, samples: StudySamples, options: StudyOptions, watch: Stopwatch, progress: Progress
) -> Networks:
    """Train what is not there yet, and ask every network about the test fragments.

    Raises:
        NanosieveError: as `fit` and `distil`.
    """
    folder = options.out / "models"
    train = samples.train
    with watch.stage("train the teacher"):
        taught = fit(
            build_teacher(options.seed), train.x, train.targets, folder, loss=LOSS, settings=settings.teacher,
            progress=progress,
        )  # fmt: skip
        teacher = _asked(Student("labels", FLOAT, options.seed, taught, *_NOTHING), samples)
    students = []
    for lesson in LESSONS:
        with watch.stage(f"train students: {lesson}"):
            for seed in settings.seeds:
                students += _students(lesson, seed, taught.model, settings, samples, folder, progress)
    return Networks(teacher, tuple(students))


_NOTHING = (np.zeros(0), np.zeros(0))


def _students(
    lesson: str,
    seed: int,
    teacher: Any,
    settings: Settings,
    samples: StudySamples,
    folder: Path,
    progress: Progress,
) -> list[Student]:
    """One seed: in floating point, with 4 bits, and of the best lesson the first seed with learned bits."""
    train = samples.train
    base = f"{ascii_name(lesson)}_{seed}"

    def taught(model: Any, training: TrainingSettings) -> Trained:
        wish = LESSONS[lesson]
        training = replace(training, seed=seed)
        if wish is None:
            return fit(model, train.x, train.targets, folder, loss=LOSS, settings=training, progress=progress)
        return distil(
            model, teacher, train.x, train.targets, folder, loss=LOSS, distillation=wish, settings=training,
            progress=progress,
        )  # fmt: skip

    whole = taught(build_student(seed, name=base), settings.student)
    made = [(FLOAT, whole)]
    narrow = quantise_student(whole.model, train.x, name=f"{base}_{STUDENT_BITS}_bits")
    made.append((NARROW, taught(narrow, settings.aware)))
    if lesson == BEST and seed == settings.seeds[0]:
        learning = quantise_student(
            whole.model, train.x, bits=STUDENT_BITS + 1, learned=True, name=f"{base}_learned"
        )
        # twice the epochs of half the steps: with whole ones, while widths move, all outputs can die
        epochs = 2 * settings.aware.epochs
        training = replace(
            settings.aware, bits_price=settings.bits_price, epochs=epochs, patience=epochs,
            learning_rate=settings.aware.learning_rate / 2,
        )  # fmt: skip
        made.append((LEARNED, taught(learning, training)))
    return [
        _asked(Student(lesson, precision, seed, trained, *_NOTHING), samples) for precision, trained in made
    ]


def _asked(student: Student, samples: StudySamples) -> Student:
    """With what it says: floating point by Keras, fixed point by the graph, which is the hardware."""
    path = student.trained.path
    graph = None if student.precision == FLOAT else load_model(path)

    def said(x: NDArray[np.float32]) -> NDArray[np.float64]:
        outputs: Mapping[str, NDArray[Any]] = (
            run_model(path, {"fragment": x}) if graph is None else graph.emulate(x)
        )
        return HIGHEST_PT * np.asarray(outputs["output"], dtype=np.float64)[:, 0]

    muons, noise = said(samples.muons.x), said(samples.noise.x)
    return replace(student, muons=muons, noise=noise, graph=graph)
