"""Jets by fastjet: anti-kt (arXiv:0802.1189)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.physics.events._geometry import Objects

__all__ = ["cluster_jets", "jets_with_constituents"]


def cluster_jets(constituents: Objects, events: int, *, radius: float, pt: float) -> Objects:
    """Anti-kt jets above `pt` (GeV) of each event, in order.

    Args:
        constituents: ordered by event.
        events: number of events.
    """
    awkward = require("awkward", extra="events", purpose="jet clustering")
    sequence = _clustered(constituents, events, radius)
    jets = sequence.inclusive_jets(min_pt=pt)
    event = np.repeat(np.arange(events), awkward.to_numpy(awkward.num(jets)))
    return _objects(event, jets).in_order()


def jets_with_constituents(
    constituents: Objects, events: int, *, radius: float, pt: float
) -> tuple[Objects, NDArray[np.int64], NDArray[np.int64]]:
    """The jets of `cluster_jets` and what is in them.

    Returns:
        Jets in order; for each of their constituents the place of the jet, ascending, and its own place in
        `constituents`, by falling pT within a jet.
    """
    awkward = require("awkward", extra="events", purpose="jet clustering")
    sequence = _clustered(constituents, events, radius)
    jets = sequence.inclusive_jets(min_pt=pt)
    inside = sequence.constituent_index(min_pt=pt)
    event = np.repeat(np.arange(events), awkward.to_numpy(awkward.num(jets)))
    found = _objects(event, jets)
    order = np.lexsort((-found.pt, found.event))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    numbers = awkward.to_numpy(awkward.flatten(awkward.num(inside, axis=2)))
    first = np.cumsum(constituents.counts(events)) - constituents.counts(events)
    within = awkward.to_numpy(awkward.flatten(inside, axis=None)).astype(np.int64)
    member = within + np.repeat(first[event], numbers)
    jet = np.repeat(place, numbers)
    sorting = np.lexsort((-constituents.pt[member], jet))
    return found[order], jet[sorting], member[sorting]


def _clustered(constituents: Objects, events: int, radius: float) -> Any:
    fastjet = require("fastjet", extra="events", purpose="jet clustering")
    awkward = require("awkward", extra="events", purpose="jet clustering")
    vector = require("vector", extra="events", purpose="jet clustering")
    vector.register_awkward()
    px, py = constituents.pt * np.cos(constituents.phi), constituents.pt * np.sin(constituents.phi)
    pz = constituents.pt * np.sinh(constituents.eta)
    energy = np.sqrt(px**2 + py**2 + pz**2 + constituents.mass**2)
    flat = awkward.zip({"px": px, "py": py, "pz": pz, "E": energy}, with_name="Momentum4D")
    nested = awkward.unflatten(flat, constituents.counts(events))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    with _without_banner():
        return fastjet.ClusterSequence(nested, definition)


def _objects(event: NDArray[np.int64], jets: Any) -> Objects:
    awkward = require("awkward", extra="events", purpose="jet clustering")
    jx, jy, jz, je = (awkward.to_numpy(awkward.flatten(jets[name])) for name in ("px", "py", "pz", "E"))
    pt = np.hypot(jx, jy)
    mass = np.sqrt(np.maximum(je**2 - jx**2 - jy**2 - jz**2, 0.0))
    code = np.zeros(len(event), dtype=np.int64)
    return Objects(event, pt, np.arcsinh(jz / pt), np.arctan2(jy, jx), mass, code)


_banner_shown = False


@contextmanager
def _without_banner() -> Iterator[None]:
    """Keep fastjet's banner, printed at the first clustering of a process, out of standard output."""
    global _banner_shown  # one state per process, as in fastjet itself
    if _banner_shown:
        yield
        return
    _banner_shown = True
    sys.stdout.flush()
    saved, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(null)
