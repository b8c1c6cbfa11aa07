"""Recipes: what Pythia generates, which events are kept and how rare ones are sampled, as YAML."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nanosieve._files import existing_file
from nanosieve.errors import InputFileError, SettingsError, UnknownNameError
from nanosieve.physics.events._event_file import MATCHING, EventFile, makes_hard_processes
from nanosieve.units import magnitude

__all__ = [
    "COCKTAILS",
    "MINIMUM_BIAS",
    "Demand",
    "EventFile",
    "HeavyFlavour",
    "LeptonFilter",
    "PromptLeptons",
    "Recipe",
    "Roulette",
    "expand",
    "known_processes",
    "load_recipe",
]

COCKTAILS: Mapping[str, Mapping[str, float]] = {
    "sm": {"w_lnu": 0.592, "qcd": 0.338, "z_ll": 0.067, "ttbar": 0.003},
    "trigger": {
        "hard_qcd": 0.45,
        "minbias": 0.35,
        "w_lnu": 0.06,
        "drell_yan": 0.05,
        "photon_jet": 0.05,
        "ttbar": 0.015,
        "jpsi_mumu": 0.015,
        "upsilon_mumu": 0.01,
    },
}
"""Mixtures by name, process -> fraction of the events. ``sm``: the published data set, arXiv:2107.02157;
``trigger``: what trigger rates are made of, for crossings with pile-up."""

MINIMUM_BIAS = "minbias"
"""The recipe of pile-up; as a process: crossings that hold no collision but the pile-up."""

_RESERVED = (
    "Beams:", "Random:", "HadronLevel:all", "PartonLevel:all", "Print:", "Main:", "Parallelism:", "Init:",
)  # fmt: skip
Probability = Annotated[float, Field(gt=0, le=1)]
Momentum = Annotated[float, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LeptonFilter(_Strict):
    """An event is kept if one reconstructed electron or muon passes (arXiv:2107.02157)."""

    electron_pt: Momentum = 23.0
    """GeV"""
    electron_eta: Momentum = 3.0
    muon_pt: Momentum = 23.0
    """GeV"""
    muon_eta: Momentum = 2.1
    isolated: bool = True
    """Leptons must be isolated to count as objects; off keeps all of them."""


class PromptLeptons(_Strict):
    """Hadronise only events with a charged lepton from the hard process or a tau above `pt`.

    The test comes after showers, multiple interactions and tau decays, so nothing changes the lepton any
    more except the detector: `pt` must lie below the filter by several times its resolution. Leptons from
    bottom and charm hadrons do not count, hence only for processes where they are negligible.
    """

    pt: Momentum = 21.0
    """GeV"""


class Roulette(_Strict):
    """Russian roulette before the costly steps of an event.

    Unpromising events survive with probability `keep` and then weigh 1/`keep`: no event is impossible, so
    every distribution keeps its expectation value. It is played after the hard process, where an event has
    cost next to nothing; promising is then an event with a lepton above `lepton_pt` (a tau counts with
    `tau_fraction` of its pT), or, with `heavy_quarks`, with charm or bottom among the hard partons. With
    `keep_after_recoil` it is played once more when the shower has come down to `recoil_scale`: the leptons
    are then boosted with the recoil of their resonance, and a tau counts with `tau_fraction_after_recoil`.
    """

    keep: Probability
    lepton_pt: Momentum = 15.0
    """GeV"""
    lepton_eta: Momentum = 3.3
    tau_fraction: Probability = 0.5
    tau_fraction_after_recoil: Probability = 0.6
    heavy_quarks: bool = False
    keep_after_recoil: Probability = 1.0
    recoil_scale: Annotated[float, Field(gt=1)] = 10.0
    """GeV"""


class HeavyFlavour(_Strict):
    """Leptons from bottom and charm hadrons: hadronise and decay the same partons several times.

    An event needs a bottom or charm quark above `quark_pt` after the showers. It is hadronised
    `hadronisations` × weight times, at least once. In each, the hadrons above `lepton_pt` decay `trials`
    times, together; of the passing decays so many are kept that each weighs `unit_weight` (in units of an
    unbiased hard process). Decays are Pythia's own, with their branching ratios; no channel is closed.
    """

    quark_pt: Momentum = 21.0
    """GeV"""
    lepton_pt: Momentum = 21.0
    """GeV; generated pT of the lepton, below the filter by several times the resolution"""
    hadronisations: Annotated[float, Field(gt=0)] = 8.0
    most_hadronisations: Annotated[int, Field(ge=1)] = 40
    trials: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    isolation_margin: Annotated[float, Field(ge=0)] | None = 0.1
    """A decay passes if the generated pT sum in the cone, relative to the lepton, is below the limit of the
    detector plus this margin; None: no such test."""
    unit_weight: Annotated[float, Field(gt=0)] = 5e-6


class Demand(_Strict):
    """Charged leptons that a collision must hold to be put into a crossing; the cross section follows."""

    lepton: Literal["electron", "muon"] = "muon"
    count: Annotated[int, Field(ge=1, le=4)] = 2
    pt: Momentum = 3.0
    """GeV"""
    eta: Momentum = 2.7


class Recipe(_Strict):
    """One process: where its collisions come from, the filter, and the sampling that makes it fast.

    Without `lhe` and `hepmc` Pythia makes the hard process, too, as `pythia` says.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    pythia: tuple[str, ...] = ()
    """Pythia settings, ``"Key = value"``"""
    lhe: EventFile | None = None
    """Hard processes in a Les Houches event file, which Pythia showers and hadronises (crossings only).

    In YAML: its path, relative to the folder of the recipe; ``.lhe`` or ``.lhe.gz``.
    """
    hepmc: EventFile | None = None
    """Complete collisions in a HepMC 2 or 3 file (crossings only); in YAML its path, as for `lhe`."""
    cross_section: str | None = None
    """``"12.3 pb"``; in place of what the event file states, for one that states none."""
    part_of_minimum_bias: bool = False
    """Hard QCD that minimum bias holds, too: crossings are shared (`nanosieve.physics.events.crossings`)."""
    branching: Probability = 1.0
    """Branching ratio that the cross section still lacks: Pythia's holds those of closed channels of W, Z,
    top and the like, but not of hadrons, quarkonia among them; that of a file holds none closed here.
    """
    k_factor: Annotated[float, Field(gt=0)] = 1.0
    """Factor from Pythia's leading order to a better known cross section; shapes stay those of Pythia."""
    demand: Demand | None = None
    """Generator-level leptons without which a collision is not put into a crossing."""
    filter: LeptonFilter = LeptonFilter()
    detector: str = "cms"
    roulette: Roulette | None = None
    prompt_leptons: PromptLeptons | None = None
    heavy_flavour: HeavyFlavour | None = None
    tau_trials: Annotated[int, Field(ge=1, le=1000)] = 1
    """Decays of the taus tried per event; one passing is chosen and weighs (passing / trials)."""
    events_per_shard: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Passing events in one shard: a few seconds of work."""

    @field_validator("pythia")
    @classmethod
    def _settings(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        for line in lines:
            key, equals, value = line.partition("=")
            if not equals or not key.strip() or not value.strip():
                message = f"{line!r} is no Pythia setting; write 'Key = value'"
                raise ValueError(message)
            if key.strip().startswith(_RESERVED):
                message = f"{key.strip()!r} is set by nanosieve itself; remove it"
                raise ValueError(message)
        return lines

    @field_validator("lhe", "hepmc", mode="before")
    @classmethod
    def _file(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str | Path):
            return value
        folder = Path((info.context or {}).get("folder", "."))
        return EventFile.at(folder / value, "lhe" if info.field_name == "lhe" else "hepmc")

    @field_validator("cross_section")
    @classmethod
    def _positive(cls, value: str | None) -> str | None:
        if value is not None and not 0 < magnitude(value, "pb", name="cross_section") < float("inf"):
            message = f"{value!r} is not above 0; write for example '12.3 pb'"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Recipe:
        message = self._contradiction()
        if message:
            raise ValueError(message)
        return self

    def _contradiction(self) -> str:
        if self.part_of_minimum_bias and self.k_factor != 1:
            return "'k_factor' would change the minimum bias that hard QCD is a part of; remove it"
        if self.event_file is None:
            if not self.pythia:
                return "it states no collisions; give Pythia settings ('pythia'), 'lhe' or 'hepmc'"
            no_file = "'cross_section' is only for event files; here 'k_factor' changes Pythia's"
            return no_file if self.cross_section is not None else ""
        if self.k_factor != 1:
            return "'k_factor' is for Pythia's leading order; state 'cross_section' for an event file"
        if self.lhe is not None and self.hepmc is not None:
            return "it states both 'lhe' and 'hepmc'; keep one of them"
        if self.part_of_minimum_bias:
            return "'part_of_minimum_bias' is only for Pythia's own hard QCD, not for event files; remove it"
        if self.hepmc is not None and self.pythia:
            return "a HepMC file holds complete collisions, Pythia does nothing with them; remove 'pythia'"
        for line in self.pythia:
            if makes_hard_processes(line):
                return f"{line!r} makes hard processes, which the LHE file holds already; remove it"
            if line.strip().startswith(MATCHING):
                return f"{line!r}: matching and merging are not supported; merge apart and give 'hepmc'"
        return ""

    @property
    def event_file(self) -> EventFile | None:
        """The file of `lhe` or `hepmc`; None if Pythia makes the events."""
        return self.lhe or self.hepmc

    def digest(self) -> str:
        """A hash of everything that the recipe states and of the content of its event file, hexadecimal."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@cache
