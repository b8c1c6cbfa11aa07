"""`HardwareDesign`: a graph turned into hardware under a budget, in memory and as a folder."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nanosieve._files import atomic_path, output_folder, write_text
from nanosieve.compiler.graph import Graph, save_graph
from nanosieve.compiler.hardware.budget import Budget
from nanosieve.compiler.hardware.build import build_layers
from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.clock import MOST_LUTS, Clock
from nanosieve.compiler.hardware.cost_model import cost_model
from nanosieve.compiler.hardware.estimate import fan_out, layer_estimate, registers_by_stage, top_estimate
from nanosieve.compiler.hardware.inputs import input_elements
from nanosieve.compiler.hardware.liveness import live_elements
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Plan
from nanosieve.compiler.hardware.schedule import longest_path
from nanosieve.compiler.hardware.sketch import Sketcher
from nanosieve.compiler.hardware.timing import DelayModel
from nanosieve.compiler.hardware.top import Sources, elements_to_dicts, write_sources
from nanosieve.devices import RESOURCES, Device, devices, find_device
from nanosieve.errors import BudgetError
from nanosieve.figure import Figure, Provenance
from nanosieve.progress import Progress, silent

__all__ = ["HardwareDesign", "build_design"]

FORMAT = 2


@dataclass(frozen=True)
class HardwareDesign:
    """Hardware for a graph.

    Attributes:
        graph: what the hardware computes.
        budget: what it had to meet.
        layers: one for each module, in topological order.
        sources: the Verilog.
        model: the delays it was built with.
    """

    graph: Graph
    budget: Budget
    layers: tuple[BuiltLayer, ...]
    sources: Sources
    model: DelayModel

    @property
    def timing(self) -> dict[str, Figure]:
        """Latency and interval from the schedule; the clock is the budget's, met by the delay model.

        A simulation confirms the cycles (`nanosieve.compiler.verification`); until then they are estimates.
        """
        budget, cycles = self.budget, self.sources.latency
        return {
            "latency_cycles": Figure(cycles, "cycles", Provenance.ESTIMATED, source="schedule"),
            "interval_cycles": Figure(
                self.sources.interval, "cycles", Provenance.ESTIMATED, source="schedule"
            ),
            "clock_mhz": Figure(budget.clock_mhz, "MHz", Provenance.ESTIMATED, source="delay model"),
            "latency_ns": Figure(cycles * budget.period_ns, "ns", Provenance.ESTIMATED, source="delay model"),
            "fmax_mhz": self.clock.fmax,
        }

    @property
    def clock(self) -> Clock:
        """What decides how fast the design can be clocked."""
        times = (longest_path(layer.netlist, layer.schedule, self.model) for layer in self.layers)
        return Clock(
            logic=max(times, default=0.0),
            luts=self.estimate["lut"].value,
            fan_out=max(map(fan_out, self.layers), default=1),
            architecture=find_device(self.budget.device).architecture,
            blocks=("DSP",) if self.estimate["dsp"].value else (),
            own_delays=not self.model.calibrated,
            overhead=self.model.overhead,
            uncertainty=self.model.uncertainty,
        )

    @cached_property
    def estimate(self) -> dict[str, Figure]:
        """LUT, FF and DSP from the area model, with the error that it has against Yosys."""
        rows = [*(layer_estimate(layer) for layer in self.layers), top_estimate(self.sources)]
        total = {kind: round(sum(row[kind] for row in rows), 1) for kind in RESOURCES}
        return {kind: cost_model().figure("lowered", kind, value) for kind, value in total.items()}

    def manifest(self) -> dict[str, Any]:
        """The content of ``design.json``."""
        library = self.sources.library
        modules = {
            name: {
                "file": f"rtl/{name}.v",
                "children": children,
                **({"library": True} if name in library else {}),
            }
            for name, children in self.sources.children.items()
        }
        return {
            "format": FORMAT,
            "name": self.sources.top,
            "device": self.budget.device,
            "clock_mhz": self.budget.clock_mhz,
            "latency_cycles": self.sources.latency,
            "interval_cycles": self.sources.interval,
            "inputs": [port.to_dict() for port in self.sources.inputs],
            "outputs": [port.to_dict() for port in self.sources.outputs],
            "layers": [self._layer(n) for n in range(len(self.layers))],
            "modules": modules,
            "budget": asdict(self.budget),
            "timing": {name: figure.to_dict() for name, figure in self.timing.items()},
            "estimate": {name: figure.to_dict() for name, figure in self.estimate.items()},
        }

    def _layer(self, n: int) -> dict[str, Any]:
        module, layer = self.sources.layers[n], self.layers[n]
        stages = [a.stage for a in layer.schedule.arrivals if a.stage >= 0]
        return {
            "name": layer.output,
            "layer": layer.name,
            "kind": ", ".join(dict.fromkeys(layer.kinds)),
            "module": module.module,
            "file": f"rtl/{module.module}.v",
            "signal": module.signal,
            "stage": layer.last_stage,
            "first_stage": layer.slots[0] + min(stages, default=layer.schedule.stage),
            "registers": registers_by_stage(layer),
            "estimate": layer_estimate(layer),
            "elements": _placed(layer, module.layout),
        }

    def write(self, folder: str | Path) -> Path:
        """Write model, Verilog, graph and manifest into `folder`.

        The manifest goes first and comes last: a folder without ``design.json`` is no design.

        Raises:
            OutputError: the folder cannot be written to.
        """
        folder = output_folder(folder)
        rtl = output_folder(folder / "rtl")
        (folder / "design.json").unlink(missing_ok=True)
        texts = self.sources.texts
        for stale in rtl.glob("*.v"):
            if stale.stem not in texts:
                stale.unlink()
        for name, text in texts.items():
            write_text(rtl / f"{name}.v", text)
        self._write_model(folder)
        save_graph(self.graph, folder / "graph.json")
        write_text(folder / "design.json", json.dumps(self.manifest(), indent=1))
        return folder

    def _write_model(self, folder: Path) -> None:
        """A copy of the model file as ``model.SUFFIX``, or none where the graph was made from none."""
        source = self.graph.source
        path = folder / f"model{source.suffix}" if source is not None else None
        for stale in folder.glob("model.*"):
            if stale != path:
                stale.unlink()
        if source is not None and path is not None and source.resolve() != path.resolve():
            with atomic_path(path) as temporary:
                shutil.copyfile(source, temporary)


def _placed(layer: BuiltLayer, layout: Sequence[tuple[int, int]]) -> list[dict[str, object] | None]:
    """Where and when each element of the layer's node is on its bus; None for one that is not made."""
    rows: list[dict[str, object] | None] = []
    for e in layer.elements:
        if e is None:
            rows.append(None)
            continue
        (row,) = elements_to_dicts([e], [layout[e.index]])
        rows.append({**row, "stage": e.arrival.stage})
    return rows


