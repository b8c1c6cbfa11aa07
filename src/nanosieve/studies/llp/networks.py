"""The networks of the study: published, in floating point and 8 bits; our autoencoder; students of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.compiler.design import load
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.graph import Graph
from nanosieve.networks.compress import Widths, distil, fit, keep_pruned, quantised, sparsity
from nanosieve.networks.decay_composed import build_composed, published_form
from nanosieve.networks.decay_length import (
    PIXEL,
    bin_by_bin,
    build_anomaly_autoencoder,
    build_decay_student,
)
from nanosieve.networks.model_file import save_model
from nanosieve.networks.training import Trained
from nanosieve.physics.events.muon_chambers import MuonImages
from nanosieve.progress import Progress
from nanosieve.studies.llp.samples import BACKGROUNDS, StudySamples, as_bins, as_images
from nanosieve.studies.llp.settings import INT8, LENGTH, Settings, StudentSettings
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["Networks", "Student", "asked", "make_networks"]

AT_A_TIME = 1000
"""Images whose pixels are in memory at a time."""
CALIBRATION = 32
BATCH = 32
LOSS: Literal["squared error"] = "squared error"
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Student:
    """One student.

    Attributes:
        settings: which one.
        floating: trained in floating point, half of its weights pruned.
        trained: with its bits.
        graph: what the hardware computes.
        zeros: layer → part of its weights that are zero.
    """

    settings: StudentSettings
    floating: Trained
    trained: Trained
    graph: Graph
    zeros: Mapping[str, float]

    def says(self, images: MuonImages, *, floating: bool = False) -> Values:
        """(N,) bit for bit what the hardware says, or in floating point."""
        if floating:
            model = self.floating.model
            return asked(lambda x: model.predict(bin_by_bin(x), batch_size=256, verbose=0), images)
        return asked(lambda x: self.graph.emulate(bin_by_bin(x))["length"], images)


@dataclass(frozen=True)
class Networks:
    """All networks of the study.

    Attributes:
        trained: the published network with its linear convolutions as one, or in the published form where it
            was trained on in that.
        published: file of the published form.
        rounded: whether composed → that network in 8 bits.
        autoencoder: ours; flat pixels at its output.
        students: in the order of the settings.
    """

    trained: Trained
    published: Path
    rounded: Mapping[bool, Graph]
    autoencoder: Trained
    students: tuple[Student, ...]

    def length(self, images: MuonImages) -> Values:
        """(N,) L_r in metres of the published network in floating point."""
        return _predicted(self.trained.model, images)

    def rounded_length(self, images: MuonImages, *, compose: bool) -> Values:
        """(N,) L_r in metres of the published network in 8 bits."""
        graph = self.rounded[compose]
        return asked(lambda x: graph.emulate(x)[next(iter(graph.outputs))], images)

    def anomaly(self, images: MuonImages) -> Values:
        """(N,) squared error of the image that the autoencoder gives back, summed over its pixels."""
        return _anomaly(self.autoencoder.model, images)


def make_networks(
    settings: Settings, samples: StudySamples, options: StudyOptions, watch: Stopwatch, progress: Progress
) -> Networks:
    """Train what is not there yet.

    Raises:
        NanosieveError: as `fit`, `distil` and `load`.
    """
    folder, images = options.out / "models", samples.train
    x = as_images(images)
    radius = images.truth["decay_radius"][:, None]
    with watch.stage("train the published network"):
        composed = build_composed(options.seed)
        kernel, bias = composed.get_layer("length").get_weights()
        composed.get_layer("length").set_weights([kernel, np.full_like(bias, radius.mean())])
        trained = fit(composed, x, radius, folder, loss=LOSS, settings=settings.composed, progress=progress)
        whole = published_form(trained.model)
        if settings.published is None:
            path = save_model(whole, folder / f"{whole.name}.keras")
        else:
            trained = fit(whole, x, radius, folder, loss=LOSS, settings=settings.published, progress=progress)
            path = trained.path
    with watch.stage("round it to 8 bits"):
        rounded = {
            way: load(path, calibrate=x[:CALIBRATION], precision=INT8, compose=way) for way in (True, False)
        }
    with watch.stage("train the autoencoder"):
        ordinary = np.isin(images.labels, [images.classes.index(name) for name in BACKGROUNDS])
        seen = x[ordinary]
        autoencoder = fit(
            _flat(build_anomaly_autoencoder(options.seed)), seen, seen.reshape(len(seen), -1), folder,
            loss=LOSS, settings=settings.autoencoder, progress=progress,
        )  # fmt: skip
    del x
    with watch.stage("ask the teachers"):
        length = _predicted(trained.model, images)[:, None]
        score = _anomaly(autoencoder.model, images)[:, None]
        score = (score - score.mean()) / max(score.std(), 1e-9)  # a scale, which changes no order
    students = []
    for which in settings.students:
        lesson = (radius, length) if which.says == LENGTH else (score, score)
        with watch.stage(f"train the {which.title}"):
            students.append(_student(which, settings, images, lesson, options.seed, folder, progress))
    return Networks(trained, path, rounded, autoencoder, tuple(students))


def asked(ask: Callable[[NDArray[np.float32]], Any], images: MuonImages) -> Values:
    """(N,) what is said of images (N, 20, 333, 1), some at a time."""
    parts = []
    for start in range(0, len(images), AT_A_TIME):
        some = images.only(np.arange(start, min(start + AT_A_TIME, len(images))))
        parts.append(np.asarray(ask(as_images(some)), dtype=np.float64).reshape(len(some)))
    return np.concatenate(parts) if parts else np.zeros(0)


def _student(
    which: StudentSettings,
    settings: Settings,
    images: MuonImages,
    lesson: tuple[NDArray[Any], NDArray[Any]],
    seed: int,
    folder: Path,
    progress: Progress,
) -> Student:
    """Distilled and pruned in floating point, then distilled on with its bits.

    The teacher has been asked before, so that it is a network that hands on what it is given.
    """
    bins, (truth, taught) = as_bins(images), lesson
    teacher = _identity()

    def learnt(model: Any, aware: bool) -> Trained:
        return distil(
            model, teacher, bins, truth, folder, loss=LOSS, distillation=settings.distillation, seen=taught,
            settings=replace(settings.aware if aware else settings.student, seed=seed),
            pruning=None if aware else settings.pruning, progress=progress,
        )  # fmt: skip

    start = build_decay_student(which.network, seed, name=f"{which.name}_float")
    layer = start.get_layer("length")
    layer.set_weights([layer.get_weights()[0], np.array([truth.mean()])])
    floating = learnt(start, aware=False)
    narrow = quantised(floating.model, bins, Widths(which.bits, port=PIXEL), name=which.name)
    keep_pruned(narrow)
    trained = learnt(narrow, aware=True)
    return Student(which, floating, trained, load_model(trained.path), sparsity(trained.model))


def _identity() -> Any:
    keras = require("keras", extra="train", purpose="distillation")
    inputs = keras.Input((1,), name="taught")
    return keras.Model(inputs, keras.layers.Activation("linear", name="said")(inputs), name="teacher_asked")


def _flat(model: Any) -> Any:
    """With the pixels of an image in a row, as targets of a squared error are."""
    keras = require("keras", extra="train", purpose="building a network")
    return keras.Model(
        model.inputs, keras.layers.Flatten(name="flat_pixels")(model.outputs[0]), name=model.name
    )


def _predicted(model: Any, images: MuonImages) -> Values:
    return asked(lambda x: model.predict(x, batch_size=BATCH, verbose=0), images)


def _anomaly(model: Any, images: MuonImages) -> Values:
    def score(x: NDArray[np.float32]) -> Any:
        back = model.predict(x, batch_size=128, verbose=0)
        return np.square(back - x.reshape(len(x), -1)).sum(axis=1)

    return asked(score, images)
