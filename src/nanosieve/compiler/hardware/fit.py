"""`build_design`: the hardware that meets a budget, or what stands in the way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware.budget import Budget
from nanosieve.compiler.hardware.build import build_layers
from nanosieve.compiler.hardware.clock import MOST_LUTS
from nanosieve.compiler.hardware.design import HardwareDesign
from nanosieve.compiler.hardware.estimate import layer_estimate
from nanosieve.compiler.hardware.house import layer_groups
from nanosieve.compiler.hardware.inputs import input_elements
from nanosieve.compiler.hardware.liveness import live_elements
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Choice, Plan
from nanosieve.compiler.hardware.scheduler import Schedule, find_plan, price, scarcity
from nanosieve.compiler.hardware.sketch import Sketcher
from nanosieve.compiler.hardware.timing import DelayModel
from nanosieve.compiler.hardware.top import write_sources
from nanosieve.devices import Device, devices, find_device
from nanosieve.errors import BudgetError, FoldingError, SettingsError, UnknownNameError
from nanosieve.progress import Progress, silent

__all__ = ["MINIMISE", "build_design", "build_finalists"]

MINIMISE: Mapping[str, Mapping[str, float] | None] = {
    "balanced": None,
    "lut": {"lut": 1.0, "ff": 0.25, "dsp": 5.0, "bram36": 50.0, "uram": 100.0},
    "dsp": {"lut": 1.0, "ff": 0.25, "dsp": 5000.0, "bram36": 550.0, "uram": 1250.0},
}
"""What to save → what each resource is worth in LUTs; ``balanced``: as scarce as it is on the device."""

ATTEMPTS = 4
"""Plans that are built until one is in time."""
CLOSE = 1.6
"""Times the price of the best plan up to which the unrolled one is built to compare."""
SLOWER = (2, 4, 8, 16, 32, 64, 128)
"""Times the interval that are tried where a design does not fit."""


def build_design(
    graph: Graph,
    budget: Budget,
    *,
    plan: Plan | None = None,
    layers: Mapping[str, Choice | None] | None = None,
    beats: Mapping[str, int] | None = None,
    minimise: str = "balanced",
    model: DelayModel | None = None,
    extra_depth: int = 0,
    dsp: bool = True,
    progress: Progress = silent,
) -> HardwareDesign:
    """Turn `graph` into the smallest hardware found that meets `budget`.

    Args:
        graph: the network.
        budget: time and room.
        plan: how every layer is built; default what the scheduler finds.
        layers: layer → how it must be built, None for unrolled; the scheduler chooses for the others.
        beats: input → positions that enter in a cycle, 0 for all; by default inputs of many bits stream.
        minimise: which resource counts, of `MINIMISE`.
        model: delays of the cells; without a size it gets that of the plan.
        extra_depth: see `multiply_matrix`.
        dsp: whether products may use DSP slices.
        progress: told of every layer.

    Raises:
        BudgetError: the latency or the room does not suffice; the message says what would do.
        UnknownNameError: no such device, layer or input.
        UnsupportedLayerError: an op has no hardware.
        FoldingError: a layer cannot be built as `layers` or `plan` says.
    """
    device = find_device(budget.device)
    if budget.interval_cycles < 1:
        message = (
            f"an event every {budget.every_ns:g} ns is more than one event in a clock cycle of "
            f"{budget.period_ns:g} ns; a clock of {_up(1e3 / budget.every_ns)} MHz or faster would do"
        )
        raise BudgetError(message)
    graph.verify()
    _check_names(graph, plan, layers, beats, minimise)
    settings = Settings(model or DelayModel(), budget.period_ns, budget.interval_cycles, extra_depth, dsp)
    if plan is None and budget.interval_cycles == 1 and not layers and not beats:
        plan = Plan()
    if plan is not None:
        design = _built(graph, budget, plan, settings, progress)
    else:
        design = _searched(graph, budget, settings, layers or {}, beats or {}, MINIMISE[minimise], progress)
    _check_latency(design)
    _check_room(design, device, settings)
    return design


def build_finalists(
    graph: Graph,
    budget: Budget,
    count: int,
    *,
    layers: Mapping[str, Choice | None] | None = None,
    beats: Mapping[str, int] | None = None,
    minimise: str = "balanced",
    model: DelayModel | None = None,
    extra_depth: int = 0,
    dsp: bool = True,
    progress: Progress = silent,
) -> list[HardwareDesign]:
    """The best plans by the analytic cost, built, so that synthesis can choose between them.

    Args:
        graph, budget, layers, beats, minimise, model, extra_depth, dsp, progress: see `build_design`.
        count: how many plans, that of `build_design` among them; those that are not in time are left out.

    Raises:
        BudgetError: no plan meets the budget.
    """
    first = build_design(
        graph, budget, layers=layers, beats=beats, minimise=minimise, model=model,
        extra_depth=extra_depth, dsp=dsp, progress=progress,
    )  # fmt: skip
    device = find_device(budget.device)
    interval = budget.interval_cycles
    settings = Settings(model or DelayModel(), budget.period_ns, interval, extra_depth, dsp)
    found = find_plan(
        graph, budget, settings, fixed=layers, beats=beats, prices=MINIMISE[minimise], progress=progress
    )
    worth = MINIMISE[minimise] or scarcity(device)
    ordered = sorted(found.tried, key=lambda sketch: (bool(sketch.plan.layers), price(sketch.cost, worth)))
    designs = [first]
    for sketch in ordered:
        if len(designs) >= count:
            break
        plan = replace(sketch.plan, interval=interval)
        if any(plan.to_dict() == other.plan.to_dict() for other in designs):
            continue
        try:
            design = _built(graph, budget, plan, settings, progress)
            _check_latency(design)
            _check_room(design, device, None)
        except (BudgetError, FoldingError):
            continue
        designs.append(design)
    return designs


def _check_names(
    graph: Graph,
    plan: Plan | None,
    layers: Mapping[str, Choice | None] | None,
    beats: Mapping[str, int] | None,
    minimise: str,
) -> None:
    if minimise not in MINIMISE:
        message = f"minimise = {minimise!r} is none of {', '.join(MINIMISE)}"
        raise SettingsError(message)
    planned = plan or Plan()
    for what, given, known in (
        ("layer", {*planned.layers, *(layers or {})}, list(layer_groups(graph))),
        ("input", {*planned.beats, *(beats or {})}, list(graph.inputs)),
    ):
        for name in sorted(given):
            if name not in known:
                message = f"there is no {what} {name!r} in {graph.name!r}; it has {', '.join(known)}"
                raise UnknownNameError(message)


def _searched(
    graph: Graph,
    budget: Budget,
    settings: Settings,
    layers: Mapping[str, Choice | None],
    beats: Mapping[str, int],
    prices: Mapping[str, float] | None,
    progress: Progress,
) -> HardwareDesign:
    """The first plan that is in time when it is built; a sketch can be some cycles too short."""
    latency, interval = budget.latency_cycles, budget.interval_cycles
    best: HardwareDesign | None = None
    problem: BudgetError | None = None
    sketcher = Sketcher(graph, settings, live_elements(graph))
    for _ in range(ATTEMPTS):
        found = find_plan(
            graph, budget, settings, fixed=layers, beats=beats, prices=prices, latency=latency,
            interval=interval, sketcher=sketcher, progress=progress,
        )  # fmt: skip
        plan = replace(found.best.plan, interval=budget.interval_cycles)
        try:
            design = _built(graph, budget, plan, settings, progress)
        except BudgetError as error:  # a kernel has more stages than its sketch, and its slots take longer
            problem, interval = error, max(1, interval * 3 // 4)
            continue
        over = design.sources.latency - budget.latency_cycles
        if best is None or design.sources.latency < best.sources.latency:
            best = design
        latency = min(latency, found.best.latency) - over  # by how much the sketch was too short
        if over <= 0 or latency < 1:
            break
    if best is None:
        raise problem or BudgetError(f"no plan for {graph.name!r} was found")
    return _or_unrolled(best, found, budget, settings, prices, progress)


def _or_unrolled(
    best: HardwareDesign,
    found: Schedule,
    budget: Budget,
    settings: Settings,
    prices: Mapping[str, float] | None,
    progress: Progress,
) -> HardwareDesign:
    """The unrolled design instead, where sharing pays by the analytic cost alone and not when built."""
    worth = scarcity(find_device(budget.device)) if prices is None else prices
    unrolled = [sketch for sketch in found.tried if not sketch.plan.layers]
    if not best.plan.layers or not unrolled:
        return best
    if price(unrolled[0].cost, worth) > CLOSE * price(found.best.cost, worth):
        return best
    plan = replace(unrolled[0].plan, interval=budget.interval_cycles)
    other = _built(best.graph, budget, plan, settings, progress)
    if other.sources.latency > max(best.sources.latency, budget.latency_cycles):
        return best

    def value(design: HardwareDesign) -> float:
        return sum(design.estimate[kind].value * each for kind, each in worth.items())

    return min(best, other, key=value)


def _built(
    graph: Graph, budget: Budget, plan: Plan, settings: Settings, progress: Progress
) -> HardwareDesign:
    settings = replace(settings, interval=plan.interval)
    settings = replace(settings, model=_sized(graph, plan, settings))
    layers, outputs = build_layers(graph, plan, settings, progress=progress)
    sources = write_sources(graph, layers, outputs, input_elements(graph, plan.beats))
    return HardwareDesign(graph, budget, tuple(layers), sources, settings.model, plan)


def _sized(graph: Graph, plan: Plan, settings: Settings) -> DelayModel:
    """The delays in a design of this size, which is estimated where the model does not state it.

    Registers are placed for no larger one than was calibrated; what is beyond shows in
    `HardwareDesign.clock`.
    """
    if settings.model.luts is not None:
        return settings.model
    luts = Sketcher(graph, settings, live_elements(graph)).sketch(plan).cost.lut
    return replace(settings.model, luts=min(round(luts), MOST_LUTS))


def _check_latency(design: HardwareDesign) -> None:
    budget, cycles = design.budget, design.sources.latency
    if cycles > budget.latency_cycles:
        last = max(design.layers, key=lambda layer: layer.last_stage)
        message = (
            f"latency: {cycles} cycles of {budget.period_ns:g} ns are {cycles * budget.period_ns:g} ns, "
            f"{(cycles - budget.latency_cycles) * budget.period_ns:g} ns over the budget of "
            f"{budget.latency_ns:g} ns (the last layer is {last.name!r}); "
            f"--latency {_up(cycles * budget.period_ns)}ns would do"
        )
        raise BudgetError(message)


def _check_room(design: HardwareDesign, device: Device, settings: Settings | None) -> None:
    for kind, figure in design.estimate.items():
        room = device.usable_count(kind) * design.budget.share
        if figure.value > room:
            worst = max(design.layers, key=lambda layer: layer_estimate(layer)[kind])
            message = (
                f"{kind.upper()}: about {figure.value:,.0f} are needed and {room:,.0f} are in the budget "
                f"({design.budget.share:g} of the usable part of {device.name}); the largest layer is "
                f"{worst.name!r} with {layer_estimate(worst)[kind]:,.0f}; {_larger_room(design, device)}"
                f"{_rarer(design, settings) if settings else ''}"
            )
            raise BudgetError(message)


def _larger_room(design: HardwareDesign, device: Device) -> str:
    """The share of the device, or else the devices, in which every estimate fits."""
    share = max(
        figure.value / max(device.usable_count(kind), 1e-9) for kind, figure in design.estimate.items()
    )
    if share <= 1:
        return f"a share of {_up(share, 2)} would do"
    larger = [
        other.name
        for other in devices()
        if all(
            f.value <= other.usable_count(kind) * design.budget.share for kind, f in design.estimate.items()
        )
    ]
    return (
        f"of the devices, {', '.join(larger)} would do" if larger else "no device of the catalogue would do"
    )


def _rarer(design: HardwareDesign, settings: Settings) -> str:
    """The shortest time between events, of some multiples, at which the scheduler finds a plan that fits."""
    for factor in SLOWER:
        every = design.budget.every_ns * factor
        slower = replace(design.budget, every=f"{every:g} ns", latency=f"{1e3 * every + 1e6:g} ns")
        found = find_plan(design.graph, slower, replace(settings, interval=slower.interval_cycles))
        if found.fits:
            cycles = found.best.latency
            latency = "" if cycles <= design.budget.latency_cycles else f" with a latency of {cycles} cycles"
            return f"; an event every {every:g} ns{latency} would do, by the analytic estimate"
    return ""


def _up(value: float, digits: int = 3) -> str:
    """`value` in decimal, rounded up, so that what a message proposes does suffice."""
    return f"{math.ceil(value * 10**digits - 1e-6) / 10**digits:.{digits}f}".rstrip("0").rstrip(".")
