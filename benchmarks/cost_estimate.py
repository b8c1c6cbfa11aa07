"""How long the cost estimates before synthesis take, and how far they are apart.

Usage: python benchmarks/cost_estimate.py [MODELS…]

For the networks of `networks.py` and the model files named: the time of the analytic estimate (best of five),
and that of lowering the network, which solves the adder graphs. A network that is estimated at more than a
million LUTs is not lowered.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import networks
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware import Budget, DelayModel
from nanosieve.compiler.hardware.analytic import analytic_cost
from nanosieve.compiler.hardware.build import build_layers
from nanosieve.compiler.hardware.estimate import layer_estimate
from nanosieve.compiler.hardware.once import Settings
from nanosieve.compiler.hardware.plan import Plan
from nanosieve.compiler.passes import run_passes


def compare(name: str, graph: Graph) -> None:
    period = Budget().period_ns
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        cost = analytic_cost(graph, period=period)
        seconds.append(time.perf_counter() - start)
    estimate = " ".join(
        str(figure) for kind, figure in cost.figures().items() if kind in ("lut", "ff", "dsp")
    )
    print(f"{name}: {1e3 * min(seconds):.1f} ms: {estimate}, {cost.stages} stages")
    if cost.lut < 1e6:
        start = time.perf_counter()
        layers, _ = build_layers(graph, Plan(), Settings(DelayModel(luts=0.0), period))
        taken = time.perf_counter() - start
        rows = [layer_estimate(layer) for layer in layers]
        lut, ff, dsp = (sum(row[kind] for row in rows) for kind in ("lut", "ff", "dsp"))
        print(f"    lowered: {taken:.2f} s: {lut:,.0f} LUT {ff:,.0f} FF {dsp:,.0f} DSP")


def main(models: list[Path]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        own = [networks.saved(model, Path(folder)) for model in (networks.tagger(), networks.cnn())]
        for path in (*own, *models):
            compare(path.name, run_passes(load_model(path)))


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
