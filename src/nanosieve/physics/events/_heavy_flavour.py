"""Leptons from bottom and charm hadrons, by repeated hadronisation and repeated decays.

The weights follow from one identity: for an observable f that vanishes for events that do not pass, the mean
of f over `trials` decays equals (passing / trials) times the mean of f over the passing ones. A hadronisation
thus has the total weight W = weight / repeats × passing / trials. It is handed on as a whole number of its
passing decays, W / `unit_weight` on average (rounded up or down at random), each of weight `unit_weight`;
where W exceeds `unit_weight` × passing, as all of them, sharing W. Expectation values stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.physics.events._decay_library import TrialDecays
from nanosieve.physics.events._geometry import delta_phi
from nanosieve.physics.events._particles import BOTTOM_AND_CHARM, NEUTRINOS, particle_table, visible
from nanosieve.physics.events.detector import Detector, detector_named
from nanosieve.physics.events.recipe import HeavyFlavour, LeptonFilter, Recipe

__all__ = ["heavy_flavour_final_states"]

FIRST = np.zeros(1, dtype=np.int64)

Floats = NDArray[np.float64]


def heavy_flavour_final_states(
    pythia: Any, copy: Any, weight: float, recipe: Recipe, settings: HeavyFlavour, draw: np.random.Generator
) -> Iterator[tuple[float, float, Floats]]:
    """The passing final states of a collision of this weight: (share used up, weight, visible particles)."""
    if not any(
        particle.idAbs() in (4, 5) and particle.isFinal() and particle.pT() > settings.quark_pt
        for particle in pythia.event
    ):
        return
    # heavier events are looked at more often, so that the weights come closer together
    repeats = min(max(round(settings.hadronisations * weight), 1), settings.most_hadronisations)
    partons = copy(pythia.event)
    for repeat in range(repeats):
        if repeat:
            pythia.event = partons
        if not pythia.forceHadronLevel(False):
            continue
        own = weight / repeats
        final_states = list(_with_decays(particle_table(pythia.event), own, recipe, settings, draw))
        for n, (final_weight, particles) in enumerate(final_states, 1):
            yield (repeat + n / len(final_states)) / repeats, final_weight, particles


def _with_decays(
    table: Floats, weight: float, recipe: Recipe, settings: HeavyFlavour, draw: np.random.Generator
) -> Iterator[tuple[float, Floats]]:
    """Decay the heavy hadrons of one hadronisation: weight and visible particles of passing decays."""
    heavy = np.isin(np.abs(table[:, 0]), BOTTOM_AND_CHARM)
    hard = heavy & (np.hypot(table[:, 1], table[:, 2]) > settings.lepton_pt)
    if not hard.any():
        return
    decays = [TrialDecays(hadron, settings.trials, draw) for hadron in table[hard]]
    trials = np.unique(np.concatenate([d.hard_leptons(settings.lepton_pt) for d in decays]))
    products = np.concatenate([d.products(trials) for d in decays], axis=1)
    detector = detector_named(recipe.detector)
    passing = _passing(products, visible(table[~hard]), settings, recipe.filter, detector)
    total = weight * len(passing) / settings.trials
    number = min(int(total / settings.unit_weight + draw.random()), len(passing))
    if not number:
        return
    each = max(settings.unit_weight, total / len(passing))
    for chosen in draw.choice(passing, size=number, replace=False):
        soft = [TrialDecays(hadron, 1, draw).products(FIRST)[0] for hadron in table[heavy & ~hard]]
        everything = np.concatenate([table[~heavy], products[chosen], *soft])
        yield each, visible(everything[everything[:, 0] != 0])


def _passing(
    products: Floats, rest: Floats, settings: HeavyFlavour, window: LeptonFilter, detector: Detector
) -> NDArray[np.int64]:
    """The trials (first axis of `products`) with a lepton near the filter, isolated if that is asked for."""
    code = np.abs(products[..., 0]).astype(np.int64)
    pt = np.hypot(products[..., 1], products[..., 2])
    eta = np.arcsinh(products[..., 3] / np.maximum(pt, 1e-9))
    edge = np.where(code == 11, window.electron_eta, window.muon_eta) + 0.1
    good = np.isin(code, (11, 13)) & (pt > settings.lepton_pt) & (np.abs(eta) < edge)
    trial, lepton = np.nonzero(good)
    if settings.isolation_margin is None or not len(trial):
        return np.unique(trial)
    phi = np.arctan2(products[..., 2], products[..., 1])
    here = (eta[trial, lepton, None], phi[trial, lepton, None])
    counts = ~np.isin(code, (0, 11, 13, *NEUTRINOS)) & (pt > detector.isolation_constituent_pt)
    around = _cone_sum(here, eta[trial], phi[trial], pt[trial] * counts[trial], detector.isolation_cone)
    rest_pt = np.hypot(rest[:, 1], rest[:, 2])
    kept = rest[(rest_pt > detector.isolation_constituent_pt) & ~np.isin(np.abs(rest[:, 0]), (11, 13))]
    kept_pt = np.hypot(kept[:, 1], kept[:, 2])
    around += _cone_sum(
        here,
        np.arcsinh(kept[:, 3] / kept_pt)[None],
        np.arctan2(kept[:, 2], kept[:, 1])[None],
        kept_pt[None],
        detector.isolation_cone,
    )
    limit = np.where(code[trial, lepton] == 11, detector.electron_isolation, detector.muon_isolation)
    return np.unique(trial[around < (limit + settings.isolation_margin) * pt[trial, lepton]])


def _cone_sum(here: tuple[Floats, Floats], eta: Floats, phi: Floats, pt: Floats, radius: float) -> Floats:
    inside = (eta - here[0]) ** 2 + delta_phi(phi, here[1]) ** 2 < radius**2
    result: Floats = np.where(inside, pt, 0.0).sum(axis=1)
    return result
