"""Pythia instances: settings, seeds, cross sections, and the roulette after the hard process."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import Any

from nanosieve._require import require
from nanosieve.errors import SettingsError, ToolError
from nanosieve.physics.events._particles import BOTTOM_AND_CHARM
from nanosieve.physics.events.recipe import Recipe, Roulette

__all__ = ["CrossSection", "Tally", "cross_section", "derived_seed", "make_pythia"]

CROSS_SECTION_EVENTS = 20_000
LARGEST_SEED = 900_000_000
"""Pythia's limit."""
RESONANCE_SHOWER = 5
"""Pythia's code for the showers of decayed resonances, in `UserHooks::doVetoPT`."""


def derived_seed(*parts: object) -> int:
    """A seed for Pythia, 1 … `LARGEST_SEED`, that depends on all `parts` (their text) and on nothing else.

    >>> derived_seed(1, "h0", 0) == derived_seed(1, "h0", 0) != derived_seed(1, "h0", 1)
    True
    """
    digest = hashlib.sha256("/".join(str(part) for part in parts).encode()).digest()
    return 1 + int.from_bytes(digest[:8], "big") % LARGEST_SEED


@dataclass
class Tally:
    """Hard processes drawn so far, those that the roulette dropped included."""

    events: int = 0
    weight: float = 0.0
    weight_squared: float = 0.0
    pending: float | None = None
    """Weight of an event that passed the roulette and is not through the showers yet."""
    survival: float = 1.0
    """Survival probability of that event in the roulette."""

    def add(self, weight: float) -> None:
        """Count one hard process."""
        self.events += 1
        self.weight += weight
        self.weight_squared += weight * weight

    def settle(self) -> float:
        """Count the pending event, which is now complete, and return its weight.

        Events that fail in the showers never get here: like the process-level cross section, the tally
        then holds them neither as tried nor as passed.
        """
        weight = 0.0 if self.pending is None else self.pending
        self.add(weight)
        self.pending = None
        return weight


def make_pythia(
    recipe: Recipe, energy: float, seed: int, *, process_only: bool = False
) -> tuple[Any, Tally, Any]:
    """Initialise Pythia for `recipe` up to the end of the parton level; hadronisation is called apart.

    Args:
        energy: centre-of-mass energy in GeV.
        process_only: stop after the hard process.

    Returns:
        Pythia, the tally that its hook fills, and the hook, which must be kept alive.

    Raises:
        SettingsError: Pythia does not know a setting of the recipe.
        ToolError: Pythia cannot be initialised with them.
    """
    pythia8 = require("pythia8mc", extra="events", purpose="event generation")
    pythia = pythia8.Pythia("", False)
    settings = [
        "Print:quiet = on",
        "Beams:idA = 2212",
        "Beams:idB = 2212",
        f"Beams:eCM = {energy!r}",
        "Random:setSeed = on",
        f"Random:seed = {seed}",
        "HadronLevel:all = off",
        f"PartonLevel:all = {'off' if process_only else 'on'}",
    ]
    if recipe.heavy_flavour is not None:
        settings += [f"{code}:mayDecay = off" for code in BOTTOM_AND_CHARM]
    for line in [*settings, *recipe.pythia]:
        if not pythia.readString(line):
            message = f"recipe {recipe.name!r}: Pythia does not know the setting {line!r}; check its spelling"
            raise SettingsError(message)
    tally = Tally()
    hook = _hook(pythia8, _Game(pythia8, pythia.infoPython(), recipe.roulette, tally, seed))
    if not process_only:
        pythia.setUserHooksPtr(hook)
    if not pythia.init():
        message = (
            f"recipe {recipe.name!r}: Pythia cannot start with these settings at {energy:g} GeV; "
            "call with --debug, or check masses, channels and energy"
        )
        raise ToolError(message)
    return pythia, tally, hook


def _hook(pythia8: Any, game: _Game) -> Any:
    """Pythia's view of the game; the method names are Pythia's."""

    class ProcessHook(pythia8.UserHooks):  # type: ignore[misc]
        def __init__(self) -> None:
            pythia8.UserHooks.__init__(self)

        def canVetoProcessLevel(self) -> bool:  # noqa: N802
            return True

        def doVetoProcessLevel(self, process: Any) -> bool:  # noqa: N802
            return game.drops_process(process)

        def canVetoPT(self) -> bool:  # noqa: N802
            return game.roulette is not None and game.roulette.keep_after_recoil < 1

        def scaleVetoPT(self) -> float:  # noqa: N802
            return game.roulette.recoil_scale if game.roulette is not None else 0.0

        def doVetoPT(self, position: int, event: Any) -> bool:  # noqa: N802
            return position < RESONANCE_SHOWER and game.drops_after_recoil(event)

    return ProcessHook()


