"""The reader of SVHN's files: what is right is read, what is wrong is said in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from nanosieve.errors import InputFileError
from nanosieve.studies import StudyOptions
from nanosieve.studies.cnn.samples import prepare_samples
from nanosieve.studies.cnn.settings import settings_for
from nanosieve.studies.cnn.svhn import read_svhn
from nanosieve.studies.study import Size

Arrays = dict[str, Any]


def arrays(number: int = 40) -> Arrays:
    random = np.random.default_rng(1)
    return {
        "X": random.integers(0, 256, (32, 32, 3, number), dtype=np.uint8),
        "y": (np.arange(number) % 10 + 1)[:, None].astype(np.uint8),
    }


@pytest.mark.parametrize("compressed", [False, True])
def test_ten_is_the_digit_zero(compressed: bool, tmp_path: Path) -> None:
    given = arrays()
    scipy.io.savemat(tmp_path / "test_32x32.mat", given, do_compression=compressed)
    images, digits = read_svhn(tmp_path / "test_32x32.mat")
    assert np.array_equal(images[7], given["X"][..., 7])
    assert list(digits[:10]) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda a: {"X": a["X"]}, r"has no array 'y' but X"),
        (lambda a: {**a, "X": a["X"][:28]}, r"X of shape \(28, 32, 3, 40\), not \(32, 32, 3, images\)"),
        (lambda a: {**a, "y": a["y"][:-1]}, r"40 images but labels of shape \(39, 1\)"),
        (lambda a: {**a, "y": a["y"] - 1}, r"labels 0, 1, .*, not each of 1 to 10"),
        (lambda a: {**a, "y": np.minimum(a["y"], 9)}, r"labels 1, .*9, not each of 1 to 10"),
        (lambda a: {**a, "X": a["X"].astype(np.float64)}, r"X of type float64, not uint8"),
    ],
)
def test_other_arrays_are_refused(change: Callable[[Arrays], Arrays], match: str, tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "train_32x32.mat", change(arrays()))
    with pytest.raises(InputFileError, match=match) as caught:
        read_svhn(tmp_path / "train_32x32.mat")
    assert "\n" not in str(caught.value)


def test_damaged_files_are_refused_in_one_line(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.mat", tmp_path / "train_32x32.mat"
    scipy.io.savemat(whole, arrays(), do_compression=True)
    content, random = whole.read_bytes(), np.random.default_rng(2)
    broken = [b"", b"no matlab", content[:200], content[: len(content) // 2], bytes(1000)]
    for _ in range(25):
        spoiled = bytearray(content)
        for place in random.integers(0, len(content), 40):
            spoiled[place] = int(random.integers(256))
        broken.append(bytes(spoiled))
    for case in broken:
        path.write_bytes(case)
        with pytest.raises(InputFileError) as caught:
            read_svhn(path)
        assert "\n" not in str(caught.value)
        assert "train_32x32.mat" in str(caught.value)
    with pytest.raises(InputFileError, match=r"does not exist"):
        read_svhn(tmp_path / "nothing.mat")


def test_the_study_reads_the_users_folder(tmp_path: Path) -> None:
    settings = settings_for(Size.SMALL, 1)
    scipy.io.savemat(tmp_path / "train_32x32.mat", arrays())
    with pytest.raises(InputFileError, match=r"has no test_32x32.mat; give the folder"):
        prepare_samples(settings, StudyOptions(tmp_path / "out", samples=tmp_path), lambda *_: None)
    scipy.io.savemat(tmp_path / "test_32x32.mat", arrays(20))
    scipy.io.savemat(tmp_path / "extra_32x32.mat", arrays(30))
    samples = prepare_samples(settings, StudyOptions(tmp_path / "out", samples=tmp_path), lambda *_: None)
    assert (samples.kind, len(samples.train), len(samples.test)) == ("SVHN", 70, 20)
    assert samples.train.x.max() < 1
    assert float(samples.train.x[0, 0, 0, 0] * 256).is_integer()
