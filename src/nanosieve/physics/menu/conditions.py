"""Luminosity, bunches and pile-up: what a rate is for, and whether a sample can tell.

The mean number of collisions per crossing is ``μ = L σ / (n_b f)`` with the inelastic cross section σ that
the sample was made with, n_b colliding bunches and the revolution frequency f = 11 245.6 Hz of the LHC.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.events.recipe import MINIMUM_BIAS
from nanosieve.physics.events.trigger_sample import TriggerSample
from nanosieve.physics.filling import REVOLUTION_FREQUENCY, SLOTS
from nanosieve.physics.machine import interactions_per_second
from nanosieve.units import magnitude

__all__ = ["Conditions", "conditions_of", "same_conditions"]

TOLERANCE = 0.05
"""Largest relative difference between the pile-up of the machine and that of the sample."""
LEAST_EFFECTIVE = 0.01
"""Smallest fraction of effective events that reweighting may leave."""


@dataclass(frozen=True)
class Conditions:
    """What a rate is for.

    Attributes:
        luminosity: instantaneous, 1/pb/s; a weight of 1 pb is so many Hz.
        luminosity_text: as it was asked for.
        bunches: colliding bunches; those that luminosity and pile-up imply if they were not given.
        pileup: μ that the rates hold for.
        sample_pileup: μ of the sample.
        energy: centre of mass, GeV.
        detector: of the sample.
    """

    luminosity: float
    luminosity_text: str
    bunches: float
    pileup: float
    sample_pileup: float
    energy: float
    detector: str

    @property
    def reweighted(self) -> bool:
        """Whether events are weighted to another pile-up."""
        return self.pileup != self.sample_pileup

    def factors(
        self, interactions: NDArray[np.integer], process: NDArray[np.str_] | None = None
    ) -> NDArray[np.float64]:
        """What the weights of events are multiplied by, (N,).

        With a hard collision and n more in the crossing it is the ratio of the Poisson probabilities,
        ``exp(μ - μ') (μ' / μ)^n``, since the rate of hard collisions is that of the luminosity. Crossings of
        minimum bias have no other collision than these n, and there are fewer of them at the same luminosity:
        theirs is multiplied by ``μ / μ'``. Of N events ``N exp(-(μ' - μ)² / μ)`` effective ones are left: at
        μ = 55, 64 % for μ' = 60 but 2 % for μ' = 70.

        Args:
            interactions: (N,) column of that name.
            process: (N,) column of that name; without it all have a hard collision.
        """
        n = np.asarray(interactions, dtype=np.float64)
        if process is not None:
            n = n - (process == MINIMUM_BIAS)
        return np.exp(self.sample_pileup - self.pileup + n * math.log(self.pileup / self.sample_pileup))


def conditions_of(
    samples: Sequence[TriggerSample],
    *,
    luminosity: str | float,
    bunches: float | None = None,
    pileup: float | None = None,
    reweight_pileup: bool = False,
) -> Conditions:
    """Check that the samples belong together and to the luminosity.

    Args:
        samples: at least one.
        luminosity: e.g. ``"2e34 / cm**2 / s"``.
        bunches: colliding bunches; without them, as many as make the pile-up.
        pileup: μ to weight the events to.
        reweight_pileup: weight to the pile-up of luminosity and bunches.

    Raises:
        SampleError: as `same_conditions`.
        SettingsError: luminosity, bunches and pile-up contradict each other.
    """
    first = same_conditions(samples)
    value = magnitude(luminosity, "1/pb/s", name="luminosity")
    if not (value > 0 and math.isfinite(value)):
        message = f"luminosity {luminosity!r} is not positive; write for example '2e34 / cm**2 / s'"
        raise SettingsError(message)
    if bunches is not None and not 0 < bunches <= SLOTS:
        message = f"{bunches:g} colliding bunches are not possible; accepted: 1 … {SLOTS}"
        raise SettingsError(message)
    section = f"{first.inelastic_cross_section!r} pb"
    crossings = interactions_per_second(luminosity, section) / REVOLUTION_FREQUENCY  # collisions per turn
    target = _target(first.pileup, crossings, bunches, pileup, reweight_pileup)
    if target != first.pileup and first.pileup <= 0:
        message = f"{str(first.path)!r} has no pile-up and cannot be weighted to {target:g}; make another"
        raise SettingsError(message)
    made = crossings / target if bunches is None and target > 0 else bunches or 0.0
    if made > SLOTS:
        message = (
            f"a luminosity of {luminosity} at a pile-up of {target:g} needs {made:.0f} colliding bunches, "
            f"and there are {SLOTS}; lower --luminosity, or weight to the right pile-up with --pileup"
        )
        raise SettingsError(message)
    if made > 0 and target > 0:
        _agree(luminosity, crossings / made, made, target, reweighted=target != first.pileup)
    return Conditions(value, str(luminosity), made, target, first.pileup, first.energy, first.detector)


def _target(
    sample: float, crossings: float, bunches: float | None, pileup: float | None, reweight: bool
) -> float:
    if pileup is not None:
        if not (pileup > 0 and math.isfinite(pileup)):
            message = f"pile-up {pileup:g} is not positive; give the mean number of collisions per crossing"
            raise SettingsError(message)
        return pileup
    if not reweight:
        return sample
    if bunches is None:
        message = (
            "--reweight-pileup needs the number of colliding bunches; add --bunches, or give --pileup MU"
        )
        raise SettingsError(message)
    return crossings / bunches


def _agree(
    luminosity: str | float, implied: float, bunches: float, pileup: float, *, reweighted: bool
) -> None:
    if abs(implied / pileup - 1) <= TOLERANCE:
        return
    fitting = bunches * implied / pileup
    whose = "asked for" if reweighted else "of the sample"
    remedy = "" if reweighted else ", or weight the events with --reweight-pileup"
    message = (
        f"a luminosity of {luminosity} in {bunches:.0f} bunches makes a pile-up of {implied:.1f}, and that "
        f"{whose} is {pileup:.1f}; give another --luminosity or --bunches ({fitting:.0f} would fit){remedy}"
    )
    raise SettingsError(message)


def same_conditions(samples: Sequence[TriggerSample]) -> TriggerSample:
    """The first of samples that may be added up.

    Raises:
        SampleError: no sample; another energy, pile-up, detector or cross section; one process twice.
    """
    if not samples:
        message = "no sample given; give one or more trigger samples"
        raise SampleError(message)
    first = samples[0]
    owners: dict[str, TriggerSample] = {}
    names = ("energy", "pileup", "pileup_mode", "detector", "inelastic_cross_section")
    for sample in samples:
        for name in names:
            mine, other = getattr(first, name), getattr(sample, name)
            if mine != other:
                title = name.replace("pileup", "pile-up").replace("_", " ")
                message = (
                    f"{str(first.path)!r} has the {title} {mine}, {str(sample.path)!r} {other}; "
                    "rates of different conditions do not add up: give samples of one kind"
                )
                raise SampleError(message)
        for process in sample.processes:
            if process in owners:
                message = (
                    f"process {process!r} is in {str(owners[process].path)!r} and {str(sample.path)!r} "
                    "and would count twice; give one of them"
                )
                raise SampleError(message)
            owners[process] = sample
    return first
