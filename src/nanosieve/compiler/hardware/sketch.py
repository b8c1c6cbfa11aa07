"""`sketch`: what a plan costs and how long it takes, before any adder graph is solved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from nanosieve.compiler.graph import Graph, Input, Node, TensorType
from nanosieve.compiler.hardware.analytic import Cost, analytic_cost
from nanosieve.compiler.hardware.elements import Element
from nanosieve.compiler.hardware.engines.build import coefficient_bits, sketched_engine
from nanosieve.compiler.hardware.engines.stores import kept_cost
from nanosieve.compiler.hardware.engines.work import EngineWork
from nanosieve.compiler.hardware.house import House, Made, Part, parts_of
from nanosieve.compiler.hardware.kernel import Kernel
from nanosieve.compiler.hardware.liveness import live_elements
from nanosieve.compiler.hardware.once import PATIENCE, Settings
from nanosieve.compiler.hardware.plan import Choice, Plan
from nanosieve.compiler.hardware.schedule import Arrival
from nanosieve.compiler.hardware.slots import OutLane, elements_of, feed_of, steady_ports
from nanosieve.errors import BudgetError, FoldingError

__all__ = ["Sketch", "SketchedPart", "Sketcher"]


@dataclass(frozen=True)
class SketchedPart:
    """A module to be.

    Attributes:
        layer: the user's layer.
        name: of the part.
        slots: how often it works per event.
        first, last: the cycles of the event from the first slot to the last output.
        cost: analytic, feed included.
    """

    layer: str
    name: str
    slots: int
    first: int
    last: int
    cost: Cost


@dataclass(frozen=True)
class Sketch:
    """A plan with its analytic cost.

    Attributes:
        plan: how every layer is built.
        parts: the modules, in topological order.
        latency: cycles from the first input to the outputs.
        interval: cycles between two events that the parts need.
    """

    plan: Plan
    parts: tuple[SketchedPart, ...]
    latency: int
    interval: int

    @property
    def cost(self) -> Cost:
        """All parts together."""
        return sum((part.cost for part in self.parts), Cost())


class Sketcher:
    """Sketches plans for one graph; what does not change between plans is kept.

    Args:
        graph: the network.
        settings: what holds for all layers; the interval is that of each plan.
    """

    def __init__(self, graph: Graph, settings: Settings) -> None:
        self.graph, self.settings, self.live = graph, settings, live_elements(graph)
        self._parts: dict[tuple[str, object], Sequence[Part]] = {}
        self._known: dict[object, Sketch | None] = {}
        self._costs: dict[tuple[str, object, str], Cost] = {}
        self.begun: dict[
            tuple[object, ...], tuple[dict[str, list[Element | None]], tuple[SketchedPart, ...], int]
        ] = {}
        """Choices of the first layers → elements, parts and interval so far."""
        self.refused: dict[tuple[object, ...], BudgetError | FoldingError] = {}
        """Choices of the first layers → why the last of them cannot be built, whatever comes behind."""

    def sketch(self, plan: Plan) -> Sketch:
        """Sketch `plan`.

        Raises:
            BudgetError: the slots of a layer do not fit between two events.
            FoldingError: a layer cannot work in the slots that the plan gives it.
        """
        settings = replace(self.settings, interval=plan.interval)
        house = _Sketching(self.graph, settings, self.live, {}, self, plan)
        house.key = (plan.interval, *sorted(plan.beats.items()))
        outputs = house.build(plan)
        stages = [e.arrival.stage for elements in outputs.values() for e in elements]
        return Sketch(plan, tuple(house.sketched), 1 + max(stages, default=0), house.interval)

    def attempt(self, plan: Plan) -> Sketch | None:
        """The sketch of a plan, made once; None if it cannot be built."""
        key = (plan.interval, tuple(sorted(plan.beats.items())), tuple(sorted(plan.layers.items(), key=str)))
        if key not in self._known:
            try:
                self._known[key] = self.sketch(plan)
            except (BudgetError, FoldingError):
                self._known[key] = None
        return self._known[key]

    def parts(self, name: str, nodes: Sequence[Node], choice: Choice | None) -> Sequence[Part]:
        """The parts of a layer, sliced once for each choice.

        Raises:
            FoldingError: the layer cannot work in the slots of the choice.
        """
        key = (name, choice)
        if key not in self._parts:
            self._parts[key] = parts_of(self.graph, name, nodes, choice, self.live)
        return self._parts[key]

    def cost(self, part: Part, plan: Plan) -> Cost:
        """The analytic cost of one part without its feed."""
        key = (part.layer, plan.layers.get(part.layer), part.name)
        if key not in self._costs:
            if part.engine is not None:
                self._costs[key] = self._engine_cost(part.engine)
                return self._costs[key]
            graph, nodes = part.graph, list(part.nodes)
            if part.kernel is not None:
                graph = part.kernel.graph
                nodes = [node for node in graph.nodes if not isinstance(node.op, Input)]
            model, period = self.settings.model, self.settings.period
            self._costs[key] = analytic_cost(graph, nodes, model=model, period=period, dsp=self.settings.dsp)
        return self._costs[key]

    def _engine_cost(self, work: EngineWork) -> Cost:
        """Of the pipelines; `stages` of both."""
        total = Cost()
        for kernel in (work.arithmetic.products, work.arithmetic.behind):
            if kernel is not None:
                nodes = [node for node in kernel.graph.nodes if not isinstance(node.op, Input)]
                model, period = self.settings.model, self.settings.period
                cost = analytic_cost(kernel.graph, nodes, model=model, period=period, dsp=self.settings.dsp)
                total = replace(total + cost, stages=total.stages + cost.stages)
        return total


@dataclass
class _Sketching(House):
    """No hardware: lanes with the types of the graph, and stages from formulas."""

    sketcher: Sketcher
    plan: Plan
    sketched: list[SketchedPart] = field(default_factory=list)
    interval: int = 1
    key: tuple[object, ...] = ()

    def layer(self, name: str, nodes: Sequence[Node], plan: Plan) -> None:
        """See `House.layer`; what an earlier sketch had up to here is taken from it."""
        self.key = (*self.key, plan.layers.get(name))
        known = self.sketcher.begun.get(self.key)
        if known is not None:
            self.buses, self.sketched, self.interval = dict(known[0]), list(known[1]), known[2]
            return
        if self.key in self.sketcher.refused:
            raise self.sketcher.refused[self.key].with_traceback(None)
        try:
            for part in self.parts(name, nodes, plan):
                self.add(part)
        except (BudgetError, FoldingError) as error:
            self.sketcher.refused[self.key] = error
            raise
        self.sketcher.begun[self.key] = (dict(self.buses), tuple(self.sketched), self.interval)

    def parts(self, name: str, nodes: Sequence[Node], plan: Plan) -> Sequence[Part]:
        """See `House.parts`; known from earlier sketches."""
        return self.sketcher.parts(name, nodes, plan.layers.get(name))

    def engine(self, part: Part, work: EngineWork) -> Made:
        """See `House.engine`."""
        cost = self.sketcher.cost(part, self.plan)
        planned, elements = sketched_engine(
            part.name, work, self.buses[work.layer.source], self.settings.interval, cost.stages
        )
        self.interval = max(self.interval, planned.needed_interval)
        needed = kept_cost(planned, coefficient_bits(work))
        cost = cost + Cost(needed["lut"], needed["ff"], 0.0, needed["bram36"], needed["uram"])
        last = max(e.arrival.stage for e in elements if e is not None)
        self._note(part, work.steps, planned.intake.start, last, cost)
        return {part.output: elements}

    def once(self, part: Part) -> Made:
        """See `House.once`."""
        cost = self.sketcher.cost(part, self.plan)
        inside = {node.name for node in part.nodes}
        given = dict.fromkeys(n for node in part.nodes for n in node.inputs if n not in inside)
        read = [e for name in given for e in self.buses.get(name, ()) if e and not e.constant]
        cost = cost + _registers(e for e in read if e.steady)
        read = [e for e in read if not e.steady]
        stages = [e.arrival.stage for e in read] or [0]
        start = max(stages)
        if start - min(stages) > PATIENCE:
            start += 1
            cost = cost + Cost(ff=sum(e.width for e in set(read)))
            self.interval = max(self.interval, 1)
        elif start > min(stages):
            cost = cost + Cost(ff=sum(e.width * (start - e.arrival.stage) for e in set(read)))
        arrival = Arrival(start + cost.stages, 0.0)
        self._note(part, 1, start, arrival.stage, cost)
        live = part.live[part.output].ravel()
        type = part.graph.types[part.output]
        lanes = _lanes(type, arrival)
        return {
            part.output: [
                Element(part.name, n, lane.low, lane.high, lane.exponent, lane.leaves) if keep else None
                for n, (lane, keep) in enumerate(zip(lanes, live, strict=True))
            ]
        }

    def slots(self, part: Part, kernel: Kernel) -> Made:
        """See `House.slots`."""
        cost = self.sketcher.cost(part, self.plan)
        (out,) = kernel.graph.outputs.values()
        lanes = _lanes(kernel.graph.types[out], Arrival(cost.stages, 0.0))
        steady = steady_ports(kernel, self.buses)
        cost = cost + _registers(steady.values())
        used = [p for p in range(len(kernel.reads)) if p not in steady]
        feed = feed_of(part.graph, part.name, kernel, used, lanes, self.buses, self.settings)
        self.interval = max(self.interval, feed.needed_interval)
        needed = feed.cost
        cost = cost + Cost(needed["lut"], needed["ff"], 0.0, needed["bram36"], needed["uram"])
        self._note(part, kernel.slots, feed.start[0], feed.start[-1] + cost.stages, cost)
        return elements_of(part.graph, part.name, kernel, lanes, feed.start)

    def collect(self, output: str, name: str) -> list[Element]:
        """See `House.collect`."""
        elements = [e for e in self.buses[name] if e is not None]
        stages = [e.arrival.stage for e in elements if not e.constant]
        if not stages or max(stages) - min(stages) <= PATIENCE:
            return elements
        last = Arrival(max(stages) + 1, 0.0)
        cost = Cost(ff=sum(e.width for e in elements))
        self.sketched.append(SketchedPart(output, f"{output}.collect", 1, last.stage, last.stage, cost))
        return [replace(e, arrival=last) for e in elements]

    def _note(self, part: Part, slots: int, first: int, last: int, cost: Cost) -> None:
        self.sketched.append(SketchedPart(part.layer, part.name, slots, first, last, cost))


def _registers(weights: Iterable[Element]) -> Cost:
    """Of weights that are there in all slots."""
    return Cost(ff=sum(e.width for e in set(weights)))


def _lanes(type: TensorType, arrival: Arrival) -> list[OutLane]:
    ends = zip(type.low.flat, type.high.flat, type.exponent.flat, strict=True)
    return [OutLane(int(low), int(high), int(exponent), arrival) for low, high, exponent in ends]
