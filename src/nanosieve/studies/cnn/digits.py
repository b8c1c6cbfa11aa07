"""Rendered house numbers: 32×32 colour images of one digit with its neighbours. They are not SVHN.

A stand-in for the cropped digits of SVHN (Netzer et al., NIPS workshop 2011) where the user has not got them:
the same shape, classes and kinds of difficulty (neighbouring digits, perspective, light, blur, noise,
clutter), from the fonts that come with matplotlib. Accuracies on them say nothing about accuracies on SVHN.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SettingsError

__all__ = ["CLASSES", "FONTS", "SIDE", "render"]

SIDE = 32
"""Pixels of an image on each side."""
CLASSES = 10
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralBol",
    "STIXGeneralItalic", "cmr10", "cmss10", "cmtt10", "cmb10",
)  # fmt: skip
"""Font files of matplotlib that have digits."""

_FINE = 2
"""Glyphs are drawn so many times finer than the image."""
_GLYPH = 96
"""Height of the font in pixels from which glyphs are warped."""

Image = NDArray[np.float32]


def render(number: int, seed: int | tuple[int, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images and their digits, each digit equally often as far as `number` divides by ten.

    Args:
        number: of images.
        seed: the same seed gives the same images.

    Returns:
        Images (number, 32, 32, 3) from 0 to 255, and digits (number,) from 0 to 9 in random order.

    Raises:
        SettingsError: `number` is not positive.
        MissingDependencyError: matplotlib or Pillow is not installed.
    """
    if number < 1:
        message = f"{number!r} images; accepted: a positive number"
        raise SettingsError(message)
    random = np.random.default_rng(seed)
    digits = random.permutation(np.arange(number) % CLASSES)
    images = np.stack([_image(int(digit), random) for digit in digits])
    return images, digits.astype(np.int64)


def _image(digit: int, random: np.random.Generator) -> NDArray[np.uint8]:
    wall, paint = _colours(random)
    light = _gradient(random)
    scene = wall * light[..., None]
    for mask, strength in _clutter(random):
        scene += strength * mask[..., None] * (paint - wall)
    shape, shadow = _number(digit, random)
    scene *= 1.0 - shadow[..., None]
    scene += shape[..., None] * (paint * light[..., None] - scene)
    scene = _blurred(scene, random.exponential(0.5))
    scene = 0.5 + random.uniform(0.6, 1.15) * (scene - 0.5) + random.normal(0, 0.06)
    scene += random.normal(0, random.uniform(0.005, 0.06), scene.shape)
    return np.asarray(np.clip(np.round(255 * scene), 0, 255), dtype=np.uint8)


def _colours(random: np.random.Generator) -> tuple[Image, Image]:
    """Of the wall and of the digits: at least a part of the scale apart in brightness."""
    while True:
        wall, paint = random.uniform(0.05, 0.95, (2, 3)) * 0.5 + random.uniform(0.0, 0.5, (2, 1))
        if abs(wall.mean() - paint.mean()) > 0.16:
            return wall.astype(np.float32), paint.astype(np.float32)


def _gradient(random: np.random.Generator) -> Image:
    """Light that falls from one side: (32, 32) around 1."""
    across = np.linspace(-0.5, 0.5, SIDE, dtype=np.float32)
    x, y = random.normal(0, 0.25, 2)
    return np.asarray(1 + x * across[None, :] + y * across[:, None], dtype=np.float32)


