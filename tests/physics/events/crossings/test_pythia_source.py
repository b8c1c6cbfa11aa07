"""Collisions of Pythia: the scale that `stitching` tells them apart by."""

import numpy as np
import pytest

from nanosieve.physics.events import Recipe
from nanosieve.physics.events.crossings.pythia_source import pythia_collisions

ENERGY = 13_000.0


def first_batches(*settings, batches=2):
    recipe = Recipe(name="mine", title="mine", pythia=settings)
    stream = pythia_collisions(recipe, ENERGY, 1)
    return [next(stream) for _ in range(batches)]


def test_the_scale_of_hard_qcd_is_that_of_its_process():
    (batch, _) = first_batches("HardQCD:all = on", "PhaseSpace:pTHatMin = 20")
    assert batch.pthat.min() >= 20
    assert batch.pthat.max() > 25


def test_diffraction_has_the_scale_of_the_scatter_inside():
    """Its jets are never much harder than it, so that they are shared with hard QCD."""
    pthat, hardest = [], []
    for batch in first_batches("SoftQCD:singleDiffractive = on", batches=8):
        pthat.append(batch.pthat)
        top = np.zeros(len(batch.pthat))
        np.maximum.at(top, batch.particles.event, batch.particles.pt)
        hardest.append(top)
    scale, particle = np.concatenate(pthat), np.concatenate(hardest)
    assert (scale > 5).mean() > 0.01
    assert (scale < 1).mean() > 0.3  # low masses have no scatter
    assert (particle < 1.5 * scale + 6).all()


def test_a_resonance_without_recoil_keeps_its_scale():
    (batch, _) = first_batches("WeakSingleBoson:ffbar2W = on", "24:onMode = off", "24:onIfAny = 13")
    assert (batch.pthat < 1).all()


@pytest.mark.parametrize("setting", ["SoftQCD:nonDiffractive = on"])
def test_the_scale_without_diffraction_is_that_of_pythia(setting):
    (batch, _) = first_batches(setting)
    assert batch.pthat.min() > 0
    assert np.median(batch.pthat) == pytest.approx(4, abs=2.5)
