"""``nanosieve devices``: the catalogue as a table."""

from __future__ import annotations

from typing import Any

import click

from nanosieve.cli._terminal import echo_json, show_table
from nanosieve.devices import RESOURCES, UNITS, Device, Trust, devices, find_device

__all__ = ["command"]


@click.command("devices", short_help="list the FPGAs and cards of the catalogue")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON with the source of every number.")
def command(names: tuple[str, ...], as_json: bool) -> None:
    """List FPGAs and cards: resources, and the part of each that a design can use.

    Counts are those of the bare device. A number without a mark was read in a public source;
    ~ marks a vendor's number quoted from memory and = one derived from another entry.
    Every verb that takes a device also knows it by its short name (vu9p) or its full part number.

    \b
    Example:
      nanosieve devices
      nanosieve devices vu9p u250 --json
    """
    chosen = tuple(find_device(name) for name in names) or devices()
    if as_json:
        echo_json({"devices": {device.name: _document(device) for device in chosen}})
        return
    header = ["device", *(UNITS[resource] for resource in RESOURCES), "numbers"]
    show_table("FPGAs and cards", header, [_row(device) for device in chosen])
    usable = {tuple(device.usable[resource] for resource in RESOURCES) for device in chosen}
    for fractions in sorted(usable):
        parts = ", ".join(
            f"{UNITS[resource]} {100 * fraction:.0f} %"
            for resource, fraction in zip(RESOURCES, fractions, strict=True)
        )
        click.echo(f"usable: {parts}  (published: {chosen[0].usable_origins['lut'].source})")
    click.echo("~ recalled from a data sheet, not checked    = derived from another entry")


def _row(device: Device) -> list[str]:
    mark = {Trust.PUBLISHED: "", Trust.RECALLED: "~", Trust.DERIVED: "="}
    counts = [f"{mark[device.origins[resource].trust]}{device.count(resource):,}" for resource in RESOURCES]
    return [device.name, *counts, str(device.trust)]


def _document(device: Device) -> dict[str, Any]:
    return {
        "title": device.title,
        "kind": device.kind,
        "architecture": device.architecture,
        "aliases": list(device.aliases),
        "resources": {resource: device.figure(resource).to_dict() for resource in RESOURCES},
        "usable": {resource: device.usable_figure(resource).to_dict() for resource in RESOURCES},
    }