def known_processes() -> tuple[str, ...]:
    """The names of the recipes shipped with the package."""
    folder = resources.files("nanosieve.physics.events") / "recipes"
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


def load_recipe(name: str | Path) -> Recipe:
    """The recipe shipped under `name`, or the one in the YAML file of that path.

    Raises:
        UnknownNameError: neither a known process nor a path that ends in .yaml.
        InputFileError: the file, or the event file that it names, is missing or unreadable, or it is no YAML.
        SettingsError: the file breaks the schema; the message names the field.
    """
    if str(name) in known_processes():
        source = resources.files("nanosieve.physics.events") / "recipes" / f"{name}.yaml"
        return _validated(yaml.safe_load(source.read_text(encoding="utf-8")), str(name))
    if Path(name).suffix not in (".yaml", ".yml"):
        raise UnknownNameError.among("process", str(name), [*known_processes(), *COCKTAILS])
    path = existing_file(name, kind="recipe", suffixes=(".yaml", ".yml"))
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"recipe {str(path)!r} is not YAML: {' '.join(str(error).split())}"
        raise InputFileError(message) from error
    return _validated(content, str(path), path.parent)


def _validated(content: Any, where: str, folder: Path = Path()) -> Recipe:
    if not isinstance(content, dict):
        message = f"recipe {where!r} must be a mapping with name, title and pythia"
        raise SettingsError(message)
    try:
        return Recipe.model_validate(content, context={"folder": folder})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        place = f", field {field!r}" if field else ""
        message = f"recipe {where!r}{place}: {first['msg'].removeprefix('Value error, ')}"
        raise SettingsError(message) from error


