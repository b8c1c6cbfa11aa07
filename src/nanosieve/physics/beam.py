"""Beams: what the luminosity follows from, bunch by bunch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.physics._quantity import positive
from nanosieve.physics.filling import REVOLUTION_FREQUENCY, filled_crossing_rate

__all__ = ["BEAMS", "Beam", "find_beam"]

_PROTON_MASS = 0.93827209e-3  # TeV


@dataclass(frozen=True)
class Beam:
    """Two equal beams that cross at an angle.

    Attributes:
        bunches: colliding bunches per beam.
        protons_per_bunch: of each beam.
        normalised_emittance: transverse, the same in both planes, e.g. ``"3.75 um"``.
        beta_star: beta function at the interaction point, e.g. ``"0.55 m"``.
        crossing_angle: full angle between the beams, e.g. ``"285 urad"``.
        bunch_length: standard deviation along the beam, e.g. ``"7.55 cm"``.
        energy: of one beam, e.g. ``"7 TeV"``.

    Raises:
        SettingsError: a quantity has no or the wrong unit or is not positive; an angle may be zero.

    >>> f"{find_beam('lhc-design').luminosity:.3g}"
    '1.01e+34'
    """

    bunches: int = 2808
    protons_per_bunch: float = 1.15e11
    normalised_emittance: str | float = "3.75 um"
    beta_star: str | float = "0.55 m"
    crossing_angle: str | float = "285 urad"
    bunch_length: str | float = "7.55 cm"
    energy: str | float = "7 TeV"

    def __post_init__(self) -> None:
        filled_crossing_rate(self.bunches)
        positive(self.protons_per_bunch, "", name="beam: protons_per_bunch", example="1.15e11")
        if self.lorentz_factor < 1:
            message = f"beam: energy = {self.energy!r} is below the rest energy of a proton; write '7 TeV'"
            raise SettingsError(message)
        positive(self.luminosity, "", name="beam: luminosity", example="1e34")  # reads every unit once

    @property
    def lorentz_factor(self) -> float:
        """``gamma = E / m_p``."""
        return positive(self.energy, "TeV", name="beam: energy", example="7 TeV") / _PROTON_MASS

    @property
    def beam_size(self) -> float:
        """Transverse standard deviation at the interaction point in µm: ``sqrt(eps_n beta* / gamma)``."""
        emittance = positive(
            self.normalised_emittance, "um", name="beam: normalised_emittance", example="3.75 um"
        )
        beta_star = positive(self.beta_star, "um", name="beam: beta_star", example="0.55 m")
        return math.sqrt(emittance * beta_star / self.lorentz_factor)

    @property
    def geometric_factor(self) -> float:
        """Loss by the crossing angle: ``F = 1 / sqrt(1 + phi²)``, ``phi = theta_c sigma_z / (2 sigma*)``.

        The hour-glass effect and crab cavities are not in it.
        """
        length = positive(self.bunch_length, "um", name="beam: bunch_length", example="7.55 cm")
        angle = 0.0  # a beam without angle is head-on
        if self.crossing_angle != 0:
            angle = positive(self.crossing_angle, "rad", name="beam: crossing_angle", example="285 urad")
        return 1 / math.hypot(1, angle * length / (2 * self.beam_size))

    @property
    def luminosity(self) -> float:
        """Instantaneous luminosity in cm⁻² s⁻¹: ``n_b N_b² f_rev F / (4 pi sigma*²)``.

        With ``sigma*² = eps_n beta* / gamma`` this is ``n_b N_b² f_rev gamma F / (4 pi eps_n beta*)``.
        """
        area = 4 * math.pi * self.beam_size**2 * 1e-8  # cm²
        pairs = self.bunches * self.protons_per_bunch**2
        return pairs * REVOLUTION_FREQUENCY * self.geometric_factor / area


BEAMS: Mapping[str, Beam] = MappingProxyType({"lhc-design": Beam()})
"""Named beams: defaults to start from, quoted from memory and not verified against a publication."""


def find_beam(text: str) -> Beam:
    """A named beam with some of its values replaced: ``"lhc-design, beta_star=0.3 m, bunches=2544"``.

    ``design`` is short for ``lhc-design``.

    Raises:
        UnknownNameError: no such beam or no such value.
        SettingsError: a value that is no number or no quantity of its dimension.

    >>> find_beam("design, crossing_angle=0").geometric_factor
    1.0
    """
    name, *changes = (part.strip() for part in text.split(","))
    key = name.lower()
    beam = BEAMS.get("lhc-design" if key == "design" else key)
    if beam is None:
        raise UnknownNameError.among("beam", name, [*BEAMS, "design"])
    known = {entry.name: getattr(beam, entry.name) for entry in fields(Beam)}
    for change in changes:
        what, _, value = (part.strip() for part in change.partition("="))
        what = what.replace("-", "_")
        if what not in known:
            raise UnknownNameError.among("value of a beam", what, known)
        number = _plain_number(value)
        if what not in ("bunches", "protons_per_bunch"):
            known[what] = 0.0 if number == 0 else value  # an angle of 0 needs no unit
        elif number is not None and (what == "protons_per_bunch" or number.is_integer()):
            known[what] = int(number) if what == "bunches" else number
        else:
            kind = "whole number" if what == "bunches" else "number"
            message = f"beam: {what} = {value!r} is no {kind}; write for example {what}={known[what]:g}"
            raise SettingsError(message)
    return Beam(**known)


def _plain_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
