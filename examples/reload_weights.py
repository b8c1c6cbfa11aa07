"""A retrained network in the same hardware: its weights go through a write port, and what that costs.

Run: python examples/reload_weights.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import nanosieve as ns

TYPES = "fixed<8,4>"


def network(seed: int) -> keras.Sequential:
    """A tagger, its weights from `seed` in place of a training."""
    keras.utils.set_random_seed(seed)
    layers = [
        keras.layers.Input((16,), name="features"),
        keras.layers.Dense(12, activation="relu", name="dense"),
        keras.layers.Dense(5, name="scores"),
    ]
    return keras.Sequential(layers)


def main() -> None:
    sample = np.random.default_rng(0).normal(size=(500, 16)).astype(np.float32)
    graphs = []
    for name, seed in (("first", 1), ("retrained", 2)):
        network(seed).save(f"{name}.keras")
        graphs.append(ns.load(f"{name}.keras", calibrate=sample, precision=TYPES))
    first, retrained = graphs

    for kind, every, reloadable in (
        ("constant", "5 ns", False),
        ("reloadable", "5 ns", TYPES),
        ("reloadable", "80 ns", TYPES),
    ):
        budget = ns.Budget(every=every, latency="1 us")
        design = ns.compile(first, budget, out=f"out/{kind}_{every[:-3]}", reloadable=reloadable)
        counted = design.synthesize().resources
        row = (counted.lut, counted.ff, counted.dsp, counted.bram36, design.timing["latency_cycles"])
        print(f"an event every {every}, {kind} weights: {', '.join(map(str, row))}")

    words = design.weights_of(retrained)
    print(f"{len(words)} words for the write port, {np.sum(words != design.weights_of())} of them new")
    for weights in (None, retrained):
        compared = design.verify(sample, random=1000, weights=weights)
        kind = "first" if weights is None else "retrained"
        print(f"{kind} network = RTL on {sum(compared.vectors.values())} vectors")


if __name__ == "__main__":
    main()
