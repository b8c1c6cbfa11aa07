"""Linear convolutions of a Keras model as one: the same function, fewer multiplications, fewer roundings."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from nanosieve.compiler.frontends import Calibration  # noqa: E402
from nanosieve.compiler.frontends.keras_float.model import graph_of  # noqa: E402
from nanosieve.compiler.graph import Dense, Graph, Quantize, decode, encode, interpret  # noqa: E402

layers = keras.layers
SHAPE = (8, 9, 1)


def model(padding: str = "same", between: str | None = None) -> keras.Model:
    keras.utils.set_random_seed(5)
    x = given = keras.Input(SHAPE, name="image")
    for n, filters in enumerate((8, 8, 4), 1):
        bias = keras.initializers.RandomNormal(0, 0.3)
        x = layers.Conv2D(
            filters, 3, padding=padding, activation=between if n < 3 else "relu", bias_initializer=bias,
            name=f"conv_{n}",
        )(x)  # fmt: skip
    return keras.Model(given, layers.Flatten(name="flat")(x))


def graphs(given: keras.Model, precision: object = "fixed<10>") -> tuple[Graph, Graph, np.ndarray]:
    x = (np.random.default_rng(1).random((8, *SHAPE)) < 0.3).astype(np.float32)
    one, all_of_them = (
        graph_of(given, Calibration(x, precision, compose=compose), name="network")
        for compose in (True, False)
    )
    return one, all_of_them, x


def multiplications(graph: Graph) -> int:
    dense = [node for node in graph.nodes if isinstance(node.op, Dense)]
    return sum(graph.types[node.inputs[0]].size * node.op.kernel.shape[-1] for node in dense)


def error(graph: Graph, given: keras.Model, x: np.ndarray) -> float:
    """Mean difference to Keras in float."""
    codes = encode(graph, {"image": x})
    found = decode(interpret(graph, codes)["flat"], graph.types[graph.outputs["flat"]])
    return float(np.abs(found - given.predict(x, verbose=0)).mean())


def test_fewer_multiplications_and_roundings() -> None:
    given = model()
    one, several, x = graphs(given)
    assert multiplications(one) == 8 * 9 * 49 * 4
    assert multiplications(several) == 8 * 9 * 9 * (8 + 64 + 32)
    rounded = [sum(isinstance(node.op, Quantize) for node in graph.nodes) for graph in (one, several)]
    assert rounded[0] == rounded[1] - 2
    assert {node.layer for node in one.nodes} == {"image", "conv_3", "flat"}
    assert error(one, given, x) < error(several, given, x)


def test_fine_types_give_the_function_of_the_framework_at_borders_too() -> None:
    given = model()
    one, _, x = graphs(given, "fixed<24>")
    codes = encode(one, {"image": x})
    found = decode(interpret(one, codes)["flat"], one.types[one.outputs["flat"]])
    assert np.allclose(found, given.predict(x, verbose=0), atol=1e-4)


@pytest.mark.parametrize("precision", [{"default": "fixed<10>", "conv_1.kernel": "fixed<6>"}, None])
def test_what_is_not_linear_or_has_types_of_its_own_stays(precision: object) -> None:
    given = model(between="relu" if precision is None else None)
    one, several, _ = graphs(given, precision or "fixed<10>")
    names = {node.layer for node in one.nodes}
    assert "conv_1" in names
    if precision is None:
        assert multiplications(one) == multiplications(several)


def test_nothing_is_composed_where_it_saves_nothing() -> None:
    x = given = keras.Input(SHAPE, name="image")
    for n, filters in enumerate((1, 64), 1):
        x = layers.Conv2D(filters, 3, padding="same", name=f"conv_{n}")(x)
    network = keras.Model(given, layers.Flatten(name="flat")(x))
    one, several, _ = graphs(network)
    assert multiplications(one) == multiplications(several)
