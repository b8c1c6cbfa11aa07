"""One network under three budgets: unrolled, shared in time, and streamed pixel by pixel.

Run: python examples/from_a_budget_to_hardware.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import nanosieve as ns
from nanosieve.errors import BudgetError
from nanosieve.report.design_report import design_report


def main() -> None:
    keras.utils.set_random_seed(1)
    layers = [
        keras.layers.Input((12, 12, 1), name="image"),
        keras.layers.Conv2D(4, 3, activation="relu", name="conv_1"),
        keras.layers.MaxPooling2D(2, name="pool_1"),
        keras.layers.Conv2D(6, 3, activation="relu", name="conv_2"),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(8, activation="relu", name="dense"),
        keras.layers.Dense(2, name="score"),
    ]
    keras.Sequential(layers).save("cnn.keras")
    sample = np.random.default_rng(0).normal(size=(200, 12, 12, 1)).astype(np.float32)
    graph = ns.load("cnn.keras", calibrate=sample, precision="fixed<6,3>")

    for name, every in (("fast", "100 ns"), ("streamed", "720 ns")):
        budget = ns.Budget(every=every, latency="1.5 us", clock="200 MHz")
        beats = {"image": 1} if name == "streamed" else None
        design = ns.compile(graph, budget, out=f"out/{name}", beats=beats)
        print(f"an event every {every}: {design.timing['latency_ns']}, {design.hardware.estimate['lut']}")
        for layer, choice in design.hardware.plan.to_dict()["layers"].items():
            print(f"    {layer}: {choice}")
        print("    equal to the graph on", sum(design.verify(sample, random=200).vectors.values()), "vectors")
        print("    report:", design_report(design.folder))

    try:
        ns.compile(graph, ns.Budget(every="5 ns", latency="40 ns"), out="out/too_fast")
    except BudgetError as error:
        print("no fit:", error)


if __name__ == "__main__":
    main()
