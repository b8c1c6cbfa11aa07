"""How often a collision sends a muon, or what a jet leaves over, into the barrel of the muon chambers.

    python validation/muon_chamber_rates.py [EVENTS]

Pythia's hard QCD above a pT-hat of 10 GeV at 13 TeV; softer collisions hardly make muons above 3 GeV. Muons
of heavy hadrons are Pythia's; charged pions and kaons count with the probability that they decay before the
calorimeter (as `decays_in_flight`), the muon having a fraction of the momentum that is uniform between
(m_μ/m)² and 1. Hadrons count with the probability that something charged leaves the calorimeter behind them.
To be compared with the numbers assumed in `nanosieve.physics.events.muon_chambers.rates`.
"""

from __future__ import annotations

import sys

import numpy as np

from nanosieve.physics.events._pythia import cross_section
from nanosieve.physics.events.crossings.pythia_source import pythia_collisions
from nanosieve.physics.events.detector import detector_named
from nanosieve.physics.events.muon_chambers.rates import (
    ETA,
    MUON_THRESHOLDS,
    SIGMA_INELASTIC_PB,
    leak_probability,
)
from nanosieve.physics.events.recipe import load_recipe

ENERGY, SEED = 13_000.0, 1
MUON_MASS = 0.10566


def muons_of_light_hadrons(particles, thresholds):
    """(particles, thresholds) probability that a pion or kaon gives a muon above a threshold."""
    detector = detector_named("atlas")
    code = np.abs(particles.code)
    pion, kaon = code == 211, code == 321
    mass = np.where(pion, 0.13957, 0.49368)
    lifetime, branching = np.where(pion, 7.8045, 3.711), np.where(pion, 0.99988, 0.6356)
    decays = branching * -np.expm1(-detector.calorimeter_radius_m / particles.pt * mass / lifetime)
    smallest = (MUON_MASS / mass) ** 2
    needed = np.maximum(thresholds[None, :] / particles.pt[:, None], smallest[:, None])
    above = np.clip((1 - needed) / (1 - smallest[:, None]), 0, None)
    return np.where(pion | kaon, decays, 0.0)[:, None] * above


def main(events):
    recipe = load_recipe("hard_qcd")
    sigma = cross_section(recipe, ENERGY, SEED).value
    thresholds = np.array(MUON_THRESHOLDS)
    rows, weights = [], []
    for batch in pythia_collisions(recipe, ENERGY, SEED):
        particles = batch.particles[np.abs(batch.particles.eta) < ETA]
        muon = np.abs(particles.code) == 13
        chance = muons_of_light_hadrons(particles, thresholds)
        chance[muon] = particles.pt[muon, None] > thresholds
        hadron = np.isin(np.abs(particles.code), (211, 321, 130, 2212, 2112))
        leak = np.where(hadron, leak_probability(particles.pt * np.cosh(particles.eta)), 0.0)
        hard = particles.pt > 5
        everything = np.column_stack([chance, leak * hard])
        rows.append(
            np.stack([np.bincount(particles.event, column, len(batch)) for column in everything.T], axis=1)
        )
        weights.append(batch.weight)
        if sum(map(len, weights)) >= events:
            break
    expected, weight = np.concatenate(rows), np.concatenate(weights)
    # Pythia's weights undo the bias; their mean belongs to the whole cross section
    mean = (weight[:, None] * expected).sum(axis=0) / weight.sum()
    spread = np.sqrt((weight[:, None] ** 2 * (expected - mean) ** 2).sum(axis=0)) / weight.sum()
    scale = sigma / SIGMA_INELASTIC_PB
    print(
        f"{len(weight)} collisions, cross section {sigma / 1e9:.2f} mb; "
        f"per inelastic collision, |eta| < {ETA}"
    )
    for name, value, error in zip([*map(str, thresholds), "punch-through"], mean, spread, strict=True):
        print(f"{name:>14}  {scale * value:.3e} ± {scale * error:.1e}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
