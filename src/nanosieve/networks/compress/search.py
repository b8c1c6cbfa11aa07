"""The search: the smallest network that loses no more than is allowed, or the best that fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.hardware import Budget
from nanosieve.errors import SettingsError
from nanosieve.networks.compress.front import Candidate, Front
from nanosieve.networks.compress.judge import float_outputs, judge
from nanosieve.networks.compress.metrics import Metric
from nanosieve.networks.compress.recipe import Recipe, Workshop

__all__ = ["DEFAULT_RECIPES", "search"]

DEFAULT_RECIPES = (
    Recipe.after_training(8),
    Recipe.after_training(8, sparsity=0.5),
    Recipe.aware(6),
    Recipe.aware(6, sparsity=0.5),
    Recipe.aware(4, sparsity=0.5),
    Recipe.learned(1e-7),
    Recipe.learned(1e-5),
)


def search(
    workshop: Workshop,
    x: NDArray[Any],
    labels: NDArray[Any],
    metric: Metric,
    budget: Budget,
    *,
    loss: float | None = None,
    luts: float | None = None,
    recipes: Sequence[Recipe] = DEFAULT_RECIPES,
    refine: int = 3,
    minimise: str = "lut",
    dsp: bool = True,
    resamples: int = 50,
    seed: int = 0,
) -> Front:
    """Try recipes on a network and refine the price of its bits towards the aim.

    With `loss`, the aim is the smallest network that loses so much at most; with `luts`, the best one of that
    size. The price of the bits (HGQ) is bisected, on a logarithmic scale, between the highest that met the
    aim of the loss and the lowest that did not (or the other way round for the size).

    The metric is taken from the fixed-point graph, which is what the hardware computes. A network chosen on
    some events looks better on them than it is: quote its metric on others.

    Args:
        workshop: the network and its training events.
        x, labels: events that choose, and that no training has seen.
        metric: e.g. `accuracy` or `efficiency_at_false_positive_rate`.
        budget: time, device and room; sizes are those of the cheapest plan under it.
        loss: how much of the metric may be lost, in % (points, not parts).
        luts: how many LUTs there are, other resources converted.
        recipes: what is tried in any case.
        refine: steps of the bisection.
        minimise, dsp: see `nanosieve.compile`.
        resamples, seed: of the errors of the losses, see `paired_loss`.

    Raises:
        SettingsError: both aims, or none.
        BudgetError: no plan can be built for a network.
        NanosieveError: as `Workshop.make`.
    """
    if (loss is None) == (luts is None):
        message = f"loss={loss!r}, luts={luts!r}: give one of the two, what may be lost or what there is"
        raise SettingsError(message)
    x, labels = np.asarray(x, dtype=np.float32), np.asarray(labels)
    reference = float_outputs(workshop, x)
    tried: dict[Recipe, Candidate] = {}

    def attempt(recipe: Recipe) -> None:
        if recipe not in tried:
            tried[recipe] = judge(
                workshop, recipe, x, labels, metric, budget, reference=reference, minimise=minimise,
                dsp=dsp, resamples=resamples, seed=seed,
            )  # fmt: skip

    name = getattr(metric, "__name__", "metric")
    return Front(name, metric(reference, labels), tuple(tried.values()))


def _next(tried: list[Candidate], loss: float | None, luts: float | None) -> Recipe | None:
    """The learned recipe between the two nearest to the aim, or a step beyond all of them."""
    learned = sorted((c for c in tried if c.recipe.how == "learned"), key=lambda c: c.recipe.price)
    if not learned:
        return None
    # A higher price makes a smaller network that loses more: up to some price the loss is met, from some
    # price on the size is.
    met = [c.loss.value <= loss if loss is not None else c.size > (luts or 0.0) for c in learned]
    below = [c.recipe for c, good in zip(learned, met, strict=True) if good]
    above = [c.recipe for c in learned if not below or c.recipe.price > below[-1].price]
    if below and above:
        price = math.sqrt(below[-1].price * above[0].price)
        if price / below[-1].price < 1.1:
            return None
    else:
        price = below[-1].price * 10 if below else above[0].price / 10
    like = (below or above)[-1 if below else 0]
    return Recipe.learned(price, bits=like.bits, sparsity=like.sparsity)
