"""The schema of a trigger menu: Level-1 items, lines of the high-level trigger, legs and cuts.

A menu is data: frozen, without defaults that depend on anything else, and every contradiction is refused when
it is made (`nanosieve.physics.menu.checks`). Momenta and masses are in GeV, angles in radians.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from nanosieve.figure import Figure, Provenance
from nanosieve.physics.filling import SLOTS
from nanosieve.physics.menu.checks import contradictions
from nanosieve.physics.menu.words import QUALITIES

__all__ = [
    "Definitions",
    "Item",
    "Leg",
    "Line",
    "Menu",
    "PairCut",
    "PublishedRates",
    "PublishedTotal",
    "Score",
    "Selection",
    "Trust",
    "Window",
]

Trust = Literal["published", "derived", "reported", "recalled"]
"""Read in the publication; worked out from counts read there; taken from another public source; from memory,
not checked."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=80)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Prescale = Annotated[float, Field(ge=1)]
"""One event in so many is kept, at random."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Leg(_Strict):
    """`count` objects that each pass all cuts: ``pt >= pt``, ``|eta| < eta_max``, and so on."""

    object: str
    """a word of `nanosieve.physics.menu.words.OBJECTS` at this level"""
    count: Annotated[int, Field(ge=1, le=12)] = 1
    pt: NotNegative
    """GeV; of ``met`` and ``ht`` the value itself"""
    name: Name | None = None
    """what pair cuts call it; the object by default"""
    eta_max: Positive | None = None
    isolated: bool = False
    """relative isolation below the limit of the menu's definitions"""
    quality: str | None = None
    """``very_loose``, ``loose``, ``medium`` or ``tight``, which include the tighter ones"""
    mass_min: Positive | None = None
    """GeV; of large-radius jets"""
    btag_eff: float | None = None
    """working point of a ``bjet``: 0.4, 0.6 or 0.7 efficiency for b jets"""
    charge: Literal[-1, 1] | None = None

    @property
    def called(self) -> str:
        """Its name in pair cuts."""
        return self.name or self.object


class Window(_Strict):
    """``min <= value <= max``; one of the two may be left out."""

    min: NotNegative | None = None
    max: NotNegative | None = None


class PairCut(_Strict):
    """A cut on two objects, both single: two legs of one object each, or twice the same leg of two."""

    between: tuple[str, str]
    mass: Window | None = None
    """invariant mass in GeV"""
    delta_r: Window | None = None
    """√(Δη² + Δφ²)"""
    delta_phi: Window | None = None
    """|Δφ|, 0 to π"""
    delta_eta: Window | None = None
    """|Δη|"""
    charge: Literal["opposite", "same"] | None = None

    def windows(self) -> dict[str, Window]:
        """The windows that are set, by name."""
        found = {name: getattr(self, name) for name in ("mass", "delta_r", "delta_phi", "delta_eta")}
        return {name: window for name, window in found.items() if window is not None}


class Score(_Strict):
    """A neural network that must give more than a threshold."""

    network: str
    """compiled design or model file, relative to the menu"""
    inputs: Literal["19-objects"] = "19-objects"
    """MET, 4 electrons (Level 1: electromagnetic clusters), 4 muons, 10 jets × (pT, η, φ)"""
    above: float


class Selection(_Strict):
    """What an event must have at one level: distinct objects for all legs, which pass the pair cuts."""

    legs: tuple[Leg, ...] = ()
    pairs: tuple[PairCut, ...] = ()
    exclusive_dr: Positive | None = None
    """least ΔR between objects of different collections; without it a tau may also count as a jet"""
    score: Score | None = None
    pass_through: bool = False
    """nothing is asked for; otherwise a selection without legs and score is taken for a mistake"""
    prescale: Prescale = 1.0
    chain: str = ""
    """its name in the experiment"""


class Item(Selection):
    """A Level-1 item; several lines may start from it, and it is prescaled once."""

    bunch_group: str | None = None
    """name of the bunch slots in which it may fire; all by default"""


class PublishedRates(_Strict):
    """Rates of a line in the publication of the menu, with the trust of each cell."""

    l1_khz: NotNegative | None = None
    hlt_hz: NotNegative | None = None
    l1_khz_error: NotNegative | None = None
    """statistical, one standard deviation"""
    trust: Mapping[Literal["offline", "l1", "hlt", "l1_khz", "hlt_hz"], Trust] = {}
    """cells that are not read in the publication; all others are"""

    def trust_of(self, cell: str) -> Trust:
        """Where the cell comes from."""
        return next((trust for name, trust in self.trust.items() if name == cell), "published")


class PublishedTotal(_Strict):
    """A rate that the publication gives for the menu or a part of it."""

    title: str
    value: NotNegative
    unit: Literal["kHz", "Hz"]
    trust: Trust = "published"


class Line(_Strict):
    """A line of the menu: a Level-1 item and the selection of the high-level trigger after it."""

    category: str = "other"
    offline: Selection | None = None
    """what an analysis asks for; shown, not evaluated"""
    l1: str
    """name of its Level-1 item"""
    hlt: Selection
    published: PublishedRates = PublishedRates()
    note: str = ""


class Definitions(_Strict):
    """What the words of the menu mean."""

    isolated: Mapping[Literal["l1", "hlt"], Mapping[str, Positive]] = {}
    """level → object → limit: isolated is ``iso < limit``"""
    quality: Mapping[str, Annotated[int, Field(ge=0, le=3)]] = QUALITIES
    """word → least value of the column ``quality``"""
    note: str = ""


class Menu(_Strict):
    """A trigger menu.

    Raises:
        pydantic.ValidationError: contradictory cuts, unknown objects, items or words.
            `load_menu` and `parse_menu` turn it into the errors of this package.
    """

    format: Literal[1] = 1
    name: Name
    title: str = ""
    source: str = ""
    luminosity: str = "2e34 / cm**2 / s"
    """at which the published rates hold"""
    definitions: Definitions = Definitions()
    bunch_groups: Mapping[Name, tuple[int, ...]] = {}
    """name → bunch slots, 0 … 3563; in YAML also as ranges, ``0-1200``"""
    l1: Mapping[Name, Item]
    lines: Mapping[Name, Line]
    totals: Mapping[Name, PublishedTotal] = {}

    @field_validator("bunch_groups", mode="before")
    @classmethod
    def _ranges(cls, groups: Any) -> Any:
        if not isinstance(groups, Mapping):
            return groups
        return {name: _slots(slots) for name, slots in groups.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Menu:
        for path, kind, message in contradictions(self):
            raise PydanticCustomError(kind, "{message}", {"message": message, "path": path})
        return self

    def published_figure(self, line: str, cell: Literal["l1_khz", "hlt_hz"]) -> Figure | None:
        """A rate of the publication; None where it is not given or was not read there."""
        rates = self.lines[line].published
        value = getattr(rates, cell)
        if value is None or rates.trust_of(cell) != "published":
            return None
        return Figure(value, "kHz" if cell == "l1_khz" else "Hz", Provenance.PUBLISHED, source=self.source)


def _slots(given: Any) -> Any:
    """Slots of a list of numbers and ranges; anything else is left to the schema."""
    if not isinstance(given, list | tuple):
        return given
    found: list[Any] = []
    for part in given:
        first, dash, last = part.partition("-") if isinstance(part, str) else (part, "", "")
        if dash and first.strip().isdecimal() and last.strip().isdecimal() and int(last) < SLOTS:
            found += range(int(first), int(last) + 1)
        else:
            found.append(part)
    return tuple(found)