def build_design(
    graph: Graph,
    budget: Budget,
    *,
    plan: Plan | None = None,
    model: DelayModel | None = None,
    extra_depth: int = 0,
    dsp: bool = True,
    progress: Progress = silent,
) -> HardwareDesign:
    """Turn `graph` into hardware that meets `budget`.

    Args:
        graph: the network.
        budget: time and room.
        model: delays of the cells; without a size it gets that of `analytic_cost`.
        plan: how every layer is built; default unrolled, an event every cycle.
        extra_depth: see `multiply_matrix`.
        dsp: whether products may use DSP slices.
        progress: told of every layer.

    Raises:
        BudgetError: the latency or the room does not suffice; the message says what would do.
        UnknownNameError: no such device.
        UnsupportedLayerError: an op has no hardware.
    """
    device = find_device(budget.device)
    if budget.interval_cycles < 1:
        message = (
            f"an event every {budget.every_ns:g} ns is more than one event in a clock cycle of "
            f"{budget.period_ns:g} ns; a clock of {_up(1e3 / budget.every_ns)} MHz or faster would do"
        )
        raise BudgetError(message)
    graph.verify()
    plan = plan or Plan()
    settings = Settings(model or DelayModel(), budget.period_ns, plan.interval, extra_depth, dsp)
    settings = replace(settings, model=_sized(graph, plan, settings))
    layers, outputs = build_layers(graph, plan, settings, progress=progress)
    sources = write_sources(graph, layers, outputs, input_elements(graph, plan.beats))
    design = HardwareDesign(graph, budget, tuple(layers), sources, settings.model)
    _check_latency(design)
    _check_room(design, device)
    return design


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


def _check_room(design: HardwareDesign, device: Device) -> None:
    for kind, figure in design.estimate.items():
        room = device.usable_count(kind) * design.budget.share
        if figure.value > room:
            worst = max(design.layers, key=lambda layer: layer_estimate(layer)[kind])
            message = (
                f"{kind.upper()}: about {figure.value:,.0f} are needed and {room:,.0f} are in the budget "
                f"({design.budget.share:g} of the usable part of {device.name}); the largest layer is "
                f"{worst.name!r} with {layer_estimate(worst)[kind]:,.0f}; {_larger_room(design, device)}"
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


def _up(value: float, digits: int = 3) -> str:
    """`value` in decimal, rounded up, so that what a message proposes does suffice."""
    return f"{math.ceil(value * 10**digits - 1e-6) / 10**digits:.{digits}f}".rstrip("0").rstrip(".")
