"""Fragments: the sixteen strips of all layers around a seed, all that a first-level network sees.

The pattern is one that a trigger processor has room for. In each of the *pivot* layers (those of the middle
station) the hits of a window of strips are joined by OR; the number of pivot layers with a hit, 0 to 4, is
the height of that window. The highest window is the seed; of equal ones a priority encoder takes the one of
the lowest strip, so that the choice depends on nothing but the bits. The fragment is centred on the seed and
pushed back into the image at its ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.events.muon_chambers.settings import StripPlanes

__all__ = ["FragmentPattern", "Fragments", "fragments_of", "global_eta", "local_eta"]


@dataclass(frozen=True)
class FragmentPattern:
    """How a fragment is chosen; width as published (DOI 10.1140/epjc/s10052-021-09770-w), the rest assumed.

    Attributes:
        width: strips of a fragment.
        window: strips that count as one coincidence.
        station: whose layers are the pivots.
        least: pivot layers that have to be hit; an image with fewer has no seed.
    """

    width: int = 16
    window: int = 4
    station: int = 1
    least: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.window <= self.width or self.least < 0 or self.station < 0:
            message = (
                f"FragmentPattern: a window of {self.window} in {self.width} strips, {self.least} layers of "
                f"station {self.station}; accepted: 1 ≤ window ≤ width, and 0 or more of the others"
            )
            raise SettingsError(message)


@dataclass(frozen=True)
class Fragments:
    """N fragments.

    Attributes:
        images: (N, layers, width) uint8 of 0 and 1; all 0 where there is no seed.
        first: (N,) strip of the image that is strip 0 of the fragment; in the middle where there is no seed.
        height: (N,) pivot layers hit in the seed.
    """

    images: NDArray[np.uint8]
    first: NDArray[np.int64]
    height: NDArray[np.int64]


def fragments_of(
    images: NDArray[np.uint8], detector: StripPlanes, pattern: FragmentPattern | None = None
) -> Fragments:
    """The fragment of each image.

    Args:
        images: (N, layers, strips) of 0 and 1.

    Raises:
        SampleError: images of another shape than the detector has.
        SettingsError: the detector has too few strips, or no layer in the pivot station.
    """
    pattern = pattern or FragmentPattern()
    if images.ndim != 3 or images.shape[1:] != detector.shape:
        layers, strips = detector.shape
        message = f"images have the shape {images.shape}; accepted: (N, {layers}, {strips})"
        raise SampleError(message)
    pivots = np.flatnonzero(np.array(detector.stations) == pattern.station)
    if not len(pivots) or detector.strips < pattern.width:
        message = (
            f"fragments of {pattern.width} strips with pivots in station {pattern.station} need "
            f"{pattern.width} strips or more and a layer there; there are {detector.strips} and {len(pivots)}"
        )
        raise SettingsError(message)
    inside = np.lib.stride_tricks.sliding_window_view(images[:, pivots], pattern.window, axis=2)
    height = inside.any(axis=3).sum(axis=1)
    seed = height.argmax(axis=1)  # the first of the highest, as a priority encoder
    best = height[np.arange(len(images)), seed]
    found = best >= max(pattern.least, 1)
    first = np.clip(seed + pattern.window // 2 - pattern.width // 2, 0, detector.strips - pattern.width)
    first = np.where(found, first, (detector.strips - pattern.width) // 2)
    columns = first[:, None] + np.arange(pattern.width)
    cut = np.take_along_axis(images, columns[:, None, :], axis=2)
    shown = cut * found[:, None, None].astype(np.uint8)
    return Fragments(shown, first.astype(np.int64), best.astype(np.int64))


def local_eta(
    eta: NDArray[np.floating], first: NDArray[np.int64], detector: StripPlanes, width: int = 16
) -> NDArray[np.float64]:
    """Pseudorapidity as a place in fragments: 0 at their lower, 1 at their upper edge; others lie outside.

    Args:
        eta: (N,).
        first: (N,) strip of the image that is strip 0 of the fragment.
    """
    place: NDArray[np.float64] = (detector.place_of(np.asarray(eta, np.float64)) - first) / width
    return place


def global_eta(
    local: NDArray[np.floating], first: NDArray[np.int64], detector: StripPlanes, width: int = 16
) -> NDArray[np.float64]:
    """The inverse of `local_eta`.

    >>> import numpy as np
    >>> planes, first = StripPlanes(), np.array([40, 300])
    >>> global_eta(local_eta(np.array([-0.8, 0.61]), first, planes), first, planes).round(6).tolist()
    [-0.8, 0.61]
    """
    return detector.eta_of(first + width * np.asarray(local, np.float64))
