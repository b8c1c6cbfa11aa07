"""What one recipe makes of a network: its metric, its loss and its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.frontends import run_model
from nanosieve.compiler.hardware import Budget
from nanosieve.devices import RESOURCES, find_device
from nanosieve.figure import Figure, Provenance
from nanosieve.networks.compress.cost import size_in_luts, sketched
from nanosieve.networks.compress.front import Candidate
from nanosieve.networks.compress.metrics import Metric, paired_loss
from nanosieve.networks.compress.recipe import Recipe, Workshop

__all__ = ["float_outputs", "judge"]


def float_outputs(workshop: Workshop, x: NDArray[Any], *, sparsity: float = 0.0) -> dict[str, NDArray[Any]]:
    """What the float network says, pruned or not: output name → (events, …).

    Raises:
        NanosieveError: as `Workshop.make`.
    """
    path = workshop.make(Recipe.after_training(16, sparsity=sparsity))
    return run_model(path, {workshop.input: np.asarray(x, dtype=np.float32)})


def judge(
    workshop: Workshop,
    recipe: Recipe,
    x: NDArray[Any],
    labels: NDArray[Any],
    metric: Metric,
    budget: Budget,
    *,
    reference: Mapping[str, NDArray[Any]] | None = None,
    minimise: str = "lut",
    dsp: bool = True,
    resamples: int = 50,
    seed: int = 0,
) -> Candidate:
    """Make the network of a recipe and measure it on events that no training has seen.

    Args:
        workshop: the network and its training events.
        recipe: what to do with it.
        x, labels: the events.
        metric: what counts.
        budget: time, device and room.
        reference: outputs of the float network on the events; computed if not given.
        minimise, dsp: see `nanosieve.compile`.
        resamples, seed: of the error of the loss, see `paired_loss`.

    Raises:
        BudgetError: no plan can be built.
        NanosieveError: as `Workshop.make`.
    """
    graph = workshop.graph(recipe)
    outputs = graph.emulate(np.asarray(x, dtype=np.float32))
    reference = float_outputs(workshop, x) if reference is None else reference
    sketch = sketched(graph, budget, minimise=minimise, dsp=dsp, progress=workshop.progress)
    device = find_device(budget.device)
    room = all(getattr(sketch.cost, kind) <= budget.share * device.usable_count(kind) for kind in RESOURCES)
    return Candidate(
        recipe,
        workshop.path(recipe),
        graph,
        metric(outputs, labels),
        paired_loss(metric, reference, outputs, labels, resamples=resamples, seed=seed),
        sketch.cost.figures(),
        size_in_luts(sketch, budget, minimise=minimise),
        Figure(sketch.latency * budget.period_ns, "ns", Provenance.ESTIMATED),
        room and sketch.latency <= budget.latency_cycles,
    )
