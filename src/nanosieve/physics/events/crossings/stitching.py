r"""How processes share the crossings: minimum bias and hard collisions together, nothing counted twice.

A crossing is a set of collisions, drawn as a Poisson process of mean μ. Let p be the distribution of
inelastic collisions and q_h that of the hard sample h: HardQCD from a smallest pT-hat on, in slices or with a
biased phase space. A crossing of h is one collision of q_h and a Poisson number of p; the density of a set
{x_1 … x_n} in it is therefore that of a minimum-bias crossing times ``Σ_i q_h(x_i) / (μ p(x_i))``. With N_0
minimum-bias crossings and N_h crossings of each h, all together are a sample of true crossings if each weighs

.. math:: w = \frac{\sigma_{inel}}{\mu} \Big/ \Big( N_0 + \sum_h N_h \sum_i \frac{q_h(x_i)}{\mu\,p(x_i)} \Big)

in pb, so that rates are L Σ w at the luminosity that belongs to μ: every crossing, whatever sample it comes
from, is counted once (the balance heuristic of multiple importance sampling; for slices of pT-hat it is the
stitching of arXiv:2106.04360, equation 17). pT-hat tells the collisions apart: ``q_h/p = σ_inel / σ_h × ⟨w⟩ /
w(pT-hat)`` within the limits of h, with w the weight that undoes the bias, and 0 outside.

Processes that are no part of minimum bias (W, Z, top, …) weigh σ × w / Σ w.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.events.recipe import Recipe

__all__ = ["HardSample", "PhaseSpace", "crossing_weights"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PhaseSpace:
    """Which pT-hat a recipe of hard QCD generates, and how biased.

    Attributes:
        lowest, highest: GeV.
        power, reference: the bias is (pT-hat / reference) ** power; reference in GeV.
    """

    lowest: float
    highest: float
    power: float = 0.0
    reference: float = 10.0

    @classmethod
    def of(cls, recipe: Recipe) -> PhaseSpace:
        """Read it from the Pythia settings of the recipe.

        Raises:
            SettingsError: no smallest pT-hat: the sample would not end where minimum bias has to take over.
        """
        stated = {}
        for line in recipe.pythia:
            key, _, value = line.partition("=")
            stated[key.strip().lower()] = value.strip()
        lowest = float(stated.get("phasespace:pthatmin", 0.0))
        if lowest <= 0:
            message = (
                f"recipe {recipe.name!r} is part of minimum bias and states no PhaseSpace:pTHatMin; set it, "
                "for example to 15"
            )
            raise SettingsError(message)
        highest = float(stated.get("phasespace:pthatmax", -1.0))
        biased = stated.get("phasespace:bias2selection", "off") in ("on", "true", "yes", "1")
        return cls(
            lowest,
            highest if highest > 0 else np.inf,
            float(stated.get("phasespace:bias2selectionpow", 4.0)) if biased else 0.0,
            float(stated.get("phasespace:bias2selectionref", 10.0)),
        )

    def weight(self, pthat: Floats) -> Floats:
        """The weight that undoes the bias; infinite outside the limits."""
        inside = (pthat >= self.lowest) & (pthat < self.highest)
        return np.where(inside, (self.reference / np.maximum(pthat, 1e-9)) ** self.power, np.inf)


@dataclass(frozen=True)
class HardSample:
    """A sample of hard QCD collisions.

    Attributes:
        crossings: N_h.
        cross_section: pb.
        mean_weight: of its collisions.
    """

    space: PhaseSpace
    crossings: int
    cross_section: float
    mean_weight: float

    def enhancement(self, pthat: Floats, inelastic: float) -> Floats:
        """q/p: how much more often a collision of this pT-hat occurs than in minimum bias."""
        return inelastic / self.cross_section * self.mean_weight / self.space.weight(pthat)


def crossing_weights(
    offsets: NDArray[np.int64],
    pthat: Floats,
    samples: Sequence[HardSample],
    minimum_bias: int,
    pileup: float,
    inelastic: float,
) -> Floats:
    """The weights (N,) in pb of crossings of minimum bias and hard QCD.

    Args:
        offsets: (N + 1,): crossing n has the collisions ``offsets[n]`` up to ``offsets[n + 1]``.
        pthat: of these collisions in GeV; those below the smallest pT-hat of all `samples` may be left out.
        samples: the hard samples.
        minimum_bias: N_0, the number of minimum-bias crossings.
        pileup: μ.
        inelastic: inelastic cross section in pb.

    Raises:
        SampleError: a crossing that no sample can make.
    """
    total = np.full(len(offsets) - 1, float(minimum_bias))
    crossing = np.repeat(np.arange(len(total)), np.diff(offsets))
    for sample in samples:
        ratio = sample.enhancement(pthat, inelastic) / pileup
        total += sample.crossings * np.bincount(crossing, ratio, minlength=len(total))
    if (total <= 0).any():
        event = int(np.argmax(total <= 0))
        message = (
            f"crossing {event} holds no collision that a hard sample makes, and there is no minimum "
            "bias; add minbias to the processes"
        )
        raise SampleError(message)
    return inelastic / pileup / total
