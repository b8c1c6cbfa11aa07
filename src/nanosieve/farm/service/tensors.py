"""Tensors of the protocol KServe V2: names, data types, shapes, and what is wrong with a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError, UnknownNameError

__all__ = ["DATATYPES", "Arrays", "Tensor", "check_request", "datatype_of", "from_bytes", "from_numbers"]

Arrays = Mapping[str, NDArray[Any]]
"""Tensors by name, each (events, *shape)."""

DATATYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""Data types of the protocol that are served, as they stand in raw contents; BYTES is none of them."""
_NAMES = {dtype: name for name, dtype in DATATYPES.items()}


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model.

    Attributes:
        name: of the model's port.
        datatype: key of `DATATYPES`.
        shape: of one event; on the wire the number of events stands before it.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its NumPy type."""
        return DATATYPES[self.datatype]

    @property
    def bytes(self) -> int:
        """Of one event, as raw contents."""
        return int(prod(self.shape)) * self.dtype.itemsize


def datatype_of(array: NDArray[Any]) -> str:
    """The name that the protocol has for the type of `array`.

    Raises:
        SampleError: it has none.

    >>> datatype_of(np.zeros(3, np.float32))
    'FP32'
    """
    name = _NAMES.get(array.dtype.newbyteorder("<"))
    if name is None:
        message = f"the protocol has no data type for {array.dtype}; give one of {', '.join(DATATYPES)}"
        raise SampleError(message)
    return name


def from_bytes(name: str, datatype: str, shape: Sequence[int], content: bytes | memoryview) -> NDArray[Any]:
    """A tensor from its raw contents, without a copy.

    Raises:
        SampleError: an unknown data type, a negative length, or another number of bytes than the shape takes.
    """
    dtype = _dtype(name, datatype)
    size = _size(name, shape) * dtype.itemsize
    if len(content) != size:
        message = (
            f"input {name!r}: {len(content)} bytes for the shape {list(shape)} of {datatype}, "
            f"which takes {size}"
        )
        raise SampleError(message)
    return np.frombuffer(content, dtype).reshape(shape)


def from_numbers(name: str, datatype: str, shape: Sequence[int], numbers: Any) -> NDArray[Any]:
    """A tensor from numbers in JSON or protobuf, flat or nested.

    Raises:
        SampleError: an unknown data type, something that is no number or does not fit the type, or another
            number of them than the shape takes.
    """
    dtype = _dtype(name, datatype)
    try:
        found = np.asarray(numbers)
        array = found.astype(dtype)
    except (ValueError, TypeError, OverflowError) as error:
        message = f"input {name!r}: its data are no array of {datatype}; send numbers, flat or in rows"
        raise SampleError(message) from error
    allowed = {"b": "b", "u": "ui", "i": "ui", "f": "fui"}[dtype.kind]
    if found.size and (found.dtype.kind not in allowed or _changed(found, array)):
        message = f"input {name!r}: its data do not fit {datatype}; send numbers of that type"
        raise SampleError(message)
    if array.size != _size(name, shape):
        message = (
            f"input {name!r}: {array.size} numbers for the shape {list(shape)}; send as many as it takes"
        )
        raise SampleError(message)
    return array.reshape(shape)


def _changed(found: NDArray[Any], array: NDArray[Any]) -> bool:
    """Whether a whole number is another one in its new type."""
    return array.dtype.kind in "ui" and bool((found != array).any())


def _dtype(name: str, datatype: str) -> np.dtype[Any]:
    if datatype not in DATATYPES:
        message = f"input {name!r}: data type {datatype!r} is not served; known: {', '.join(DATATYPES)}"
        raise SampleError(message)
    return DATATYPES[datatype]


def _size(name: str, shape: Sequence[int]) -> int:
    if not all(isinstance(n, int) and 0 <= n < 1 << 40 for n in shape):
        message = f"input {name!r} has the shape {list(shape)}; lengths are whole numbers of zero or more"
        raise SampleError(message)
    return int(prod(shape))


def check_request(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], arrays: Arrays, wanted: Sequence[str], most: int
) -> int:
    """How many events a request has, if a model can take it.

    Args:
        inputs, outputs: of the model.
        arrays: of the request.
        wanted: outputs that the request names; empty for all.
        most: events that are accepted at once.

    Raises:
        SampleError: an input is missing, of another type or shape, or the number of events is not accepted.
        UnknownNameError: an input or output that the model does not have.
    """
    names = {tensor.name: tensor for tensor in inputs}
    for name in arrays:
        if name not in names:
            raise UnknownNameError.among("input", name, names)
    for name in wanted:
        if name not in (known := [tensor.name for tensor in outputs]):
            raise UnknownNameError.among("output", name, known)
    events: int | None = None
    for tensor in inputs:
        array = arrays.get(tensor.name)
        if array is None:
            message = f"input {tensor.name!r} is missing; the model takes {', '.join(names)}"
            raise SampleError(message)
        if array.dtype != tensor.dtype:
            message = f"input {tensor.name!r} is {datatype_of(array)}; send {tensor.datatype}"
            raise SampleError(message)
        if array.shape[1:] != tensor.shape or not array.ndim:
            message = (
                f"input {tensor.name!r} has the shape {list(array.shape)}; send {[-1, *tensor.shape]}, "
                "with the number of events for -1"
            )
            raise SampleError(message)
        if events is not None and len(array) != events:
            message = f"input {tensor.name!r} has {len(array)} events, the inputs before it have {events}"
            raise SampleError(message)
        events = len(array)
    if not events or events > most:
        message = f"a request of {events or 0} events; send 1 to {most}"
        raise SampleError(message)
    return events
