"""Contradictions in a menu, each with its place: what a type cannot say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from nanosieve.errors import NanosieveError, UnknownNameError
from nanosieve.physics.filling import SLOTS
from nanosieve.physics.menu.words import OBJECTS, WORKING_POINTS, Level, TriggerObject
from nanosieve.units import magnitude

if TYPE_CHECKING:
    from nanosieve.physics.menu.schema import Leg, Menu, PairCut, Selection, Window

__all__ = ["contradictions"]

MOST_LEGS = 8
"""of one collection in a selection: all their subsets are looked at"""
MOST_OBJECTS = 16
"""of a selection with pair cuts"""

Path = tuple[str | int, ...]
Found = tuple[Path, str, str]
"""place, ``unknown`` or ``contradiction``, message"""


def _unknown(path: Path, kind: str, name: str, known: Mapping[str, object] | list[str]) -> Found:
    return path, "unknown", str(UnknownNameError.among(kind, name, known))


def contradictions(menu: Menu) -> Iterator[Found]:
    """What is wrong with `menu`, as place, kind and message; nothing if it can be used."""
    try:
        if magnitude(menu.luminosity, "1/pb/s", name="luminosity") <= 0:
            yield ("luminosity",), "contradiction", f"luminosity {menu.luminosity!r} is not positive"
    except NanosieveError as error:
        yield ("luminosity",), "contradiction", str(error)
    yield from _words(menu)
    for part, names in (("l1", menu.l1), ("lines", menu.lines)):
        if "any" in names:
            yield (part, "any"), "contradiction", "'any' stands for all of them together; choose another name"
    for name, item in menu.l1.items():
        yield from _selection(menu, item, "l1", ("l1", name))
        if item.bunch_group is not None and item.bunch_group not in menu.bunch_groups:
            yield _unknown(("l1", name, "bunch_group"), "bunch group", item.bunch_group, menu.bunch_groups)
    if not menu.lines:
        yield ("lines",), "contradiction", "the menu has no line; write one"
    for name, line in menu.lines.items():
        if name in menu.l1:
            message = f"{name!r} is also the name of a Level-1 item; give the line another"
            yield ("lines", name), "contradiction", message
        if line.l1 not in menu.l1:
            yield _unknown(("lines", name, "l1"), "Level-1 item", line.l1, menu.l1)
        yield from _selection(menu, line.hlt, "hlt", ("lines", name, "hlt"))
        if line.offline is not None:
            yield from _selection(menu, line.offline, "hlt", ("lines", name, "offline"))


def _words(menu: Menu) -> Iterator[Found]:
    for group, slots in menu.bunch_groups.items():
        outside = [slot for slot in slots if not 0 <= slot < SLOTS]
        if outside or not slots:
            reason = f"slot {outside[0]} is outside 0 … {SLOTS - 1}" if outside else "no slot"
            yield ("bunch_groups", group), "contradiction", f"bunch group {group!r}: {reason}"
    for level, limits in menu.definitions.isolated.items():
        for word in limits:
            path = ("definitions", "isolated", level, word)
            if word not in OBJECTS[level]:
                yield _unknown(path, f"{level} object", word, OBJECTS[level])
            elif "iso" not in OBJECTS[level][word].fields:
                yield path, "contradiction", f"{word} has no isolation at {level}; remove it"


def _selection(menu: Menu, selection: Selection, level: Level, path: Path) -> Iterator[Found]:
    asks = bool(selection.legs) or selection.score is not None
    if not asks and not selection.pass_through:
        reason = "neither legs nor a score: every event would pass; write a leg, or 'pass_through: true'"
        yield path, "contradiction", reason
    if asks and selection.pass_through:
        yield (*path, "pass_through"), "contradiction", "passes everything and asks for something; remove one"
    collections: Counter[str] = Counter()
    for number, leg in enumerate(selection.legs):
        place = (*path, "legs", number)
        if leg.object not in OBJECTS[level]:
            yield _unknown((*place, "object"), f"{level} object", leg.object, OBJECTS[level])
            return
        collections[OBJECTS[level][leg.object].columns[0]] += 1
        yield from _leg(menu, leg, OBJECTS[level][leg.object], place)
    for column, number in collections.items():
        if number > MOST_LEGS:
            yield path, "contradiction", f"{number} legs take {column}; at most {MOST_LEGS} are possible"
    if selection.pairs or selection.exclusive_dr is not None:
        objects = sum(leg.count for leg in selection.legs)
        if objects > MOST_OBJECTS:
            message = f"pair cuts on {objects} objects; at most {MOST_OBJECTS} are possible"
            yield path, "contradiction", message
    for number, pair in enumerate(selection.pairs):
        yield from _pair(selection, pair, level, (*path, "pairs", number))


def _leg(menu: Menu, leg: Leg, kind: TriggerObject, path: Path) -> Iterator[Found]:
    has = f"{kind.word} at {kind.level} has"
    needs = {
        "eta_max": ("eta", leg.eta_max is not None, "pseudorapidity"),
        "isolated": ("iso", leg.isolated, "isolation"),
        "quality": ("quality", leg.quality is not None, "quality"),
        "mass_min": ("mass", leg.mass_min is not None, "mass"),
        "btag_eff": ("btag", leg.btag_eff is not None, "b-tag"),
        "charge": ("charge", leg.charge is not None, "charge"),
    }
    for key, (field, asked, title) in needs.items():
        if asked and field not in kind.fields:
            owners = [other.word for other in OBJECTS[kind.level].values() if field in other.fields]
            message = f"{has} no {title}; {key} is accepted for {', '.join(owners) or 'no object'}"
            yield (*path, key), "contradiction", message
    if kind.scalar and leg.count != 1:
        yield (*path, "count"), "contradiction", f"{kind.word} exists once in an event; remove count"
    if leg.isolated and "iso" in kind.fields and not _limit(menu, kind):
        message = (
            f"isolated {kind.word} is not defined; add it to definitions: isolated: {{{kind.level}: "
            f"{{{kind.word}: LIMIT}}}}"
        )
        yield (*path, "isolated"), "contradiction", message
    if leg.quality is not None and leg.quality not in menu.definitions.quality:
        yield _unknown((*path, "quality"), "quality", leg.quality, menu.definitions.quality)
    if leg.btag_eff is not None and leg.btag_eff not in WORKING_POINTS:
        known = ", ".join(map(str, WORKING_POINTS))
        yield (*path, "btag_eff"), "contradiction", f"no working point {leg.btag_eff}; accepted: {known}"
    if "btag" in kind.fields and leg.btag_eff is None:
        yield path, "contradiction", "a bjet needs its working point; write btag_eff: 0.4, 0.6 or 0.7"


def _limit(menu: Menu, kind: TriggerObject) -> float | None:
    limits = menu.definitions.isolated
    return limits[kind.level].get(kind.word) if kind.level in limits else None


def _pair(selection: Selection, pair: PairCut, level: Level, path: Path) -> Iterator[Found]:
    legs: list[Leg] = []
    names = Counter(leg.called for leg in selection.legs)
    for called in pair.between:
        if called not in names:
            yield _unknown((*path, "between"), "leg", called, names)
            return
        if names[called] > 1:
            message = f"{names[called]} legs are called {called!r}; give them a name each"
            yield (*path, "between"), "contradiction", message
            return
        legs.append(next(leg for leg in selection.legs if leg.called == called))
    first, second = legs
    wanted = 2 if first is second else 1
    for leg in legs:
        if leg.count != wanted:
            message = (
                f"the cut takes {wanted} of {leg.called!r}, which has count {leg.count}; it needs two single "
                "objects: two legs of count 1, or one leg of count 2 named twice"
            )
            yield (*path, "between"), "contradiction", message
            return
    kinds = [OBJECTS[level][leg.object] for leg in legs]
    yield from _windows(pair, kinds, path)


def _windows(pair: PairCut, kinds: list[TriggerObject], path: Path) -> Iterator[Found]:
    windows = pair.windows()
    if not windows and pair.charge is None:
        message = "no cut; write mass, delta_r, delta_phi, delta_eta or charge"
        yield path, "contradiction", message
    for name, window in windows.items():
        fields = ("phi",) if name == "delta_phi" else ("eta",) if name == "delta_eta" else ("eta", "phi")
        for kind in kinds:
            if not set(fields) <= set(kind.fields):
                yield (*path, name), "contradiction", f"{kind.word} has no {fields[0]}; {name} needs it"
        yield from _window(name, window, (*path, name))
    if pair.charge is not None:
        for kind in kinds:
            if "charge" not in kind.fields:
                yield (*path, "charge"), "contradiction", f"{kind.word} at {kind.level} has no charge"


def _window(name: str, window: Window, path: Path) -> Iterator[Found]:
    if window.min is None and window.max is None:
        yield path, "contradiction", f"{name} has neither min nor max; write one"
    elif window.min is not None and window.max is not None and window.min > window.max:
        yield path, "contradiction", f"{name}: min {window.min:g} is above max {window.max:g}; swap them"
