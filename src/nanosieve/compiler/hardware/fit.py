"""`build_design`: the hardware that meets a budget, or what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware.analytic import Cost
from nanosieve.compiler.hardware.budget import Budget
from nanosieve.compiler.hardware.build import build_layers
from nanosieve.compiler.hardware.clock import MOST_LUTS
from nanosieve.compiler.hardware.design import HardwareDesign
from nanosieve.compiler.hardware.inputs import input_elements
from nanosieve.compiler.hardware.no_fit import check_budget, rounded_up
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Choice, Plan
from nanosieve.compiler.hardware.scheduler import Schedule, check_names, find_plan, price, scarcity
from nanosieve.compiler.hardware.sketch import Sketcher
from nanosieve.compiler.hardware.timing import DelayModel
from nanosieve.compiler.hardware.top import write_sources
from nanosieve.devices import find_device
from nanosieve.errors import BudgetError, ClockError, FoldingError, SettingsError
from nanosieve.progress import Progress, silent

__all__ = ["MINIMISE", "Wishes", "build_design", "build_finalists", "worth_of"]

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


class Wishes(TypedDict, total=False):
    """What a user says of a design beside its budget; see `build_design`."""

    layers: Mapping[str, Choice | None] | None
    beats: Mapping[str, int] | None
    minimise: str
    model: DelayModel | None
    extra_depth: int
    dsp: bool
    progress: Progress


def build_design(
    graph: Graph, budget: Budget, *, plan: Plan | None = None, **wishes: Unpack[Wishes]
) -> HardwareDesign:
    """Turn `graph` into the smallest hardware found that meets `budget`.

    Args:
        graph: the network.
        budget: time and room.
        plan: how every layer is built; default what the scheduler finds.
        layers: layer → how it must be built, None for unrolled; the scheduler chooses for the others.
        beats: input → positions that enter in a cycle, 0 for all; by default inputs of many bits stream.
        minimise: which resource counts, of `MINIMISE`; default ``"balanced"``.
        model: delays of the cells; without a size it gets that of the plan.
        extra_depth: see `multiply_matrix`; default 0.
        dsp: whether products may use DSP slices; default True.
        progress: told of every layer.

    Raises:
        BudgetError: the latency or the room does not suffice; the message says what would do.
        UnknownNameError: no such device, layer or input.
        UnsupportedLayerError: an op has no hardware.
        FoldingError: a layer cannot be built as `layers` or `plan` says.
    """
    fitting = _Fitting.of(graph, budget, wishes)
    if plan is None and budget.interval_cycles == 1 and not wishes.get("layers") and not wishes.get("beats"):
        plan = Plan()
    if plan is None:
        design, _ = fitting.searched()
    else:
        check_names(graph, plan.layers, plan.beats)
        design = fitting.built(plan)
    check_budget(design, fitting.sketcher)
    return design


def build_finalists(
    graph: Graph, budget: Budget, count: int, **wishes: Unpack[Wishes]
) -> list[HardwareDesign]:
    """The best plans by the analytic cost, built, so that synthesis can choose between them.

    Args:
        graph: the network.
        budget: time and room.
        count: how many plans, that of `build_design` among them; those that are not in time are left out.
        layers, beats, minimise, model, extra_depth, dsp, progress: see `build_design`.

    Raises:
        BudgetError: no plan meets the budget.
    """
    fitting = _Fitting.of(graph, budget, wishes)
    first, found = fitting.searched()
    check_budget(first, fitting.sketcher)
    designs = [first]
    for sketch in sorted(found.tried, key=lambda each: (bool(each.plan.layers), fitting.price_of(each.cost))):
        if len(designs) >= count:
            break
        plan = replace(sketch.plan, interval=budget.interval_cycles)
        if any(plan.to_dict() == other.plan.to_dict() for other in designs):
            continue
        try:
            design = fitting.built(plan)
            check_budget(design)
        except (BudgetError, FoldingError):
            continue
        designs.append(design)
    return designs


def worth_of(minimise: str, device: str) -> Mapping[str, float]:
    """Resource → its worth in LUTs, for a key of `MINIMISE`.

    Raises:
        SettingsError: no such key.
        UnknownNameError: no such device.
    """
    if minimise not in MINIMISE:
        message = f"minimise = {minimise!r} is none of {', '.join(MINIMISE)}"
        raise SettingsError(message)
    return MINIMISE[minimise] or scarcity(find_device(device))


@dataclass(frozen=True)
class _Fitting:
    """A network, its budget and the wishes of the user.

    Attributes:
        worth: resource → its worth in LUTs.
        sketcher: all that is known of plans.
    """

    graph: Graph
    budget: Budget
    settings: Settings
    layers: Mapping[str, Choice | None]
    beats: Mapping[str, int]
    worth: Mapping[str, float]
    progress: Progress
    sketcher: Sketcher

    @classmethod
    def of(cls, graph: Graph, budget: Budget, wishes: Wishes) -> _Fitting:
        """Check what was said.

        Raises:
            BudgetError: more than one event in a clock cycle.
            UnknownNameError, SettingsError: no such device or key of `MINIMISE`.
        """
        worth = worth_of(wishes.get("minimise", "balanced"), budget.device)
        if budget.interval_cycles < 1:
            message = (
                f"an event every {budget.every_ns:g} ns is more than one event in a clock cycle of "
                f"{budget.period_ns:g} ns; a clock of {rounded_up(1e3 / budget.every_ns)} MHz or faster "
                "would do"
            )
            raise BudgetError(message)
        graph.verify()
        layers, beats = wishes.get("layers") or {}, wishes.get("beats") or {}
        settings = Settings(
            wishes.get("model") or DelayModel(),
            budget.period_ns,
            budget.interval_cycles,
            wishes.get("extra_depth", 0),
            wishes.get("dsp", True),
        )
        progress = wishes.get("progress", silent)
        return cls(graph, budget, settings, layers, beats, worth, progress, Sketcher(graph, settings))

    def price_of(self, cost: Cost) -> float:
        """Of a plan."""
        return price(cost, self.worth)

    def built(self, plan: Plan) -> HardwareDesign:
        """The hardware of a plan, in time or not.

        Raises:
            BudgetError: an operation does not fit into a clock cycle, or the slots of a layer between two
                events.
        """
        model = self.settings.model
        if model.luts is None:
            # Registers are placed for no larger design than was calibrated; what is beyond shows in
            # `HardwareDesign.clock`.
            luts = (self.sketcher.attempt(plan) or self.sketcher.sketch(plan)).cost.lut
            model = replace(model, luts=min(round(luts), MOST_LUTS))
        settings = replace(self.settings, interval=plan.interval, model=model)
        layers, outputs = build_layers(self.graph, plan, settings, progress=self.progress)
        sources = write_sources(self.graph, layers, outputs, input_elements(self.graph, plan.beats))
        return HardwareDesign(self.graph, self.budget, tuple(layers), sources, model, plan)

    def searched(self) -> tuple[HardwareDesign, Schedule]:
        """The first plan that is in time when it is built, and the search; a sketch can be too short."""
        latency, interval = self.budget.latency_cycles, self.budget.interval_cycles
        best: HardwareDesign | None = None
        problem: BudgetError | None = None
        for _ in range(ATTEMPTS):
            try:
                found = find_plan(
                    self.sketcher, self.budget, fixed=self.layers, beats=self.beats, prices=self.worth,
                    latency=latency, interval=interval, progress=self.progress,
                )  # fmt: skip
            except (BudgetError, FoldingError):  # of an interval that is shorter than the one asked for
                if problem is None:
                    raise
                break
            try:
                design = self.built(replace(found.best.plan, interval=self.budget.interval_cycles))
            except ClockError:
                raise
            except BudgetError as error:  # a kernel has more stages than its sketch: its slots take longer
                problem, interval = error, max(1, interval * 3 // 4)
                continue
            over = design.sources.latency - self.budget.latency_cycles
            if best is None or design.sources.latency < best.sources.latency:
                best = design
            latency = min(latency, found.best.latency) - over  # by how much the sketch was too short
            if over <= 0 or latency < 1:
                break
        if best is None:
            raise problem or BudgetError(f"no plan for {self.graph.name!r} was found")
        return self._or_unrolled(best, found), found

    def _or_unrolled(self, best: HardwareDesign, found: Schedule) -> HardwareDesign:
        """The unrolled design instead, where sharing pays by the analytic cost alone and not when built."""
        unrolled = [sketch for sketch in found.tried if not sketch.plan.layers]
        if not best.plan.layers or not unrolled:
            return best
        if self.price_of(unrolled[0].cost) > CLOSE * self.price_of(found.best.cost):
            return best
        other = self.built(replace(unrolled[0].plan, interval=self.budget.interval_cycles))
        if other.sources.latency > max(best.sources.latency, self.budget.latency_cycles):
            return best

        def value(design: HardwareDesign) -> float:
            return sum(design.estimate[kind].value * each for kind, each in self.worth.items())

        return min(best, other, key=value)
