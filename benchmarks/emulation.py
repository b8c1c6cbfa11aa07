"""Bit-exact emulation on whole samples: nanosieve beside hls4ml, alkaid and ONNX Runtime, as ratios.

Every tool's outputs are compared with the framework's before anything is timed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from side_by_side import Timing, machine, race, table, write

import nanosieve as ns
import networks
from nanosieve.compiler.frontends.keras_model import load_keras_model

SHARED = Path(__file__).resolve().parents[2] / "shared" / "models"
THREADS = 2
GRID = 64.0
"""Inputs are multiples of 1/64, so that tools with a stated input type see the same numbers."""


def events(shape: tuple[int, ...], count: int, seed: int = 1) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Normal numbers of width 2 on the grid."""
    normal = np.random.default_rng(seed).normal(0, 2, (count, *shape))
    return (np.rint(normal * GRID) / GRID).astype(np.float32)


def alkaid_of(model: Any) -> Any:
    """alkaid's adder graph, and with it its interpreter, of a Keras model; inputs of 6 + 10 bits."""
    from alkaid.converter import trace_model
    from alkaid.trace import trace

    return trace(*trace_model(model, inputs_kif=(1, 5, 10)))


def hls4ml_of(model: Any, folder: Path) -> Any:
    """hls4ml's compiled C simulation of a Keras model."""
    import hls4ml

    config = hls4ml.utils.config_from_keras_model(model, granularity="name")
    project = hls4ml.converters.convert_from_keras_model(
        model, hls_config=config, backend="Vitis", output_dir=str(folder), io_type="io_parallel"
    )
    project.compile()
    return project


def checked(name: str, found: Any, expected: Any) -> None:
    """Refuse to time a tool that computes something else."""
    wrong = int(np.sum(np.asarray(found).reshape(expected.shape) != expected))
    print(f"  {name}: {wrong} of {expected.size} values differ from Keras")
    if name == "nanosieve" and wrong:
        raise SystemExit("nanosieve differs from the framework; nothing to time")


def tagger(folder: Path) -> dict[str, Timing]:
    """The dense tagger against hls4ml's compiled emulation and alkaid's interpreter."""
    model = networks.tagger()
    graph = ns.load(networks.saved(model, folder))
    project, adders = hls4ml_of(model, folder / "hls4ml"), alkaid_of(model)
    x = events((16,), 1 << 20)
    few, some = x[:20_000], x[:200_000]
    expected = np.asarray(model(few), dtype=np.float64)
    output = next(iter(graph.outputs))
    checked("nanosieve", graph.emulate(few)[output], expected)
    checked("hls4ml", project.predict(np.ascontiguousarray(few)), expected)
    checked("alkaid", adders.predict(few.astype(np.float64), n_threads=THREADS), expected)
    wide = some.astype(np.float64)
    return race(
        {
            "nanosieve": (lambda: graph.emulate(x), len(x)),
            "hls4ml, compiled emulation": (lambda: project.predict(few), len(few)),
            "alkaid, interpreter": (lambda: adders.predict(wide, n_threads=THREADS), len(some)),
        }
    )


def shared(path: Path) -> dict[str, Timing]:
    """A network trained by others against alkaid's interpreter."""
    graph = ns.load(path)
    model = load_keras_model(path)
    adders = alkaid_of(model)
    ((port, type),) = graph.inputs.items()
    x = events(type.shape, 200_000)
    wide = x.reshape(len(x), -1).astype(np.float64)
    expected = np.asarray(model(x[:5000]), dtype=np.float64)
    checked("nanosieve", next(iter(graph.emulate({port: x[:5000]}).values())), expected)
    checked("alkaid", adders.predict(wide[:5000], n_threads=THREADS), expected)
    return race(
        {
            "nanosieve": (lambda: graph.emulate(x), len(x)),
            "alkaid, interpreter": (lambda: adders.predict(wide, n_threads=THREADS), len(x)),
        }
    )


def cnn(folder: Path) -> dict[str, Timing]:
    """The convolutional network against ONNX Runtime, which computes the same layers in float32."""
    import keras
    import onnxruntime

    model = networks.cnn()
    graph = ns.load(networks.saved(model, folder))
    float_file = networks.float_cnn_onnx(folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(float_file, options, providers=["CPUExecutionProvider"])
    x = events((32, 32, 3), 8192)
    channels_first = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    expected = np.asarray(keras.ops.convert_to_numpy(model(x[:256])), dtype=np.float64)
    checked("nanosieve", next(iter(graph.emulate(x[:256]).values())), expected)
    name = session.get_inputs()[0].name

    def in_batches(batch: int) -> None:
        for start in range(0, len(channels_first), batch):
            session.run(None, {name: channels_first[start : start + batch]})

    return race(
        {
            "nanosieve": (lambda: graph.emulate(x), len(x)),
            "ONNX Runtime, float32, batch 256": (lambda: in_batches(256), len(x)),
            "ONNX Runtime, float32, batch 32": (lambda: in_batches(32), len(x)),
        }
    )


def main() -> None:
    """Run what is asked for, print the tables and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["tagger", "cnn", "shared"])
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/emulation.json"))
    arguments = parser.parse_args()
    results: dict[str, dict[str, Timing]] = {}
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        if "tagger" in arguments.what:
            results["dense 16-64-32-32-5, 8 bits"] = tagger(Path(name))
        if "cnn" in arguments.what:
            results["CNN of arXiv:2101.05108, 8 bits"] = cnn(Path(name))
    if "shared" in arguments.what:
        for path in sorted(SHARED.glob("*hgq2*.keras")):
            results[path.stem] = shared(path)
    for title, timings in results.items():
        print(table(title, timings))
    write(arguments.out, results)
    print(f"\nwritten to {arguments.out}")


if __name__ == "__main__":
    main()