class _Game:
    """Counts every hard process and plays the roulette with it."""

    def __init__(self, pythia8: Any, info: Any, roulette: Roulette | None, tally: Tally, seed: int) -> None:
        self.roulette = roulette
        self._pythia8, self._info, self._tally = pythia8, info, tally
        self._draw = random.Random(derived_seed(seed, "roulette"))
        self._leptons: list[_HardLepton] = []

    def drops_process(self, process: Any) -> bool:
        """The first round, right after the hard process."""
        weight = self._info.weight()
        self._tally.survival = 1.0
        if self.roulette is not None and not self._promising(process, self.roulette):
            if self._draw.random() >= self.roulette.keep:
                self._tally.add(weight)
                return True
            self._tally.survival = self.roulette.keep
        self._tally.pending = weight
        return False

    def _promising(self, process: Any, roulette: Roulette) -> bool:
        if roulette.heavy_quarks:
            return _has_heavy_quark(process)
        self._leptons = _hard_leptons(self._pythia8, process)
        return any(
            lepton.promising(lepton.momentum, roulette, roulette.tau_fraction) for lepton in self._leptons
        )

    def drops_after_recoil(self, event: Any) -> bool:
        """The second round, in the middle of the shower."""
        if self.roulette is None:
            return False
        fraction = self.roulette.tau_fraction_after_recoil
        moved = [(lepton, lepton.after_recoil(event, self._pythia8)) for lepton in self._leptons]
        if any(lepton.promising(momentum, self.roulette, fraction) for lepton, momentum in moved):
            return False
        if self._draw.random() >= self.roulette.keep_after_recoil:
            self._tally.settle()
            return True
        self._tally.survival *= self.roulette.keep_after_recoil
        return False


@dataclass(frozen=True)
class _HardLepton:
    """A charged lepton of the hard process, with the outgoing particle (resonance) that it comes from."""

    code: int
    momentum: Any
    resonance: int
    resonance_momentum: Any

    def promising(self, momentum: Any, roulette: Roulette, tau_fraction: float) -> bool:
        pt = momentum.pT() * (tau_fraction if self.code == 15 else 1.0)
        return bool(pt > roulette.lepton_pt and abs(momentum.eta()) < roulette.lepton_eta)

    def after_recoil(self, event: Any, pythia8: Any) -> Any:
        """The momentum, boosted as its resonance has been by the radiation so far."""
        boost = pythia8.RotBstMatrix()
        boost.bst(self.resonance_momentum, event[event[self.resonance].iBotCopyId()].p())
        momentum = pythia8.Vec4(self.momentum)
        momentum.rotbst(boost)
        return momentum


def _hard_leptons(pythia8: Any, process: Any) -> list[_HardLepton]:
    leptons = []
    origin: dict[int, int] = {}
    for index in range(5, process.size()):
        particle = process[index]
        mother = particle.mother1()
        origin[index] = index if mother == 3 else origin.get(mother, index)
        if particle.idAbs() in (11, 13, 15):
            first = origin[index]
            leptons.append(
                _HardLepton(
                    particle.idAbs(), pythia8.Vec4(particle.p()), first, pythia8.Vec4(process[first].p())
                )
            )
    return leptons


def _has_heavy_quark(process: Any) -> bool:
    # entries 3 and 4 are the incoming partons
    return any(process[index].idAbs() in (4, 5) for index in range(3, process.size()))


@dataclass(frozen=True)
class CrossSection:
    """Cross section before the filter, in pb, with Pythia's statistical error."""

    value: float
    error: float


def cross_section(recipe: Recipe, energy: float, seed: int) -> CrossSection:
    """Integrate the hard process with `CROSS_SECTION_EVENTS` events (a fraction of a second).

    Branching ratios of the channels that the recipe leaves open are included, and its K-factor.
    """
    pythia, _, _ = make_pythia(recipe, energy, derived_seed(seed, "cross section"), process_only=True)
    for _ in range(CROSS_SECTION_EVENTS):
        pythia.next()
    info = pythia.infoPython()
    picobarn = 1e9 * recipe.k_factor
    return CrossSection(info.sigmaGen() * picobarn, info.sigmaErr() * picobarn)
