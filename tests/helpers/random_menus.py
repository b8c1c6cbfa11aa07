"""Menus that hypothesis draws: every object and cut, few objects, so that the reference stays fast."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from nanosieve.physics.menu import Menu, parse_menu
from nanosieve.physics.menu.words import OBJECTS, QUALITIES, WORKING_POINTS, Level

LIMITS = {
    level: {word: 0.1 for word, kind in objects.items() if "iso" in kind.fields}
    for level, objects in OBJECTS.items()
}


@st.composite
def legs(draw: st.DrawFn, level: Level, word: str | None = None, count: int | None = None) -> dict[str, Any]:
    kind = OBJECTS[level][word or draw(st.sampled_from(sorted(OBJECTS[level])))]
    leg: dict[str, Any] = {"object": kind.word, "pt": draw(st.sampled_from([0.0, 4.0, 5.5, 8.0, 12.0, 20.0]))}
    if not kind.scalar:
        leg["count"] = count or draw(st.sampled_from([1, 1, 1, 2]))
    optional: dict[str, Any] = {
        "eta": ("eta_max", st.sampled_from([0.8, 1.5, 2.5])),
        "iso": ("isolated", st.just(True)),
        "quality": ("quality", st.sampled_from(sorted(QUALITIES))),
        "mass": ("mass_min", st.sampled_from([5.0, 20.0])),
        "charge": ("charge", st.sampled_from([-1, 1])),
    }
    for field, (key, values) in optional.items():
        if field in kind.fields and draw(st.integers(0, 2)) == 0:
            leg[key] = draw(values)
    if "btag" in kind.fields:
        leg["btag_eff"] = draw(st.sampled_from(sorted(WORKING_POINTS)))
    return leg


@st.composite
def pair_cuts(draw: st.DrawFn, level: Level, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    kinds = [OBJECTS[level][leg["object"]] for leg in (first, second)]
    cut: dict[str, Any] = {"between": [first["name"], second["name"]]}
    windows = {"mass": (10.03, 60.07), "delta_r": (0.503, 2.017), "delta_phi": (0.307, 2.011)}
    windows["delta_eta"] = (0.303, 1.507)
    needs = {"mass": ("eta", "phi"), "delta_r": ("eta", "phi"), "delta_phi": ("phi",), "delta_eta": ("eta",)}
    possible = [name for name in windows if all(set(needs[name]) <= set(kind.fields) for kind in kinds)]
    if all("charge" in kind.fields for kind in kinds):
        possible.append("charge")
    for name in draw(st.lists(st.sampled_from(possible), min_size=1, max_size=2, unique=True)):
        if name == "charge":
            cut[name] = draw(st.sampled_from(["same", "opposite"]))
        else:
            low, high = windows[name]
            cut[name] = draw(st.sampled_from([{"min": low}, {"max": high}, {"min": low, "max": high}]))
    return cut


@st.composite
def selections(draw: st.DrawFn, level: Level) -> dict[str, Any]:
    same = draw(st.sampled_from([None, None, "jet", "mu"]))  # legs on one collection are the hard case
    chosen = draw(st.lists(legs(level, same), min_size=1, max_size=3))
    if same == "jet" and level == "hlt" and draw(st.booleans()):
        chosen.append(draw(legs(level, "bjet", 1)))
    for number, leg in enumerate(chosen):
        leg["name"] = f"leg{number}"
    selection: dict[str, Any] = {"legs": chosen}
    single = [leg for leg in chosen if leg.get("count", 1) == 1 and leg["object"] != "ht"]
    double = [leg for leg in chosen if leg.get("count", 1) == 2]
    between = []
    if len(single) > 1 and draw(st.booleans()):
        pair = draw(st.permutations(single))[:2]
        if {leg["object"] for leg in pair} != {"met"}:
            between.append(pair)
    if double and draw(st.booleans()):
        between.append([double[0], double[0]])
    if between:
        selection["pairs"] = [draw(pair_cuts(level, *pair)) for pair in between]
    if draw(st.integers(0, 4)) == 0:
        selection["exclusive_dr"] = 0.707
    return selection


@st.composite
def menus(draw: st.DrawFn) -> Menu:
    items = {f"I{n}": draw(selections("l1")) for n in range(draw(st.integers(1, 3)))}
    if draw(st.booleans()):
        items["I0"]["bunch_group"] = "first"
    lines = {
        f"line{n}": {"l1": draw(st.sampled_from(sorted(items))), "hlt": draw(selections("hlt"))}
        for n in range(draw(st.integers(1, 3)))
    }
    return parse_menu(
        {
            "name": "random",
            "definitions": {"isolated": LIMITS},
            "bunch_groups": {"first": ["0-1800"]},
            "l1": items,
            "lines": lines,
        }
    )
