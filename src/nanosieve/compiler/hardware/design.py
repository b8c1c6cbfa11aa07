"""`HardwareDesign`: a graph turned into hardware under a budget, in memory and as a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nanosieve._files import atomic_path, output_folder, write_text
from nanosieve.compiler.graph import Graph, save_graph
from nanosieve.compiler.hardware.budget import Budget
from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.clock import Clock
from nanosieve.compiler.hardware.cost_model import cost_model
from nanosieve.compiler.hardware.estimate import (
    fan_out,
    layer_estimate,
    registers_by_stage,
    stored_bits,
    top_estimate,
)
from nanosieve.compiler.hardware.plan import Plan
from nanosieve.compiler.hardware.ports import elements_to_dicts
from nanosieve.compiler.hardware.schedule import longest_path
from nanosieve.compiler.hardware.timing import DelayModel
from nanosieve.compiler.hardware.top import Sources
from nanosieve.compiler.hardware.weight_image import FILE, WORD
from nanosieve.compiler.hardware.weight_store import SETTLE
from nanosieve.devices import RESOURCES, find_device
from nanosieve.figure import Figure, Provenance

__all__ = ["HardwareDesign"]

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
        plan: by which architecture every layer is built.
    """

    graph: Graph
    budget: Budget
    layers: tuple[BuiltLayer, ...]
    sources: Sources
    model: DelayModel
    plan: Plan = field(default_factory=Plan)

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
        pipelines = [(layer.netlist, layer.schedule) for layer in self.layers]
        behind = (layer.engine.behind for layer in self.layers if layer.engine)
        pipelines += [(pipeline.netlist, pipeline.schedule) for pipeline in behind if pipeline]
        times = (longest_path(netlist, schedule, self.model) for netlist, schedule in pipelines)
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
            **({"weights": self._weights()} if self.sources.weights else {}),
            "budget": asdict(self.budget),
            "plan": self.plan.to_dict(),
            "timing": {name: figure.to_dict() for name, figure in self.timing.items()},
            "estimate": {name: figure.to_dict() for name, figure in self.estimate.items()},
        }

    def _weights(self) -> dict[str, Any]:
        """The write port of the weights."""
        assert self.sources.weights is not None
        layers = {
            name: [{"address": bank.base, "words": bank.words, "rows": bank.depth} for bank in store.banks]
            for name, store in self.sources.weights.stores.items()
        }
        return {
            "words": self.sources.weights.words,
            "address_bits": self.sources.weights.address_bits,
            "data_bits": WORD,
            "settle_cycles": SETTLE,
            "layers": layers,
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
            "slots": list(layer.slots),
            "registers": registers_by_stage(layer),
            "memory": stored_bits(layer),
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
        (folder / FILE).unlink(missing_ok=True)
        if self.sources.weights is not None:
            self.sources.weights.image.save(folder)
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
