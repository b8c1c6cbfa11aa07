"""From a graph and a plan to built layers."""

from __future__ import annotations

from dataclasses import dataclass, field

from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware.built import BuiltLayer
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.engines.build import build_engine
from nanosieve.compiler.hardware.engines.work import EngineWork
from nanosieve.compiler.hardware.house import House, Made, Part
from nanosieve.compiler.hardware.kernel import Kernel
from nanosieve.compiler.hardware.liveness import live_elements
from nanosieve.compiler.hardware.once import Settings, build_once, collect
from nanosieve.compiler.hardware.plan import Plan
from nanosieve.compiler.hardware.slots import build_slots
from nanosieve.progress import Progress, silent

__all__ = ["build_layers"]


def build_layers(
    graph: Graph, plan: Plan, settings: Settings, *, progress: Progress = silent
) -> tuple[list[BuiltLayer], dict[str, list[Element]]]:
    """Lower and schedule every layer.

    Returns:
        The layers in topological order, and graph output → its elements.

    Raises:
        BudgetError: a single operation does not fit into a clock cycle, or the slots of a layer do not fit
            between two events.
        UnsupportedLayerError: an op has no hardware.
        FoldingError: a layer cannot work in the slots that the plan gives it.
    """
    house = _Building(graph, settings, live_elements(graph), {})
    outputs = house.build(plan, progress)
    return house.layers, outputs


@dataclass
class _Building(House):
    """Real hardware."""

    layers: list[BuiltLayer] = field(default_factory=list)

    def once(self, part: Part) -> Made:
        """See `House.once`."""
        layer = build_once(
            part.graph, part.name, part.nodes, part.output, self.buses, part.live[part.output], self.settings
        )
        self.layers.append(layer)
        return {part.output: layer.elements}

    def slots(self, part: Part, kernel: Kernel) -> Made:
        """See `House.slots`."""
        layer, made = build_slots(
            part.graph, part.name, part.output, part.nodes, kernel, self.buses, self.settings
        )
        self.layers.append(layer)
        return made

    def engine(self, part: Part, work: EngineWork) -> Made:
        """See `House.engine`."""
        source = self.buses[work.layer.source]
        engine, elements = build_engine(part.name, work, source, self.settings)
        self.layers.append(
            BuiltLayer(
                part.name,
                part.output,
                tuple(type(node.op).__name__ for node in part.nodes),
                (engine.plan.intake.lanes[0].source,),
                engine.products.netlist,
                engine.products.schedule,
                tuple(elements),
                engine=engine,
            )
        )
        return {part.output: elements}

    def collect(self, output: str, name: str) -> list[Element]:
        """See `House.collect`."""
        elements = [e for e in self.buses[name] if e is not None]
        layer = collect(f"{output}.collect", name, elements, self.settings)
        if layer is None:
            return elements
        self.layers.append(layer)
        return [e for e in layer.elements if e is not None]
