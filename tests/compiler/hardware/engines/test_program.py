"""What the program of an engine reads in every step is what the layer multiplies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers.image_network import ImageNetwork
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware.engines.positions import Positions, positions_of
from nanosieve.compiler.hardware.engines.program import NOTHING, Program, program_of
from nanosieve.compiler.hardware.house import layer_groups
from nanosieve.errors import FoldingError


@pytest.fixture(scope="module")
def graph() -> Graph:
    return ImageNetwork().graph


def layer(graph: Graph, name: str) -> Positions:
    return positions_of(graph, layer_groups(graph), name)


def program(graph: Graph, name: str, columns: int, inputs: int, beat: int = 1) -> Program:
    own = layer(graph, name)
    shapes = graph.types[own.source].shape, graph.types[own.output].shape
    return program_of(own, *shapes, columns, inputs, beat)


def words(program: Program, size: int) -> np.ndarray:
    """The elements of every word, and zeros behind the last."""
    found = np.full((program.words + 1, program.length), NOTHING)
    if program.strip is None:
        found[:-1] = np.arange(size).reshape(program.words, program.length)
        return found
    height, width, channels, stride = program.strip
    image = np.arange(size).reshape(height, width, channels)
    for word in range(program.words):
        part = image[:, word * stride : (word + 1) * stride].reshape(height, -1)
        strip = np.full((height, stride * channels), NOTHING)
        strip[:, : part.shape[1]] = part
        found[word] = strip.ravel()
    return found


def replayed(program: Program, size: int, column: int) -> np.ndarray:
    """The elements that the entries of a part of the columns multiply, as the registers hold them."""
    known = words(program, size)
    held = np.full((program.registers, program.length), NOTHING)
    read = []
    for block in range(len(program.order)):
        first = block * program.block
        for part in range(program.columns):
            for entry in range(first, first + program.block):
                if program.loads[entry] and (program.registers == 1 or part == 0):
                    held = np.concatenate([known[[program.address[entry]]], held[:-1]])
                if part == column:
                    tap = program.taps[program.pattern[entry]]
                    read.append(np.where(tap >= 0, held.ravel()[np.maximum(tap, 0)], NOTHING))
    return np.array(read)


CUTS = [
    ("conv_3", 1, 1, 1), ("conv_3", 4, 1, 1), ("conv_4", 1, 9, 4), ("conv_4", 2, 18, 2), ("conv_4", 8, 36, 1),
    ("conv_4", 1, 9, 2), ("conv_4", 4, 18, 4), ("dense_1", 2, 3, 8), ("dense_1", 1, 1, 1),
    ("dense_1", 8, 48, 8),
]  # fmt: skip


@pytest.mark.parametrize(("name", "columns", "inputs", "beat"), CUTS)
def test_every_step_reads_its_operands(graph: Graph, name: str, columns: int, inputs: int, beat: int) -> None:
    own, found = layer(graph, name), program(graph, name, columns, inputs, beat)
    size = graph.types[own.source].size
    there = found.order >= 0
    need = own.rows[own.windows[found.order[there]]].reshape(-1, inputs, own.inputs // inputs)
    for column in {0, columns - 1}:
        read = replayed(found, size, column)
        read = read[np.repeat(there, found.block)].reshape(need.shape)
        assert np.array_equal(read, need)


def test_a_wrong_tap_or_address_shows(graph: Graph) -> None:
    own, found = layer(graph, "conv_3"), program(graph, "conv_3", 1, 1)
    size = graph.types[own.source].size
    right = replayed(found, size, 0)
    taps, address = found.taps.copy(), found.address.copy()
    taps[0, 24] += 1
    address[np.flatnonzero(address == 2)[0]] = 3
    assert (replayed(replace(found, taps=taps), size, 0) != right).any()
    assert (replayed(replace(found, address=address), size, 0) != right).any()


def test_a_composed_convolution_has_one_pattern_for_each_place_in_a_strip(graph: Graph) -> None:
    found = program(graph, "conv_3", 1, 1)
    assert found.strip == (8, 33, 1, 3)
    assert (found.registers, len(found.taps)) == (3, 4 * 6)
    assert found.steps == (2 + 4 * 11) * 6


def test_layers_that_rectify_round_pool_and_reshape_are_taken_in(graph: Graph) -> None:
    found = layer(graph, "conv_3")
    assert found.layers == ("conv_3", "relu_3", "pool_3")
    assert found.windows.shape == (4 * 11, 6)
    assert len(found.kernels) == 25
    assert [type(step.op).__name__ for step in found.steps] == ["Add", "Relu", "Quantize"]
    assert layer(graph, "conv_4").layers == ("conv_4", "pool_4", "flatten")


@pytest.mark.parametrize(("columns", "inputs"), [(3, 1), (1, 5), (1, 4)])
def test_parts_that_do_not_exist_are_refused(graph: Graph, columns: int, inputs: int) -> None:
    with pytest.raises(FoldingError, match=r"^layer 'conv_4': an engine "):
        program(graph, "conv_4", columns, inputs)


def test_a_layer_without_products_is_refused(graph: Graph) -> None:
    with pytest.raises(FoldingError, match=r"^layer 'pool_3' cannot be an engine: "):
        layer(graph, "pool_3")
