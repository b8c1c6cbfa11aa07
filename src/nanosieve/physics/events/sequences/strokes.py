"""Drawings of five small animals by pen strokes, made by a generator.

They stand in for the drawings of the public Quick, Draw! set where these are not at hand, and have their
form: polylines of a few points on a square of 256 × 256, in pieces between which the pen is lifted. They are
not those drawings, and numbers found with them say nothing about that set.

Each animal has parts of its own (body, wings, legs …) whose sizes, places, number, order and direction vary;
parts are forgotten at random, lines tremble, and the whole is tilted, stretched and sheared.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["ANIMALS", "Stroke", "drawing"]

Stroke = NDArray[np.float64]
"""(points, 2): x to the right, y down."""
Draw = np.random.Generator
FORGOTTEN = 0.22
"""Probability that a part is left out."""
SIDE = 255.0


def drawing(animal: str, draw: Draw) -> list[Stroke]:
    """The strokes of one drawing, in order, on a square from 0 to 255.

    Args:
        animal: one of `ANIMALS`.
    """
    strokes = [stroke for stroke in ANIMALS[animal](draw) if draw.random() > FORGOTTEN or len(stroke) > 12]
    strokes = strokes or ANIMALS[animal](draw)[:1]
    if draw.random() < 0.3:
        draw.shuffle(strokes)
    if draw.random() < 0.5:
        strokes = [stroke * (-1.0, 1.0) for stroke in strokes]
    tilt, stretch, shear = draw.normal(0, 0.25), np.exp(draw.normal(0, 0.2)), draw.normal(0, 0.15)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    shape = turn @ np.array([[stretch, shear], [0.0, 1.0]])
    strokes = [_by_hand(stroke @ shape.T, draw) for stroke in strokes]
    corner = np.min([stroke.min(axis=0) for stroke in strokes], axis=0)
    size = np.max([stroke.max(axis=0) for stroke in strokes], axis=0) - corner
    return [np.round((stroke - corner) * (SIDE / max(size.max(), 1e-9))) for stroke in strokes]


def _by_hand(stroke: Stroke, draw: Draw) -> Stroke:
    """Trembling, with another beginning or the other way round."""
    if draw.random() < 0.3:
        stroke = stroke[::-1]
    slow = np.cumsum(draw.normal(0, 0.015, stroke.shape), axis=0)
    return stroke + slow + draw.normal(0, 0.012, stroke.shape)


def _ring(draw: Draw, x: float, y: float, width: float, height: float, points: int = 0) -> Stroke:
    """An ellipse, not always closed."""
    points = points or int(draw.integers(8, 15))
    turn = np.linspace(0, 2 * np.pi * draw.uniform(0.88, 1.06), points) + draw.uniform(0, 2 * np.pi)
    width, height = width * np.exp(draw.normal(0, 0.2)), height * np.exp(draw.normal(0, 0.2))
    ring = np.stack([width * np.cos(turn), height * np.sin(turn)], axis=1)
    result: Stroke = ring + np.array([x, y]) + draw.normal(0, 0.04, 2)
    return result


def _line(draw: Draw, *corners: tuple[float, float]) -> Stroke:
    ends = np.array(corners) + draw.normal(0, 0.05, (len(corners), 2))
    if draw.random() < 0.4:  # a bend between
        middle = 0.5 * (ends[0] + ends[1]) + draw.normal(0, 0.04, 2)
        ends = np.insert(ends, 1, middle, axis=0)
    return ends


def _antennae(draw: Draw, x: float, y: float, length: float = 0.3) -> list[Stroke]:
    lean = draw.uniform(0.3, 0.9)
    return [_line(draw, (x, y), (x + side * lean * length, y - length)) for side in (-1, 1)]


def _legs(draw: Draw, number: int, reach: float, bend: float, x: float, width: float) -> list[Stroke]:
    """Legs on both sides of a lying body from `x` on, with a knee."""
    legs = []
    for side in (-1, 1):
        for n in range(number):
            foot = x + width * (n + 0.5) / number
            legs.append(
                _line(draw, (foot, side * 0.12), (foot + 0.08, side * bend), (foot + 0.14, side * reach))
            )
    return legs


def _ant(draw: Draw) -> list[Stroke]:
    body = [
        _ring(draw, -0.62, 0, 0.2, 0.18),
        _ring(draw, -0.12, 0, 0.26, 0.15),
        _ring(draw, 0.55, 0, 0.42, 0.24),
    ]
    legs = _legs(draw, int(draw.integers(2, 4)), draw.uniform(0.4, 0.7), 0.3, -0.35, 0.5)
    return [*body, *legs, *_antennae(draw, -0.7, -0.15)]


def _bee(draw: Draw) -> list[Stroke]:
    long = draw.uniform(0.5, 0.75)
    body = _ring(draw, 0, 0, long, 0.33)
    bands = [
        _line(draw, (x, -0.3), (x + 0.03, 0.3))
        for x in np.linspace(-0.45, 0.45, int(draw.integers(2, 5))) * long
    ]
    wings = [_ring(draw, x, -0.55, 0.17, 0.33) for x in (-0.18, 0.16)]
    head = [_ring(draw, -long - 0.15, 0, 0.2, 0.2)] if draw.random() < 0.6 else []
    sting = [_line(draw, (long, 0), (long + 0.2, 0.02))]
    return [body, *head, *bands, *wings, *sting, *_antennae(draw, -long - 0.1, -0.2, 0.25)]


def _butterfly(draw: Draw) -> list[Stroke]:
    body = _ring(draw, 0, 0, 0.08, 0.5) if draw.random() < 0.6 else _line(draw, (0, -0.5), (0, 0.1), (0, 0.5))
    wide, low = draw.uniform(0.35, 0.5), draw.uniform(0.25, 0.4)
    upper = [_ring(draw, side * (wide + 0.08), -0.3, wide, 0.36) for side in (-1, 1)]
    lower = [_ring(draw, side * (low + 0.08), 0.35, low, 0.28) for side in (-1, 1)]
    return [body, *upper, *lower, *_antennae(draw, 0, -0.5, 0.28)]


def _mosquito(draw: Draw) -> list[Stroke]:
    body = (
        _ring(draw, 0.15, 0, 0.55, 0.11)
        if draw.random() < 0.7
        else _line(draw, (-0.4, 0), (0.2, 0), (0.7, 0.1))
    )
    head = _ring(draw, -0.5, 0, 0.14, 0.13)
    sting = _line(draw, (-0.6, 0.05), (-0.8, 0.2), (-1.0, 0.4))
    wings = [_ring(draw, 0.1 + n * 0.15, -0.38, 0.14, 0.32) for n in range(int(draw.integers(1, 3)))]
    legs = _legs(draw, int(draw.integers(2, 4)), draw.uniform(0.6, 0.95), 0.25, -0.3, 0.6)
    return [head, body, sting, *wings, *legs[: int(draw.integers(3, 7))]]


def _snail(draw: Draw) -> list[Stroke]:
    turns, points = draw.uniform(1.6, 3.2), int(draw.integers(16, 34))
    turn = np.linspace(0, 2 * np.pi * turns, points)
    radius = np.linspace(0.04, draw.uniform(0.38, 0.55), points)
    shell = np.stack([0.1 + radius * np.cos(turn), -0.1 + radius * np.sin(turn)], axis=1)
    foot = _line(draw, (0.75, 0.45), (0.0, 0.48), (-0.6, 0.42), (-0.75, 0.05))
    head = [_ring(draw, -0.75, -0.02, 0.15, 0.16)] if draw.random() < 0.5 else []
    return [shell, foot, *head, *_antennae(draw, -0.75, -0.1, 0.25)]


ANIMALS: dict[str, Callable[[Draw], list[Stroke]]] = {
    "ant": _ant,
    "bee": _bee,
    "butterfly": _butterfly,
    "mosquito": _mosquito,
    "snail": _snail,
}
"""Name → its parts, near the origin and of size one."""
