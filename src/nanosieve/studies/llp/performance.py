"""How far from the truth a network is, and how well it tells decays from everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.figure import Figure, Provenance
from nanosieve.physics.efficiency import area_ratio, area_under_curve
from nanosieve.physics.events.muon_chambers import MuonImages
from nanosieve.studies.llp.networks import Networks, Student
from nanosieve.studies.llp.samples import BACKGROUNDS, SIGNAL, StudySamples
from nanosieve.studies.llp.settings import AREA_AIM, ERROR_AIM, LENGTH, Settings

__all__ = [
    "Errors",
    "Measured",
    "Performance",
    "Rounded",
    "backgrounds",
    "change_of_error",
    "errors",
    "judge",
]

Values = NDArray[np.float64]
Scores = Mapping[str, Values]


@dataclass(frozen=True)
class Errors:
    """Of a length: mean absolute and mean squared error, in m and m²."""

    absolute: Figure
    squared: Figure


@dataclass(frozen=True)
class Rounded:
    """The published network in 8 bits beside floating point, on the same decays.

    Attributes:
        title: how it was rounded.
        before, after: errors in floating point and in 8 bits.
        change: of the mean absolute error, in %.
        moved: root mean square of the difference of the two outputs, in m.
    """

    title: str
    before: Errors
    after: Errors
    change: Figure
    moved: Figure


@dataclass(frozen=True)
class Measured:
    """A student beside its teacher, on the same images.

    Attributes:
        student: which one.
        floating, errors: of a length, in floating point and as hardware; None for the anomaly student.
        change: of the mean absolute error against the teacher's, in %.
        area, teacher: area under the curve of decays against background, in %, and that of its teacher.
        lost: area of the teacher minus that of the student, in points of %.
    """

    student: Student
    floating: Errors | None
    errors: Errors | None
    change: Figure | None
    area: Figure
    teacher: Figure
    lost: Figure

    @property
    def verdict(self) -> str:
        """Which of the aims are met, in words."""
        parts = []
        if self.change is not None:
            parts.append(f"mean absolute error {_met(self.change, ERROR_AIM)}")
        parts.append(f"area {_met(self.lost, AREA_AIM)}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Performance:
    """Everything that is known without a rate.

    Attributes:
        published: errors of the published network in floating point on all decays to test.
        always: of a network that always says the mean.
        rounded: of its two forms in 8 bits.
        students: each beside its teacher.
        length, anomaly: class → what the published network and the autoencoder say; of noise the first ones.
        said: student → class → what it says.
    """

    published: Errors
    always: Errors
    rounded: tuple[Rounded, ...]
    students: tuple[Measured, ...]
    length: Scores
    anomaly: Scores
    said: Mapping[str, Scores]


def judge(settings: Settings, samples: StudySamples, networks: Networks, seed: int) -> Performance:
    """All networks on the images to test."""
    true = samples.radius
    looked = {name: _first(images, settings, name) for name, images in samples.test.items()}
    length = {name: networks.length(images) for name, images in looked.items()}
    anomaly = {name: networks.anomaly(images) for name, images in looked.items()}
    few = samples.test[SIGNAL].only(np.arange(min(settings.rounded, len(true))))
    before = length[SIGNAL][: len(few)]
    rounded = []
    for way, title in ((False, "8 bits, one by one"), (True, "8 bits, composed")):
        after = networks.rounded_length(few, compose=way)
        rounded.append(_rounded(title, before, after, true[: len(few)], settings.resamples, seed))
    said, students = {}, []
    for student in networks.students:
        which = student.settings
        scores = {name: student.says(images) for name, images in samples.test.items()}
        said[which.title] = scores
        theirs = length if which.says == LENGTH else anomaly
        own = {name: scores[name][: len(values)] for name, values in theirs.items()}
        floating = change = exact = None
        if which.says == LENGTH:
            floating = errors(student.says(samples.test[SIGNAL], floating=True), true)
            exact = errors(own[SIGNAL], true)
            change = change_of_error(own[SIGNAL], theirs[SIGNAL], true, settings.resamples, seed)
        area, teacher, lost = _areas(own, theirs)
        students.append(Measured(student, floating, exact, change, area, teacher, lost))
    always = errors(np.full_like(true, float(np.mean(samples.train.truth["decay_radius"]))), true)
    return Performance(
        errors(length[SIGNAL], true), always, tuple(rounded), tuple(students), length, anomaly, said
    )


def errors(said: Values, true: Values) -> Errors:
    """Both with the standard error of their mean."""
    off = said - true

    def mean(values: Values, unit: str) -> Figure:
        spread = float(np.std(values, ddof=1) / np.sqrt(len(values)))
        source = f"{len(values):,} decays"
        return Figure(float(np.mean(values)), unit, Provenance.SIMULATED, spread, source)

    return Errors(mean(np.abs(off), "m"), mean(off**2, "m²"))


def change_of_error(said: Values, reference: Values, true: Values, resamples: int, seed: int) -> Figure:
    """By how many % the mean absolute error differs; its error from samples drawn with replacement, the same
    for both.
    """
    ours, theirs = np.abs(said - true), np.abs(reference - true)
    draw = np.random.default_rng(seed)
    ratios = []
    for _ in range(resamples):
        some = draw.integers(0, len(true), len(true))
        ratios.append(ours[some].mean() / max(theirs[some].mean(), 1e-12))
    value = 100 * (ours.mean() / max(theirs.mean(), 1e-12) - 1)
    source = "paired samples with replacement"
    return Figure(float(value), "%", Provenance.SIMULATED, 100 * float(np.std(ratios)), source)


def backgrounds(scores: Scores, weights: Mapping[str, float] | None = None) -> tuple[Values, Values]:
    """Scores of all backgrounds in a row with their weights; by default each class counts alike."""
    parts = [scores[name] for name in BACKGROUNDS]
    each = [(weights or {}).get(name, 1.0) / len(scores[name]) for name in BACKGROUNDS]
    return np.concatenate(parts), np.repeat(each, [len(part) for part in parts])


def _areas(own: Scores, theirs: Scores) -> tuple[Figure, Figure, Figure]:
    (ours, weights), (reference, _) = backgrounds(own), backgrounds(theirs)
    area = area_under_curve(ours, own[SIGNAL], background_weights=weights)
    teacher = area_under_curve(reference, theirs[SIGNAL], background_weights=weights)
    ratio = area_ratio((ours, own[SIGNAL]), (reference, theirs[SIGNAL]), weights=(weights, None))
    lost = Figure(
        teacher.value - area.value, "%", Provenance.SIMULATED, (ratio.error or 0.0) * teacher.value,
        "the same images",
    )  # fmt: skip
    return area, teacher, lost


def _rounded(title: str, before: Values, after: Values, true: Values, resamples: int, seed: int) -> Rounded:
    off = (after - before) ** 2
    moved = float(np.sqrt(off.mean()))
    spread = float(off.std() / (2 * max(moved, 1e-12) * np.sqrt(len(off))))
    return Rounded(
        title, errors(before, true), errors(after, true),
        change_of_error(after, before, true, resamples, seed),
        Figure(moved, "m", Provenance.SIMULATED, spread, f"{len(off):,} decays"),
    )  # fmt: skip


def _first(images: MuonImages, settings: Settings, name: str) -> MuonImages:
    return images.only(np.arange(min(settings.judged, len(images)))) if name == "noise" else images


def _met(figure: Figure, aim: float) -> str:
    error = figure.error or 0.0
    if figure.value + error <= aim:
        return "met"
    return "met within the error" if figure.value <= aim + error else "not met"
