"""`design_report`: the page of one design, from its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nanosieve.compiler.verification import read_design
from nanosieve.devices import Device, find_device
from nanosieve.figure import Figure, Provenance
from nanosieve.report.activity import Activity, activity_chart
from nanosieve.report.clock_band import clock_band
from nanosieve.report.memory_map import memory_map
from nanosieve.report.page import Numbers, Picture, Section, Table, Text, write_report
from nanosieve.report.resources import LayerResources, resource_bars

__all__ = ["design_report"]

_RESOURCES = {"LUT": "lut", "FF": "ff", "DSP": "dsp", "BRAM36": "bram36", "URAM": "uram"}


def design_report(folder: str | Path) -> Path:
    """Write ``report.html`` into the folder of a design and return its path.

    The resources are those of Yosys where the design was synthesised, else the estimates.

    Raises:
        InputFileError: not a folder made by ``nanosieve compile``.
        OutputError: the folder cannot be written to.
        MissingDependencyError: matplotlib, mplhep or jinja2 is not installed.
    """
    folder = read_design(folder).path
    design = json.loads((folder / "design.json").read_text(encoding="utf-8"))
    synthesised = _synthesis(folder, design)
    timing = {name: Figure.from_dict(row) for name, row in design["timing"].items()}
    resources = synthesised["resources"] if synthesised else design["estimate"]
    counted = {word: Figure.from_dict(resources[name]) for word, name in _RESOURCES.items()}
    used = {word: figure for word, figure in counted.items() if figure.value}
    device = find_device(design["device"])
    headline = Numbers(
        (
            ("latency", timing["latency_ns"]),
            ("cycles between events", timing["interval_cycles"]),
            *((word, figure) for word, figure in used.items()),
        )
    )
    sections = [
        Section("In short", (headline, Text((_summary(design, device),)))),
        Section("When each layer works", (_schedule(design), _choices(design))),
        Section("Where the resources go", (_resources(design, synthesised, device, used),)),
        Section("What is stored", (_memory(design),)),
        Section("The clock", (_clock(design, timing, folder), Text((timing["fmax_mhz"].source,)))),
    ]
    budget = [(name, str(value)) for name, value in design["budget"].items()]
    return write_report(folder, f"{design['name']} on {device.name}", sections, conditions=budget)


def _synthesis(folder: Path, design: Mapping[str, Any]) -> dict[str, Any] | None:
    """What ``nanosieve synth`` found for this design, if it ran after the last ``compile``."""
    path = folder / "synth" / "synthesis.json"
    if not path.is_file() or path.stat().st_mtime < (folder / "design.json").stat().st_mtime:
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found if found.get("device") == design["device"] else None


def _summary(design: Mapping[str, Any], device: Device) -> str:
    interval, latency = design["interval_cycles"], design["latency_cycles"]
    rate = "an event every cycle" if interval == 1 else f"an event every {interval} cycles"
    shared = len(design["plan"]["layers"])
    how = f"{shared} layers are shared in time" if shared else "every layer has its own hardware"
    return (
        f"{rate.capitalize()} of {design['clock_mhz']:g} MHz, outputs {latency} cycles after the first "
        f"input; {how}. The device is {device.name}."
    )


def _activity(layer: Mapping[str, Any], design: Mapping[str, Any]) -> Activity:
    chosen = _choice(layer["layer"], design)
    if layer["kind"] == "Collect":
        how = "gathers elements"
    elif len(layer["slots"]) == 1:
        how = "unrolled"
    else:
        how = "one cell for several steps" if chosen.startswith("cells") else "slots"
    starts = layer["slots"] if len(layer["slots"]) > 1 or layer["slots"][0] else [layer["first_stage"]]
    return Activity(layer["layer"], how, starts, max(layer["stage"] - starts[-1], 0))


def _choice(part: str, design: Mapping[str, Any]) -> str:
    """How the layer is built that a module is part of, such as ``dense.sums`` of ``dense``."""
    plan = design["plan"]["layers"]
    owners = [layer for layer in plan if part == layer or part.startswith(f"{layer}.")]
    return plan[max(owners, key=len)] if owners else "unrolled"


def _schedule(design: Mapping[str, Any]) -> Picture:
    rows = [_activity(layer, design) for layer in design["layers"]]
    chart = activity_chart(
        rows,
        title=design["name"],
        clock_mhz=design["clock_mhz"],
        latency=design["latency_cycles"],
        interval=design["interval_cycles"],
    )
    return Picture((chart,), "When each layer works on one event; estimated from the static schedule.")


def _choices(design: Mapping[str, Any]) -> Table:
    rows = []
    for layer in design["layers"]:
        name = layer["layer"]
        count = len(layer["slots"])
        unit = "slot" if count == 1 else "slots"
        slots = Figure(count, unit, Provenance.ESTIMATED, source="schedule")
        last = Figure(layer["stage"], "cycles", Provenance.ESTIMATED, source="schedule")
        rows.append((name, layer["kind"], _choice(name, design), slots, last))
    return Table(
        ("layer", "what it does", "built as", "per event", "ready after"),
        tuple(rows),
        "slots:P,Q,R works on P positions, one of Q parts of the columns and one of R parts of the inputs at "
        "a time; cells:N,Q is a recurrent layer with N copies of its cell, which make one of Q parts of the "
        "state at a time.",
    )


def _resources(
    design: Mapping[str, Any],
    synthesised: Mapping[str, Any] | None,
    device: Device,
    used: Mapping[str, Figure],
) -> Picture:
    names = {layer["module"]: layer["layer"] for layer in design["layers"]}
    counts: dict[str, dict[str, float]] = {name: {} for name in names.values()}
    if synthesised:
        for module in synthesised["modules"]:
            owner = module["module"].removesuffix("_slot")
            row = counts.setdefault(names.get(owner, "between layers"), {})
            for word, kind in _RESOURCES.items():
                row[word] = row.get(word, 0) + module["resources"][kind]["value"]
    else:
        for layer in design["layers"]:
            row = counts[layer["layer"]]
            for word, kind in _RESOURCES.items():
                row[word] = row.get(word, 0) + layer["estimate"].get(kind, 0)
    bars = resource_bars(
        [LayerResources(name, row) for name, row in counts.items()],
        {word: int(device.count(_RESOURCES[word])) for word in used},
        device=device.name,
        provenance=Provenance.SYNTHESISED if synthesised else Provenance.ESTIMATED,
    )
    said = "counted in the netlist of Yosys" if synthesised else "estimated before synthesis"
    return Picture((bars,), f"Resources of each layer, {said}.")


def _memory(design: Mapping[str, Any]) -> Picture:
    chart = memory_map(
        [(layer["layer"], layer["memory"]) for layer in design["layers"]], title=design["name"]
    )
    return Picture((chart,), "Bits that each layer stores, by where they are kept; estimated.")


def _clock(design: Mapping[str, Any], timing: Mapping[str, Figure], folder: Path) -> Picture:
    reached = [("this design", timing["fmax_mhz"])]
    path = folder / "synth" / "route.ecp5.json"
    if path.is_file():
        routed = json.loads(path.read_text(encoding="utf-8")).get("fmax_mhz")
        if isinstance(routed, dict):
            reached.append(("routed on ECP5", Figure.from_dict(routed)))
    caption = "The clock asked and the clock estimated, with one and two standard deviations."
    return Picture((clock_band(design["clock_mhz"], reached),), caption)
