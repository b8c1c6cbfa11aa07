"""``nanosieve devices``: the catalogues of FPGAs and of farm hardware as tables."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from nanosieve.cli._terminal import echo_json, show_table
from nanosieve.devices import (
    KINDS,
    RESOURCES,
    UNITS,
    Band,
    Device,
    Hardware,
    Trust,
    devices,
    find_hardware,
    hardware,
    infrastructure,
)

__all__ = ["MARKS", "command"]

MARKS = {
    Trust.PUBLISHED: "",
    Trust.RECALLED: "~",
    Trust.DERIVED: "=",
    Trust.ASSUMED: "?",
    Trust.MEASURED: "*",
}
"""Trust of a number → the mark in front of it."""
_LEGEND = (
    "~ recalled from a data sheet or a market level, not checked    = derived from another entry    "
    "? assumed here"
)


@click.command("devices", short_help="list the FPGAs, CPUs, GPUs, servers and network of the catalogue")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with the source of every number.")
def command(names: tuple[str, ...], as_json: bool) -> None:
    """List FPGAs with their resources, and all hardware of a farm with its price and power.

    Counts are those of the bare device; prices are bands in USD, powers the most that is drawn, in W.
    A number without a mark was read in a public source; ~ marks a vendor's number or a market level
    quoted from memory, = one derived from another entry and ? one assumed here.
    Every verb that takes a device also knows it by its short name (vu9p) or its full part number.

    \b
    Example:
      nanosieve devices
      nanosieve devices vu9p u250 t4 --json
    """
    things = [find_hardware(name) for name in names] or hardware()
    fpgas = [device for thing in things for device in devices() if device.name == thing.name]
    if as_json:
        document = {
            "devices": {device.name: _document(device) for device in fpgas},
            "hardware": {thing.name: _hardware_document(thing) for thing in things},
        }
        echo_json(document if names else document | {"infrastructure": _infrastructure_document()})
        return
    if fpgas:
        header = ["device", *(UNITS[resource] for resource in RESOURCES), "numbers"]
        show_table("FPGAs and cards", header, [_row(device) for device in fpgas])
    usable = {tuple(device.usable[resource] for resource in RESOURCES) for device in fpgas}
    for fractions in sorted(usable):
        parts = ", ".join(
            f"{UNITS[resource]} {100 * fraction:.0f} %"
            for resource, fraction in zip(RESOURCES, fractions, strict=True)
        )
        click.echo(f"usable: {parts}  (published: {fpgas[0].usable_origins['lut'].source})")
    header = ["hardware", "kind", "price [USD]", "power [W]"]
    rows = [_hardware_row(thing) for thing in things]
    show_table("Hardware of a farm", header, rows, left=2)
    if not names:
        show_table("Infrastructure", ["quantity", "band", "unit"], _infrastructure_rows())
    click.echo(_LEGEND)


def _row(device: Device) -> list[str]:
    counts = [f"{MARKS[device.origins[resource].trust]}{device.count(resource):,}" for resource in RESOURCES]
    return [device.name, *counts, str(device.trust)]


def _hardware_row(thing: Hardware) -> list[str]:
    return [thing.name, KINDS[thing.kind], _marked(thing.price), _marked(thing.power)]


def _infrastructure_rows() -> list[list[str]]:
    bands = _infrastructure_bands()
    return [[name.replace("_", " "), _marked(band), band.unit] for name, band in bands.items()]


def _infrastructure_bands() -> dict[str, Band]:
    """The numbers that do not depend on the kind of hardware."""
    everywhere = infrastructure()
    found = {field.name: getattr(everywhere, field.name) for field in fields(everywhere)}
    return {name: band for name, band in found.items() if isinstance(band, Band)}


def _marked(band: Band) -> str:
    """The edges with the mark of their trust."""
    edges = f"{band.low:,g}" if band.low == band.high else f"{band.low:,g} – {band.high:,g}"
    return f"{MARKS[band.origin.trust]}{edges}"


def _document(device: Device) -> dict[str, Any]:
    return {
        "title": device.title,
        "kind": device.kind,
        "architecture": device.architecture,
        "aliases": list(device.aliases),
        "resources": {resource: device.figure(resource).to_dict() for resource in RESOURCES},
        "usable": {resource: device.usable_figure(resource).to_dict() for resource in RESOURCES},
    }


def _hardware_document(thing: Hardware) -> dict[str, Any]:
    return {
        "title": thing.title,
        "kind": thing.kind,
        "aliases": list(thing.aliases),
        "holds": dict(thing.holds),
        "numbers": {name: band.figure.to_dict() for name, band in thing.numbers.items()},
    }


def _infrastructure_document() -> dict[str, Any]:
    everywhere = infrastructure()
    parts = {"busy": everywhere.busy, "idle": everywhere.idle}
    return {name: band.figure.to_dict() for name, band in _infrastructure_bands().items()} | {
        state: {kind: band.figure.to_dict() for kind, band in by_kind.items()}
        for state, by_kind in parts.items()
    }
