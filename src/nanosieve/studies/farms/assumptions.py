"""Assumptions whose edges need simulations of their own: which of them would change the ranking?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nanosieve.farm.designs import Design
from nanosieve.farm.simulation import Scenario

__all__ = ["ASSUMPTIONS", "EDGE_NAMES", "Assumption", "with_nodes"]

EDGE_NAMES = ("lower", "upper")


@dataclass(frozen=True)
class Assumption:
    """An assumption at both edges of its band.

    Attributes:
        source: of the band.
        scenarios: at the lower and the upper edge.
        nodes: number of nodes over the planned one, at both edges; moved in one design at a time.
    """

    source: str
    scenarios: tuple[Scenario, Scenario] = (Scenario(), Scenario())
    nodes: tuple[float, float] | None = None

    def at(self, edge: int, design: Design) -> tuple[Design, Scenario]:
        """Design and scenario at edge 0, the lower, or 1."""
        more = design if self.nodes is None else with_nodes(design, self.nodes[edge])
        return more, self.scenarios[edge]


def _times(task: str) -> tuple[Scenario, Scenario]:
    return Scenario(times={task: 0.0}, growth=0.5), Scenario(times={task: 1.0}, growth=0.5)


ASSUMPTIONS: Mapping[str, Assumption] = {
    "service times, what accelerators can take": Assumption(
        "workload run-3: derived from published throughputs, assumed on FPGAs", _times("offloadable")
    ),
    "service times, the rest": Assumption(
        "workload run-3: derived from published throughputs", _times("remaining")
    ),
    "growth with pile-up": Assumption(
        "workload run-3: power 1.0 to 2.2, assumed", (Scenario(growth=0.0), Scenario(growth=1.0))
    ),
    "relative times of classes": Assumption(
        "workload run-3: assumed; boosted events up to the ratio published for Phase 2",
        (Scenario(classes=0.0), Scenario(classes=1.0)),
    ),
    "nodes": Assumption("assumed: a quarter fewer or more than planned", nodes=(0.75, 1.25)),
}
"""Name → assumption."""


def with_nodes(design: Design, ratio: float) -> Design:
    """`design` with `ratio` times its nodes, at least one."""
    count = max(1, round(ratio * design.nodes.count))
    return design.model_copy(update={"nodes": design.nodes.model_copy(update={"count": count})})
