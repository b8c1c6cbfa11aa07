"""A picture of sample images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError
from nanosieve.report.style import Drawing, Margins, panel

__all__ = ["image_grid"]


def image_grid(
    images: NDArray[np.floating[Any]], labels: NDArray[Any], *, columns: int = 16, names: Sequence[str] = ()
) -> Drawing:
    """The first images of each class, a row for each.

    Args:
        images: (images, height, width, 3) from 0 to 1.
        labels: (images,) numbers of the classes.
        columns: images of a class.
        names: of the classes; default their numbers.

    Raises:
        SampleError: no images, or images and labels that do not fit.
    """
    if images.ndim != 4 or images.shape[-1] != 3 or len(images) != len(labels) or not len(images):
        message = f"images of shape {images.shape} and {len(labels)} labels; accepted: (N, height, width, 3)"
        raise SampleError(message)
    height, width = images.shape[1:3]
    classes = np.unique(labels)
    canvas = np.ones((len(classes) * height, columns * width, 3))
    for row, kind in enumerate(classes):
        for column, image in enumerate(images[labels == kind][:columns]):
            canvas[row * height : (row + 1) * height, column * width : (column + 1) * width] = image

    def draw(axes: Any) -> None:
        axes.imshow(np.clip(canvas, 0, 1), interpolation="nearest", aspect="equal")
        axes.set_xticks([])
        axes.set_yticks(
            [(row + 0.5) * height for row in range(len(classes))],
            [names[int(kind)] if names else str(kind) for kind in classes],
        )
        axes.tick_params(which="both", left=False, right=False, top=False, bottom=False)
        for spine in axes.spines.values():
            spine.set_visible(False)

    across = 560.0
    size = (across, (across - 30) * canvas.shape[0] / canvas.shape[1] + 8)
    margins = Margins(left=26, right=4, bottom=4, top=4)
    return Drawing((panel(draw, label="sample images, a row for each class", size=size, margins=margins),))
