"""Reader of the cropped digits of SVHN (http://ufldl.stanford.edu/housenumbers), ``*_32x32.mat``.

A MATLAB file of two arrays: ``X``, uint8 (32, 32, 3, images), and ``y``, (images, 1) with labels 1 to 10,
where 10 is the digit 0.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import existing_file
from nanosieve._require import require
from nanosieve.errors import InputFileError

__all__ = ["read_svhn"]

_REMEDY = "fetch train_32x32.mat, test_32x32.mat or extra_32x32.mat again"


def read_svhn(path: str | Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (images, 32, 32, 3) from 0 to 255 and their digits (images,) from 0 to 9.

    Shapes and types are looked at before the arrays are read. Nothing in the file is executed.

    Raises:
        InputFileError: missing, damaged, other arrays than those of SVHN, or a class without images.
    """
    path = existing_file(path, kind="SVHN file", suffixes=(".mat",))
    io = require("scipy.io", extra="train", purpose="reading SVHN")
    damaged = (ValueError, TypeError, KeyError, IndexError, OSError, EOFError, NotImplementedError,
               OverflowError, MemoryError, UnicodeError, AttributeError, struct.error, zlib.error,
               io.matlab.MatReadError)  # fmt: skip
    try:
        inside = {name: (shape, kind) for name, shape, kind in io.whosmat(path)}
        _check(path, inside)
        arrays = io.loadmat(path, variable_names=["X", "y"])
        images, labels = np.asarray(arrays["X"]), np.asarray(arrays["y"]).reshape(-1)
    except damaged as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        message = f"SVHN file {path.name!r} is damaged or no MATLAB file ({reason}); {_REMEDY}"
        raise InputFileError(message) from error
    if images.dtype != np.uint8:
        message = f"SVHN file {path.name!r} holds X of type {images.dtype}, not uint8; {_REMEDY}"
        raise InputFileError(message)
    found = np.unique(labels)
    if not np.array_equal(found, np.arange(1, 11)):
        shown = ", ".join(f"{value:g}" for value in found[:12].astype(float))
        message = f"SVHN file {path.name!r} has the labels {shown}, not each of 1 to 10; {_REMEDY}"
        raise InputFileError(message)
    return np.ascontiguousarray(images.transpose(3, 0, 1, 2)), labels.astype(np.int64) % 10


def _check(path: Path, inside: dict[str, tuple[tuple[int, ...], str]]) -> None:
    """X and y are there and fit each other.

    Raises:
        InputFileError: they do not.
    """
    for name in ("X", "y"):
        if name not in inside:
            has = ", ".join(sorted(inside)) or "nothing"
            message = f"SVHN file {path.name!r} has no array {name!r} but {has}; {_REMEDY}"
            raise InputFileError(message)
    shape, labels = inside["X"][0], inside["y"][0]
    if len(shape) != 4 or shape[:3] != (32, 32, 3) or not shape[3]:
        message = f"SVHN file {path.name!r} holds X of shape {shape}, not (32, 32, 3, images); {_REMEDY}"
        raise InputFileError(message)
    if int(np.prod(labels)) != shape[3]:
        message = f"SVHN file {path.name!r} has {shape[3]} images but labels of shape {labels}; {_REMEDY}"
        raise InputFileError(message)
