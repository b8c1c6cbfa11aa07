"""The cost of a graph from formulas: what makes it larger, what it agrees with, and the errors it states."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.random_graphs import random_graph
from helpers.scripts import load_script
from nanosieve.compiler.graph import (
    Add,
    Builder,
    Constant,
    Dense,
    Fixed,
    Gather,
    Graph,
    Lookup,
    Multiply,
    Op,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    TensorType,
    Windows,
)
from nanosieve.compiler.hardware import Budget, DelayModel, adder_graph, build_design
from nanosieve.compiler.hardware.analytic import Cost, analytic_cost, analytic_costs
from nanosieve.compiler.hardware.cost_model import cost_model
from nanosieve.compiler.hardware.work import digits, work_of

MODEL = DelayModel(luts=0.0)


def dense(kernel: np.ndarray, width: int = 6, rows: int = 1) -> Graph:
    builder = Builder("dense")
    shape = (rows, len(kernel)) if rows > 1 else (len(kernel),)
    x = builder.input("x", TensorType.of(Fixed(width, 2), shape))
    return builder.finish({"y": builder.add(Dense(kernel, -3), x, layer="dense")})


def kernel(inputs: int, outputs: int, bits: int = 6, seed: int = 5) -> np.ndarray:
    half = 2 ** (bits - 1)
    return np.random.default_rng(seed).integers(-half + 1, half, (inputs, outputs))


def to(width: int, integer: int, shape: tuple[int, ...]) -> Quantize:
    return Quantize(TensorType.of(Fixed(width, integer), shape), Rounding.RND, Overflow.SAT)


def one(op: Op, *types: TensorType) -> Graph:
    builder = Builder("one")
    given = [builder.input(f"x{n}", type) for n, type in enumerate(types)]
    return builder.finish({"y": builder.add(op, *given, layer="layer")})


def cost(graph: Graph, period: float = 5.0) -> Cost:
    return analytic_cost(graph, model=MODEL, period=period)


@pytest.fixture(scope="module")
def fitting():
    load_script("validation/cost_corpus.py")
    return load_script("validation/cost_model.py")


class TestFormulas:
    def test_digits(self):
        """As the recoding digit by digit: the least number of powers of two, added or subtracted."""

        def slow(code: int) -> int:
            count = 0
            while code:
                if code & 1:
                    code -= 2 - (code & 3)
                    count += 1
                code >>= 1
            return count

        codes = np.arange(-600, 601)
        assert digits(codes).tolist() == [slow(abs(int(code))) for code in codes]

    def test_a_larger_matrix_costs_more(self):
        sizes = [cost(dense(kernel(n, m))).lut for n, m in ((4, 4), (8, 4), (8, 8), (16, 16), (32, 32))]
        assert sizes == sorted(sizes)
        assert sizes[-1] > 20 * sizes[0]

    def test_more_digits_wider_inputs_and_more_rows_cost_more(self):
        full = kernel(16, 16, 7)
        sparse = np.where(np.random.default_rng(1).random(full.shape) < 0.5, 0, full)
        assert cost(dense(sparse)).lut < 0.7 * cost(dense(full)).lut
        assert cost(dense(full, width=4)).lut < cost(dense(full, width=8)).lut
        assert cost(dense(full, rows=3)).lut == pytest.approx(3 * cost(dense(full)).lut)

    def test_what_needs_no_adder(self):
        for weights in (np.zeros((3, 4), dtype=int), 2 ** np.arange(5)[np.newaxis], np.eye(6, dtype=int) * 8):
            assert cost(dense(weights)).lut == 0

    def test_constant_inputs_are_left_out(self):
        """The padding of a convolution costs nothing."""
        weights = kernel(9, 4)
        builder = Builder("padded")
        image = builder.input("x", TensorType.of(Fixed(6, 2), (6, 6, 1)))
        costs = []
        for pad in (0, 1):
            window = Windows((3, 3), np.array([3, 3]), (1, 1), np.full((2, 2), 3 * pad))
            value = builder.add(window, image, layer=f"conv{pad}", part="windows")
            names = [value, builder.add(Dense(weights, -3), value, layer=f"conv{pad}")]
            graph = builder.finish({"y": names[-1]})
            costs.append(analytic_costs(graph, model=MODEL, period=5.0)[f"conv{pad}"].lut)
        assert costs[0] == pytest.approx(costs[1])

    def test_copies_are_counted_once(self):
        builder = Builder("copies")
        x = builder.input("x", TensorType.of(Fixed(8, 2), (6,)))
        alone = builder.add(to(5, 2, (6,)), x, layer="alone")
        spread = builder.add(Gather(np.repeat(np.arange(6), 10).reshape(6, 10)), x, layer="spread", part="g")
        copied = builder.add(to(5, 2, (6, 10)), spread, layer="spread")
        costs = analytic_costs(builder.finish({"a": alone, "b": copied}), model=MODEL, period=5.0)
        assert 0 < costs["spread"].lut == pytest.approx(costs["alone"].lut)

    def test_tables_by_what_they_hold(self):
        """Bits that a table passes on are wiring, equal columns are one, nine bits take eight times six."""
        x = TensorType.of(Fixed(6, 6, False), (4,))

        def luts(entries: np.ndarray, given: TensorType = x) -> float:
            op = Lookup(entries[np.newaxis], np.array([0]), np.array([0]))
            return work_of(op, [given], op.result(given), MODEL).luts.get("table", 0.0)

        codes = np.arange(64)
        rough = np.random.default_rng(2).integers(0, 8, 64)
        assert luts(codes) == luts(63 - codes) == luts(np.full(64, 9)) == 0
        assert luts(rough) == 4 * 3
        assert luts(rough | (rough & 1) << 3) == luts(rough)
        nine = np.random.default_rng(2).integers(0, 8, 512)
        assert luts(nine, TensorType.of(Fixed(9, 9, False), (4,))) == 8 * 4 * 3

    def test_products_go_to_dsp_blocks_as_the_lowering_does(self):
        for a, b in ((3, 5), (4, 4), (5, 4), (8, 8), (1, 6), (12, 11)):
            types = [TensorType.of(Fixed(width, 2), (3,)) for width in (a, b)]
            graph = one(Multiply(), *types)
            design = build_design(graph, Budget(), model=MODEL)
            assert cost(graph).dsp == design.estimate["dsp"].value

    def test_slower_clocks_need_fewer_stages(self):
        graph = dense(kernel(32, 8))
        stages = [cost(graph, period).stages for period in (2.5, 5.0, 10.0, 40.0)]
        assert stages == sorted(stages, reverse=True)
        assert stages[0] > stages[-1] == 1
        assert cost(graph, 2.5).ff > cost(graph, 10.0).ff

    def test_a_value_that_waits_is_kept(self):
        """Beside a deep layer its input waits: registers, and shift registers where it waits for long."""
        builder = Builder("skip")
        value = x = builder.input("x", TensorType.of(Fixed(5, 2), (8,)))
        for n in range(3):
            value = builder.add(Dense(kernel(8, 8, 5, n), -4), value, layer=f"d{n}")
            value = builder.add(to(5, 2, (8,)), value, layer=f"d{n}", part="q")
        graph = builder.finish({"y": builder.add(Add(), value, x, layer="sum")})
        fast, slow = (analytic_costs(graph, model=MODEL, period=p)["sum"] for p in (2.5, 40.0))
        assert slow.ff == 0
        assert fast.lut == pytest.approx(slow.lut + 8 * 5)  # one shift register for each bit


class TestPieces:
    def test_layers_add_up(self):
        graph = random_graph(7, 25)
        whole = cost(graph)
        layers = analytic_costs(graph, model=MODEL, period=5.0)
        assert whole.lut == pytest.approx(sum(c.lut for c in layers.values()))
        assert whole.stages == 1 + max(c.stages for c in layers.values())
        assert sum(layers.values(), Cost()).lut == pytest.approx(whole.lut)

    def test_some_nodes(self):
        """A piece alone: its inputs are there at the begin."""
        rng = np.random.default_rng(3)
        builder = Builder("two")
        x = builder.input("x", TensorType.of(Fixed(6, 2), (16,)))
        y = builder.add(Dense(rng.integers(-9, 9, (16, 8)), -3), x, layer="a")
        z = builder.add(Dense(rng.integers(-9, 9, (8, 8)), -3), y, layer="b")
        graph = builder.finish({"z": z})
        a, b = (
            analytic_cost(graph, [n for n in graph.nodes if n.layer == name], model=MODEL, period=5.0)
            for name in "ab"
        )
        both = analytic_costs(graph, model=MODEL, period=5.0)
        assert a == both["a"]
        assert b.lut == both["b"].lut
        assert b.stages < both["b"].stages

    @pytest.mark.parametrize("seed", range(12))
    def test_any_graph_has_a_cost(self, seed: int):
        graph = random_graph(seed, 30)
        found = cost(graph)
        assert all(np.isfinite([found.lut, found.ff, found.dsp]))
        assert found.lut > 0
        assert found.stages >= 1

    def test_no_adder_graph_is_solved(self, monkeypatch: pytest.MonkeyPatch):
        def refuse(*arguments: object) -> None:
            raise AssertionError

        monkeypatch.setattr(adder_graph, "_solve", refuse)
        assert cost(dense(kernel(64, 64))).lut > 10_000
        with pytest.raises(AssertionError):
            build_design(dense(kernel(3, 3)), Budget())


class TestAgreement:
    def test_a_network_as_it_is_lowered(self):
        """LUT, FF and stages of a network within what the model states."""
        rng = np.random.default_rng(8)
        builder, size = Builder("network"), 16
        value = builder.input("x", TensorType.of(Fixed(8, 3), (size,)))
        for n, width in enumerate((32, 24, 16, 5)):
            name = f"dense_{n}"
            weights = np.where(rng.random((size, width)) < 0.4, 0, rng.integers(-15, 16, (size, width)))
            value = builder.add(Dense(weights, -4), value, layer=name, part="product")
            bias = builder.constant(
                Constant(rng.integers(-9, 9, width), np.full(width, -4)), layer=name, part="b"
            )
            value = builder.add(Add(), value, bias, layer=name, part="sum")
            value = builder.add(Relu(), value, layer=name, part="relu")
            value, size = builder.add(to(6, 5, (width,)), value, layer=name, part="out"), width
        graph = builder.finish({"y": value})
        design, found = build_design(graph, Budget(), model=MODEL), cost(graph)
        assert found.lut == pytest.approx(design.estimate["lut"].value, rel=0.25)
        assert found.ff == pytest.approx(design.estimate["ff"].value, rel=0.4)
        assert abs(found.stages - design.sources.latency) <= 1

    def test_the_error_goes_with_the_figure(self):
        for estimate, found in (
            ("analytic", cost(dense(kernel(16, 16))).figures()),
            ("lowered", build_design(dense(kernel(16, 16)), Budget()).estimate),
        ):
            spread = cost_model().errors[estimate]["designs"]["lut"]
            figure = found["lut"]
            assert figure.error == pytest.approx(spread.relative * figure.value, abs=0.1)
            assert f"{estimate} estimate; against Yosys on {spread.count} designs: median" in figure.source
            assert found["dsp"].value == 0
            assert found["dsp"].error is None


class TestTheFit:
    """What is in the package is what the scripts make of the corpus."""

    def test_errors_are_those_of_the_table(self, fitting):
        """Of the estimate after lowering, which the table holds; a spoiled table gives others."""
        rows = [row for row in fitting.cost_corpus.read() if not fitting.Sample(row, Graph).seen]
        known = json.loads(fitting.PACKAGE.read_text(encoding="utf-8"))["errors"]["lowered"]
        for of in ("layers", "designs"):
            for kind in ("lut", "ff"):
                estimates = [getattr(row, f"lowered_{kind}") for row in rows]
                assert fitting.spread(*fitting.summed(rows, estimates, kind, of)) == known[of][kind]
                worse = [1.3 * estimate for estimate in estimates]
                assert fitting.spread(*fitting.summed(rows, worse, kind, of)) != known[of][kind]

    @pytest.mark.slow
    def test_the_factors_are_those_of_the_table(self, fitting):
        """A fit to the random graphs; if Yosys had counted a third more, the factors would differ."""
        known = json.loads(fitting.PACKAGE.read_text(encoding="utf-8"))["factors"]
        seen = [sample for sample in fitting.samples([], fitting.cost_corpus.read()) if sample.seen]
        assert len(seen) > 80
        assert dict(fitting.fit(seen).factors) == pytest.approx(known, abs=0.02)
        spoiled = [replace(s, row=replace(s.row, lut=round(1.33 * s.row.lut))) for s in seen[:40]]
        assert dict(fitting.fit(spoiled).factors) != pytest.approx(known, abs=0.02)

    @pytest.mark.slow
    def test_the_table_is_what_yosys_counts(self, fitting, tmp_path: Path):
        corpus = fitting.cost_corpus
        graphs = {"dense_1": corpus.dense_layers(1), "functions_6": corpus.functions(6)}
        for name, graph in graphs.items():
            known = [row for row in corpus.read() if row.graph == name]
            found = corpus.measure(name, corpus.run_passes(graph), tmp_path)
            assert [row.layer for row in found] == [row.layer for row in known]
            for kind in (
                "lut",
                "ff",
                "dsp",
                "lowered_lut",
                "lowered_ff",
            ):  # versions of the tools differ a little
                counts = [[getattr(row, kind) for row in rows] for rows in (found, known)]
                assert counts[0] == pytest.approx(counts[1], rel=0.03, abs=3)

    def test_the_table_is_read_as_it_is_written(self, fitting, tmp_path: Path):
        rows = fitting.cost_corpus.read()
        fitting.cost_corpus.write(rows, tmp_path / "copy.csv")
        assert fitting.cost_corpus.read(tmp_path / "copy.csv") == rows
        with (tmp_path / "copy.csv").open(encoding="utf-8") as file:
            assert len(list(csv.reader(file))) == len(rows) + 1

    def test_a_wrong_formula_is_noticed(self, fitting, monkeypatch: pytest.MonkeyPatch):
        """Adders that cost half: the errors stated with the figures would be broken."""
        rows = [row for row in fitting.cost_corpus.read() if row.graph in ("dense_3", "dense_5", "dense_9")]
        graphs = {name: fitting.cost_corpus.run_passes(fitting.cost_corpus.dense_layers(seed))
                  for name, seed in (("dense_3", 3), ("dense_5", 5), ("dense_9", 9))}  # fmt: skip
        samples = [fitting.Sample(row, graphs[row.graph]) for row in rows]
        limit = cost_model().errors["analytic"]["layers"]["lut"].ninety

        def median(model: object) -> float:
            estimates = [found.lut for found in fitting.costs(model, samples)]
            return float(np.median(np.abs(fitting.ratios(estimates, [row.lut for row in rows]))))

        assert median(cost_model()) < limit
        halved = {**cost_model().factors, "shared": cost_model().factors["shared"] / 2}
        assert median(replace(cost_model(), factors=halved)) > limit
