"""The meaning of a menu in plain Python, one event at a time: slow, and what the loops are tested against.

An event passes a selection if distinct objects can be assigned to all its legs so that every object passes
the cuts of its leg and every pair cut holds. Objects of different collections are distinct in any case. It
passes a line if it passes the Level-1 item of the line and the selection of the high-level trigger. Prescales
are no part of the decision: rates take them into account as probabilities.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from nanosieve.physics.events.trigger_sample import TriggerEvents
from nanosieve.physics.menu.schema import Item, Leg, Menu, PairCut, Selection, Window
from nanosieve.physics.menu.words import OBJECTS, WORKING_POINTS, Level, TriggerObject

__all__ = ["decide", "passes"]

Object = Mapping[str, float]


def decide(
    menu: Menu, events: TriggerEvents, number: int, scores: Mapping[str, float] | None = None
) -> tuple[dict[str, bool], dict[str, bool]]:
    """The decisions of one event.

    Args:
        menu: the menu.
        events: a block with the columns that the menu needs.
        number: of the event in the block.
        scores: output of each network of the menu for this event, by its path.

    Returns:
        Level-1 item → fired, line → fired; both before prescales.
    """
    items = {name: passes(menu, item, "l1", events, number, scores) for name, item in menu.l1.items()}
    lines = {
        name: items[line.l1] and passes(menu, line.hlt, "hlt", events, number, scores)
        for name, line in menu.lines.items()
    }
    return items, lines


def passes(
    menu: Menu,
    selection: Selection,
    level: Level,
    events: TriggerEvents,
    number: int,
    scores: Mapping[str, float] | None = None,
) -> bool:
    """Whether event `number` of a block passes `selection`; see `decide`."""
    if isinstance(selection, Item) and selection.bunch_group is not None:
        group = dict(menu.bunch_groups)[selection.bunch_group]
        if int(events.scalars["bunch"][number]) not in group:
            return False
    if selection.score is not None and not (scores or {})[selection.score.network] > selection.score.above:
        return False
    slots = [(n, leg) for n, leg in enumerate(selection.legs) for _ in range(leg.count)]
    kinds = [OBJECTS[level][leg.object] for _, leg in slots]
    found = [list(_objects(kind, events, number)) for kind in kinds]
    for numbers in itertools.product(*(range(len(objects)) for objects in found)):
        chosen = [objects[n] for objects, n in zip(found, numbers, strict=True)]
        taken = {(kind.columns, n) for kind, n in zip(kinds, numbers, strict=True)}
        if len(taken) == len(slots) and _accepted(menu, selection, slots, kinds, chosen):
            return True
    return False


def _accepted(
    menu: Menu,
    selection: Selection,
    slots: list[tuple[int, Leg]],
    kinds: list[TriggerObject],
    chosen: list[Object],
) -> bool:
    """Whether distinct objects pass as the objects of the legs in this order."""
    singles = zip(slots, kinds, chosen, strict=True)
    if not all(_leg(menu, leg, kind, thing) for (_, leg), kind, thing in singles):
        return False
    for pair in selection.pairs:
        both = [n for n, (_, leg) in enumerate(slots) if leg.called in pair.between]
        first, second = (dict(chosen[n]) | {"rest": _mass(kinds[n], chosen[n])} for n in both)
        if not _pair(pair, first, second):
            return False
    if selection.exclusive_dr is not None:
        for (k, a), (m, b) in itertools.combinations(zip(kinds, chosen, strict=True), 2):
            apart = k.columns != m.columns and not k.scalar and not m.scalar
            if apart and _delta_r(a, b) < selection.exclusive_dr:
                return False
    return True


def _objects(kind: TriggerObject, events: TriggerEvents, number: int) -> Iterator[Object]:
    if kind.scalar:
        names = ("pt", "phi")[: len(kind.columns)]
        yield {
            name: float(events.scalars[column][number])
            for name, column in zip(names, kind.columns, strict=True)
        }
        return
    collection = events.collections[kind.columns[0]]
    for n in range(int(collection.offsets[number]), int(collection.offsets[number + 1])):
        yield {name: float(values[n]) for name, values in collection.fields.items()}


def _leg(menu: Menu, leg: Leg, kind: TriggerObject, thing: Object) -> bool:
    limits: Any = menu.definitions.isolated
    return (
        thing["pt"] >= leg.pt
        and (leg.eta_max is None or abs(thing["eta"]) < leg.eta_max)
        and (not leg.isolated or thing["iso"] < limits[kind.level][kind.word])
        and (leg.quality is None or thing["quality"] >= menu.definitions.quality[leg.quality])
        and (leg.mass_min is None or thing["mass"] >= leg.mass_min)
        and (leg.btag_eff is None or 0 < thing["btag"] <= WORKING_POINTS[leg.btag_eff])
        and (leg.charge is None or thing["charge"] == leg.charge)
    )


def _pair(pair: PairCut, a: Object, b: Object) -> bool:
    values = {
        "mass": _invariant_mass,
        "delta_r": _delta_r,
        "delta_phi": _delta_phi,
        "delta_eta": _delta_eta,
    }
    if not all(_inside(window, values[name](a, b)) for name, window in pair.windows().items()):
        return False
    if pair.charge is None:
        return True
    return (a["charge"] * b["charge"] < 0) if pair.charge == "opposite" else a["charge"] * b["charge"] > 0


def _inside(window: Window, value: float) -> bool:
    return (window.min is None or value >= window.min) and (window.max is None or value <= window.max)


def _delta_eta(a: Object, b: Object) -> float:
    return abs(a["eta"] - b["eta"])


def _delta_phi(a: Object, b: Object) -> float:
    return abs((a["phi"] - b["phi"] + math.pi) % (2 * math.pi) - math.pi)


def _delta_r(a: Object, b: Object) -> float:
    return math.sqrt((a["eta"] - b["eta"]) ** 2 + _delta_phi(a, b) ** 2)


def _mass(kind: TriggerObject, thing: Object) -> float:
    return float(thing["mass"]) if kind.level == "hlt" and "mass" in thing else kind.mass


def _invariant_mass(a: Object, b: Object) -> float:
    """√(m₁² + m₂² + 2 (E₁E₂ − p₁·p₂))."""
    energy, along = 1.0, 1.0
    for thing in (a, b):
        momentum = thing["pt"] * math.cosh(thing["eta"])
        energy *= math.sqrt(momentum**2 + thing["rest"] ** 2)
        along *= thing["pt"] * math.sinh(thing["eta"])
    across = a["pt"] * b["pt"] * math.cos(a["phi"] - b["phi"])
    square = a["rest"] ** 2 + b["rest"] ** 2 + 2 * (energy - along - across)
    return math.sqrt(max(square, 0.0))
