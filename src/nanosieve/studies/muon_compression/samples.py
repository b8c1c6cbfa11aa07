"""The fragments of the study, with a muon and without, from images of resistive-plate chambers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder
from nanosieve.figure import Figure
from nanosieve.physics.events.muon_chambers import (
    MUON_PTS,
    FragmentPattern,
    MuonImages,
    StripPlanes,
    fragments_of,
    local_eta,
    make_strip_images,
    settings_table,
    strip_background_rates,
)
from nanosieve.progress import Progress
from nanosieve.studies.muon_compression.settings import HIGHEST_PT, Settings
from nanosieve.studies.study import StudyOptions

__all__ = ["FragmentSample", "StudySamples", "fragment_sample", "prepare_samples"]

MIDDLE = np.float32(0.5)
"""The place that noise is taught to be at: that of least error for a muon that could be anywhere."""
AT_A_TIME = 20_000
"""Images whose pixels are in memory at a time."""
TEST_SEED = 1000
"""Seeds of the test images are so much higher."""


@dataclass(frozen=True)
class FragmentSample:
    """Fragments of images and what is true of them.

    Attributes:
        x: (fragments, 9, 16, 1) float32 of 0 and 1; all 0 where an image has no seed.
        pt: (fragments,) of the muon in GeV, 0 without one.
        eta: (fragments,) of the muon, as a place in the fragment: 0 at its lower, 1 at its upper edge.
        seeded: (fragments,) whether the image has a seed.
    """

    x: NDArray[np.float32]
    pt: NDArray[np.float32]
    eta: NDArray[np.float32]
    seeded: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pt)

    @property
    def targets(self) -> NDArray[np.float32]:
        """(fragments, 2): pT over 20 GeV, and the place in the fragment."""
        return np.stack([self.pt / np.float32(HIGHEST_PT), self.eta], axis=1).astype(np.float32)

    def only(self, chosen: NDArray[np.bool_]) -> FragmentSample:
        """Those where a mask is true."""
        return FragmentSample(self.x[chosen], self.pt[chosen], self.eta[chosen], self.seeded[chosen])


@dataclass(frozen=True)
class StudySamples:
    """Everything the study draws from.

    Attributes:
        train: muons and noise, trained on; a part of them judges the epochs.
        muons, noise: seen by no training.
        detector: of all images.
        origin: where the images come from.
        remarks: for the user.
    """

    train: FragmentSample
    muons: FragmentSample
    noise: FragmentSample
    detector: StripPlanes
    origin: str
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """In a line."""
        return (
            f"{len(self.train):,} to train on, {len(self.muons):,} with a muon and {len(self.noise):,} of "
            f"noise to test; {self.origin}"
        )

    @property
    def rates(self) -> Mapping[float, Figure]:
        """pT in GeV → rate of images with such a muon in kHz, that of noise under 0."""
        return strip_background_rates(tuple(float(pt) for pt in MUON_PTS), self.detector)

    def settings_rows(self) -> tuple[tuple[str, str, str], ...]:
        """The settings of the detector: name, value with unit, source."""
        return tuple(
            (one.name.replace("_", " "), f"{_shown(one.value)} {one.unit}".strip(), one.source)
            for one in settings_table(self.detector)
        )

    def facts(self) -> dict[str, Any]:
        """For ``results.json``."""
        return {
            "origin": self.origin,
            "train": len(self.train),
            "test_muons": len(self.muons),
            "test_noise": len(self.noise),
            "muons_without_seed": int((~self.muons.seeded).sum()),
            "noise_without_seed": int((~self.noise.seeded).sum()),
            "detector": self.detector.facts(),
        }


def prepare_samples(settings: Settings, options: StudyOptions, progress: Progress) -> StudySamples:
    """Make the images that are not there yet, and cut the fragments.

    Raises:
        OutputError: images cannot be written.
    """
    folder, detector = output_folder(options.out / "samples"), StripPlanes()

    def made(name: str, muons: int, noise: int, seed: int) -> MuonImages:
        def told(stage: str, done: float, total: float, note: str = "") -> None:
            progress(f"{stage}: {name}", done, total, note)

        return make_strip_images(
            math.ceil(muons / len(MUON_PTS)), folder / f"{name}.parquet", noise=noise, detector=detector,
            seed=seed, workers=options.workers, scheduler=options.scheduler, progress=told,
        )[0]  # fmt: skip

    train = made("train", settings.muons, settings.noise, options.seed)
    test = made("test", settings.test_muons, settings.test_noise, options.seed + TEST_SEED)
    seen = fragment_sample(test, detector)
    return StudySamples(
        fragment_sample(train, detector), seen.only(seen.pt > 0), seen.only(seen.pt == 0), detector,
        train.origin,
    )  # fmt: skip


def fragment_sample(images: MuonImages, detector: StripPlanes) -> FragmentSample:
    """The fragment of every image, with what is true of it."""
    width, parts = FragmentPattern().width, []
    for start in range(0, len(images), AT_A_TIME):
        some = images.only(np.arange(start, min(start + AT_A_TIME, len(images))))
        cut = fragments_of(some.images, detector)
        pt = some.truth["pt"]
        place = np.clip(local_eta(some.truth["eta"], cut.first, detector, width), 0, 1).astype(np.float32)
        eta = np.where(pt > 0, place, MIDDLE)
        x = cut.images[..., None].astype(np.float32)
        parts.append(FragmentSample(x, pt.astype(np.float32), eta, cut.height > 0))
    return FragmentSample(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in ("x", "pt", "eta", "seeded"))
    )


def _shown(value: Any) -> str:
    return ", ".join(f"{one:g}" for one in value) if isinstance(value, tuple | list) else f"{value:g}"
