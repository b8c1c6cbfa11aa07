"""HGQ2's quantisers, and numbers that must be fixed point, in the graph's terms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Integers, Overflow, Quantize, Rounding, TensorType
from nanosieve.errors import InexactModelError, UnsupportedLayerError

__all__ = ["dyadic", "power_of_two", "quantize_op"]

_ROUNDINGS = {
    name: Rounding(name.removeprefix("S_")) for name in ("TRN", "RND", "RND_CONV", "S_RND", "S_RND_CONV")
}
_OVERFLOWS = {"WRAP": Overflow.WRAP, "SAT": Overflow.SAT, "SAT_SYM": Overflow.SAT}


def dyadic(
    values: NDArray[Any], where: str, *, bits: int = 40, remedy: str = "state a quantiser for them"
) -> tuple[Integers, int]:
    """Integer codes and the coarsest common exponent of `values`.

    Raises:
        InexactModelError: a value is not finite, or no multiple of ``2**-bits``.
    """
    values = np.asarray(values, dtype=np.float64)
    scaled = values * 2.0**bits
    if (
        not np.all(np.isfinite(values))
        or np.any(scaled != np.round(scaled))
        or np.any(np.abs(scaled) >= 2.0**62)
    ):
        message = f"{where} is not fixed point with {bits} fractional bits; {remedy}"
        raise InexactModelError(message)
    codes = scaled.astype(np.int64)
    together = int(np.bitwise_or.reduce(np.abs(codes), axis=None)) if codes.size else 0
    zeros = (together & -together).bit_length() - 1 if together else bits
    return codes >> zeros, zeros - bits


def power_of_two(value: float, where: str) -> int:
    """The exponent of `value`.

    Raises:
        UnsupportedLayerError: it is no power of two.
    """
    mantissa, exponent = np.frexp(float(value))
    if mantissa != 0.5:
        message = f"{where}: a quantiser with scaler or factor {value} is not supported; use a power of two"
        raise UnsupportedLayerError(message)
    return int(exponent) - 1


def quantize_op(quantizer: Any, shape: tuple[int, ...], where: str) -> Quantize:
    """The op of an HGQ2 fixed-point `Quantizer` for elements of the given shape, scaler and affine aside.

    Raises:
        UnsupportedLayerError: a floating-point quantiser, or a rounding or overflow mode that is not
            supported.
    """
    inner = quantizer.quantizer
    rounding = _ROUNDINGS.get(getattr(inner, "round_mode", ""))
    overflow = _OVERFLOWS.get(getattr(inner, "overflow_mode", ""))
    if rounding is None or overflow is None:
        message = (
            f"{where}: quantiser {quantizer.config!r} is not supported; use a kif or kbi quantiser with "
            f"rounding {', '.join(_ROUNDINGS)} and overflow {', '.join(_OVERFLOWS)}"
        )
        raise UnsupportedLayerError(message)
    batch = (1, *shape)
    k, i, f = (
        np.broadcast_to(np.asarray(inner.bw_mapper.bw_to_x(x, batch)), batch)[0].astype(np.int64)
        for x in inner.kif
    )
    kept = k + i + f > 0
    magnitude = np.where(kept, np.maximum(i + f, 0), 0)
    if np.any(magnitude > 60):
        message = f"{where}: a quantiser of more than 60 bits is not supported"
        raise UnsupportedLayerError(message)
    high = (np.int64(1) << magnitude) - 1
    low = np.where(kept & (k > 0), -high if inner.symmetric else -(high + 1), 0)
    return Quantize(TensorType(low, high, -f), rounding, overflow)
