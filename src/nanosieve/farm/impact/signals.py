"""The benchmark signals of a farm comparison, chosen so that each leans on another part of the trigger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nanosieve.errors import UnknownNameError

__all__ = ["SIGNALS", "Signal", "find_signals"]


@dataclass(frozen=True)
class Signal:
    """A process that a farm should keep.

    Attributes:
        name: as designs use it in the gains of their networks.
        title: for tables.
        recipe: its process in `nanosieve.physics.events`.
        leans_on: what it needs of the trigger.
        cross_section: pb; 1 where only the shape is meant.
    """

    name: str
    title: str
    recipe: str
    leans_on: str
    cross_section: float = 1.0


SIGNALS: Mapping[str, Signal] = {
    signal.name: signal
    for signal in (
        # 48.6 pb × 0.063, LHC Higgs working group
        Signal("higgs-tautau", "H → ττ", "higgs_tautau", "taus and leptons just above threshold", 3.05),
        Signal("boosted-higgs", "H → bb̄, boosted", "higgs_bb_boosted", "large-radius jets, long processing"),
        Signal("di-higgs", "HH → 4b", "di_higgs_4b", "b-tagged jets at low thresholds"),
        Signal("light-a", "A(50) → 4ℓ", "a4l", "many soft leptons"),
        Signal("compressed-susy", "compressed SUSY-like", "compressed_susy", "missing momentum alone"),
        Signal("long-lived", "H → ss → 4b, cτ = 1 m", "llp_h_ss", "decays far out, here seen as if prompt"),
        Signal("heavy-resonance", "Z′(2 TeV) → tt̄", "z_prime_tt", "nothing at thresholds, long processing"),
        Signal("b-mumu", "B⁰s → μμ", "bs_mumu", "two soft muons"),
    )
}
"""By name."""


def find_signals(names: Sequence[str]) -> tuple[Signal, ...]:
    """The benchmark signals of these names.

    Raises:
        UnknownNameError: no such signal.

    >>> [signal.recipe for signal in find_signals(["b-mumu"])]
    ['bs_mumu']
    """
    for name in names:
        if name not in SIGNALS:
            raise UnknownNameError.among("signal", name, SIGNALS)
    return tuple(SIGNALS[name] for name in names)
