"""Which class of a workload a crossing belongs to: one rule on objects of the high-level trigger.

A crossing belongs to the first class whose rule it meets. They stand in the order of falling service time, so
that an event which is two things at once takes the time of the slower one:

==========  ================================================================================================
boosted     a jet of R = 1.0 with pT ≥ 250 GeV: from there on it can hold all of a Higgs boson, ΔR ≈ 2 m / pT
multijet    four jets with pT ≥ 30 GeV and |η| < 2.5
leptonic    an electron of medium quality or a muon, isolated (relative isolation below 0.1), with pT ≥ 20 GeV
soft        all others
==========  ================================================================================================

The names are those of the workloads ``run-3`` and ``phase-2``; where the boundaries lie is our choice.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import UnknownNameError
from nanosieve.physics.events import Collection, TriggerEvents

__all__ = ["CLASSES", "CLASS_COLUMNS", "class_numbers", "event_classes"]

CLASSES = ("boosted", "multijet", "leptonic", "soft")
"""In the order in which their rules are tried."""
CLASS_COLUMNS = ("FatJet", "Jet", "Electron", "Muon")
"""Columns of a trigger sample that the rules look at."""

BOOSTED_PT = 250.0
JETS, JET_PT, JET_ETA = 4, 30.0, 2.5
LEPTON_PT, LEPTON_ISOLATION, MEDIUM = 20.0, 0.1, 2


def event_classes(events: TriggerEvents) -> NDArray[np.int64]:
    """(N,) the class of each crossing as its place in `CLASSES`.

    Args:
        events: a block with at least `CLASS_COLUMNS`.
    """
    large, jets, electrons, muons = (events.collections[name] for name in CLASS_COLUMNS)
    boosted = _count(large, large.fields["pt"] >= BOOSTED_PT) >= 1
    central = (jets.fields["pt"] >= JET_PT) & (np.abs(jets.fields["eta"]) < JET_ETA)
    multijet = _count(jets, central) >= JETS
    good = _hard_and_alone(electrons) & (electrons.fields["quality"] >= MEDIUM)
    leptonic = _count(electrons, good) + _count(muons, _hard_and_alone(muons)) >= 1
    rules = [boosted, multijet, leptonic, np.ones(len(events), dtype=np.bool_)]
    return np.asarray(np.argmax(rules, axis=0))  # the first that holds


def class_numbers(names: Iterable[str]) -> list[int]:
    """Places of classes in `CLASSES`.

    Raises:
        UnknownNameError: a class without a rule, such as those of another detector.

    >>> class_numbers(["soft", "boosted"])
    [3, 0]
    """
    found = []
    for name in names:
        if name not in CLASSES:
            raise UnknownNameError.among("event class", name, CLASSES)
        found.append(CLASSES.index(name))
    return found


def _hard_and_alone(leptons: Collection) -> NDArray[np.bool_]:
    return np.asarray((leptons.fields["pt"] >= LEPTON_PT) & (leptons.fields["iso"] < LEPTON_ISOLATION))


def _count(objects: Collection, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(N,) chosen objects in each crossing."""
    total = np.concatenate([[0], np.cumsum(chosen)])
    return np.asarray(total[objects.offsets[1:]] - total[objects.offsets[:-1]])
