"""The fitted factors of the cost formulas, and the measured errors of the estimates before synthesis."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from nanosieve.compiler.hardware.work import Adders, Work
from nanosieve.figure import Figure, Provenance

__all__ = ["CostModel", "Spread", "cost_model"]


@dataclass(frozen=True)
class Spread:
    """|ln(estimate / count of Yosys)| over a corpus: its median, its 90 % point, and the number of cases."""

    median: float
    ninety: float
    count: int

    @property
    def relative(self) -> float:
        """One standard deviation of the estimate, relative to it, from the 90 % point."""
        return math.expm1(self.ninety / 1.645)


@dataclass(frozen=True)
class CostModel:
    """What ``validation/cost_model.py`` has fitted and measured.

    Attributes:
        factors: name → factor.
        errors: estimate (``analytic`` or ``lowered``) → ``layers`` or ``designs`` → resource → spread.
    """

    factors: Mapping[str, float]
    errors: Mapping[str, Mapping[str, Mapping[str, Spread]]]

    def luts(self, work: Work) -> float:
        """LUTs of an op."""
        total = sum(self.factors[kind] * luts for kind, luts in work.luts.items())
        return total + (self.adder_graph(work.adders) if work.adders is not None else 0.0)

    def adder_graph(self, graph: Adders) -> float:
        """LUTs of shared adders: those of unshared ones times a power of each feature of the shape."""
        f = self.factors
        bits = f["adder_in"] * graph.in_width + f["adder_out"] * graph.out_width + f["adder_bit"]
        each = graph.adders / graph.outputs
        shared = f["shared"] * math.pow(1 + each, f["shared_each"])
        shared *= math.pow(graph.outputs, f["shared_outputs"]) * math.pow(graph.inputs, f["shared_inputs"])
        return graph.rows * graph.adders * max(bits, 1.0) * min(shared, 1.0)

    def inside(self, luts: float, out: float, left: int) -> float:
        """Register bits inside an op, `left` steps before its end; `out` are the bits of its result."""
        most = max(self.factors["inside"] * luts, out)
        return min(out * math.pow(2, self.factors["inside_step"] * left), most)

    def figure(self, estimate: str, kind: str, value: float, *, of: str = "designs") -> Figure:
        """An estimate as a figure; its source tells the spread over ``designs`` or ``layers``."""
        spread = self.errors.get(estimate, {}).get(of, {}).get(kind)
        if spread is None or not value:
            return Figure(round(value, 1), kind.upper(), Provenance.ESTIMATED)
        source = (
            f"{estimate} estimate; against Yosys on {spread.count} {of}: median error "
            f"{100 * math.expm1(spread.median):.0f} %, 90 % within {100 * math.expm1(spread.ninety):.0f} %"
        )
        error = round(value * spread.relative, 1)
        return Figure(round(value, 1), kind.upper(), Provenance.ESTIMATED, error=error, source=source)


@cache
def cost_model() -> CostModel:
    """The model that comes with the package."""
    text = resources.files("nanosieve.compiler.hardware").joinpath("cost_model.json").read_text("utf-8")
    document = json.loads(text)
    errors = {
        estimate: {
            of: {kind: Spread(**spread) for kind, spread in kinds.items()} for of, kinds in cases.items()
        }
        for estimate, cases in document["errors"].items()
    }
    return CostModel(document["factors"], errors)
