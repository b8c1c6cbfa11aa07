"""Layers and what Yosys makes of them: the corpus on which cost estimates are fitted and measured.

Usage: nice python validation/cost_corpus.py FOLDER [MODELS…]

Lowers and synthesises random layers, and the layers of the model files named, and writes their counts to
``validation/cost_corpus.csv``. FOLDER keeps the netlists, so that a second run is fast. Yosys needs 5 s for
1,000 LUTs: a layer that the lowering estimates at more than 4,000 LUTs is left out, and what follows in a
graph behind 15,000.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.graph import (
    Add,
    ArgMax,
    Builder,
    Constant,
    Dense,
    Einsum,
    Fixed,
    Graph,
    GreaterEqual,
    LeakyRelu,
    Lookup,
    Max,
    Multiply,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    Select,
    Sort,
    Sum,
    TensorType,
)
from nanosieve.compiler.hardware import Budget, DelayModel, build_design
from nanosieve.compiler.hardware.estimate import layer_estimate
from nanosieve.compiler.passes import run_passes
from nanosieve.compiler.synthesis import count_resources
from nanosieve.compiler.synthesis.yosys import FAMILIES, Job, batches, run_batch
from nanosieve.compiler.verification import read_design
from nanosieve.devices import find_device

TABLE = Path(__file__).with_name("cost_corpus.csv")
LARGEST, MOST = 4000, 15_000
MODEL = DelayModel(luts=0.0)
DENSE, FUNCTIONS = range(20), range(8)
"""Seeds of the random graphs, each of several layers."""


@dataclass(frozen=True)
class Row:
    """One layer: the counts of Yosys (`lut`, `ff`, `dsp`) and the estimate of the lowering."""

    graph: str
    layer: str
    lut: int
    ff: int
    dsp: int
    lowered_lut: float
    lowered_ff: float


def dense_layers(seed: int) -> Graph:
    """Dense layers side by side, of many shapes, weights and widths, as a trained network has them."""
    rng = np.random.default_rng(seed)
    builder = Builder(f"dense_{seed}")
    outputs = {}
    for n in range(5):
        inputs = int(2 ** rng.uniform(1.5, 6.2))
        units = int(2 ** rng.uniform(0, min(6.0, 10.5 - np.log2(inputs))))
        width, bits = int(rng.integers(2, 11)), int(rng.integers(2, 9))
        half = 2 ** (bits - 1)
        kernel = rng.integers(-half + 1, half, (inputs, units))
        if rng.random() < 0.5:  # as regularised training leaves them
            kernel = np.round(rng.laplace(0, half / 6, (inputs, units))).clip(-half, half).astype(int)
        kernel = np.where(rng.random(kernel.shape) < rng.uniform(0, 0.7), 0, kernel)
        signed = bool(rng.random() < 0.5)
        given = TensorType.of(Fixed(width, 2, signed), (inputs,))
        if rng.random() < 0.4:  # a width for each element
            drop = rng.integers(0, width, inputs)
            given = TensorType(given.low >> drop, given.high >> drop, given.exponent)
        name, x = f"dense{n}", f"x{n}"
        if rng.random() < 0.5:  # a quantiser in front, as HGQ2 has them
            wide = TensorType(given.low << 3, given.high << 3, given.exponent - 2)
            x = builder.add(_to(rng, given), builder.input(x, wide), layer=name, part="in")
        else:
            builder.input(x, given)
        product = builder.add(Dense(kernel, 1 - bits), x, layer=name, part="product")
        bias = Constant(rng.integers(-half, half, units), np.full(units, 1 - bits))
        value = builder.add(
            Add(), product, builder.constant(bias, layer=name, part="bias"), layer=name, part="sum"
        )
        if rng.random() < 0.7:
            value = builder.add(Relu(), value, layer=name, part="relu")
        if rng.random() < 0.7:
            target = TensorType.of(Fixed(int(rng.integers(3, 10)), int(rng.integers(1, 5))), (units,))
            value = builder.add(_to(rng, target), value, layer=name, part="out")
        outputs[f"y{n}"] = value
    return builder.finish(outputs)


def _to(rng: np.random.Generator, target: TensorType) -> Quantize:
    rounding = (Rounding.TRN, Rounding.RND)[int(rng.integers(2))]
    return Quantize(target, rounding, (Overflow.WRAP, Overflow.SAT)[int(rng.integers(2))])


def functions(seed: int) -> Graph:
    """One layer of each other op, with random sizes and widths."""
    rng = np.random.default_rng(1000 + seed)
    builder = Builder(f"functions_{seed}")
    outputs = {}

    def values(name: str, shape: tuple[int, ...], widest: int = 12, least: int = 3) -> str:
        width = int(rng.integers(least, widest + 1))
        return builder.input(name, TensorType.of(Fixed(width, 3), shape))

    def layer(name: str, op: object, *given: str) -> None:
        outputs[f"{name}_y"] = builder.add(op, *given, layer=name)  # type: ignore[arg-type]

    def size(most: int = 24) -> int:
        return int(rng.integers(3, most + 1))

    rows = (int(rng.integers(1, 4)), size(16))
    layer("max", Max(), values("max_x", rows))
    layer("argmax", ArgMax(), values("argmax_x", (size(10),)))
    layer("sort", Sort(), values("sort_x", (size(8),)))
    layer("sum", Sum(), values("sum_x", (int(rng.integers(1, 4)), size())))
    layer("leaky", LeakyRelu(int(rng.integers(1, 16)), -4), values("leaky_x", (size(),)))
    layer("relu", Relu(), values("relu_x", (size(),)))
    shape = (size(),)
    layer("add", Add(), values("add_a", shape), values("add_b", shape))
    layer("at_least", GreaterEqual(), values("at_least_a", shape), values("at_least_b", shape))
    layer("multiply", Multiply(), values("multiply_a", shape, 11), values("multiply_b", shape, 11))
    layer("small_multiply", Multiply(), values("small_a", shape, 4, 2), values("small_b", shape, 4, 2))
    one, two = values("select_a", shape), values("select_b", shape)
    bit = builder.input("bit", TensorType.of(Fixed(1, 1, False), shape))
    layer("select", Select(), bit, one, two)
    a, b, c = (int(rng.integers(2, 5)) for _ in range(3))
    layer("einsum", Einsum("ij,jk->ik"), values("einsum_a", (a, b), 8), values("einsum_b", (b, c), 8))
    entries = int(2 ** rng.integers(3, 10))
    x = np.linspace(-4, 4, entries)
    curve = np.round(
        (np.tanh(x), np.exp(-x * x), 1 / (1 + np.exp(-x)))[int(rng.integers(3))] * 2 ** rng.integers(3, 9)
    )
    given = builder.input("table_x", TensorType.of(Fixed(int(np.log2(entries)), 3), (size(6),)))
    layer("table", Lookup(curve[np.newaxis].astype(int), np.array([-entries // 2]), np.array([-4])), given)
    for overflow in Overflow:
        for rounding in (Rounding.TRN, Rounding.RND):
            name = f"to_{rounding}_{overflow}".lower()
            target = TensorType.of(Fixed(int(rng.integers(2, 9)), 1), shape)
            given = values(f"{name}_x", shape, 14, 6)
            cut = builder.add(Quantize(target, rounding, overflow), given, layer=name, part="in")
            layer(name, Add(), cut, values(f"{name}_z", shape))
    return builder.finish(outputs)


def graphs(models: list[Path]) -> Iterator[tuple[str, Graph]]:
    """Name and graph, after the passes, of everything in the corpus."""
    for make, seeds in ((dense_layers, DENSE), (functions, FUNCTIONS)):
        for seed in seeds:
            graph = make(seed)
            yield graph.name, run_passes(graph)
    for path in models:
        yield path.name, run_passes(load_model(path))


def measure(name: str, graph: Graph, folder: Path) -> list[Row]:
    """Lower a graph, and synthesise its layers in `folder`, the small ones only."""
    design = build_design(graph, Budget(every="5 ns", latency="1 ms", device="xcvu13p"), model=MODEL)
    written = read_design(design.write(folder / name))
    target = find_device("xcvu13p")
    estimates = {
        module.module: (layer.name, layer_estimate(layer))
        for module, layer in zip(design.sources.layers, design.layers, strict=True)
    }
    place = folder / name / "synth"
    place.mkdir(exist_ok=True)
    wanted, luts = [], 0.0
    own = [name for name, module in written.modules.items() if not module.library]
    for job in (Job.make(written, name, FAMILIES[target.architecture], place) for name in own):
        size = estimates[job.module][1]["lut"] if job.module in estimates else LARGEST + 1
        if size <= LARGEST and luts + size <= MOST:
            wanted.append(job)
            luts += size
    netlists = {job.module: known for job in wanted if (known := job.recall()) is not None}
    for batch in batches([job for job in wanted if job.module not in netlists], workers=1, time_limit=600):
        netlists.update(zip((job.module for job in batch.jobs), run_batch(batch), strict=True))
    rows = []
    for module, (layer, estimate) in estimates.items():
        if module in netlists:
            counts = count_resources(netlists[module].cells, module=module)
            kinds = [int(counts[kind]) for kind in ("lut", "ff", "dsp")]
            rows.append(Row(name, layer, *kinds, estimate["lut"], estimate["ff"]))
    return rows


def write(rows: list[Row], path: Path = TABLE) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def read(path: Path = TABLE) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(r["graph"], r["layer"], int(r["lut"]), int(r["ff"]), int(r["dsp"]), float(r["lowered_lut"]),
                float(r["lowered_ff"]))
            for r in csv.DictReader(file)
        ]  # fmt: skip


def main(folder: Path, *models: Path) -> None:
    rows = []
    for name, graph in graphs(list(models)):
        rows += measure(name, graph, folder)
        print(f"{name}: {len(rows)} layers, {sum(row.lut for row in rows):,} LUT so far", flush=True)
    write(rows)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
