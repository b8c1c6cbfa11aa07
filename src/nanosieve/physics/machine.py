"""Numbers of the collider: luminosity, pile-up, crossing and interaction rates.

One relation ties them together: every bunch crosses ``f_rev`` times a second, so that

    L = mu · n_b · f_rev / sigma_inel

The inelastic cross section is a convention: 80 mb is what ATLAS defines mu with at 13 TeV (CDS record
2624583), other numbers of mu rest on 69.2 mb. With that, the same luminosity has a pile-up 14 % lower, and
the same pile-up a luminosity 16 % higher: it is an argument everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.errors import SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.physics._quantity import positive
from nanosieve.physics.beam import BEAMS, Beam, find_beam
from nanosieve.physics.filling import (
    REVOLUTION_FREQUENCY,
    SCHEMES,
    SLOTS,
    FillingScheme,
    filled_crossing_rate,
    find_scheme,
)

__all__ = [
    "BEAMS",
    "CROSSING_RATE",
    "REVOLUTION_FREQUENCY",
    "SCHEMES",
    "SIGMA_INELASTIC",
    "SLOTS",
    "Beam",
    "Collisions",
    "FillingScheme",
    "collisions",
    "filled_crossing_rate",
    "find_beam",
    "find_scheme",
    "interactions_per_second",
    "luminosity",
    "pileup",
]

CROSSING_RATE = SLOTS * REVOLUTION_FREQUENCY
"""Bunch slots per second in Hz, filled or not: 40.08 MHz, called 40 MHz."""
SIGMA_INELASTIC = "80 mb"
"""Inelastic cross section that mu is defined with unless said otherwise: CDS record 2624583."""

_CM2_PER_MILLIBARN = 1e-27
_AGREE = 0.01  # two settings that say the same within 1 % do not contradict


def luminosity(mu: float, bunches: int, sigma_inelastic: str | float = SIGMA_INELASTIC) -> float:
    """Instantaneous luminosity in cm⁻² s⁻¹: ``mu n_b f_rev / sigma_inel``.

    Args:
        mu: mean number of inelastic collisions per filled crossing.
        bunches: colliding bunches.
        sigma_inelastic: with its unit, or a number in mb.

    Raises:
        SettingsError: a quantity of the wrong dimension, not positive, or too many bunches.

    >>> f"{luminosity(52, 2544):.3g} {luminosity(52, 2544, '69.2 mb'):.3g}"
    '1.86e+34 2.15e+34'
    """
    mu = positive(mu, "", name="pile-up", example="60")
    return mu * filled_crossing_rate(bunches) / _square_centimetres(sigma_inelastic)


def pileup(luminosity: str | float, bunches: int, sigma_inelastic: str | float = SIGMA_INELASTIC) -> float:
    """Mean number of inelastic collisions per filled crossing: ``L sigma_inel / (n_b f_rev)``.

    Args:
        luminosity: instantaneous, with its unit, or a number in cm⁻² s⁻¹.
        bunches: colliding bunches.
        sigma_inelastic: with its unit, or a number in mb.

    Raises:
        SettingsError: a quantity of the wrong dimension, not positive, or too many bunches.

    >>> round(pileup("7.5e34 / cm**2 / s", 2760), 1)
    193.3
    """
    return interactions_per_second(luminosity, sigma_inelastic) / filled_crossing_rate(bunches)


def interactions_per_second(luminosity: str | float, sigma_inelastic: str | float = SIGMA_INELASTIC) -> float:
    """Inelastic collisions per second in Hz: ``L sigma_inel``.

    Raises:
        SettingsError: a quantity of the wrong dimension, or not positive.
    """
    value = positive(luminosity, "1/cm**2/s", name="luminosity", example="2e34 / cm**2 / s")
    return value * _square_centimetres(sigma_inelastic)


def _square_centimetres(sigma_inelastic: str | float) -> float:
    value = positive(sigma_inelastic, "mb", name="sigma_inelastic", example="80 mb")
    return value * _CM2_PER_MILLIBARN


@dataclass(frozen=True)
class Collisions:
    """A consistent set of the collider's numbers; `collisions` makes one.

    Attributes:
        luminosity: in cm⁻² s⁻¹.
        bunches: colliding.
        sigma_inelastic: in mb.
    """

    luminosity: float
    bunches: int
    sigma_inelastic: float

    @property
    def pileup(self) -> float:
        """Mean number of inelastic collisions per filled crossing."""
        return pileup(self.luminosity, self.bunches, self.sigma_inelastic)

    @property
    def crossing_rate(self) -> float:
        """Filled crossings per second in Hz."""
        return filled_crossing_rate(self.bunches)

    @property
    def interactions_per_second(self) -> float:
        """Inelastic collisions per second in Hz."""
        return interactions_per_second(self.luminosity, self.sigma_inelastic)

    def figures(self) -> dict[str, Figure]:
        """Everything as it may be shown, estimated: ``luminosity``, ``pileup``, ``bunches`` …"""
        rates = f"from a revolution frequency of {REVOLUTION_FREQUENCY} Hz"
        shown = {
            "luminosity": (self.luminosity / 1e34, "10³⁴ cm⁻² s⁻¹", ""),
            "pileup": (self.pileup, "collisions per crossing", f"with {self.sigma_inelastic:g} mb"),
            "bunches": (self.bunches, "", "assumed"),
            "sigma_inelastic": (self.sigma_inelastic, "mb", "assumed"),
            "slot_rate": (CROSSING_RATE / 1e6, "MHz", rates),
            "crossing_rate": (self.crossing_rate / 1e6, "MHz", rates),
            "interaction_rate": (self.interactions_per_second / 1e9, "GHz", "luminosity · sigma_inelastic"),
        }
        return {
            name: Figure(value, unit, Provenance.ESTIMATED, source=source)
            for name, (value, unit, source) in shown.items()
        }


def collisions(
    bunches: int,
    *,
    luminosity: str | float | None = None,
    pileup: str | float | None = None,
    sigma_inelastic: str | float = SIGMA_INELASTIC,
) -> Collisions:
    """The collider's numbers from its luminosity or its pile-up.

    Args:
        bunches: colliding.
        luminosity: with its unit, or a number in cm⁻² s⁻¹.
        pileup: mean number of inelastic collisions per filled crossing.
        sigma_inelastic: with its unit, or a number in mb.

    Raises:
        SettingsError: neither luminosity nor pile-up, both and they differ by more than 1 %, or a value
            out of its domain.

    >>> round(collisions(2544, luminosity="2e34 / cm**2 / s").pileup, 1)
    55.9
    """
    sigma = positive(sigma_inelastic, "mb", name="sigma_inelastic", example="80 mb")
    per_mu = filled_crossing_rate(bunches) / (sigma * _CM2_PER_MILLIBARN)
    made = None if pileup is None else positive(pileup, "", name="pile-up", example="60") * per_mu
    given = luminosity
    if given is not None:
        given = positive(given, "1/cm**2/s", name="luminosity", example="2e34 / cm**2 / s")
    if made is not None and given is not None and abs(made / given - 1) > _AGREE:
        message = (
            f"luminosity {given:.4g} /cm2/s and pile-up {pileup} contradict each other: {bunches} bunches "
            f"and {sigma:g} mb make a pile-up of {given / per_mu:.4g} of it; give one of them, or change the "
            "bunches or the inelastic cross section"
        )
        raise SettingsError(message)
    chosen = given if given is not None else made
    if chosen is None:
        message = "neither luminosity nor pile-up is given; write for example luminosity='2e34 / cm**2 / s'"
        raise SettingsError(message)
    return Collisions(chosen, bunches, sigma)
