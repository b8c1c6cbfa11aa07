"""Boosted decision trees as Verilog: train with XGBoost, compile, and see what rounded leaves cost.

Run: python examples/boosted_trees.py
"""

import numpy as np
import xgboost

import nanosieve as ns
from nanosieve.compiler.frontends import run_model
from nanosieve.compiler.graph import decode, encode


def main() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0, 2, (4000, 6))
    signal = x[:, 0] * x[:, 1] + x[:, 2] > 0
    xgboost.XGBClassifier(n_estimators=10, max_depth=3).fit(x, signal).save_model("trees.json")

    graph = ns.load("trees.json", calibrate=x, precision="fixed<10,5>")
    on_the_port = decode(encode(graph, {"features": x})["features"], graph.inputs["features"])  # ten bits
    margins = graph.emulate(on_the_port)["score"]
    expected = run_model("trees.json", {"features": on_the_port})["score"]
    print(f"rounded leaves move the margin by {np.abs(margins - expected).max():.4f} at most")
    print(f"same decision in {np.mean((margins > 0) == (expected > 0)):.2%} of the events")

    design = ns.compile(graph, ns.Budget(latency="50 ns"), out="out/trees")
    print("latency:", design.timing["latency_ns"])
    print("LUT:", design.synthesize().resources.lut)


if __name__ == "__main__":
    main()
