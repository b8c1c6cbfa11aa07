from dataclasses import replace

import numpy as np
import pytest

from nanosieve.compiler.graph import Add, Builder, Constant, Dense, Fixed, Graph, Relu, TensorType
from nanosieve.compiler.hardware import Budget, HardwareDesign, build_design
from nanosieve.compiler.synthesis import ModuleResources, Resources, Synthesis
from nanosieve.devices import find_device
from nanosieve.figure import Figure, Provenance
from nanosieve.report import bits_of, pipeline_chart, pipeline_of, resources_of

KERNEL = np.array([[3, 0, -8], [0, 5, 1], [7, 0, 0], [-1, 2, 6]])


@pytest.fixture(scope="module")
def graph() -> Graph:
    builder = Builder("toy")
    x = builder.input("x", TensorType.of(Fixed(8, 4), (4,)))
    product = builder.add(Dense(KERNEL, -2), x, layer="dense_1", part="product")
    bias = builder.add(Constant(np.array([1, 2, 3]), np.array([-4, -4, -4])), layer="dense_1", part="bias")
    dense = builder.add(Add(), product, bias, layer="dense_1")
    return builder.finish({"y": builder.add(Relu(), dense, layer="relu_1")})


@pytest.fixture(scope="module")
def design(graph) -> HardwareDesign:
    return build_design(graph, Budget(clock="500 MHz"))


def test_bits_of_weights_and_activations(graph):
    layers = {layer.name: layer for layer in bits_of(graph)}
    assert list(layers) == ["x", "dense_1", "relu_1"]
    assert layers["x"].weights is None
    assert layers["x"].activations.tolist() == [8, 8, 8, 8]
    # 3 = 11b, -8 = -1 * 2**3, 5 = 101b, 7 = 111b, 2 = 1 * 2, 6 = 11b * 2; a sign takes a bit
    assert layers["dense_1"].weights.tolist() == [[2, 0, 1], [0, 3, 1], [3, 0, 0], [1, 1, 2]]
    assert layers["relu_1"].activations.tolist() == graph.types["relu_1"].width.tolist()


def test_layers_follow_each_other_within_the_latency(design):
    pipeline = pipeline_of(design, title="toy")
    assert [(layer.name, layer.kind) for layer in pipeline.layers] == [
        ("dense_1", "dense"),
        ("relu_1", "activation"),
    ]
    assert all(0 <= layer.start <= layer.stop <= pipeline.latency_cycles for layer in pipeline.layers)
    dense, relu = pipeline.layers
    assert dense.stop > dense.start
    assert relu.stop >= dense.stop


def test_registers_at_every_edge_are_those_of_the_design(design):
    pipeline = pipeline_of(design, title="toy")
    assert len(pipeline.registers) == pipeline.latency_cycles == design.sources.latency
    between = sum(count for layer in design.manifest()["layers"] for count in layer["registers"].values())
    at_the_end = sum(port.width for port in design.sources.outputs)
    assert sum(pipeline.registers) == between + at_the_end + pipeline.latency_cycles


def test_a_published_latency_is_drawn_with_its_word(design):
    theirs = Figure(80, "ns", Provenance.PUBLISHED, source="arXiv:2108.03986 Table III")
    drawing = pipeline_chart(pipeline_of(design, title="toy", compare=[("arXiv:2108.03986", theirs)]))
    assert "80 ns, published" in drawing.panels[0]


def test_the_picture_follows_the_clock(graph):
    slow, fast = (
        pipeline_of(build_design(graph, replace(Budget(), clock=clock)), title="toy").latency_cycles
        for clock in ("50 MHz", "500 MHz")
    )
    assert slow < fast


def test_what_a_layer_does_in_its_slots_counts_with_the_layer():
    def counts(lut):
        number = Figure(lut, "", Provenance.SYNTHESISED)
        return Resources(number, *5 * [Figure(0, "", Provenance.SYNTHESISED)])

    modules = {"conv_1": 200, "relu": 30, "cnn": 4, "cnn_conv_1_slot": 1000, "cnn_conv_1_sums_slot": 50}
    synthesis = Synthesis(
        "cnn",
        find_device("xcvu9p"),
        1.0,
        tuple(ModuleResources(name, name, counts(lut), 1) for name, lut in modules.items()),
        counts(1284),
    )
    assert {layer.name: layer.counts["LUT"] for layer in resources_of(synthesis)} == {
        "conv_1": 1200,
        "relu": 30,
        "between layers": 4,
        "conv_1_sums": 50,
    }
