"""Quantise a float network after training: choose the bits by what they cost in physics, then compile it.

Run: python examples/quantise_after_training.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import nanosieve as ns
from nanosieve.compiler.precision_scan import area_under_roc, scan_precision
from nanosieve.report import Picture, Section, precision_scan_chart, write_report


def toy_events(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Six steps of three features; the signal drifts upwards."""
    rng = np.random.default_rng(count)
    label = rng.integers(0, 2, count)
    drift = 0.15 * label[:, None, None] * np.arange(6)[None, :, None]
    return (rng.normal(0, 1, (count, 6, 3)) + drift).astype(np.float32), label


def main() -> None:
    keras.utils.set_random_seed(1)
    gru = keras.layers.GRU(6, name="gru")
    score = keras.layers.Dense(1, activation="sigmoid", name="score")
    model = keras.Sequential([keras.layers.Input((6, 3), name="x"), gru, score])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    model.fit(*toy_events(4000), epochs=5, batch_size=128, verbose=0)
    model.save("tagger.keras")

    sample, _ = toy_events(500)  # events that choose the binary points
    x, labels = toy_events(3000)  # events on which the metric is taken
    scan = scan_precision(
        "tagger.keras", sample, area_under_roc, inputs=x, labels=labels, bits=(4, 6, 8, 10), called="AUC"
    )
    print("bits, types, area under ROC, fixed / float")
    for row in scan.rows():
        print(*row, sep="  ")
    chart = precision_scan_chart([scan], title="Quantised after training", conditions="toy events")
    picture = Picture((chart,), "Area under the ROC curve over that of the float network.")
    print("report:", write_report("out/bits", "Bits", [Section("Quantised after training", (picture,))]))

    bits = scan.fewest(0.99)
    precision = {"default": f"fixed<{bits.bits if bits else 10}>", "score": "ufixed<8,0>"}
    graph = ns.load("tagger.keras", calibrate=sample, precision=precision)
    print("quantised with", precision, "- exact:", graph.exact, "-", len(graph.nodes), "nodes")


if __name__ == "__main__":
    main()
