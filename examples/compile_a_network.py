"""Turn a small quantised network with a threshold into Verilog, prove it equal, and count its cells.

Run: python examples/compile_a_network.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from hgq.layers import QDense

import nanosieve as ns
from nanosieve.compiler.frontends.keras_layers import InputPort, Threshold


def main() -> None:
    # A model file states everything: the type of the port, the quantisers, the threshold.
    x = keras.Input((8,), name="x")
    hidden = QDense(6, activation="relu", name="hidden")(InputPort(12, 6, name="port")(x))
    score = QDense(1, name="score")(hidden)
    model = keras.Model(x, [score, Threshold(0.5, name="trigger")(score)], name="tagger")
    model.save("tagger.keras")

    graph = ns.load("tagger.keras")
    print(graph)
    design = ns.compile(graph, ns.Budget(latency="50 ns", device="alveo-u50"), out="out/tagger")
    print("latency:", design.timing["latency_ns"])

    events = np.random.default_rng(1).normal(0, 4, (1000, 8))
    proof = design.verify(events, random=1000)
    print(" = ".join(proof.stages), "on", sum(proof.vectors.values()), "vectors")
    print("LUT:", design.synthesize().resources.lut)


if __name__ == "__main__":
    main()
