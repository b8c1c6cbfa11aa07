from pathlib import Path

import numpy as np
import pytest

from nanosieve.compiler.graph import Builder, Fixed, Graph, Overflow, Relu, Rounding, TensorType, encode
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.compiler.verification import (
    corner_vectors,
    edge_values,
    random_vectors,
    read_design,
    scaled_vectors,
)
from nanosieve.compiler.verification.vectors import all_vectors, usual_number


def test_random_vectors_reach_both_ends_of_every_element(toy: Path) -> None:
    codes = random_vectors(read_design(toy), 4000, np.random.default_rng(1))["x"]
    assert (codes.min(axis=0) == -64).all()
    assert (codes.max(axis=0) == 63).all()


def test_scaled_vectors_hold_zeros_and_every_magnitude(toy: Path) -> None:
    codes = scaled_vectors(read_design(toy), 4000, np.random.default_rng(1))["x"]
    assert 0.3 < (codes == 0).mean() < 0.4
    for bits in range(1, 7):
        share = ((np.abs(codes) >= 2 ** (bits - 1)) & (np.abs(codes) < 2**bits)).mean()
        assert share > 0.05, bits


def test_every_combination_of_codes(tmp_path: Path) -> None:
    builder = Builder("two")
    builder.input("x", TensorType(np.array([-1, 3]), np.array([1, 6]), np.zeros(2)))
    y = builder.input("y", TensorType(np.array([0]), np.array([4]), np.zeros(1)))
    values = {"y": builder.add(Relu(), y, layer="relu")}
    design = read_design(build_design(builder.finish(values), Budget()).write(tmp_path))
    codes = all_vectors(design, 60)
    assert codes is not None
    rows = {tuple(row) for row in np.concatenate([codes["x"], codes["y"]], axis=1).tolist()}
    assert rows == {(a, b, c) for a in range(-1, 2) for b in range(3, 7) for c in range(5)}
    assert all_vectors(design, 59) is None


def test_fewer_vectors_where_each_takes_long(hand: Path) -> None:
    design = read_design(hand)
    assert usual_number(design, 20_000, 200) == 20_000
    slow = design.model_copy(update={"interval_cycles": 30})
    assert usual_number(slow, 20_000, 200) == 666
    assert usual_number(slow, 2_000, 100) == 100
    codes = corner_vectors(design, 2)
    rows = np.concatenate([codes["a"], codes["b"]], axis=1)
    assert rows.shape == (7 + 2 * 2, 4)
    assert rows[7:].tolist() == [[-32, 0, 0, 0], [0, 0, 0, -(2**36)], [31, 0, 0, 0], [0, 0, 0, 2**36 - 1]]


def test_corners(hand: Path) -> None:
    codes = corner_vectors(read_design(hand))
    rows = np.concatenate([codes["a"], codes["b"]], axis=1)
    assert rows.shape == (7 + 2 * 4, 4)
    low, high = [-32, 0, -(2**34), -(2**36)], [31, 3, 2**34 - 1, 2**36 - 1]
    for row in (
        low,
        high,
        [0] * 4,
        [low[0], high[1], low[2], high[3]],
        [high[0], 0, 0, 0],
        [0, 0, 0, low[3]],
    ):
        assert row in rows.tolist()


def _port(rounding: Rounding, overflow: Overflow) -> Graph:
    """A graph that hands on its port: fixed<6,3>, twice."""
    builder = Builder("port")
    x = builder.input("x", TensorType.of(Fixed(6, 3), (2,)), rounding=rounding, overflow=overflow)
    return builder.finish({"y": x})


@pytest.mark.parametrize("rounding", list(Rounding))
def test_edges_beyond_a_port_that_saturates(rounding: Rounding) -> None:
    graph = _port(rounding, Overflow.SAT)
    values = edge_values(graph)["x"]
    codes = encode(graph, {"x": values})["x"]
    assert values.dtype == np.float32
    above, below = values[:, 0] >= 4, values[:, 0] <= -4.125
    assert above.sum() >= 4
    assert below.sum() >= 4
    assert (codes[above] == 31).all()
    assert (codes[below] == -32).all()
    assert values.max() > 1e12


def test_edges_beyond_a_port_that_wraps() -> None:
    graph = _port(Rounding.TRN, Overflow.WRAP)
    values = edge_values(graph)["x"]
    codes = encode(graph, {"x": values})["x"]
    pairs = set(zip(values[:, 0].tolist(), codes[:, 0].tolist(), strict=True))
    assert {(4.0, -32), (-4.125, 31), (3.875 + 3 * 8, 31)} <= pairs


def test_edges_hold_ties_and_denormals() -> None:
    graph = _port(Rounding.RND_CONV, Overflow.SAT)
    values = edge_values(graph)["x"]
    codes = encode(graph, {"x": values})["x"]
    pairs = set(zip((values[:, 0] / 0.125).tolist(), codes[:, 0].tolist(), strict=True))
    assert {(-1.5, -2), (-0.5, 0), (0.5, 0), (1.5, 2)} <= pairs  # to even
    assert {code for value, code in pairs if 0.5 < value < 0.6} == {1}
    tiny = values[(np.abs(values) < 1e-40) & (values != 0)]
    assert {*np.sign(tiny)} == {-1.0, 1.0}
    assert np.signbit(values[values == 0]).all()
