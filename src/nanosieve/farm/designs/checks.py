"""Contradictions in a farm design, each with its place: what a type cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from nanosieve.devices import find_hardware
from nanosieve.errors import NanosieveError, UnknownNameError
from nanosieve.physics.filling import REVOLUTION_FREQUENCY, find_scheme

if TYPE_CHECKING:
    from nanosieve.farm.designs.schema import Accelerators, Design, HardwareTrigger

__all__ = ["contradictions"]

BX = 25e-9
"""s between two crossings"""
_ACCELERATORS = ("gpu", "fpga-card")

Path = tuple[str | int, ...]
Found = tuple[Path, str, str]
"""place, ``unknown`` or ``contradiction``, message"""


def contradictions(design: Design) -> Iterator[Found]:
    """What is wrong with `design`, as place, kind and message; nothing if it can be used."""
    try:
        scheme = find_scheme(design.collisions.filling)
    except NanosieveError as error:
        yield ("collisions", "filling"), "unknown", str(error)
        return
    yield from _hardware(design)
    if design.hardware_trigger is not None:
        yield from _trigger(design.hardware_trigger)
    if design.accelerators is not None:
        yield from _accelerators(design.accelerators)
    yield from _in_flight(design)
    yield from _stages(design)
    yield from _rates(design, scheme.bunches * REVOLUTION_FREQUENCY)
    for key in design.sources:
        if not _is_there(design, key):
            yield ("sources", key), "contradiction", f"the design has no number {key!r}; remove it"


def _hardware(design: Design) -> Iterator[Found]:
    """Names of hardware, wherever they stand."""
    places: dict[Path, Mapping[str, Any]] = {
        ("nodes", "hardware"): design.nodes.hardware,
        ("event_building", "hardware"): design.event_building.hardware,
        ("cost", "prices"): design.cost.prices,
    }
    if design.hardware_trigger is not None:
        places["hardware_trigger", "hardware"] = design.hardware_trigger.hardware
    if design.accelerators is not None:
        places["accelerators", "hosts"] = design.accelerators.hosts
        if design.accelerators.network is not None:
            places["accelerators", "network", "hardware"] = design.accelerators.network.hardware
    for path, bought in places.items():
        for name in bought:
            try:
                thing = find_hardware(name)
            except UnknownNameError as error:
                yield (*path, name), "unknown", str(error)
                continue
            inside = [part for part in thing.holds if find_hardware(part).kind in _ACCELERATORS]
            if inside and path in (("nodes", "hardware"), ("accelerators", "hosts")):
                message = (
                    f"{name} holds {inside[0]} already, in its price and power; write a server without and "
                    f"accelerators: kind: {inside[0]}"
                )
                yield (*path, name), "contradiction", message


def _trigger(trigger: HardwareTrigger) -> Iterator[Found]:
    place = ("hardware_trigger",)
    if trigger.accept > trigger.input:
        message = f"accepts {trigger.accept:g} Hz of {trigger.input:g} Hz; at most all are accepted"
        yield (*place, "accept"), "contradiction", message
    if trigger.buffer * BX < trigger.latency * (1 - 1e-9):
        message = (
            f"{trigger.buffer} crossings are {trigger.buffer * BX * 1e6:g} us, shorter than the latency of "
            f"{trigger.latency * 1e6:g} us; at least {trigger.latency / BX:.0f} are needed"
        )
        yield (*place, "buffer"), "contradiction", message
    for name, network in trigger.networks.items():
        path = (*place, "networks", name)
        if network.latency > trigger.latency:
            message = "takes longer than the whole trigger may; its latency is a part of that of the trigger"
            yield (*path, "latency"), "contradiction", message
        try:
            kind = find_hardware(network.device).kind
        except UnknownNameError as error:
            yield (*path, "device"), "unknown", str(error)
            continue
        if not kind.startswith("fpga"):
            yield (*path, "device"), "contradiction", f"{network.device} is no FPGA but of kind {kind}"


def _accelerators(accelerators: Accelerators) -> Iterator[Found]:
    place = ("accelerators",)
    try:
        kind = find_hardware(accelerators.kind).kind
    except UnknownNameError as error:
        yield (*place, "kind"), "unknown", str(error)
    else:
        if kind not in _ACCELERATORS:
            message = f"{accelerators.kind} is of kind {kind}; an accelerator is a GPU or an FPGA card"
            yield (*place, "kind"), "contradiction", message
    pool = accelerators.attached == "pool"
    if pool != (accelerators.network is not None):
        message = (
            "a pool needs its network" if pool else "accelerators in the nodes have no network; remove it"
        )
        yield (*place, "network"), "contradiction", message
    if pool != bool(accelerators.hosts):
        message = "a pool needs servers that host it" if pool else "the nodes are the hosts; remove them"
        yield (*place, "hosts"), "contradiction", message
    if (accelerators.batch.size > 1) != (accelerators.batch.wait is not None):
        message = "wait and a size above 1 belong together: how long the first event waits for the others"
        yield (*place, "batch"), "contradiction", message


def _in_flight(design: Design) -> Iterator[Found]:
    path, nodes = ("nodes", "in_flight"), design.nodes
    if nodes.in_flight is None:
        return
    if design.accelerators is None:
        yield path, "contradiction", "without accelerators no event leaves its slot; remove it"
    elif nodes.in_flight < nodes.slots:
        message = f"at most {nodes.in_flight} events on {nodes.slots} slots; write {nodes.slots} or more"
        yield path, "contradiction", message


def _stages(design: Design) -> Iterator[Found]:
    names = [stage.name for stage in design.stages]
    for number, stage in enumerate(design.stages):
        if names.index(stage.name) != number:
            yield ("stages", number, "name"), "contradiction", f"a stage {stage.name!r} is there already"
        if stage.device == "accelerator" and design.accelerators is None:
            message = "runs on an accelerator, and there is none; write accelerators or device: cpu"
            yield ("stages", number, "device"), "contradiction", message
    if design.accelerators is not None and all(stage.device == "cpu" for stage in design.stages):
        message = (
            "no stage uses them; write device: accelerator in one, or remove them with 'accelerators: null'"
        )
        yield ("accelerators",), "contradiction", message


def _rates(design: Design, filled: float) -> Iterator[Found]:
    """Rate into the farm, and out of it before the last stage, whose rejection follows if it is not given."""
    trigger = design.hardware_trigger
    left = filled if trigger is None else trigger.accept
    for stage in design.stages[:-1]:
        left /= stage.rejection or 1.0
    if left < design.output.rate:
        message = f"{design.output.rate:g} Hz are stored, and only {left:g} Hz reach the last stage"
        yield ("output", "rate"), "contradiction", message


def _is_there(design: Design, key: str) -> bool:
    """Whether `key` leads to a value of the design."""
    found: Any = design
    for part in key.split("."):
        if isinstance(found, BaseModel):
            found = getattr(found, part, None)
        elif isinstance(found, Mapping):
            found = found.get(part)
        elif isinstance(found, tuple):  # a stage by its name
            found = next((stage for stage in found if getattr(stage, "name", "") == part), None)
        else:
            return False
    return found is not None
