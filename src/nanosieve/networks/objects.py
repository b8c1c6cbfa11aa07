"""The 19 trigger objects as network input (arXiv:2107.02157, arXiv:2108.03986).

Row 0 is the missing transverse momentum (MET), rows 1–4 electrons, 5–8 muons, 9–18 jets; each (pT [GeV], eta,
phi [rad]), zero-padded. The networks see the 57 numbers object by object.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError

__all__ = [
    "ETA_LIMITS",
    "OBJECTS",
    "PHYSICAL_LIMITS",
    "PT_EXPONENT",
    "TARGET_EXPONENTS",
    "flatten_objects",
    "normalising_exponents",
]

OBJECTS = 19
QUANTITIES = ("pt", "eta", "phi")
PT_EXPONENT = -3
"""pT enters, and is reconstructed, as pT · 2**-3: a power of two is free in hardware.

8 GeV is a little below the standard deviation of all pT, padding included (13 GeV): with this, or more, pT
has the larger part in the reconstruction error; with 16 GeV the angles have it, and a latent space of three
encodes them instead of the pT that make an event unusual. The mean that a standard scaler would subtract is
absorbed by the first and the last bias.
"""

ETA_LIMITS = [0.0] + [3.0] * 4 + [2.1] * 4 + [4.0] * 10
"""Largest absolute eta per object; MET has none and its eta is never reconstructed."""

PHYSICAL_LIMITS: list[float | None] = [limit for eta in ETA_LIMITS for limit in (None, eta, math.pi)]
"""For each of the 57 outputs: None where it is free (pT), else the limit of ``limit · tanh(x)``."""

TARGET_EXPONENTS = [exponent for _ in range(OBJECTS) for exponent in (PT_EXPONENT, 0, 0)]
"""Power of two that scales each of the 57 inputs."""


EXPONENT_RANGE = (-6, 3)
"""What normalisation may use: one part in 64 of a GeV at most."""


def flatten_objects(objects: NDArray[Any]) -> NDArray[np.float32]:
    """(N, 19, 3) or (N, 57) objects as float32 (N, 57), checked.

    Raises:
        SampleError: another shape, no events, or a value that is NaN or infinite (with its event and object).
    """
    array = np.asarray(objects, dtype=np.float32)
    if array.ndim < 2 or array.shape[1:] not in ((OBJECTS, 3), (3 * OBJECTS,)):
        message = f"the objects have shape {array.shape}; accepted: (N, {OBJECTS}, 3) or (N, {3 * OBJECTS})"
        raise SampleError(message)
    if not len(array):
        message = "the sample holds no events; make or select more"
        raise SampleError(message)
    flat = array.reshape(len(array), 3 * OBJECTS)
    bad = np.argwhere(~np.isfinite(flat))
    if len(bad):
        event, element = (int(i) for i in bad[0])
        message = (
            f"event {event}, object {element // 3}, {QUANTITIES[element % 3]} is {flat[event, element]} "
            f"({len(bad)} such values); remove these events or make the sample again"
        )
        raise SampleError(message)
    return flat


def normalising_exponents(objects: NDArray[Any], weights: NDArray[Any] | None = None) -> tuple[int, ...]:
    """For each of the 57 inputs the power of two nearest to one over its standard deviation.

    The scale of the published first batch normalisation, padding included, in a form that is free in
    hardware: an object that is rarely there weighs the more when it is.

    Args:
        objects: (N, 19, 3) or (N, 57) objects in physical units.
        weights: (N,) event weights.

    Raises:
        SampleError: see `flatten_objects`.
    """
    x = flatten_objects(objects).astype(np.float64)
    mean = np.average(x, axis=0, weights=weights)
    spread = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weights))
    with np.errstate(divide="ignore"):
        exponents = np.where(spread > 0, -np.round(np.log2(spread)), 0)
    return tuple(int(e) for e in np.clip(exponents, *EXPONENT_RANGE))
