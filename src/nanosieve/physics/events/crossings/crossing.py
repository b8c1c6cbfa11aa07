"""Bunch crossings: the collision of interest, pile-up, and what both trigger levels make of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._geometry import Objects, concatenate, delta_phi
from nanosieve.physics.events.crossings.calorimeter_trigger import Found, Overlay, find_objects
from nanosieve.physics.events.crossings.cells import deposits
from nanosieve.physics.events.crossings.collisions import Collisions, decays_in_flight
from nanosieve.physics.events.crossings.high_level import HighLevelTrigger, Selected, high_level
from nanosieve.physics.events.crossings.level1_settings import CALORIMETER_TRIGGERS, MUON_TRIGGERS
from nanosieve.physics.events.crossings.muon_trigger import trigger_muons
from nanosieve.physics.events.crossings.pool import Pool, draw_overlay
from nanosieve.physics.events.detector import detector_named
from nanosieve.physics.events.reconstruction import CHARGED_HADRONS, charge
from nanosieve.physics.events.trigger_sample import Collection, TriggerEvents
from nanosieve.physics.filling import find_scheme

__all__ = ["LOWEST_PTHAT", "Conditions", "cross"]

LOWEST_PTHAT = 10.0
"""GeV; softer collisions are not listed with a crossing."""
LARGE_JET_CONE, LARGE_JET_PT = 1.0, 20.0
TRACKER_ETA = 2.5
MUON = 13

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Conditions:
    """What crossings are made with.

    Attributes:
        detector: its name.
        pileup: mean number μ of collisions per crossing.
        mode: ``objects``: the high-level trigger sees the collision of interest, and pile-up as noise;
            ``overlay``: it sees all collisions. Level-1 always sees all collisions.
        filling: name of the filling scheme that bunch slots are drawn from, see `SCHEMES`.
    """

    detector: str
    pileup: float
    mode: str = "objects"
    filling: str = "lhc-2544-48b"


def cross(
    hard: Collisions | None,
    events: int,
    pool: Pool,
    conditions: Conditions,
    draw: np.random.Generator,
) -> TriggerEvents:
    """Make crossings; of the scalars only those that follow from the collisions are set.

    ``genWeight`` is the weight of the sampling of rare mis-measurements alone (see `trigger_muons` and
    `high_level`).

    Args:
        hard: one collision for each crossing, pile-up comes on top; None for minimum-bias crossings, whose
            collision of interest is the one of the highest pT-hat.
        events: number of crossings.
    """
    detector = detector_named(conditions.detector)
    overlay = draw_overlay(events, conditions.pileup, len(pool), draw)
    taken = np.full(events, -1)
    if hard is None:
        taken = _hardest(overlay, pool)
        interest, cells = pool.chosen(overlay, taken, draw), None
    else:
        interest, cells = hard, deposits(hard.particles, events, detector, draw)
    interest = replace(interest, particles=decays_in_flight(interest.particles, detector, draw))
    level1 = find_objects(cells, pool.cells, overlay, CALORIMETER_TRIGGERS[detector.name], draw)
    own = interest.particles[np.abs(interest.particles.code) == MUON]
    others = np.setdiff1d(np.arange(len(overlay.collision)), taken)
    foreign = pool.muons(overlay, others, detector, draw)
    muons = concatenate(own, foreign)
    candidates, gen_pt, share = trigger_muons(muons, events, MUON_TRIGGERS[detector.name], draw)
    if conditions.mode == "overlay":
        remains = _neutral_remains(pool, overlay, others, foreign)
        high = high_level(interest, detector, HighLevelTrigger(), draw, others=remains)
    else:
        high = high_level(interest, detector, HighLevelTrigger(), draw, pileup=conditions.pileup)
    offsets, pthat = _listed(overlay, pool, hard)
    scalars = {
        "genWeight": share * high.weights,
        "bunch": find_scheme(conditions.filling).draw(draw, events).astype(np.int32),
        "interactions": np.diff(overlay.offsets).astype(np.int32),
        "L1MET_pt": level1.met[:, 0],
        "L1MET_phi": level1.met[:, 1],
        "L1HT": level1.ht,
        "MET_pt": np.hypot(*high.met.T),
        "MET_phi": np.arctan2(high.met[:, 1], high.met[:, 0]),
        "HT": high.ht,
        "GenMET_pt": np.hypot(*interest.invisible.T),
    }
    muon_candidates = Selected(candidates, {"charge": charge(candidates.code), "gen_pt": gen_pt}).ordered()
    collections = _level1(level1) | {
        "L1Mu": _collection(muon_candidates, events),
        "Muon": _collection(high.muons, events),
        "Electron": _collection(high.electrons, events),
        "Photon": _collection(high.photons, events),
        "Tau": _collection(high.taus, events),
        "Jet": _collection(high.jets, events),
        "FatJet": _collection(high.large_jets, events),
        "Collision": Collection(offsets, {"pthat": pthat.astype(np.float32)}),
    }
    small = {name: values if name == "genWeight" else _small(values) for name, values in scalars.items()}
    return TriggerEvents(small, collections)


def _neutral_remains(pool: Pool, overlay: Overlay, which: NDArray[np.int64], muons: Objects) -> Objects:
    """What collisions `which` of the overlay leave when their charged hadrons have been removed.

    Tracks tell the vertex up to |η| = 2.5; leptons are kept, as triggers do. `muons` are those of Level 1.
    """
    crossing = np.repeat(np.arange(len(overlay.offsets) - 1), np.diff(overlay.offsets))
    found = pool.particles(overlay, which)
    charged = np.isin(np.abs(found.code), CHARGED_HADRONS) & (np.abs(found.eta) < TRACKER_ETA)
    found = found[~charged & (np.abs(found.code) != MUON)]
    remains = concatenate(replace(found, event=crossing[which][found.event]), muons)
    return remains[np.argsort(remains.event, kind="stable")]


def _hardest(overlay: Overlay, pool: Pool) -> NDArray[np.int64]:
    """Index into the overlay of the collision of highest pT-hat of each crossing; -1 where it has none."""
    event = np.repeat(np.arange(len(overlay.offsets) - 1), np.diff(overlay.offsets))
    order = np.lexsort((pool.collisions.pthat[overlay.collision], event))
    last = overlay.offsets[1:] - 1
    there = np.diff(overlay.offsets) > 0
    if not len(order):
        return np.full(len(there), -1)
    return np.where(there, order[np.maximum(last, 0)], -1)


def _listed(overlay: Overlay, pool: Pool, hard: Collisions | None) -> tuple[NDArray[np.int64], Floats]:
    """pT-hat of the collisions of each crossing above `LOWEST_PTHAT`, highest first."""
    events = len(overlay.offsets) - 1
    event = np.repeat(np.arange(events), np.diff(overlay.offsets))
    pthat = pool.collisions.pthat[overlay.collision]
    if hard is not None:
        event, pthat = np.concatenate([event, np.arange(events)]), np.concatenate([pthat, hard.pthat])
    kept = pthat > LOWEST_PTHAT
    event, pthat = event[kept], pthat[kept]
    order = np.lexsort((-pthat, event))
    return np.concatenate([[0], np.cumsum(np.bincount(event, minlength=events))]), pthat[order]


def _collection(selected: Selected, events: int) -> Collection:
    objects = selected.objects
    fields: dict[str, NDArray[Any]] = {"pt": objects.pt, "eta": objects.eta, "phi": objects.phi}
    fields |= selected.extra
    offsets = np.concatenate([[0], np.cumsum(objects.counts(events))]).astype(np.int64)
    return Collection(offsets, {name: _small(values) for name, values in fields.items()})


def _level1(found: Found) -> dict[str, Collection]:
    groups = {}
    for name, number, table, fields in (
        ("L1Jet", found.jet_n, found.jet, ("pt", "eta", "phi")),
        ("L1EG", found.eg_n, found.eg, ("pt", "eta", "phi", "iso")),
        ("L1Tau", found.tau_n, found.tau, ("pt", "eta", "phi", "iso")),
    ):
        there = np.arange(table.shape[1]) < number[:, None]
        offsets = np.concatenate([[0], np.cumsum(number)]).astype(np.int64)
        groups[name] = Collection(offsets, {f: table[there, k] for k, f in enumerate(fields)})
    groups["L1LargeJet"] = _large_jets(found)
    return groups


def _large_jets(found: Found) -> Collection:
    """Simple-cone jets: the jets within ΔR < 1 of a jet, summed; each jet is the centre of one."""
    pt, eta, phi = (found.jet[..., k].astype(np.float64) for k in range(3))
    there = (np.arange(pt.shape[1]) < found.jet_n[:, None]) & (pt > LARGE_JET_PT)
    distance = np.hypot(eta[:, :, None] - eta[:, None, :], delta_phi(phi[:, :, None], phi[:, None, :]))
    near = (distance < LARGE_JET_CONE) & there[:, None, :]
    total = np.where(there, (near * pt[:, None, :]).sum(axis=2), 0.0)
    event, jet = np.nonzero(there)
    cones = Objects(
        event,
        total[event, jet],
        eta[event, jet],
        phi[event, jet],
        np.zeros(len(event)),
        np.zeros(len(event), np.int64),
    )
    return _collection(Selected(cones, {}).ordered(), len(pt))


def _small(values: NDArray[Any]) -> NDArray[Any]:
    return (
        values
        if values.dtype.kind == "i" and values.itemsize <= 4
        else values.astype(np.int32 if values.dtype.kind in "iu" else np.float32)
    )
