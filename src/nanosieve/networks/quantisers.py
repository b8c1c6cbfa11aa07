"""The quantisers of the trigger networks: which rounding, which overflow, where bits are learned.

Data quantisers truncate (``TRN``: dropping bits costs no adder, and the training sees the shift that it
makes) and saturate (``SAT``: an anomaly outside the range seen in training stays an anomaly, it never
wraps). Weights and biases round to nearest, which costs nothing because they are constants. Bit widths are
learned per element (HGQ, arXiv:2405.00645): the gradient of the loss with respect to each width competes
with the cost of its bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nanosieve._require import require
from nanosieve.networks.objects import OBJECTS

__all__ = [
    "LEAST_INTEGER",
    "LayerQuantisers",
    "bias_quantiser",
    "data_quantiser",
    "fixed_quantiser",
    "per_quantity_quantiser",
    "table_quantiser",
    "weight_quantiser",
]

MOST_FRACTION = 7
"""No weight and no bias is finer than 2**-7: every sum of products stays within float32's 24 bits."""


LEAST_INTEGER = 3
"""Values between layers keep a range of at least ±8: some eight standard deviations behind a batch
normalisation.
The background alone would be content with less, and all anomalies would look the same."""
WIDE = (10, 13)
"""Integer and fraction bits, beside the sign, that are as good as floating point in training: 24 in all."""


@dataclass(frozen=True)
class LayerQuantisers:
    """The quantisers of a layer: learned, or so wide that training is one in floating point.

    `quantise_after_training` narrows the wide ones.
    """

    learned: bool = True

    def data(self, axes: Sequence[int] | None = None) -> Any:
        """Of the values that enter a layer.

        Args:
            axes: those along which the widths may differ, 0 being the events; all others if None.
        """
        if self.learned:
            return _along(data_quantiser(4, 3, least_integer=LEAST_INTEGER), axes)
        return _along(_wide("datalane"), axes)

    def stated(self, integer: int, fraction: int) -> Any:
        """Of values whose bits beside the sign are stated, unless they are wide."""
        return fixed_quantiser(integer, fraction) if self.learned else _along(_wide("datalane"), ())

    def weight(self) -> Any:
        """Of a kernel."""
        return weight_quantiser(1, 4) if self.learned else _wide("weight")

    def bias(self) -> Any:
        """Of a bias."""
        return bias_quantiser(3, 4) if self.learned else _wide("bias")


def _along(config: Any, axes: Sequence[int] | None) -> Any:
    if axes is not None:
        config.config["homogeneous_axis"], config.config["heterogeneous_axis"] = None, tuple(axes)
    return config


def _wide(place: str) -> Any:
    integer, fraction = WIDE
    return _config(
        "kif", place, k0=True, i0=integer, f0=fraction, round_mode="RND", overflow_mode="SAT",
        trainable=False, ic=None, fc=None, ir=None, fr=None,
    )  # fmt: skip


def _config(*args: Any, **kwargs: Any) -> Any:
    return require("hgq.quantizer", extra="train", purpose="a quantised network").QuantizerConfig(
        *args, **kwargs
    )


def _between(low: float, high: float) -> Any:
    return require("hgq.constraints", extra="train", purpose="a quantised network").MinMax(low, high)


def data_quantiser(
    integer: int, fraction: int, *, signed: bool = True, least_integer: int = 0, most_fraction: int = 5
) -> Any:
    """Learned widths for values between layers, one per element.

    Args:
        integer: bits left of the point at the start, without the sign (HGQ's convention).
        fraction: bits right of the point at the start.
        signed: negative values are possible.
        least_integer: training never shrinks the range below ±2**least_integer.
        most_fraction: training never refines the step below 2**-most_fraction.
    """
    return _config(
        "kif", "datalane", k0=signed, i0=integer, f0=fraction, round_mode="TRN", overflow_mode="SAT",
        ic=_between(least_integer, 12), fc=_between(-12, most_fraction),
    )  # fmt: skip


def fixed_quantiser(integer: int, fraction: int, *, signed: bool = True, nearest: bool = False) -> Any:
    """Widths that stay as stated, the same for all elements; `nearest` rounds instead of truncating."""
    return _config(
        "kif", "datalane", k0=signed, i0=integer, f0=fraction, overflow_mode="SAT",
        round_mode="RND" if nearest else "TRN", trainable=False, ic=None, fc=None, ir=None, fr=None,
        homogeneous_axis=None, heterogeneous_axis=(),
    )  # fmt: skip


def per_quantity_quantiser(
    *, pt: tuple[int, int, int], angle: tuple[int, int, int], nearest: bool = False
) -> Any:
    """Stated (sign, integer, fraction) bits, one set for the 19 pT, one for the 19 eta and 19 phi."""
    keras = require("keras", extra="train", purpose="a quantised network")
    config = fixed_quantiser(0, 0, nearest=nearest)
    for key, *bits in zip(("k0", "i0", "f0"), pt, angle, angle, strict=True):
        config.config[key] = keras.initializers.Constant(bits * OBJECTS)
    config.config["heterogeneous_axis"] = (1,)
    return config


def table_quantiser(integer: int, fraction: int, *, signed: bool = True) -> Any:
    """What a table holds: stated widths, rounded to nearest (the rounding is done once, in the table)."""
    return fixed_quantiser(integer, fraction, signed=signed, nearest=True)


def weight_quantiser(integer: int, fraction: int) -> Any:
    """Learned widths, one per weight; a weight of no bits is no hardware."""
    return _config(
        "kif", "weight", k0=True, i0=integer, f0=fraction, round_mode="RND", overflow_mode="SAT_SYM",
        ic=_between(-7, 4), fc=_between(-4, MOST_FRACTION),
    )  # fmt: skip


def bias_quantiser(integer: int, fraction: int) -> Any:
    """Learned widths, one per bias; saturating, so that a late training step cannot wrap it."""
    return _config(
        "kif", "bias", k0=True, i0=integer, f0=fraction, round_mode="RND", overflow_mode="SAT",
        ic=_between(-7, 6), fc=_between(-6, MOST_FRACTION),
    )  # fmt: skip
