"""Passes: graph → graph with the same meaning. One file each; the graph is verified between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nanosieve.compiler.graph import Graph
from nanosieve.compiler.passes.absorb_rounding import absorb_rounding
from nanosieve.compiler.passes.drop_dead_values import drop_dead_values
from nanosieve.compiler.passes.drop_idle_quantizers import drop_idle_quantizers
from nanosieve.compiler.passes.fold_batch_norm import fold_batch_norm
from nanosieve.compiler.passes.fold_constants import (
    fold_all_constants,
    fold_computed_constants,
    fold_constants,
)
from nanosieve.compiler.passes.gather_early import gather_early
from nanosieve.compiler.passes.merge_quantizers import merge_quantizers
from nanosieve.compiler.passes.merge_rewiring import merge_rewiring
from nanosieve.compiler.passes.quantize_at_source import quantize_at_source
from nanosieve.compiler.passes.reloadable import fixed_weights, reloadable
from nanosieve.compiler.passes.sum_varying import sum_varying

__all__ = [
    "BEFORE_WEIGHTS",
    "DEFAULT",
    "FEWER_ELEMENTS",
    "Pass",
    "absorb_rounding",
    "drop_dead_values",
    "drop_idle_quantizers",
    "fixed_weights",
    "fold_all_constants",
    "fold_batch_norm",
    "fold_computed_constants",
    "fold_constants",
    "gather_early",
    "merge_quantizers",
    "merge_rewiring",
    "quantize_at_source",
    "reloadable",
    "run_passes",
    "sum_varying",
]

Pass = Callable[[Graph], Graph]

DEFAULT: tuple[Pass, ...] = (
    fold_constants,
    merge_rewiring,
    fold_batch_norm,
    drop_idle_quantizers,
    quantize_at_source,
    merge_quantizers,
    absorb_rounding,
    drop_dead_values,
)


BEFORE_WEIGHTS: tuple[Pass, ...] = (fold_computed_constants, merge_rewiring, fold_batch_norm)
"""What joins constants to weights, before `reloadable` hides their values."""

FEWER_ELEMENTS: tuple[Pass, ...] = (
    fold_all_constants,
    sum_varying,
    merge_rewiring,
    drop_dead_values,
    gather_early,
    drop_dead_values,
)
"""For software, which pays for every element; hardware has no cells for constant or unread ones."""


def run_passes(
    graph: Graph, passes: Sequence[Pass] = DEFAULT, *, between: Callable[[str, Graph], None] | None = None
) -> Graph:
    """Apply the passes in order and verify after each.

    Args:
        graph: what to rewrite.
        passes: in order.
        between: called with the name of the pass and its result, e.g. to print it.

    Raises:
        GraphError: a pass broke the graph.
    """
    graph.verify()
    for step in passes:
        graph = step(graph).verify()
        if between is not None:
            between(step.__name__, graph)
    return graph
