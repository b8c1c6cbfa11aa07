"""Fit the formulas of `nanosieve.compiler.hardware.analytic` to Yosys, and measure cost estimates.

Usage: python validation/cost_model.py [--write] [MODELS…]

Reads ``validation/cost_corpus.csv`` (made by ``cost_corpus.py``). The factors are fitted to the random graphs
of even seeds; the errors are measured on those of odd seeds and on the layers of the model files, which the
fit has not seen. (The form of the formulas was chosen with a view of all of them, so that the error on other
networks may be somewhat larger.) ``--write`` puts both into the package; without it, the script ends with
code 1 where the package has others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import cost_corpus
import numpy as np
from cost_corpus import Row
from numpy.typing import NDArray
from scipy.optimize import least_squares

from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware import analytic
from nanosieve.compiler.hardware.analytic import Cost, analytic_cost, analytic_costs
from nanosieve.compiler.hardware.cost_model import CostModel, cost_model
from nanosieve.compiler.hardware.work import KINDS, Work

PACKAGE = Path(analytic.__file__).with_name("cost_model.json")
PERIOD = 5.0
FLOOR = 16
"""Added to both sides of a ratio: a LUT more or less in a layer of three is no error of 30 %."""
START = {
    **dict.fromkeys(KINDS, 1.0),
    "adder_in": 0.7,
    "adder_out": 0.3,
    "adder_bit": 0.8,
    "shared": 0.8,
    "shared_each": -0.05,
    "shared_outputs": -0.08,
    "shared_inputs": 0.08,
}
INSIDE = [{"inside": n / 10, "inside_step": m / 10} for n, m in product(range(2, 13), range(2, 13))]
PLAIN = {**START, "inside": 0.5, "inside_step": 0.7}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recorder(CostModel):
    """Collects the work of a layer instead of costing it."""

    works: list[Work] = field(default_factory=list)

    def luts(self, work: Work) -> float:
        self.works.append(work)
        return 0.0


@dataclass(frozen=True)
class Sample:
    """A layer of the corpus."""

    row: Row
    graph: Graph

    @property
    def seen(self) -> bool:
        """Whether the fit sees it."""
        kind, _, seed = self.row.graph.partition("_")
        return kind in ("dense", "functions") and int(seed) % 2 == 0

    def works(self) -> list[Work]:
        recorder = Recorder(PLAIN, {})
        nodes = [node for node in self.graph.nodes if node.layer == self.row.layer]
        analytic_cost(self.graph, nodes, model=cost_corpus.MODEL, period=PERIOD, factors=recorder)
        return recorder.works


def costs(model: CostModel, chosen: Sequence[Sample]) -> list[Cost]:
    """The cost of each layer, where it stands in its graph."""
    graphs = {sample.row.graph: sample.graph for sample in chosen}
    layers = {
        name: analytic_costs(graph, model=cost_corpus.MODEL, period=PERIOD, factors=model)
        for name, graph in graphs.items()
    }
    return [layers[sample.row.graph][sample.row.layer] for sample in chosen]


def samples(models: Sequence[Path], rows: Iterable[Row]) -> list[Sample]:
    graphs = dict(cost_corpus.graphs(list(models)))
    return [Sample(row, graphs[row.graph]) for row in rows if row.graph in graphs]


def ratios(estimates: Sequence[float], counts: Sequence[float]) -> Floats:
    return np.log((np.array(estimates) + FLOOR) / (np.array(counts) + FLOOR))


def fit(seen: Sequence[Sample]) -> CostModel:
    """The factors with the least squares of the log ratio of LUTs, then the share of registers inside."""
    works = [sample.works() for sample in seen]
    counts = [sample.row.lut for sample in seen]
    names = list(START)
    powers = [name.startswith("shared_") for name in names]

    def factors(values: Floats) -> dict[str, float]:  # positive, but for the powers
        own = np.where(powers, values, np.exp(values))
        return {**dict(zip(names, map(float, own), strict=True)), "inside": 0.5, "inside_step": 0.7}

    def residuals(values: Floats) -> Floats:
        model = CostModel(factors(values), {})
        return ratios([sum(map(model.luts, own)) for own in works], counts)

    start = np.array(
        [START[n] if power else np.log(START[n]) for n, power in zip(names, powers, strict=True)]
    )
    # a weak pull to the start: what the corpus says little of stays where it was
    found = least_squares(
        lambda v: np.concatenate([residuals(v), 0.1 * (v - start)]), start, loss="soft_l1", f_scale=0.3
    )
    best = {name: round(value, 3) for name, value in factors(found.x).items()}
    flops = [sample.row.ff for sample in seen]

    def misfit(inside: dict[str, float]) -> float:
        model = CostModel({**best, **inside}, {})
        return float(np.mean(np.abs(ratios([cost.ff for cost in costs(model, seen)], flops))))

    return CostModel({**best, **min(INSIDE, key=misfit)}, {})


def errors(model: CostModel, unseen: Sequence[Sample]) -> dict[str, dict[str, dict[str, Any]]]:
    """Estimate → layers or designs → resource → spread."""
    found = costs(model, unseen)
    rows = [sample.row for sample in unseen]
    estimates = {
        "analytic": {kind: [getattr(cost, kind) for cost in found] for kind in ("lut", "ff")},
        "lowered": {kind: [getattr(row, f"lowered_{kind}") for row in rows] for kind in ("lut", "ff")},
    }
    return {
        name: {
            of: {kind: spread(*summed(rows, kinds[kind], kind, of)) for kind in kinds}
            for of in ("layers", "designs")
        }
        for name, kinds in estimates.items()
    }


def summed(
    rows: Sequence[Row], estimates: Sequence[float], kind: str, of: str
) -> tuple[list[float], list[float]]:
    """Estimates and counts of Yosys, of each layer or added up over each graph."""
    sums: dict[object, list[float]] = {}
    for n, (row, estimate) in enumerate(zip(rows, estimates, strict=True)):
        total = sums.setdefault(row.graph if of == "designs" else n, [0.0, 0.0])
        total[0] += estimate
        total[1] += getattr(row, kind)
    return [total[0] for total in sums.values()], [total[1] for total in sums.values()]


def spread(estimates: Sequence[float], counts: Sequence[float]) -> dict[str, float]:
    """What has none of the resource, in truth and in the estimate, is left out."""
    used = [(e, n) for e, n in zip(estimates, counts, strict=True) if e or n]
    size = np.abs(ratios(*zip(*used, strict=True)))
    return {
        "median": round(float(np.median(size)), 3),
        "ninety": round(float(np.quantile(size, 0.9)), 3),
        "count": len(used),
    }


def main(write: bool, models: Sequence[Path]) -> int:
    corpus = samples(models, cost_corpus.read())
    model = fit([sample for sample in corpus if sample.seen])
    unseen = [sample for sample in corpus if not sample.seen]
    for name in sorted({sample.row.graph for sample in corpus}):
        own = [sample for sample in corpus if sample.row.graph == name]
        found = costs(model, own)
        total = {k: sum(getattr(s.row, k) for s in own) for k in ("lut", "ff", "lowered_lut", "lowered_ff")}
        print(
            f"{name:<44} {len(own):>3} layers LUT {total['lut']:>6,}: lowered {total['lowered_lut']:>8,.0f}, "
            f"analytic {sum(c.lut for c in found):>8,.0f}   FF {total['ff']:>6,}: lowered "
            f"{total['lowered_ff']:>7,.0f}, analytic {sum(c.ff for c in found):>7,.0f}"
        )
    document = {"factors": dict(model.factors), "errors": errors(model, unseen)}
    print(json.dumps(document, indent=1))
    if write:
        PACKAGE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        cost_model.cache_clear()
    return 0 if json.loads(PACKAGE.read_text(encoding="utf-8")) == document else 1


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--write"]
    sys.exit(main("--write" in sys.argv[1:], [Path(argument) for argument in arguments]))
