"""What a model that states no fixed-point types needs: a sample, and the precision wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import Fixed
from nanosieve.errors import SampleError, SettingsError, UnknownNameError

__all__ = ["Calibration", "Precision", "Stated", "fitting"]

WIDEST = 32
"""Most bits of a value quantised after training."""
ROLES = frozenset(
    ("kernel", "recurrent_kernel", "candidate_recurrent_kernel", "depthwise_kernel", "pointwise_kernel",
     "bias", "recurrent_bias", "slope", "constant", "result", "between", "cell", "recurrent", "difference",
     "table", "gates", "gates_table", "candidate", "candidate_table", "cell_output", "cell_output_table",
     "result_table", "mean", "variance", "variance_table", "normalised", "share")
)  # fmt: skip
"""What a type may be stated for in all layers, ``default.role``, whether the network has it or not."""
SMALLEST = 2.0**-30
"""Values below this are zero to the choice of a binary point."""


@dataclass(frozen=True)
class Calibration:
    """How to quantise after training.

    Attributes:
        sample: events (events, *input shape) by input name, or of the only input, in the units of training;
            None where only the types of the ports are missing (QKeras, trees).
        precision: fixed-point type of every value, or types by layer; see `Precision`.
        per_channel: choose the binary point of a kernel for each of its output channels, where it is chosen.
        quantile: part of the sample, on either side, that a chosen range holds; 1.0 for all of it, outliers
            included.
        compose: make one convolution of those without an activation between them, where that saves
            multiplications; the values between them are not rounded then.
    """

    sample: Mapping[str, NDArray[np.generic]] | NDArray[np.generic] | None
    precision: str | Mapping[str, str] = "fixed<16,6>"
    per_channel: bool = False
    quantile: float = 1.0
    compose: bool = False

    def __post_init__(self) -> None:
        if not 0.5 < self.quantile <= 1.0:
            message = f"the quantile of a calibration is above 0.5 and at most 1, not {self.quantile!r}"
            raise SettingsError(message)

    @property
    def port(self) -> Fixed:
        """The one type that is stated, for models whose ports alone are free.

        Raises:
            SettingsError: types by layer, or a type without bits or without its binary point.
        """
        given = self.precision if isinstance(self.precision, str) else dict(self.precision)
        if isinstance(given, dict) and set(given) == {"default"}:
            given = given["default"]
        stated = Stated.parse(given) if isinstance(given, str) else None
        if stated is None or stated.integer is None:
            message = f"this model takes one type for its inputs, such as fixed<16,6>, not {given!r}"
            raise SettingsError(message)
        return Fixed(stated.width, stated.integer, stated.signed)

    def named(self, inputs: Sequence[str]) -> Calibration:
        """The same with the sample by the names of the `inputs`.

        Raises:
            SettingsError: there is no sample, or one without names for several inputs.
            UnknownNameError: the sample names an input that there is not.
        """
        sample = self.sample
        if sample is None:
            message = f"precision={self.precision!r} needs a sample; give calibrate=x as well"
            raise SettingsError(message)
        if not isinstance(sample, Mapping):
            if len(inputs) != 1:
                message = f"the model has the inputs {', '.join(inputs)}; give a sample for each by name"
                raise SettingsError(message)
            sample = {inputs[0]: sample}
        for given in sample:
            if given not in inputs:
                raise UnknownNameError.among("input of the calibration sample", given, inputs)
        return replace(self, sample=sample)

    def events(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """The sample of an input as the framework takes it, in float32; shape (events, *shape).

        Raises:
            SampleError: missing, empty, NaN or infinite, or of another shape.
            SettingsError: there is no sample at all.
        """
        given = self.named([name]).sample if not isinstance(self.sample, Mapping) else self.sample
        if not isinstance(given, Mapping) or name not in given:
            has = ", ".join(sorted(given)) if isinstance(given, Mapping) else "none"
            message = f"the calibration sample has no input {name!r}; it has {has}"
            raise SampleError(message)
        given = given[name]
        array = np.asarray(given)
        if array.ndim == 0 or array.shape[1:] != shape or not len(array):
            want = ", ".join(["events", *map(str, shape)])
            message = f"the calibration sample of input {name!r} has the shape ({want}), not {array.shape}"
            raise SampleError(message)
        with np.errstate(over="ignore"):
            array = array.astype(np.float32).astype(np.float64)
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            event, *element = (int(n) for n in bad[0])
            message = (
                f"the calibration sample of input {name!r} holds {array[tuple(bad[0])]} at event {event}, "
                f"element {element}; remove or mend such events"
            )
            raise SampleError(message)
        return array


@dataclass(frozen=True)
class Stated:
    """A format as the user writes it: ``fixed<W,I>``, or ``fixed<W>`` where the range chooses I."""

    width: int
    integer: int | None = None
    signed: bool = True

    @classmethod
    def parse(cls, text: str) -> Stated:
        """Read ``fixed<W,I>``, ``fixed<W>`` or either with ``ufixed``.

        Raises:
            SettingsError: another form, or a width out of range.
        """
        match = re.fullmatch(r"\s*(u?)fixed<\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?>\s*", str(text))
        if match is None or not 1 <= int(match[2]) <= WIDEST:
            message = (
                f"precision {text!r} is not a type of 1 to {WIDEST} bits; write fixed<W,I> such as "
                "fixed<16,6>, or fixed<W> to have the binary point chosen from the sample"
            )
            raise SettingsError(message)
        return cls(int(match[2]), int(match[3]) if match[3] is not None else None, signed=not match[1])

    def chosen(self, low: float, high: float, *, negative: bool) -> Fixed:
        """The format for values in [low, high].

        Args:
            low, high: range that is to fit, if the binary point is free.
            negative: whether a value may be negative at all; if not, ``fixed<W>`` spends no bit on a sign.
        """
        if self.integer is not None:
            return Fixed(self.width, self.integer, self.signed)
        return fitting(low, high, self.width, signed=self.signed and negative)


def fitting(low: float, high: float, width: int, *, signed: bool) -> Fixed:
    """The format of `width` bits with the finest step whose range holds [low, high] after rounding.

    >>> print(fitting(-1.0, 0.5, 8, signed=True), fitting(-1.0, 1.0, 8, signed=True))
    fixed<8,1> fixed<8,2>
    """
    low = low if signed else max(low, 0.0)
    size = max(-low, high, SMALLEST) if low or high else 1.0  # of what is always zero
    integer = int(np.floor(np.log2(size))) + signed
    while True:
        fixed = Fixed(width, integer, signed)
        step = 2.0**fixed.exponent
        if np.floor(high / step + 0.5) <= fixed.high and np.floor(low / step + 0.5) >= fixed.low:
            return fixed
        integer += 1


@dataclass(frozen=True)
class Precision:
    """The types that a user states, by layer and by what they are for.

    ``"fixed<W,I>"`` is the type of every weight, bias and activation; ``"fixed<W>"`` gives the width and
    chooses I so that the range seen in the sample (or of the weights) fits. A mapping states them by name:
    ``"default"``, a layer, or one ``layer.role`` of it, such as ``dense.kernel``; ``default.kernel`` is the
    kernel of every layer that states nothing itself. Roles are ``kernel``, ``bias``, ``result`` (the
    activations), ``table`` (what enters a table of a function), and those of recurrent layers.
    """

    types: Mapping[str, Stated]
    asked: set[str] = field(default_factory=set, compare=False)
    parents: dict[str, str] = field(default_factory=dict, compare=False)
    """layer inside another one → that one, whose types it takes where it states none"""

    @classmethod
    def of(cls, precision: str | Mapping[str, str]) -> Precision:
        """Read a type or a mapping.

        Raises:
            SettingsError: a type that cannot be read.
        """
        named = {"default": precision} if isinstance(precision, str) else dict(precision)
        named.setdefault("default", str(Calibration.precision))
        return cls({name: Stated.parse(text) for name, text in named.items()})

    def stated(self, layer: str, role: str) -> Stated | None:
        """The type stated for that role itself, of the layer or of all layers."""
        found = self._found(layer, role)
        return self.types[found] if found.endswith(f".{role}") else None

    def type(self, layer: str, role: str) -> Stated:
        """The type of a role, of the layer, of that role everywhere, or of everything, in this order."""
        return self.types[self._found(layer, role)]

    def _found(self, layer: str, role: str) -> str:
        names = []
        while layer:
            names += [f"{layer}.{role}", layer]
            layer = self.parents.get(layer, "")
        names += [f"default.{role}", "default"]
        self.asked.update(names)
        return next(name for name in names if name in self.types)

    def check(self) -> None:
        """Every name was one of the network.

        Raises:
            UnknownNameError: a name that no layer asked for.
        """
        for name in self.types:
            layer, _, role = name.partition(".")
            everywhere = layer == "default" and role in {"", *ROLES}
            if not everywhere and name not in self.asked:
                raise UnknownNameError.among("layer of the precision", name, {*self.asked, "default"})