def _clutter(random: np.random.Generator) -> Iterator[tuple[Image, float]]:
    """Edges of plates, grooves and shadows: straight bands across the image, faint beside the digits."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    for _ in range(random.poisson(0.8)):
        angle = random.choice([0.0, np.pi / 2]) + random.normal(0, 0.15)
        away = (columns - SIDE / 2) * np.sin(angle) + (rows - SIDE / 2) * np.cos(angle)
        distance = np.abs(away - random.uniform(-SIDE / 2, SIDE / 2))
        width = random.uniform(0.4, 2.5)
        yield np.clip(width + 0.5 - distance, 0, 1), float(random.uniform(-0.3, 0.5))


def _number(digit: int, random: np.random.Generator) -> tuple[Image, Image]:
    """The digit between its neighbours: what it covers, and its shadow; (32, 32) from 0 to 1."""
    pillow = require("PIL.Image", extra="report", purpose="rendering digits")
    font = str(random.choice(FONTS))
    middle = _glyph(font, digit)
    height, width = middle.shape
    gap = random.uniform(0.0, 0.25) * width
    strip = np.zeros((height, 5 * width), dtype=np.uint8)
    _place(strip, middle, 2 * width)
    for side in (-1, 1):
        if random.random() < 0.6:
            neighbour = _glyph(font, int(random.integers(CLASSES)))
            start = 3 * width + gap if side > 0 else 2 * width - gap - neighbour.shape[1]
            _place(strip, neighbour, round(start))
    size = SIDE * _FINE
    matrix = _perspective(random, height, width, size)
    warped = pillow.fromarray(strip).transform(
        (size, size), pillow.Transform.PERSPECTIVE, tuple(matrix), pillow.Resampling.BILINEAR
    )
    fine = np.asarray(warped, dtype=np.float32) / 255
    shape = fine.reshape(SIDE, _FINE, SIDE, _FINE).mean(axis=(1, 3))
    down, right = random.integers(-1, 3, 2)
    shadow = np.roll(shape, (down, right), (0, 1)) * max(0.0, random.normal(0.0, 0.35))
    return shape, np.clip(shadow, 0, 0.7)


def _place(strip: NDArray[np.uint8], glyph: NDArray[np.uint8], start: int) -> None:
    first, last = max(start, 0), min(start + glyph.shape[1], strip.shape[1])
    if last > first:
        strip[:, first:last] |= glyph[:, first - start : last - start]


def _perspective(random: np.random.Generator, height: int, width: int, size: int) -> NDArray[np.float64]:
    """The eight numbers of Pillow's perspective: from pixels of the image to those of the strip.

    The digit fills 55 to 90 % of the height, is turned, sheared and tilted a little, and sits near the
    middle.
    """
    scale = height / (size * random.uniform(0.55, 0.9))
    stretch = random.uniform(0.8, 1.25)
    turn, shear = random.normal(0, 0.1), random.normal(0, 0.12)
    cos, sin = np.cos(turn), np.sin(turn)
    linear = scale * np.array([[stretch * cos, shear - sin], [sin, cos]])
    centre = np.array([2.5 * width, height / 2])
    aim = size / 2 + random.normal(0, 0.03 * size, 2)
    tilt = random.normal(0, 0.08, 2) / size
    weight = 1 - tilt @ aim  # 1 at the aim, so that the digit keeps its size
    shift = centre - linear @ aim
    # (linear p + shift) / (tilt (p - aim) + 1), both divided by the constant term of the denominator
    above = np.column_stack([linear, shift]) + np.outer(centre, [*tilt, -tilt @ aim])
    return np.asarray(np.concatenate([above[0], above[1], tilt]) / np.repeat([weight], 8), dtype=np.float64)


def _blurred(scene: Image, radius: float) -> Image:
    """A Gaussian of `radius` pixels on both axes."""
    if radius < 0.2:
        return scene
    reach = np.arange(-3, 4)
    kernel = np.exp(-0.5 * (reach / radius) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for axis in (0, 1):
        padded = np.pad(scene, [(3, 3) if axis == a else (0, 0) for a in range(3)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 7, axis=axis)
        scene = windows @ kernel
    return scene


@cache
def _glyph(font: str, digit: int) -> NDArray[np.uint8]:
    """The digit of a font, (height of all its digits, width) from 0 to 255."""
    drawing: Any = require("PIL.ImageFont", extra="report", purpose="rendering digits")
    type = drawing.truetype(str(_folder() / f"{font}.ttf"), _GLYPH)
    boxes = [type.getbbox(str(each)) for each in range(CLASSES)]
    top, bottom = min(box[1] for box in boxes), max(box[3] for box in boxes)
    left, _, right, _ = boxes[digit]
    mask = type.getmask(str(digit), mode="L")
    across, down = mask.size
    array = np.frombuffer(bytes(mask), dtype=np.uint8).reshape(down, across)
    glyph = np.zeros((bottom - top, max(right - left, across)), dtype=np.uint8)
    start = boxes[digit][1] - top
    glyph[start : start + down, :across] = array[: glyph.shape[0] - start]
    return glyph


@cache
def _folder() -> Path:
    matplotlib = require("matplotlib", extra="report", purpose="the fonts of rendered digits")
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"
