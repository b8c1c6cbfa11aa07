"""What a design buys, and every input of its cost as a band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from nanosieve.devices import Band, Infrastructure, find_hardware, infrastructure
from nanosieve.farm.designs import Design

__all__ = ["GROUPS", "inputs", "purchases"]

GROUPS = {
    "hardware_trigger": "hardware trigger",
    "nodes": "nodes",
    "accelerators": "accelerators",
    "network": "network",
}
"""Group of what is bought → its title."""


def purchases(design: Design) -> dict[str, dict[str, int]]:
    """Group → name of the hardware in the catalogue → how many; servers of a pool count as accelerators."""
    bought: dict[str, dict[str, int]] = {group: {} for group in GROUPS}

    def add(group: str, hardware: Mapping[str, int], times: int = 1) -> None:
        for name, count in hardware.items():
            canonical = find_hardware(name).name
            bought[group][canonical] = bought[group].get(canonical, 0) + count * times

    if design.hardware_trigger is not None:
        add("hardware_trigger", design.hardware_trigger.hardware)
    add("nodes", design.nodes.hardware, design.nodes.count)
    add("network", design.event_building.hardware)
    if (accelerators := design.accelerators) is not None:
        in_pool = accelerators.attached == "pool"
        add("accelerators", {accelerators.kind: accelerators.count}, 1 if in_pool else design.nodes.count)
        add("accelerators", accelerators.hosts)
        if accelerators.network is not None:
            add("network", accelerators.network.hardware)
    return bought


def inputs(design: Design) -> dict[str, Band]:
    """Every number that the cost of `design` depends on, by the name that the sensitivity shows.

    What the design says under ``cost`` comes before the catalogue.
    """
    own = {find_hardware(name).name: edges for name, edges in design.cost.prices.items()}
    found: dict[str, Band] = {}
    everywhere = infrastructure()
    things = sorted({name for bought in purchases(design).values() for name in bought})
    for thing in map(find_hardware, things):
        price = own.get(thing.name)
        key = f"cost.prices.{thing.name}"
        found[f"price of {thing.name}"] = thing.price if price is None else _own(design, key, price, "USD")
        found[f"power of {thing.name}"] = thing.power
        if "rack_units" in thing.numbers:
            found[f"height of {thing.name}"] = thing.numbers["rack_units"]
        found[f"busy {thing.kind}"] = everywhere.busy[thing.kind]
        found[f"idle {thing.kind}"] = everywhere.idle[thing.kind]
    for field in fields(Infrastructure):
        band = getattr(everywhere, field.name)
        if isinstance(band, Band):
            given = getattr(design.cost, field.name)
            own_band = band if given is None else _own(design, f"cost.{field.name}", given, band.unit)
            found[field.name.replace("_", " ")] = own_band
    return found


def _own(design: Design, key: str, edges: tuple[float, float], unit: str) -> Band:
    return Band(*edges, unit, design.origin(key))
