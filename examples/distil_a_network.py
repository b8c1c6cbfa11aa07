"""A small network learns from a large one, by hints too; and a network loses half of its filters.

Run: python examples/distil_a_network.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

from nanosieve.networks import TrainingSettings
from nanosieve.networks.compress import Distillation, Hint, Slimming, Widths, distil, fit, quantised, slim


def toy_images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Tracks of one bit through six layers of sixteen strips, with noise; how far they bend is the target."""
    random = np.random.default_rng(seed)
    bend, start = random.uniform(-1, 1, count), random.uniform(4, 11, count)
    layer = np.arange(6)
    strip = np.rint(start[:, None] + bend[:, None] * layer**2 / 5).astype(int).clip(0, 15)
    x = random.random((count, 6, 16)) < 0.02
    x[np.arange(count)[:, None], layer, strip] = True
    return x[..., None].astype(np.float32), bend[:, None].astype(np.float32)


def your_network(filters: int, neurons: int, name: str) -> keras.Model:
    """Any built Keras model of one input and one output."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    x = inputs = layers.Input((6, 16, 1), name="image")
    x = layers.Conv2D(filters, 3, activation="relu", name="conv")(x)
    x = layers.Dense(neurons, activation="relu", name="hidden")(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(1, name="bend")(x), name=name)


def main() -> None:
    x, y = toy_images(4000, 1)
    short = TrainingSettings(epochs=8, batch=100, learning_rate=3e-3)  # some more for a real network
    again = {"loss": "squared error", "settings": short}
    teacher = fit(your_network(16, 32, "teacher"), x, y, "out/distilled", **again).model

    student = quantised(your_network(3, 8, "student"), x, Widths(6))  # or one in floating point
    wish = Distillation(task=1, output=1, hints=[Hint(teacher="hidden", student="hidden", weight=0.1)])
    distil(student, teacher, x, y, "out/distilled", distillation=wish, **again)

    halved = slim(teacher, x, y, "out/distilled", slimming=Slimming(part=0.5, rounds=2), **again).model

    fresh_x, fresh_y = toy_images(2000, 2)
    for model in (teacher, student, halved):
        error = np.sqrt(np.mean((model.predict(fresh_x, verbose=0) - fresh_y) ** 2))
        parameters = sum(
            int(np.prod(layer.kernel.shape)) for layer in model.layers if hasattr(layer, "kernel")
        )
        print(f"{model.name}: {parameters} weights, bend known to {error:.3f}")


if __name__ == "__main__":
    main()