def expand(processes: str, events: int) -> dict[str, int]:
    """Split a request into recipes and their numbers of passing events.

    Args:
        processes: names, recipe paths or cocktails, separated by commas; ``name:200`` has a number of its
            own.
        events: passing events of each process without one; a cocktail as a whole gets this number.

    Raises:
        SettingsError: `events` < 1, no name, or one process twice.

    >>> expand("sm,h0:50", 1000)
    {'w_lnu': 592, 'qcd': 338, 'z_ll': 67, 'ttbar': 3, 'h0': 50}
    """
    if events < 1:
        message = f"the number of events is {events}; give 1 or more with -n"
        raise SettingsError(message)
    names = [name.strip() for name in processes.split(",") if name.strip()]
    if not names:
        message = f"no process given; known: {', '.join([*known_processes(), *COCKTAILS])}"
        raise SettingsError(message)
    numbers: dict[str, int] = {}
    for entry in names:
        name, colon, own = entry.rpartition(":")
        if not colon or not own.strip().isdigit():
            name, own = entry, str(events)
        number = int(own)
        if number < 1:
            message = f"{entry!r} asks for no events; give 1 or more"
            raise SettingsError(message)
        shares = _split(number, COCKTAILS[name]) if name in COCKTAILS else {name: number}
        for process, share in shares.items():
            if process in numbers:
                message = f"process {process!r} is requested twice in {processes!r}; name it once"
                raise SettingsError(message)
            numbers[process] = share
    return numbers


def _split(events: int, fractions: Mapping[str, float]) -> dict[str, int]:
    """Largest remainders: whole numbers in these fractions that add up to `events`."""
    exact = {name: events * fraction / sum(fractions.values()) for name, fraction in fractions.items()}
    numbers = {name: int(value + 1e-9) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: numbers[name] - exact[name])
    for name in by_remainder[: events - sum(numbers.values())]:
        numbers[name] += 1
    return {name: number for name, number in numbers.items() if number}
