"""Binary images with what is true of them, and their Parquet file: eight pixels in a byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import atomic_path, existing_file
from nanosieve._require import require
from nanosieve.errors import InputFileError, SampleError

__all__ = ["MuonImages", "packed_bits", "read_muon_images", "write_muon_images"]

FORMAT = 1
METADATA_KEY = b"nanosieve"
_FACTS = ("kind", "shape", "classes", "origin", "settings", "key")


@dataclass(frozen=True)
class MuonImages:
    """N binary images of muon chambers.

    Attributes:
        kind: ``"decays"`` or ``"strips"``; says which columns there are.
        shape: layers and channels of an image.
        packed: (N, bytes) uint8; the pixels of an image row by row, eight in a byte, the first one highest.
        labels: (N,) place of the class in `classes`.
        truth: (N,) columns by name, float32; see `COLUMNS` of `nanosieve.physics.events.muon_chambers`.
        classes: names.
        origin: where the images come from.
        settings: of the detector and of what is in it, seed and versions, as JSON has them.
        key: digest of the settings; empty for images of others.

    Raises:
        SampleError: shapes, labels or columns that do not fit, or a number that is not finite.
    """

    kind: str
    shape: tuple[int, int]
    packed: NDArray[np.uint8]
    labels: NDArray[np.int64]
    truth: Mapping[str, NDArray[np.float32]]
    classes: tuple[str, ...]
    origin: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise SampleError(problem)

    def _problem(self) -> str:
        number, size = len(self.labels), -(-self.shape[0] * self.shape[1] // 8)
        if min(self.shape) < 1 or self.packed.shape != (number, size) or self.packed.dtype != np.uint8:
            return (
                f"{number} images of {self.shape[0]} × {self.shape[1]} are packed in ({number}, {size}) "
                f"bytes, not {self.packed.shape} of {self.packed.dtype}"
            )
        wrong = (self.labels < 0) | (self.labels >= len(self.classes))
        if wrong.any():
            first = int(wrong.argmax())
            return (
                f"image {first} has the label {int(self.labels[first])}; accepted: 0 to "
                f"{len(self.classes) - 1} ({', '.join(self.classes)})"
            )
        for name, column in self.truth.items():
            if column.shape != (number,):
                return f"{number} images have {column.shape} values of {name!r}; give one for each"
            if not np.isfinite(column).all():
                first = int((~np.isfinite(column)).argmax())
                return f"image {first} has {name!r} = {column[first]}; remove or mend it"
        return ""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> NDArray[np.uint8]:
        """(N, layers, channels) of 0 and 1: eight times the memory of `packed`."""
        flat = np.unpackbits(self.packed, axis=1, count=self.shape[0] * self.shape[1])
        return flat.reshape(-1, *self.shape)

    def counts(self) -> NDArray[np.int64]:
        """How many there are of each class."""
        return np.bincount(self.labels, minlength=len(self.classes)).astype(np.int64)

    def only(self, chosen: NDArray[Any]) -> MuonImages:
        """Those of these indices, in this order, or where a mask is true."""
        return replace(
            self,
            packed=self.packed[chosen],
            labels=self.labels[chosen],
            truth={name: column[chosen] for name, column in self.truth.items()},
        )

    def of_class(self, name: str) -> MuonImages:
        """Those of one class.

        Raises:
            SampleError: there is none, or no such class.
        """
        if name not in self.classes or not (self.labels == self.classes.index(name)).any():
            message = f"no image of class {name!r}; there are {', '.join(self.classes)}"
            raise SampleError(message)
        return self.only(self.labels == self.classes.index(name))


def packed_bits(images: NDArray[np.bool_] | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, layers, channels) of 0 and 1 → (N, bytes)."""
    return np.packbits(images.reshape(len(images), -1).astype(bool), axis=1)


def write_muon_images(images: MuonImages, path: str | Path) -> Path:
    """Write to `path` (``.parquet``) atomically and return it.

    Raises:
        OutputError: the folder cannot be written to.
    """
    arrow = require("pyarrow", extra="events", purpose="images of muon chambers")
    parquet = require("pyarrow.parquet", extra="events", purpose="images of muon chambers")
    size = images.packed.shape[1]
    buffer = arrow.py_buffer(np.ascontiguousarray(images.packed))
    pixels = arrow.FixedSizeBinaryArray.from_buffers(arrow.binary(size), len(images), [None, buffer])
    columns = {"image": pixels, "label": images.labels.astype(np.int16), **images.truth}
    facts = {name: getattr(images, name) for name in _FACTS} | {"format": FORMAT}
    table = arrow.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(facts).encode()})
    with atomic_path(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")
    return Path(path)


def read_muon_images(path: str | Path) -> MuonImages:
    """The images that `write_muon_images` has written.

    Raises:
        InputFileError: the file is missing, damaged or of another kind.
        SampleError: its content does not fit together.
    """
    parquet = require("pyarrow.parquet", extra="events", purpose="images of muon chambers")
    arrow = require("pyarrow", extra="events", purpose="images of muon chambers")
    path = existing_file(path, kind="file of muon images", suffixes=(".parquet",))
    try:
        table = parquet.read_table(path)
        facts = json.loads((table.schema.metadata or {})[METADATA_KEY])
        if facts["format"] != FORMAT:
            message = f"{str(path)!r} is of another format than {FORMAT}; make it again"
            raise InputFileError(message)
        pixels = table.column("image").combine_chunks()
        size = pixels.type.byte_width
        whole = np.frombuffer(pixels.buffers()[1], dtype=np.uint8, count=len(pixels) * size)
        labels = np.asarray(table.column("label"), dtype=np.int64)
        truth = {
            name: np.asarray(table.column(name), dtype=np.float32)
            for name in table.column_names
            if name not in ("image", "label")
        }
        shape = (int(facts["shape"][0]), int(facts["shape"][1]))
        classes = tuple(str(name) for name in facts["classes"])
        named = str(facts["kind"]), str(facts["origin"]), dict(facts["settings"]), str(facts["key"])
    except (arrow.ArrowException, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join((str(error) or type(error).__name__).split())[:120]
        message = f"{str(path)!r} is no file of muon images, or damaged ({reason}); make it again"
        raise InputFileError(message) from error
    kind, origin, settings, key = named
    try:
        return MuonImages(kind, shape, whole.reshape(-1, size), labels, truth, classes, origin, settings, key)
    except SampleError as error:
        message = f"{str(path)!r}: {error}"
        raise SampleError(message) from error
