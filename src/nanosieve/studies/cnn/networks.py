"""Networks of the study: float, pruned, rounded after training, trained with few bits, with learned bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from nanosieve.compiler.hardware import Budget
from nanosieve.compiler.precision_scan import PrecisionScan, scan_precision
from nanosieve.figure import Figure
from nanosieve.networks.compress import (
    Candidate,
    Front,
    Recipe,
    Workshop,
    accuracy,
    fit,
    float_outputs,
    judge,
    sparsity,
)
from nanosieve.networks.training import Trained
from nanosieve.progress import Progress
from nanosieve.studies.cnn.network import build_network
from nanosieve.studies.cnn.samples import StudySamples
from nanosieve.studies.cnn.settings import PORT, PRUNED, Settings
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["Networks", "make_networks"]

RESAMPLES = 20
"""Samples drawn for each error of a scan or a loss."""


@dataclass(frozen=True)
class Networks:
    """All networks of the study and what they are worth.

    Attributes:
        workshop: makes them.
        trained: the float network.
        accuracy: of the float network and of the pruned one, by sparsity.
        sparsity: part of all weights of the pruned network that are zero.
        front: the quantised networks, with their losses against the float network and their costs.
        scans: float and pruned network, rounded after training to so many bits.
    """

    workshop: Workshop
    trained: Trained
    accuracy: Mapping[float, Figure]
    sparsity: Mapping[str, float]
    front: Front
    scans: tuple[PrecisionScan, ...]

    def candidate(self, recipe: Recipe) -> Candidate:
        """The network of a recipe."""
        return next(each for each in self.front.candidates if each.recipe == recipe)


def make_networks(
    settings: Settings, samples: StudySamples, options: StudyOptions, watch: Stopwatch, progress: Progress
) -> Networks:
    """Train what is not there yet, and judge everything on the test images.

    Raises:
        NanosieveError: as `fit` and `judge`.
    """
    folder, train, test = options.out / "models", samples.train, samples.test
    network = build_network(options.seed, filters=settings.filters, dense=settings.dense)
    with watch.stage("train the float network"):
        trained = fit(network, train.x, train.labels, folder, settings=settings.training, progress=progress)
    workshop = Workshop(
        trained.model,
        train.x,
        train.labels,
        folder,
        settings.pruning,
        settings.pruned_training,
        settings.aware_training,
        PORT,
        progress,
    )
    with watch.stage("prune"):
        zeros = sparsity(workshop.pruned(PRUNED))
        outputs = {part: float_outputs(workshop, test.x, sparsity=part) for part in (0.0, PRUNED)}
    with watch.stage("round after training"):
        scans = tuple(
            _scan(workshop, part, outputs[part], settings, samples, options, progress)
            for part in (0.0, PRUNED)
        )
    candidates = []
    for recipe in _recipes(settings):
        with watch.stage(recipe.title):
            candidates.append(
                judge(
                    workshop,
                    recipe,
                    test.x,
                    test.labels,
                    accuracy,
                    _budget(settings, recipe),
                    reference=outputs[0.0],
                    minimise="balanced",
                    resamples=RESAMPLES,
                    seed=options.seed,
                )
            )
    accuracies = {part: accuracy(found, test.labels) for part, found in outputs.items()}
    front = Front("accuracy", accuracies[0.0], tuple(candidates))
    return Networks(workshop, trained, accuracies, zeros, front, scans)


def _recipes(settings: Settings) -> list[Recipe]:
    """Each once, those of the designs among them."""
    scan = [Recipe.aware(bits) for bits in settings.aware_bits]
    built = [design.recipe for design in settings.designs]
    return list(dict.fromkeys([*scan, *settings.learned, *built]))


def _budget(settings: Settings, recipe: Recipe) -> Budget:
    """That of the first design of a recipe, or of the first of all: one pixel a cycle."""
    return next((d for d in settings.designs if d.recipe == recipe), settings.designs[0]).budget


def _scan(
    workshop: Workshop,
    part: float,
    reference: Mapping[str, NDArray[Any]],
    settings: Settings,
    samples: StudySamples,
    options: StudyOptions,
    progress: Progress,
) -> PrecisionScan:
    path = workshop.path(Recipe.after_training(16, sparsity=part))
    return scan_precision(
        path,
        samples.train.x[:1000],
        _accuracy,
        inputs={workshop.input: samples.test.x},
        labels=samples.test.labels,
        bits=settings.after_bits,
        precision={"default": "fixed<{bits}>", workshop.input: str(PORT)},
        reference=reference,
        name=f"{100 * part:.0f} % pruned" if part else "not pruned",
        called="accuracy",
        resamples=RESAMPLES,
        workers=options.workers or 1,  # the emulator has threads of its own
        scheduler=options.scheduler,
        progress=progress,
    )


def _accuracy(outputs: Mapping[str, NDArray[Any]], labels: NDArray[Any]) -> float:
    return accuracy(outputs, labels).value / 100
