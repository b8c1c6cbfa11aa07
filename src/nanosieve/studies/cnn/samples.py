"""The images of the study: SVHN if the user gives it, else rendered digits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import atomic_path, output_folder
from nanosieve.errors import InputFileError
from nanosieve.executor import run_tasks
from nanosieve.progress import Progress
from nanosieve.studies.cnn.digits import render
from nanosieve.studies.cnn.settings import Settings
from nanosieve.studies.cnn.svhn import read_svhn
from nanosieve.studies.study import StudyOptions

__all__ = ["Images", "StudySamples", "prepare_samples"]

SHARD = 1000
"""Images that are rendered at a time."""
_TRAIN, _TEST, _EXTRA = "train_32x32.mat", "test_32x32.mat", "extra_32x32.mat"


@dataclass(frozen=True)
class Images:
    """Images with their digits.

    Attributes:
        x: (images, 32, 32, 3) float32: pixels / 256, so that a pixel is a number of 8 bits below 1.
        labels: (images,) 0 to 9.
    """

    x: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class StudySamples:
    """Everything the study draws from.

    Attributes:
        train: trained on; a part of it judges the epochs.
        test: seen by no training.
        kind: ``"SVHN"`` or ``"rendered digits"``.
        remarks: for the user.
    """

    train: Images
    test: Images
    kind: str
    remarks: tuple[str, ...]


def prepare_samples(settings: Settings, options: StudyOptions, progress: Progress) -> StudySamples:
    """Read SVHN from ``options.samples``, or render what is not there yet.

    Raises:
        InputFileError: a file of SVHN is missing or cannot be used.
        OutputError: images cannot be written.
    """
    if options.samples is not None:
        return _svhn(options.samples)
    folder = output_folder(options.out / "samples")
    parts = [
        _rendered(folder, name, number, (options.seed, stream), options, progress)
        for stream, (name, number) in enumerate((("train", settings.train), ("test", settings.test)))
    ]
    remark = "images are rendered digits, not SVHN; --samples FOLDER reads train_32x32.mat and test_32x32.mat"
    return StudySamples(parts[0], parts[1], "rendered digits", (remark,))


def _svhn(folder: Path) -> StudySamples:
    missing = [name for name in (_TRAIN, _TEST) if not (folder / name).is_file()]
    if missing:
        message = (
            f"folder {str(folder)!r} has no {' and no '.join(missing)}; give the folder of SVHN's cropped "
            "digits, or leave --samples out for rendered digits"
        )
        raise InputFileError(message)
    parts = [read_svhn(folder / name) for name in (_TRAIN, _EXTRA) if (folder / name).is_file()]
    train = _images(np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))
    return StudySamples(train, _images(*read_svhn(folder / _TEST)), "SVHN", ())


def _rendered(
    folder: Path,
    name: str,
    number: int,
    seed: tuple[int, int],
    options: StudyOptions,
    progress: Progress,
) -> Images:
    """Shards of images; those on disk with the same seed are used again."""
    counts = [min(SHARD, number - start) for start in range(0, number, SHARD)]
    tasks = [
        (folder / f"{name}_{n:04d}_{count}_seed_{seed[0]}.npz", count, (*seed, n))
        for n, count in enumerate(counts)
    ]
    todo = [task for task in tasks if _read(task[0]) is None]
    done = number - sum(count for _, count, _ in todo)
    for index, _ in run_tasks(_render, todo, workers=options.workers, scheduler=options.scheduler):
        done += todo[index][1]
        progress(f"render {name}", done, number, "images")
    shards = [_read(path) or _render((path, count, where)) for path, count, where in tasks]
    return _images(np.concatenate([s[0] for s in shards]), np.concatenate([s[1] for s in shards]))


Shard = tuple[NDArray[np.uint8], NDArray[np.int64]]


def _render(task: tuple[Path, int, tuple[int, ...]]) -> Shard:
    path, count, seed = task
    images, digits = render(count, seed)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, images=images, digits=digits)
    return images, digits


def _read(path: Path) -> Shard | None:
    """A shard; None where it is not there or damaged, and has to be made again."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["images"], file["digits"]
    except (OSError, EOFError, ValueError, KeyError, IndexError):
        return None


def _images(pixels: NDArray[np.uint8], digits: NDArray[np.int64]) -> Images:
    return Images(pixels.astype(np.float32) / np.float32(256), digits)
