"""The builder of networks quantised after training: its float side, its bounds and its exact meaning."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder
from nanosieve.compiler.frontends.calibrated.softmax import softmax_plan
from nanosieve.compiler.frontends.calibrated.tables import table_input
from nanosieve.compiler.frontends.calibration import Calibration, Precision, Stated, fitting
from nanosieve.compiler.graph import Fixed, decode, encode, interpret
from nanosieve.errors import InexactModelError, SampleError, SettingsError, UnknownNameError

RNG = np.random.default_rng(5)
EVENTS = 40


def sample(*shape: int) -> np.ndarray:
    return RNG.normal(size=(EVENTS, *shape)).astype(np.float32).astype(np.float64)


def outputs(graph, x):
    """Real values of the graph's outputs for one input."""
    name = next(iter(graph.inputs))
    codes = interpret(graph, encode(graph, {name: x}))
    return {out: decode(codes[out], graph.types[node]) for out, node in graph.outputs.items()}


def built(x, layers, precision="fixed<24>", **options):
    """Graph, float result and traced result of `layers(builder, input)`."""
    b = CalibratedBuilder("toy", Calibration(x, precision, **options))
    y = layers(b, b.input("x", x.shape[1:]))
    return b.finish({"y": y}), y.real


def quantised(values, fixed):
    """Rounded half up and saturated, with floats: another way than that of the graph."""
    step = 2.0**fixed.exponent
    return np.clip(np.floor(values / step + 0.5), fixed.low, fixed.high) * step


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def naive_conv2d(x, kernel, strides, padding, dilation, groups):
    """A convolution by its definition, position by position."""
    x = np.pad(x, [(0, 0), *padding, (0, 0)])
    kh, kw, depth, filters = kernel.shape
    spans = [(k - 1) * d + 1 for k, d in zip((kh, kw), dilation, strict=True)]
    rows, columns = ((n - s) // t + 1 for n, s, t in zip(x.shape[1:3], spans, strides, strict=True))
    out = np.zeros((len(x), rows, columns, filters))
    for i in range(rows):
        for j in range(columns):
            for f in range(filters):
                group = f // (filters // groups)
                for a in range(kh):
                    for c in range(kw):
                        pixel = x[:, i * strides[0] + a * dilation[0], j * strides[1] + c * dilation[1]]
                        part = pixel[:, group * depth : (group + 1) * depth]
                        out[:, i, j, f] += part @ kernel[a, c, :, f]
    return out


SCALE = np.arange(1, 7) / 7
KERNEL, BIAS = RNG.normal(size=(6, 4)), RNG.normal(size=4)
IMAGE_KERNEL = RNG.normal(size=(3, 2, 2, 6))

CASES = {
    "dense": ((6,), lambda b, x: b.dense(x, KERNEL, BIAS, layer="l"), lambda x: x @ KERNEL + BIAS),
    "dense on rows": ((3, 6), lambda b, x: b.dense(x, KERNEL, layer="l"), lambda x: x @ KERNEL),
    "conv": (
        (6, 5, 4),
        lambda b, x: b.conv(
            x, IMAGE_KERNEL, layer="l", strides=(2, 1), padding=((1, 1), (0, 1)), dilation=(1, 2), groups=2
        ),
        lambda x: naive_conv2d(x, IMAGE_KERNEL, (2, 1), ((1, 1), (0, 1)), (1, 2), 2),
    ),
    "einsum with kernel": (
        (3, 6),
        lambda b, x: b.einsum(x, KERNEL, "abc,cd->adb", layer="l"),
        lambda x: np.swapaxes(x @ KERNEL, 1, 2),
    ),
    "einsum of variables": (
        (3, 6),
        lambda b, x: b.einsum(x, x, "bqd,bkd->bqk", layer="l"),
        lambda x: x @ np.swapaxes(x, 1, 2),
    ),
    "scaled": ((6,), lambda b, x: b.scaled(x, SCALE, layer="l"), lambda x: x * SCALE),
    "scaled by a power of two": ((6,), lambda b, x: b.scaled(x, np.array(0.25), layer="l"), lambda x: x / 4),
    "add with broadcast": (
        (3, 6),
        lambda b, x: b.add(x, b.constant(KERNEL[:, 0], layer="l"), layer="l"),
        lambda x: x + KERNEL[:, 0],
    ),
    "subtract": (
        (6,),
        lambda b, x: b.subtract(b.relu(x, layer="r"), x, layer="l"),
        lambda x: np.maximum(-x, 0),
    ),
    "square": ((6,), lambda b, x: b.multiply(x, x, layer="l"), lambda x: x * x),
    "maximum": (
        (2, 3),
        lambda b, x: b.maximum(x, b.constant(np.array(0.3), layer="l"), layer="l"),
        lambda x: np.maximum(x, 0.3),
    ),
    "minimum": (
        (2, 3),
        lambda b, x: b.minimum(x, b.scaled(x, np.array(-0.7), layer="m"), layer="l"),
        lambda x: np.minimum(x, -0.7 * x),
    ),
    "relu": ((6,), lambda b, x: b.relu(x, layer="l"), lambda x: np.maximum(x, 0)),
    "leaky relu": ((6,), lambda b, x: b.leaky_relu(x, 0.3, layer="l"), lambda x: np.where(x > 0, x, 0.3 * x)),
    "prelu": (
        (2, 3),
        lambda b, x: b.leaky_relu(x, np.array([0.3, -0.5, 2.0]), layer="l"),
        lambda x: np.where(x > 0, x, x * np.array([0.3, -0.5, 2.0])),
    ),
    "clip": ((6,), lambda b, x: b.clip(x, -0.5, 0.75, layer="l"), lambda x: np.clip(x, -0.5, 0.75)),
    "select": (
        (6,),
        lambda b, x: b.select(x, 0.5, x, b.scaled(x, np.array(0.25), layer="s"), layer="l"),
        lambda x: np.where(x >= 0.5, x, x / 4),
    ),
    "max pool": (
        (5, 4, 2),
        lambda b, x: b.max_pool(x, (3, 2), (2, 2), ((1, 1), (0, 0)), layer="l"),
        lambda x: np.pad(x, [(0, 0), (1, 1), (0, 0), (0, 0)], constant_values=-np.inf)[
            :, [[0, 1, 2], [2, 3, 4], [4, 5, 6]]
        ].max(axis=2).reshape(-1, 3, 2, 2, 2).max(axis=3),
    ),
    "average pool": (
        (5, 2),
        lambda b, x: b.average_pool(x, (3,), (2,), ((1, 1),), layer="l"),
        lambda x: np.stack([x[:, 0:2].mean(axis=1), x[:, 1:4].mean(axis=1), x[:, 3:5].mean(axis=1)], axis=1),
    ),
    "average pool with padding": (
        (5, 2),
        lambda b, x: b.average_pool(x, (3,), (2,), ((1, 1),), layer="l", count_padding=True),
        lambda x: np.stack([x[:, a:b].sum(axis=1) / 3 for a, b in ((0, 2), (1, 4), (3, 5))], axis=1),
    ),
    "sum": ((3, 4, 2), lambda b, x: b.sum(x, (0, 2), layer="l"), lambda x: x.sum(axis=(1, 3))),
    "mean": (
        (3, 4, 2),
        lambda b, x: b.mean(x, (-2,), layer="l", keepdims=True),
        lambda x: x.mean(axis=2, keepdims=True),
    ),
    "largest": ((3, 4), lambda b, x: b.largest(x, (0,), layer="l"), lambda x: x.max(axis=1)),
    "gather": (
        (3, 4),
        lambda b, x: b.gather(x, lambda i: np.pad(i[::-1], 1, constant_values=-1), layer="l"),
        lambda x: np.pad(x[:, ::-1], [(0, 0), (1, 1), (1, 1)]),
    ),
    "concatenate": (
        (3, 4),
        lambda b, x: b.concatenate([x, b.scaled(x, np.array(0.3), layer="s")], axis=0, layer="l"),
        lambda x: np.concatenate([x, 0.3 * x], axis=1),
    ),
}  # fmt: skip


class TestEveryStep:
    @pytest.mark.parametrize("case", CASES)
    def test_the_float_side_is_the_float_model(self, case):
        shape, layers, expected = CASES[case]
        x = sample(*shape)
        _, real = built(x, layers)
        np.testing.assert_allclose(real, expected(x), rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("case", CASES)
    @pytest.mark.parametrize("per_channel", [False, True])
    def test_with_many_bits_the_graph_is_the_float_model(self, case, per_channel):
        shape, layers, expected = CASES[case]
        x = sample(*shape)
        graph, _ = built(x, layers, "fixed<24>", per_channel=per_channel)
        assert not graph.exact
        # the largest value here is below 2^6, so every step is below 2^-17; at most 24 products add up, each
        # with two factors below 8 that err by half a step
        np.testing.assert_allclose(outputs(graph, x)["y"], expected(x), atol=24 * 8 * 2.0**-17)

    def test_events_beyond_the_sample_saturate(self):
        x = sample(6)
        graph, _ = built(x, lambda b, v: b.relu(v, layer="l"), "fixed<12>")
        limit = float(graph.inputs["x"].high[0]) * 2.0 ** int(graph.inputs["x"].exponent[0])
        assert np.all(outputs(graph, np.full((1, 6), 1e6))["y"] == limit)


WORD = Fixed(8, 3)


def q(values):
    return quantised(values, WORD)


def quantised_softmax(x):
    """Step by step with the widths of the plan for a result of 5 fractional bits."""
    plan = softmax_plan(x.shape[-1], WORD.exponent)
    d = np.round((x - x.max(axis=-1, keepdims=True)) / 2.0**plan.difference) * 2.0**plan.difference
    d = np.maximum(d, (1 - plan.entries) * 2.0**plan.difference)
    e = np.floor(np.exp(d) * 2.0**-plan.exponential + 0.5) * 2.0**plan.exponential
    total = np.floor(e.sum(axis=-1, keepdims=True) * 2.0**-plan.total + 0.5) * 2.0**plan.total
    return e * np.floor(2.0**-plan.reciprocal / total + 0.5) * 2.0**plan.reciprocal


MEANING = {
    "conv": (
        (6, 5, 4),
        lambda b, x: b.conv(
            x, IMAGE_KERNEL, BIAS[:1], layer="l", strides=(1, 2), padding=((0, 2), (1, 1)), groups=2
        ),
        lambda x: naive_conv2d(x, q(IMAGE_KERNEL), (1, 2), ((0, 2), (1, 1)), (1, 1), 2) + q(BIAS[:1]),
    ),
    "einsum of variables": (
        (3, 4),
        lambda b, x: b.einsum(x, b.relu(x, layer="r"), "bqd,bkd->bqk", layer="l"),
        lambda x: x @ np.swapaxes(np.maximum(x, 0), 1, 2),
    ),
    "average of three": (
        (6, 2),
        lambda b, x: b.average_pool(x, (3,), (3,), ((0, 0),), layer="l"),
        # a third has its own binary point, and the sum is exact
        lambda x: x.reshape(-1, 2, 3, 2).sum(axis=2) * quantised(np.array(1 / 3), Fixed(8, -1, signed=False)),
    ),
    "mean of four": (
        (4, 3),
        lambda b, x: b.mean(x, (0,), layer="l"),
        lambda x: x.mean(axis=1),
    ),
    "affine": (
        (6,),
        lambda b, x: b.offset(b.scaled(x, SCALE, layer="l"), SCALE[::-1], layer="l"),
        lambda x: x * q(SCALE) + q(SCALE[::-1]),
    ),
    "product": (
        (6,), lambda b, x: b.multiply(x, b.relu(x, layer="r"), layer="l"), lambda x: np.maximum(x, 0) * x
    ),
    "leaky": (
        (6,),
        lambda b, x: b.leaky_relu(x, np.array([0.3, 1.7] * 3), layer="l"),
        lambda x: np.where(x > 0, x, x * q(np.array([0.3, 1.7] * 3))),
    ),
    "chain of tables": (
        (6,),
        lambda b, x: b.function(b.function(x, np.tanh, layer="a"), sigmoid, layer="l"),
        lambda x: sigmoid(q(np.tanh(x))),
    ),
    "softmax": ((5,), lambda b, x: b.softmax(x, layer="l"), quantised_softmax),
}  # fmt: skip


class TestMeaning:
    """With few bits: the graph against the same layer quantised once more with floats."""

    @pytest.mark.parametrize("precision", ["fixed<6,3>", "fixed<7>", "fixed<8,2>"])
    def test_dense(self, precision):
        x = sample(6)
        graph, real = built(x, lambda b, v: b.relu(b.dense(v, KERNEL, BIAS, layer="l"), layer="r"), precision)
        stated = Stated.parse(precision)

        def of(values, negative=True):
            return quantised(values, stated.chosen(values.min(), values.max(), negative=negative))

        total = of(x) @ of(KERNEL) + of(BIAS)
        exponent = int(graph.types[graph.outputs["y"]].exponent.flat[0])
        fixed = stated.chosen(real.min(), real.max(), negative=False)
        assert fixed.exponent == exponent
        np.testing.assert_array_equal(outputs(graph, x)["y"], quantised(np.maximum(total, 0), fixed))

    @pytest.mark.parametrize("case", MEANING)
    def test_layers_of_stated_types(self, case):
        shape, layers, meaning = MEANING[case]
        x = 2 * sample(*shape)
        graph, _ = built(x, layers, "fixed<8,3>")
        np.testing.assert_array_equal(outputs(graph, x)["y"], q(meaning(q(x))))

    def test_each_channel_has_its_own_step(self):
        kernel = KERNEL * np.array([1.0, 0.1, 1e-3, 0.0])
        x = sample(6)
        graph, real = built(x, lambda b, v: b.dense(v, kernel, layer="l"), "fixed<6>", per_channel=True)
        columns = [quantised(c, fitting(c.min(), c.max(), 6, signed=True)) for c in kernel.T]
        total = quantised(x, fitting(x.min(), x.max(), 6, signed=True)) @ np.stack(columns, axis=1)
        expected = quantised(total, fitting(real.min(), real.max(), 6, signed=True))
        np.testing.assert_array_equal(outputs(graph, x)["y"], expected)

    def test_a_table(self):
        x = sample(6)
        graph, real = built(x, lambda b, v: b.function(v, np.tanh, layer="l"), "fixed<9,3>")
        given = quantised(x, Fixed(9, 3))
        np.testing.assert_array_equal(outputs(graph, x)["y"], quantised(np.tanh(given), Fixed(9, 3)))
        np.testing.assert_array_equal(real, np.tanh(x))

    def test_sums_are_not_rounded_inside(self):
        x = sample(6)
        graph, _ = built(x, lambda b, v: b.dense(v, KERNEL, BIAS, layer="l"), "fixed<8,4>")
        kinds = [type(node.op).__name__ for node in graph.nodes]
        assert kinds == ["Input", "Dense", "Constant", "Add", "Quantize"]


class TestLayers:
    def test_the_nodes_of_a_layer_stand_together(self):
        """A pending value that others pass on is rounded by the last of them."""
        x = sample(4, 6)

        def layers(b, v):
            first = b.dense(v, KERNEL, layer="first")
            turned = b.gather(first, np.transpose, layer="turned")
            moved = b.offset(b.scaled(turned, np.array(0.5), layer="scaled"), np.ones(4), layer="moved")
            both = b.multiply(
                b.relu(moved, layer="relu"), b.dense(moved, KERNEL[:4], layer="second"), layer="both"
            )
            return b.concatenate([both, first], axis=1, layer="joined")

        graph, real = built(x, layers, "fixed<20>")
        runs = [layer for layer, _ in groupby(node.layer for node in graph.nodes)]
        assert len(runs) == len(set(runs))
        first = x @ KERNEL
        moved = np.swapaxes(first, 1, 2) / 2 + 1
        expected = np.concatenate([np.maximum(moved, 0) * (moved @ KERNEL[:4]), first], axis=2)
        np.testing.assert_allclose(real, expected)
        np.testing.assert_allclose(outputs(graph, x)["y"], expected, atol=2.0**-8)


class TestSteps:
    def test_values_of_one_role_share_type_and_table(self):
        x = sample(4, 3)
        kernel = RNG.normal(size=(3, 3))

        def loop(b, v):
            state = b.constant(np.zeros(3), layer="l", role="start")
            for n in range(4):
                with b.step(f"t{n}"):
                    here = b.gather(v, lambda i, n=n: i[n], layer="l")
                    total = b.add(b.dense(here, kernel * 2.0**n, layer="l"), state, layer="l")
                    state = b.settle(b.function(total, np.tanh, layer="l", role="state"))
            return state

        b = CalibratedBuilder("toy", Calibration(x, "fixed<8>"))
        v = b.input("x", (4, 3))
        traced = b.in_steps(lambda: loop(b, v))
        graph = b.finish({"y": traced})
        tables = [n.op for n in graph.nodes if type(n.op).__name__ == "Lookup"]
        entries = [n.op for n in graph.nodes if n.name.endswith("state_table")]
        assert len(tables) == len(entries) == 4
        assert all(op is tables[0] for op in tables)
        assert all(op.target == entries[0].target for op in entries)
        expected = np.zeros(3)
        for n in range(4):
            expected = np.tanh(x[:, n] @ kernel * 2.0**n + expected)
        np.testing.assert_allclose(traced.real, expected)


class TestTables:
    @pytest.mark.parametrize(
        "f",
        [sigmoid, np.tanh, np.exp, lambda x: np.maximum(x, 0) ** 2],
        ids=["sigmoid", "tanh", "exp", "squared"],
    )
    @pytest.mark.parametrize("width", [6, 8, 10])
    def test_error_is_within_the_stated_bound(self, f, width):
        x = sample(500)[:1] * 3
        graph, real = built(
            x, lambda b, v: b.function(b.dense(v, np.eye(500), layer="d"), f, layer="l"),
            {"default": "fixed<24>", "l": f"fixed<{width}>"},
        )  # fmt: skip
        entry = next(n for n in graph.nodes if n.name == "l.table")
        step = 2.0 ** int(entry.op.target.exponent.flat[0])
        result = 2.0 ** int(graph.types["l"].exponent.flat[0])
        grid = np.linspace(x.min(), x.max(), 100_001)
        slope = np.abs(np.diff(f(grid))).max() / (grid[1] - grid[0])
        # half an input step times the slope, half a result step, and where it is cut as much as either
        bound = slope * (step / 2 + 2.0**-20) + result / 2 + max(result, slope * step) / 2
        assert np.abs(outputs(graph, x)["y"] - real).max() <= bound

    def test_range_is_cut_where_the_function_is_flat(self):
        assert table_input(sigmoid, -100.0, 100.0, 2.0**-8, signed=True).integer == 4
        assert table_input(lambda x: x, -100.0, 100.0, 2.0**-8, signed=True).integer == 8

    def test_a_stated_table(self):
        x = sample(6)
        precision = {"default": "fixed<16,6>", "l.table": "fixed<6,2>"}
        graph, _ = built(x, lambda b, v: b.function(v, np.tanh, layer="l"), precision)
        expected = quantised(np.tanh(quantised(quantised(x, Fixed(16, 6)), Fixed(6, 2))), Fixed(16, 6))
        np.testing.assert_array_equal(outputs(graph, x)["y"], expected)

    def test_a_table_beyond_reason_is_refused(self):
        with pytest.raises(SettingsError, match="layer 'l': a table entered with 20 bits is too deep"):
            built(sample(6), lambda b, v: b.function(v, np.tanh, layer="l"), {"l.table": "fixed<20>"})

    def test_a_function_that_is_not_finite_on_the_sample(self):
        with pytest.raises(InexactModelError, match="layer 'l': its function is not finite"):
            built(sample(6), lambda b, v: b.function(v, np.log, layer="l"))

    def test_beyond_the_sample_a_function_goes_on_with_its_last_value(self):
        x = np.abs(sample(6)) + 0.5
        graph, _ = built(x, lambda b, v: b.function(v, np.log, layer="l"), "fixed<10>")
        low = outputs(graph, np.zeros((1, 6)))["y"]
        assert np.allclose(low, np.log(x.min()), atol=0.02)


class TestSoftmax:
    @pytest.mark.parametrize("count", [1, 2, 5, 31, 128])
    @pytest.mark.parametrize("width", [6, 8, 12, 16])
    def test_error_is_within_the_proven_bound(self, count, width):
        x = sample(count) * RNG.uniform(0.1, 8, size=(EVENTS, 1))
        precision = {"default": "fixed<20,8>", "l": f"ufixed<{width},1>"}
        graph, _ = built(x, lambda b, v: b.softmax(v, layer="l"), precision)
        given = quantised(x, Fixed(20, 8))
        e = np.exp(given - given.max(axis=1, keepdims=True))
        plan = softmax_plan(count, 1 - width)
        error = np.abs(outputs(graph, x)["y"] - e / e.sum(axis=1, keepdims=True)).max()
        assert error <= plan.bound + 2.0**-width

    @pytest.mark.parametrize(("count", "exponent"), [(1, -8), (2, -9), (5, -8), (16, -7), (5, -6)])
    def test_bound_is_a_step_of_the_result(self, count, exponent):
        assert softmax_plan(count, exponent).bound < 2.0**exponent

    def test_bound_is_honest_where_tables_are_too_small(self):
        plan = softmax_plan(50, -12, depth=5)
        assert plan.bound > 2.0**-12
        assert plan.entries <= 32

    def test_a_wrong_table_breaks_the_bound(self):
        x = sample(5)
        graph, _ = built(
            x, lambda b, v: b.softmax(v, layer="l"), {"default": "fixed<20,8>", "l": "ufixed<10,1>"}
        )

        def worse(node):
            if node.name != "l.exponential":
                return node
            tables = np.array(node.op.tables)
            tables[0, :-1] += tables[0].max() // 50
            return type(node)(
                node.name, type(node.op)(tables, node.op.first, node.op.exponent), node.inputs, node.layer
            )

        e = np.exp(x - x.max(axis=1, keepdims=True))
        error = np.abs(outputs(graph.rewrite(worse), x)["y"] - e / e.sum(axis=1, keepdims=True)).max()
        assert error > softmax_plan(5, -9).bound + 2.0**-10


class TestPrecision:
    def test_the_most_specific_name_wins(self):
        p = Precision.of(
            {
                "default": "fixed<16,6>",
                "a": "fixed<8,3>",
                "a.kernel": "fixed<6,1>",
                "default.kernel": "fixed<5>",
            }
        )
        assert p.type("a", "kernel") == Stated(6, 1)
        assert p.type("a", "bias") == Stated(8, 3)
        assert p.type("b", "kernel") == Stated(5)
        assert p.type("b", "bias") == Stated(16, 6)

    def test_overrides_act(self):
        x = sample(6)
        precision = {"default": "fixed<16,6>", "l.kernel": "fixed<2>", "l": "fixed<8,3>", "x": "ufixed<5,2>"}
        graph, _ = built(x, lambda b, v: b.dense(v, KERNEL, layer="l"), precision)
        assert str(graph.inputs["x"]) == "6 ufixed<5,2>"
        expected = quantised(quantised(x, Fixed(5, 2, False)) @ quantised(KERNEL, Fixed(2, 3)), Fixed(8, 3))
        np.testing.assert_array_equal(outputs(graph, x)["y"], expected)

    def test_an_unknown_name(self):
        with pytest.raises(
            UnknownNameError, match=r"unknown layer of the precision 'lay'; nearest: .*known: .*layer\.kernel"
        ):
            built(sample(6), lambda b, v: b.dense(v, KERNEL, layer="layer"), {"lay": "fixed<8,3>"})

    @pytest.mark.parametrize("text", ["fixed<0,1>", "fixed<40>", "float", "fixed<8;3>", "int8"])
    def test_an_unreadable_type(self, text):
        with pytest.raises(SettingsError, match="is not a type of 1 to 32 bits; write fixed<W,I>"):
            Stated.parse(text)

    def test_the_finest_step_that_fits(self):
        for _ in range(200):
            low, high = np.sort(RNG.normal(size=2) * 10.0 ** RNG.uniform(-6, 6))
            width = int(RNG.integers(2, 20))
            fixed = fitting(low, high, width, signed=True)
            for format, fits in ((fixed, True), (Fixed(width, fixed.integer - 1), False)):
                codes = np.floor(np.array([low, high]) / 2.0**format.exponent + 0.5)
                assert bool(np.all((codes >= format.low) & (codes <= format.high))) == fits

    def test_a_quantile_leaves_outliers_to_saturate(self):
        x = sample(6)
        x[0, 0] = 1000.0
        whole, _ = built(x, lambda b, v: b.relu(v, layer="l"), "fixed<8>")
        most, _ = built(x, lambda b, v: b.relu(v, layer="l"), "fixed<8>", quantile=0.99)
        assert str(whole.inputs["x"]) == "6 fixed<8,11>"
        assert str(most.inputs["x"]) == "6 fixed<8,3>"


class TestSample:
    @pytest.mark.parametrize(
        ("x", "words"),
        [
            (np.ones((4, 5)), r"has the shape \(events, 6\), not \(4, 5\)"),
            (np.ones((0, 6)), r"has the shape \(events, 6\), not \(0, 6\)"),
            (np.full((4, 6), np.nan), "holds nan at event 0, element"),
            (np.full((4, 6), 1e300), "holds inf at event 0"),
            ({"y": np.ones((4, 6))}, "has no input 'x'; it has y"),
        ],
    )
    def test_refused(self, x, words):
        b = CalibratedBuilder("toy", Calibration(x))
        with pytest.raises(SampleError, match=words):
            b.input("x", (6,))

    def test_one_type_for_models_whose_ports_alone_are_free(self):
        assert Calibration(np.ones((1, 1)), {"default": "fixed<9,3>"}).port == Fixed(9, 3)
        with pytest.raises(SettingsError, match="this model takes one type for its inputs"):
            _ = Calibration(np.ones((1, 1)), {"a": "fixed<9,3>"}).port
        with pytest.raises(SettingsError, match=r"one type for its inputs, .* not 'fixed<9>'"):
            _ = Calibration(np.ones((1, 1)), "fixed<9>").port
        with pytest.raises(SettingsError, match=r"precision 'fixed<0,3>' is not a type of 1 to 32 bits"):
            _ = Calibration(None, "fixed<0,3>").port

    def test_quantile(self):
        with pytest.raises(SettingsError, match="quantile of a calibration is above"):
            Calibration(np.ones((1, 1)), quantile=0.2)
