"""Leptons from taus, by leptonic channels only and by repeated decays.

Only events with a leptonic tau decay can pass the filter. With b the leptonic branching ratio, a τ⁻τ⁺ pair
has one with probability b (τ⁻ leptonic, τ⁺ any) plus (1 - b) b (τ⁻ hadronic, τ⁺ leptonic): one of the two
is drawn in this ratio and the event weighs their sum. Of the `trials` decays one passing is chosen at random
and weighs (passing / trials), which leaves every expectation value over passing events as it is. Pythia's
spin correlations stay, because the taus decay in the record of their own collision.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nanosieve.physics.events._particles import Lepton, decay_leptons, passes_loosely, prompt_leptons
from nanosieve.physics.events.recipe import LeptonFilter

__all__ = ["decay_taus"]

TAU = 15
OFF, ON, ON_FOR_PARTICLE, ON_FOR_ANTIPARTICLE = 0, 1, 2, 3  # Pythia's modes of a decay channel


def decay_taus(
    pythia: Any, copy: Any, *, trials: int, window: LeptonFilter, pt: float, draw: np.random.Generator
) -> float:
    """Decay the taus of the collision, if it can pass.

    Args:
        copy: Pythia's class of event records.
        trials: decays to try.
        window, pt: what `passes_loosely` asks of one prompt or decay lepton.

    Returns:
        The weight factor of the collision that is left in Pythia; 0 if none passes.
    """
    leptons = prompt_leptons(pythia.event)
    taus = [lepton for lepton in leptons if lepton.code == TAU]
    if any(passes_loosely(lepton, window, pt) for lepton in leptons):
        return 1.0  # hadronisation decays the taus, too
    if not any(tau.pt > pt for tau in taus):
        return 0.0
    partons = copy(pythia.event)
    chosen, passing = None, 0
    probability = 1.0
    for trial in range(trials):
        if trial:
            pythia.event = partons
        probability = _open_channels(pythia, taus, draw)
        if pythia.moreDecays() and any(
            passes_loosely(lepton, window, pt)
            for tau in taus
            for lepton in decay_leptons(pythia.event, tau.index)
        ):
            passing += 1
            if draw.random() * passing < 1:
                chosen = copy(pythia.event)
    _set_modes(pythia, ON, ON)
    if chosen is not None:
        pythia.event = chosen
    return probability * passing / trials


def _open_channels(pythia: Any, taus: list[Lepton], draw: np.random.Generator) -> float:
    """Draw which tau decays to a lepton, open the channels for it; the probability of any leptonic decay."""
    charges = sorted(pythia.event[tau.index].id() for tau in taus)
    b = _leptonic_fraction(pythia)
    if len(charges) == 1:
        _set_modes(pythia, ON, OFF)
        return b
    if charges != [-TAU, TAU]:
        _set_modes(pythia, ON, ON)
        return 1.0
    probability = b + (1 - b) * b
    if draw.random() * probability < b:
        _set_modes(pythia, ON, ON_FOR_ANTIPARTICLE)
    else:
        _set_modes(pythia, ON_FOR_ANTIPARTICLE, ON_FOR_PARTICLE)
    return probability


def _leptonic(channel: Any) -> bool:
    return any(abs(channel.product(n)) in (11, 13) for n in range(channel.multiplicity()))


def _channels(pythia: Any) -> list[Any]:
    entry = pythia.particleData.particleDataEntryPtr(TAU)
    return [entry.channel(n) for n in range(entry.sizeChannels())]


def _leptonic_fraction(pythia: Any) -> float:
    channels = _channels(pythia)
    return float(sum(c.bRatio() for c in channels if _leptonic(c)) / sum(c.bRatio() for c in channels))


def _set_modes(pythia: Any, leptonic: int, hadronic: int) -> None:
    for channel in _channels(pythia):
        channel.onMode(leptonic if _leptonic(channel) else hadronic)
