"""Rendered digits: balanced, in range, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from nanosieve.errors import SampleError, SettingsError
from nanosieve.report.images import image_grid
from nanosieve.studies.cnn.digits import CLASSES, FONTS, render


def test_classes_are_balanced_and_values_in_range() -> None:
    images, digits = render(60, 1)
    assert images.shape == (60, 32, 32, 3)
    assert images.dtype == np.uint8
    assert np.array_equal(np.bincount(digits, minlength=CLASSES), [6] * CLASSES)
    spread = images.astype(float).std(axis=(1, 2, 3))
    assert spread.min() > 2, "no image is blank"
    assert 60 < images.mean() < 190


def test_the_seed_decides_everything() -> None:
    one, same, other = (render(20, seed) for seed in (3, 3, 4))
    assert np.array_equal(one[0], same[0])
    assert np.array_equal(one[1], same[1])
    assert not np.array_equal(one[0], other[0])


def test_digits_of_a_class_look_alike_and_others_do_not() -> None:
    """Without noise, the mean of a class is nearer to other images of it than the means of other classes."""
    images, digits = render(600, 5)
    grey = images.mean(axis=3)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    flipped = grey * np.sign(grey[:, 8:24, 12:20].mean(axis=(1, 2)) + 1e-9)[:, None, None]
    first = np.stack([flipped[:300][digits[:300] == n].mean(axis=0) for n in range(CLASSES)]).reshape(10, -1)
    score = flipped[300:].reshape(300, -1) @ first.T / np.linalg.norm(first, axis=1)
    assert (score.argmax(axis=1) == digits[300:]).mean() > 2 / CLASSES


def test_fonts_are_there_and_nothing_is_rendered_of_nothing() -> None:
    assert len(set(FONTS)) == len(FONTS) > 10
    with pytest.raises(SettingsError, match=r"0 images; accepted: a positive number"):
        render(0, 1)


def test_a_picture_of_images() -> None:
    images, digits = render(30, 2)
    (panel,) = image_grid(images / 256, digits, columns=3).panels
    assert "<image" in panel
    with pytest.raises(SampleError, match=r"29 labels"):
        image_grid(images / 256, digits[:-1])
