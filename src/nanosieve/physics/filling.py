"""Which of the bunch slots of the LHC are filled: trains, batches and the abort gap.

Dead time depends on it: the rules that veto crossings behind an accept bite inside trains and not in the gaps
between them, so a stream spread evenly over the ring loses less than the machine does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SettingsError, UnknownNameError

__all__ = ["REVOLUTION_FREQUENCY", "SCHEMES", "SLOTS", "FillingScheme", "filled_crossing_rate", "find_scheme"]

SLOTS = 3564
"""Bunch slots of the ring, 24.95 ns each (an orbit of 10 · 3564 radio-frequency buckets)."""
REVOLUTION_FREQUENCY = 11245.6
"""Turns per second in Hz: cms-l1-dpg/L1MenuTools, rate-estimation/plots/CompPUDep.py."""

Slots = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FillingScheme:
    """The filled bunch slots, i.e. those where bunches collide in the experiment.

    Attributes:
        name: as shown to the user.
        slots: (bunches,) int64, ascending, 0 … 3563; made read-only.
        note: where the scheme comes from.

    Raises:
        SettingsError: `slots` is empty, not ascending, holds a slot twice or one that the ring does not have.

    >>> scheme = FillingScheme.from_trains(2544)
    >>> scheme.bunches, len(scheme.trains), scheme.slots[[0, 47, 48]]
    (2544, 53, array([ 0, 47, 55]))
    """

    name: str
    slots: Slots
    note: str = ""

    def __post_init__(self) -> None:
        slots = np.array(self.slots)
        if slots.ndim != 1 or not len(slots) or not np.issubdtype(slots.dtype, np.integer):
            message = f"filling scheme {self.name!r}: slots are a list of whole numbers, at least one"
            raise SettingsError(message)
        if slots[0] < 0 or slots[-1] >= SLOTS or (np.diff(slots) <= 0).any():
            message = (
                f"filling scheme {self.name!r}: slots must ascend from 0 or more to {SLOTS - 1} or less, "
                "each once; sort them"
            )
            raise SettingsError(message)
        slots = slots.astype(np.int64)
        slots.flags.writeable = False
        object.__setattr__(self, "slots", slots)

    @classmethod
    def from_trains(
        cls,
        bunches: int,
        *,
        name: str = "trains",
        per_train: int = 48,
        per_batch: int = 3,
        train_gap: int = 7,
        batch_gap: int = 31,
        abort_gap: int = 120,
        note: str = "",
    ) -> FillingScheme:
        """Trains of bunches 25 ns apart, from slot 0 on; the last train takes what is left.

        Args:
            bunches: in all.
            per_train: bunches in a train.
            per_batch: trains in a batch, i.e. in one injection.
            train_gap: empty slots between the trains of a batch (7: 200 ns from bunch to bunch).
            batch_gap: empty slots between batches (31: 800 ns).
            abort_gap: slots at the end of the orbit that stay empty for the beam dump (120: 3 µs).
            name, note: of the scheme.

        Raises:
            SettingsError: a number below its least value, or bunches that do not fit before the abort gap.
        """
        least = {"bunches": (bunches, 1), "per_train": (per_train, 1), "per_batch": (per_batch, 1)}
        gaps = {"train_gap": train_gap, "batch_gap": batch_gap, "abort_gap": abort_gap}
        for what, (value, low) in (least | {gap: (slots, 0) for gap, slots in gaps.items()}).items():
            if value < low:
                message = f"filling scheme {name!r}: {what} = {value} is below {low}"
                raise SettingsError(message)
        number = np.arange(bunches, dtype=np.int64)
        train = number // per_train
        batch = train // per_batch
        slots = number + (train - batch) * train_gap + batch * batch_gap
        if slots[-1] >= SLOTS - abort_gap:
            message = (
                f"filling scheme {name!r}: {bunches} bunches with these gaps reach slot {slots[-1]}, and "
                f"slots from {SLOTS - abort_gap} on are the abort gap; take longer trains or smaller gaps"
            )
            raise SettingsError(message)
        return cls(name, slots, note)

    @classmethod
    def uniform(cls, bunches: int = SLOTS) -> FillingScheme:
        """Bunches spread evenly over the whole ring: no machine does it; the limit without trains.

        Raises:
            SettingsError: fewer than one bunch, or more than the ring has slots.
        """
        filled_crossing_rate(bunches)  # refuses what is out of range
        slots = np.arange(bunches, dtype=np.int64) * SLOTS // bunches
        return cls(f"uniform-{bunches}", slots, "evenly spread; no machine fills so")

    @property
    def bunches(self) -> int:
        """Number of colliding bunches."""
        return len(self.slots)

    @property
    def crossing_rate(self) -> float:
        """Filled crossings per second in Hz: bunches · revolution frequency."""
        return filled_crossing_rate(self.bunches)

    @cached_property
    def filled(self) -> NDArray[np.bool_]:
        """(3564,) whether a slot is filled: one orbit."""
        orbit = np.zeros(SLOTS, dtype=np.bool_)
        orbit[self.slots] = True
        orbit.flags.writeable = False
        return orbit

    @cached_property
    def trains(self) -> Slots:
        """(trains, 2) first slot and number of bunches of each run of neighbouring filled slots.

        A train does not run over the end of the orbit into the next one.
        """
        first = np.flatnonzero(np.diff(self.slots, prepend=-2) > 1)
        lengths = np.diff(first, append=self.bunches)
        trains = np.stack([self.slots[first], lengths], axis=1)
        trains.flags.writeable = False
        return trains

    def position_in_train(self, slots: NDArray[Any] | None = None) -> Slots:
        """Position of bunches in their trains, 0 for the first.

        Args:
            slots: (N,) filled slots, in any order; all of the scheme if left out.

        Raises:
            SettingsError: a slot that is not filled.
        """
        wanted = self.slots if slots is None else np.asarray(slots, dtype=np.int64)
        outside = (wanted < 0) | (wanted >= SLOTS)
        empty = outside | ~self.filled[np.where(outside, 0, wanted)]
        if empty.any():
            slot = int(wanted[np.argmax(empty)])
            message = f"slot {slot} is not filled in scheme {self.name!r}; ask only for slots of the scheme"
            raise SettingsError(message)
        first = self.trains[:, 0]
        return np.asarray(wanted - first[np.searchsorted(first, wanted, side="right") - 1])

    def draw(self, rng: np.random.Generator, n: int) -> Slots:
        """(n,) filled slots, each equally likely and independent: for the crossings of a simulated sample.

        Raises:
            SettingsError: `n` is negative.
        """
        if n < 0:
            message = f"cannot draw {n} bunch slots; accepted: 0 or more"
            raise SettingsError(message)
        return np.asarray(self.slots[rng.integers(self.bunches, size=n)])


_NOTE = (
    "number of bunches published; trains, batches and gaps are an approximation, not a scheme of the LHC's "
    "list, and experiments differ in which bunches collide"
)

SCHEMES: Mapping[str, Mapping[str, int]] = MappingProxyType({
    "lhc-2544-48b": {"bunches": 2544, "per_train": 48, "per_batch": 3},
    "lhc-2748": {"bunches": 2748, "per_train": 48, "per_batch": 6},
    "hl-lhc-2760": {"bunches": 2760, "per_train": 72, "per_batch": 4},
})  # fmt: skip
"""Named schemes → arguments of `FillingScheme.from_trains`; their trains are an approximation."""


def find_scheme(name: str) -> FillingScheme:
    """The scheme of that name: one of `SCHEMES`, ``uniform`` (all slots) or ``uniform-N``.

    The numbers of bunches are published: 2544 and 2748 as the defaults of Run 2 and Run 3 in
    cms-l1-dpg/L1MenuTools, 2760 in cms-l1-dpg/Phase2-L1MenuTools. How they stand in trains is an
    approximation (estimated).

    Raises:
        UnknownNameError: no such scheme.
        SettingsError: ``uniform-N`` with more bunches than slots.

    >>> find_scheme("lhc-2544-48b").bunches
    2544
    """
    key = name.strip().lower()
    if key in SCHEMES:
        return FillingScheme.from_trains(**SCHEMES[key], name=key, note=_NOTE)
    kind, _, bunches = key.partition("-")
    if kind == "uniform" and (not bunches or bunches.isdecimal()):
        return FillingScheme.uniform(int(bunches) if bunches else SLOTS)
    raise UnknownNameError.among("filling scheme", name, [*SCHEMES, "uniform"])


def filled_crossing_rate(bunches: int) -> float:
    """Crossings of filled bunches per second in Hz: ``n_b f_rev``.

    Raises:
        SettingsError: fewer than one bunch, or more than the ring has slots.

    >>> round(filled_crossing_rate(2544) / 1e6, 4)
    28.6088
    """
    if not 1 <= bunches <= SLOTS:
        message = f"bunches = {bunches} is outside 1 to {SLOTS}, the slots of the ring"
        raise SettingsError(message)
    return bunches * REVOLUTION_FREQUENCY
