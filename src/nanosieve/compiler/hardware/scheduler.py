"""From a budget to a plan: the architecture and the folding of every layer.

Every layer has a few ways to be built (`candidates`). A plan is sketched with analytic costs; starting from
what is cheapest for each layer alone and still in time, or from what works as data arrives, one layer after
the other is changed as long as the plan as a whole gets better: first to meet latency and room, then to be
small. The order is fixed, so that the same graph and
budget give the same design.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nanosieve.compiler.graph import Dense, Einsum, Graph, Node
from nanosieve.compiler.hardware.analytic import Cost
from nanosieve.compiler.hardware.budget import Budget
from nanosieve.compiler.hardware.engines.choices import engine_choices, engine_layers
from nanosieve.compiler.hardware.engines.positions import Positions, positions_of
from nanosieve.compiler.hardware.house import layer_groups, layer_output
from nanosieve.compiler.hardware.inputs import beats_of
from nanosieve.compiler.hardware.partial_sums import summed_inputs
from nanosieve.compiler.hardware.plan import Choice, Copies, EngineParts, Fold, Plan
from nanosieve.compiler.hardware.rolling import steps_of
from nanosieve.compiler.hardware.sketch import Sketch, Sketcher
from nanosieve.compiler.hardware.slots import MANY_SLOTS
from nanosieve.devices import RESOURCES, Device, find_device
from nanosieve.errors import FoldingError, GraphError, UnknownNameError
from nanosieve.progress import Progress, silent

__all__ = ["Schedule", "candidates", "check_names", "find_plan"]

KEPT = 6
"""Ways to build a layer, from cheap to fast, that are tried in a whole plan."""
ROUNDS = 2
"""How often every layer is looked at again."""
LOOP = 10
"""Stages after which a part of a sum can be added to, about."""
MOST_PARTS = 2
"""Foldings along the inputs that are tried for each number of columns."""
WIDEST = 4096
"""Bits of an input that enter in one cycle; a wider one is streamed where the interval allows."""


@dataclass(frozen=True)
class Schedule:
    """What was found for a budget.

    Attributes:
        best: the plan with its sketch.
        tried: all sketches on the way.
        fits: whether the best meets latency and room, by the analytic cost.
    """

    best: Sketch
    tried: tuple[Sketch, ...]
    fits: bool


@dataclass(frozen=True)
class _Way:
    """A way to build a layer.

    Attributes:
        choice: slots or copies; None for unrolled.
        price: of the layer alone.
        slots: of all its parts.
    """

    choice: Choice | None
    price: float
    slots: int


@dataclass
class _Search:
    sketcher: Sketcher
    prices: Mapping[str, float]
    room: Mapping[str, float]
    latency: int
    tried: dict[int, Sketch] = field(default_factory=dict)

    def value(self, sketch: Sketch | None) -> tuple[float, float, float]:
        """What a plan is worth, the least the best: cycles too many, room too little, price."""
        if sketch is None:
            return (np.inf, np.inf, np.inf)
        cost = sketch.cost
        over = sum(max(0.0, getattr(cost, kind) / max(self.room[kind], 1e-9) - 1) for kind in self.room)
        return (max(0, sketch.latency - self.latency), over, price(cost, self.prices))

    def sketch(self, plan: Plan) -> Sketch | None:
        """The sketch of a plan, None if it cannot be built."""
        sketch = self.sketcher.attempt(plan)
        if sketch is not None:
            self.tried[id(sketch)] = sketch
        return sketch


def price(cost: Cost, prices: Mapping[str, float]) -> float:
    """The resources of `cost` in LUTs."""
    return float(sum(getattr(cost, kind) * worth for kind, worth in prices.items()))


def scarcity(device: Device) -> dict[str, float]:
    """What each resource of the device is worth in LUTs: as many as the device has for each."""
    luts = device.count("lut")
    return {kind: luts / device.count(kind) if device.count(kind) else 0.0 for kind in RESOURCES}


def find_plan(
    sketcher: Sketcher,
    budget: Budget,
    *,
    fixed: Mapping[str, Choice | None] | None = None,
    beats: Mapping[str, int] | None = None,
    prices: Mapping[str, float] | None = None,
    latency: int | None = None,
    interval: int | None = None,
    progress: Progress = silent,
) -> Schedule:
    """Search the plan with the smallest price that meets the budget.

    Args:
        sketcher: of the network; what it knows from another search is not computed again.
        budget: time and room.
        fixed: layer → how it must be built; None for unrolled.
        beats: input → positions that enter in a cycle; 0 for all of them.
        prices: resource → its worth in LUTs; by default as scarce as it is on the device.
        latency: cycles that the plan may take; by default those of the budget.
        interval: cycles that the slots of a layer may take; by default those of the budget.
        progress: told of every layer that is looked at.

    Raises:
        BudgetError: no plan can be built.
        FoldingError: a layer cannot be built as `fixed` says.
        UnknownNameError: no such layer or input.
    """
    device, graph, fixed = find_device(budget.device), sketcher.graph, fixed or {}
    check_names(graph, fixed, beats or {})
    interval = budget.interval_cycles if interval is None else interval
    search = _Search(
        sketcher,
        scarcity(device) if prices is None else prices,
        {kind: device.usable_count(kind) * budget.share for kind in RESOURCES},
        budget.latency_cycles if latency is None else latency,
    )
    groups = layer_groups(graph)
    engines = engine_layers(graph, groups) if interval > 1 else {}
    engines |= {n: positions_of(graph, groups, n) for n, c in fixed.items() if isinstance(c, EngineParts)}
    covered = {behind for layer in engines.values() for behind in layer.layers[1:]}
    options = {
        name: _options(search, name, nodes, interval, engines.get(name))
        for name, nodes in groups.items()
        if name not in fixed and name not in covered
    }
    stream = {**streamed(graph, interval), **(beats or {})}
    chosen = {n: choice for n, choice in fixed.items() if choice is not None}
    # such a layer is never built as one operation after the other
    first = {n: options[n][0].choice for n in engines if options.get(n)}
    chosen |= {n: choice for n, choice in first.items() if choice is not None}
    start = Plan(chosen, stream, interval)
    best = _descend(search, options, start, progress)
    if best is None:
        best = sketcher.sketch(start)  # says what does not work
    return Schedule(best, tuple(search.tried.values()), search.value(best)[:2] == (0, 0))


def check_names(graph: Graph, layers: Iterable[str], inputs: Iterable[str]) -> None:
    """Whether the graph has such layers and inputs.

    Raises:
        UnknownNameError: it has not; the message lists those that it has.
    """
    for what, given, known in (("layer", layers, layer_groups(graph)), ("input", inputs, graph.inputs)):
        for name in given:
            if name not in known:
                message = f"there is no {what} {name!r} in {graph.name!r}; it has {', '.join(known)}"
                raise UnknownNameError(message)


def streamed(graph: Graph, interval: int) -> dict[str, int]:
    """Input → positions in a cycle, for the inputs that are too wide to enter in one."""
    found = {}
    for name, type in graph.inputs.items():
        if type.bits <= WIDEST or interval == 1 or len(type.shape) < 2:
            continue
        for positions in range(1, type.shape[-2] + 1):
            if int(beats_of(type.shape, positions)[0].max()) < interval:
                found[name] = positions
                break
    return found


def _descend(
    search: _Search, options: Mapping[str, Sequence[_Way]], plan: Plan, progress: Progress
) -> Sketch | None:
    """Change one layer at a time as long as that helps."""
    streamed = plan
    options = {name: ways for name, ways in options.items() if ways}
    for name, ways in options.items():
        streamed = _changed(streamed, name, _at_the_rate([way.choice for way in ways]))
    starts = (_pressed(search, options, plan), search.sketch(streamed), search.sketch(plan))
    best = min(starts, key=search.value)
    total = ROUNDS * len(options)
    for round in range(ROUNDS):
        before = search.value(best)
        for done, (name, ways) in enumerate(options.items()):
            progress("schedule", round * len(options) + done, total, name)
            for way in ways:
                other = search.sketch(_changed(plan if best is None else best.plan, name, way.choice))
                if search.value(other) < search.value(best):
                    best = other
        if search.value(best) == before:
            break
    progress("schedule", total, total)
    return best


def _pressed(search: _Search, options: Mapping[str, Sequence[_Way]], plan: Plan) -> Sketch | None:
    """From what is cheapest for each layer to what is in time, step by step where a slot less costs least."""
    ways = {name: offered[0] for name, offered in options.items()}
    while True:
        for name, way in ways.items():
            plan = _changed(plan, name, way.choice)
        sketch = search.sketch(plan)
        if sketch is not None and sketch.latency <= search.latency:
            return sketch
        steps = [
            ((other.price - way.price) / (way.slots - other.slots), name, n)
            for name, way in ways.items()
            for n, other in enumerate(options[name])
            if other.slots < way.slots
        ]
        if not steps:
            return sketch
        _, name, n = min(steps)
        ways[name] = options[name][n]


def _changed(plan: Plan, name: str, choice: Choice | None) -> Plan:
    layers = {**plan.layers, name: choice}
    return replace(plan, layers={n: c for n, c in layers.items() if c is not None})


def _options(
    search: _Search, name: str, nodes: Sequence[Node], interval: int, engine: Positions | None = None
) -> list[_Way]:
    """The ways to build a layer that are worth a try, the cheapest of itself first.

    Of those that take fewer slots than every cheaper one, `KEPT`; the one that works as data arrives, and
    unrolled.
    """
    ways: list[_Way] = []
    graph = search.sketcher.graph
    tried: Sequence[Choice | None] = (
        candidates(graph, name, nodes, interval)
        if engine is None
        else engine_choices(graph, engine, interval)
    )
    for choice in tried:
        plan = Plan({} if choice is None else {name: choice}, {}, interval)
        try:
            parts = search.sketcher.parts(name, nodes, choice)
            total = sum((search.sketcher.cost(part, plan) for part in parts), Cost())
        except FoldingError:
            continue
        kernels = [part.kernel for part in parts if part.kernel is not None]
        ports = sum(kernel.graph.types["in"].bits for kernel in kernels)
        slots = max(part.slots for part in parts) if parts else 1
        ways.append(_Way(choice, price(total, search.prices) + ports / 2, slots))
    ways.sort(key=lambda way: way.price)  # of equals the first candidate stays the first
    front = [way for n, way in enumerate(ways) if all(way.slots < other.slots for other in ways[:n])]
    if not front:
        return []
    kept = [front[n] for n in np.unique(np.linspace(0, len(front) - 1, KEPT).round().astype(int))]
    others = {_at_the_rate([way.choice for way in ways]), None} - {way.choice for way in kept}
    return [*kept, *(way for way in ways if way.choice in others)]


def _at_the_rate(choices: Sequence[Choice | None]) -> Choice | None:
    """The choice that works as data arrives: as few positions at a time as the interval allows."""
    folds = [c for c in choices if isinstance(c, Fold) and c.columns == c.inputs == 1]
    repeated = [c for c in choices if isinstance(c, Copies)]
    engines = [c for c in choices if isinstance(c, EngineParts)]
    if engines:
        return engines[0]
    return min(folds, key=lambda c: c.positions, default=max(repeated, key=lambda c: c.cells, default=None))


def candidates(graph: Graph, name: str, nodes: Sequence[Node], interval: int) -> list[Choice | None]:
    """All ways to build a layer in no more slots than there are cycles between two events.

    Args:
        graph: the network.
        name: the layer.
        nodes: those of the layer.
        interval: cycles between two events.
    """
    found: list[Choice | None] = [None]
    if interval == 1:
        return found
    steps = steps_of(graph, nodes)
    if steps:
        count = max(len(each.steps) for each in steps)
        shape = graph.types[steps[0].steps[0][-1].name].shape
        found += [Copies(n) for n in range(1, count) if count % n == 0]
        fitting = [n for n in _counts(shape[-1]) if count * (n + LOOP) <= min(interval, MANY_SLOTS)]
        return [*found, *(Copies(1, n) for n in fitting[-MOST_PARTS:])]
    try:
        output = layer_output(graph, name, nodes)
    except GraphError:
        return found
    shape = graph.types[output].shape
    columns = shape[-1] if shape else 1
    axis = shape[-2] if len(shape) > 1 else 1
    lines = int(np.prod(shape[:-2], dtype=np.int64)) if len(shape) > 2 else 1
    weights = any(isinstance(node.op, Dense | Einsum) for node in nodes)
    for positions in _parts(axis):
        for part in _parts(columns) if weights else [columns]:
            pieces = -(-columns // part)
            slots = lines * -(-axis // positions) * pieces
            if 1 < slots <= min(interval, MANY_SLOTS):
                found.append(Fold(positions, pieces))
                if pieces > 1:
                    found.append(Fold(positions, pieces, packed=True))
    return _thinned(found, lines, axis, columns) + _in_parts_of_inputs(
        graph, nodes, lines * axis, columns, interval
    )


def _in_parts_of_inputs(
    graph: Graph, nodes: Sequence[Node], positions: int, columns: int, interval: int
) -> list[Fold]:
    """Folds along the inputs too, where the columns alone leave most of the interval idle."""
    products = [inputs for node in nodes if (inputs := summed_inputs(graph, node))]
    if len(products) != 1:
        return []
    found: list[Fold] = []
    (inputs,) = products
    for pieces in sorted({-(-columns // part) for part in (1, 2, 4)}, reverse=True):
        blocks = positions * pieces  # between two parts of a sum; it is ready after so many stages
        fitting = [n for n in _counts(inputs) if n * max(blocks, LOOP) <= min(interval, MANY_SLOTS)]
        for count in fitting[-MOST_PARTS:]:
            found.append(Fold(1, pieces, count))
            if 1 < pieces < columns:
                found.append(Fold(1, pieces, count, packed=True))
    return found


def _parts(count: int) -> list[int]:
    """The sizes of equal parts, each once, from one element up."""
    return sorted({-(-count // n) for n in range(1, count + 1)})


def _counts(count: int) -> list[int]:
    """The numbers of equal parts, from two up."""
    return sorted({-(-count // part) for part in _parts(count)} - {1})


def _thinned(
    found: Sequence[Choice | None], lines: int, axis: int, columns: int, most: int = 24
) -> list[Choice | None]:
    """At most so many, spread over the number of slots, those that share positions before columns."""
    if len(found) <= most:
        return list(found)

    def slots(choice: Fold) -> int:
        return lines * -(-axis // choice.positions) * choice.columns

    folds = sorted((c for c in found if isinstance(c, Fold)), key=lambda c: (-slots(c), str(c)))
    picked = np.unique(np.linspace(0, len(folds) - 1, most - 1).round().astype(int))
    return list(dict.fromkeys([None, _at_the_rate(folds), *(folds[n] for n in picked)]))
