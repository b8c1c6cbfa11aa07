"""The trigger input: 19 objects per event, as in the published data set (arXiv:2107.02157)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.events.recipe import COCKTAILS
from nanosieve.physics.events.sample import Sample, read_sample

__all__ = ["OBJECT_SLOTS", "objects", "training_set"]

OBJECT_SLOTS = {"Electron": (1, 4), "Muon": (5, 4), "Jet": (9, 10)}
"""Collection -> (first row, number of rows); row 0 is MET."""

ROWS = 19


def objects(events: Any) -> NDArray[np.float32]:
    """The 19 objects of each event.

    Args:
        events: the events of a sample.

    Returns:
        float32 (N, 19, 3): (pT [GeV], η, φ [rad]) of MET (η = 0), 4 electrons, 4 muons and 10 jets, each
        group ordered by falling pT and filled with zeros.
    """
    awkward = require("awkward", extra="events", purpose="trigger objects")
    result = np.zeros((len(events), ROWS, 3), dtype=np.float32)
    result[:, 0, 0] = awkward.to_numpy(events["MET_pt"])
    result[:, 0, 2] = awkward.to_numpy(events["MET_phi"])
    for name, (first, number) in OBJECT_SLOTS.items():
        order = awkward.argsort(events[f"{name}_pt"], axis=1, ascending=False, stable=True)
        for column, quantity in enumerate(("pt", "eta", "phi")):
            values = events[f"{name}_{quantity}"][order]
            padded = awkward.fill_none(awkward.pad_none(values, number, clip=True), 0.0)
            result[:, first : first + number, column] = awkward.to_numpy(padded)
    return result


def training_set(
    samples: Sequence[str | Path | Sample],
    *,
    mixture: Literal["cross-section", "published"] = "cross-section",
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.str_]]:
    """Objects, weights and process labels of one or more samples.

    Args:
        mixture: ``"cross-section"``: each process weighs its filtered cross section; ``"published"``: each
            weighs its fraction in the published cocktail (all processes must belong to it).

    Returns:
        objects (N, 19, 3), weights (N,) with mean 1, names (N,). Events of a process keep their relative
        ``genWeight``. A process that occurs in several samples counts once, with all its events.

    Raises:
        SettingsError: no sample.
        SampleError: no events, or a process without a weight in this mixture.
    """
    if not samples:
        message = "no sample given; give one or more files made with 'events make'"
        raise SettingsError(message)
    awkward = require("awkward", extra="events", purpose="training sets")
    read = [s if isinstance(s, Sample) else read_sample(s) for s in samples]
    array = np.concatenate([objects(sample.events) for sample in read])
    labels = np.concatenate([np.asarray(awkward.to_list(s.events["process"]), dtype=str) for s in read])
    weights = np.concatenate([awkward.to_numpy(s.events["genWeight"]).astype(np.float64) for s in read])
    if not len(array):
        message = "the samples hold no events; make them again with a larger -n"
        raise SampleError(message)
    for process in np.unique(labels).tolist():
        chosen = labels == process
        if mixture == "published":
            if process not in COCKTAILS["sm"]:
                message = (
                    f"process {process!r} is not part of the published cocktail; use mixture='cross-section'"
                )
                raise SampleError(message)
            total = COCKTAILS["sm"][process]
        else:
            sums = [s.processes[process].weight_sum for s in read if process in s.processes]
            total = float(np.mean(sums))
        weights[chosen] *= total / weights[chosen].sum()
    return array, weights * (len(weights) / weights.sum()), labels
