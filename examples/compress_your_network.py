"""Make a trained Keras network small: prune, quantise, learn bits, and choose by trigger efficiency.

Run: python examples/compress_your_network.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")


import keras
import numpy as np

import nanosieve as ns
from nanosieve.networks import TrainingSettings
from nanosieve.networks.compress import Recipe, Workshop, efficiency_at_false_positive_rate, search


def toy_events(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Eight features; the signal (1) has two that drift and one that is wider."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, count)
    x = random.normal(0, 1, (count, 8)).astype(np.float32)
    x[:, 0] += 1.5 * label
    x[:, 1] *= 1 + label
    x[:, 2] -= label
    return x, label


def your_network() -> keras.Model:
    """Any trained Keras model of one input and one output."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    hidden = [layers.Dense(16, name="dense_1"), layers.BatchNormalization(), layers.ReLU()]
    model = keras.Sequential([layers.Input((8,), name="x"), *hidden, layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    model.fit(*toy_events(4000, 1), epochs=4, batch_size=128, verbose=0)
    return model


def main() -> None:
    short = TrainingSettings(epochs=4, batch=128, learning_rate=3e-3)  # some more for a real network

    workshop = Workshop(your_network(), *toy_events(4000, 1), "out/compressed", aware_training=short)
    metric = efficiency_at_false_positive_rate(0.01)
    budget = ns.Budget(every="25 ns", latency="100 ns")
    recipes = [Recipe.after_training(8), Recipe.aware(5), Recipe.learned(1e-5), Recipe.learned(1e-3)]
    front = search(workshop, *toy_events(4000, 2), metric, budget, loss=3.0, recipes=recipes, refine=1)

    print(f"{front.metric}: float {front.reference}")
    for row in front.rows():
        print(*row, sep="  ")
    best = front.smallest(loss=3.0)
    if best is None:
        print("no network loses less than 3 points")
        return
    fresh_x, fresh_labels = toy_events(4000, 3)  # it was chosen on the others, and looks better on them
    print(f"chosen: {best.recipe.title}, {metric(best.graph.emulate(fresh_x), fresh_labels)} on fresh events")
    print(f"model file: {best.path}; compile it with ns.compile(best.graph, budget)")


if __name__ == "__main__":
    main()
