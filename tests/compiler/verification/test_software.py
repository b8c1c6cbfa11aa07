"""The software twins as stages of the proof, and that a fault planted in either is found by layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.designs import toy_graph
from nanosieve.compiler.emulate import Emulator, write_cpp
from nanosieve.compiler.graph import Dense, Graph, Node
from nanosieve.compiler.verification import software, verify
from nanosieve.errors import VerificationError


def test_the_cpp_of_the_folder_is_compared(toy_copy: Path) -> None:
    write_cpp(toy_graph(), toy_copy / "cpp")
    result = verify(toy_copy, random=200, streamed=0, golden=0)
    assert result.stages == ("graph", "emulator", "C++", "rtl")


def test_a_constant_changed_in_the_header_is_found(toy_copy: Path) -> None:
    header = write_cpp(toy_graph(), toy_copy / "cpp")
    text = header.read_text()
    weights = next(node.op for node in toy_graph().nodes if node.name == "dense_1.product").kernel.T
    written = ", ".join(map(str, weights.ravel()[:4]))
    assert text.count(written) == 1
    header.write_text(text.replace(written, written.replace(str(weights[0, 0]), "7", 1)))
    message = (
        r"^graph and C\+\+ differ first in output 'score', while every layer agrees when it is made anew"
    )
    with pytest.raises(VerificationError, match=message):
        verify(toy_copy, random=200, streamed=0, golden=0)


class WrongEmulator(Emulator):
    """An emulator of another network: one weight of layer dense_2 is off by one."""

    def __init__(self, graph: Graph) -> None:
        def rule(node: Node) -> Node | None:
            if not isinstance(node.op, Dense) or node.layer != "dense_2":
                return None
            kernel = node.op.kernel.copy()
            kernel[2, 0] += 1
            return Node(node.name, Dense(kernel, node.op.exponent), node.inputs, node.layer)

        super().__init__(graph.rewrite(rule))


def test_a_wrong_emulator_is_found_by_layer(toy_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "Emulator", WrongEmulator)
    message = (
        r"^graph and emulator differ first in layer 'dense_2', element 0, event \d+.*: "
        r"graph -?[\d.]+ \(code -?\d+\), emulator -?[\d.]+ \(code -?\d+\)$"
    )
    with pytest.raises(VerificationError, match=message):
        verify(toy_copy, random=200, streamed=0, golden=0)
    assert np.any(WrongEmulator(toy_graph()).run({"x": np.ones((1, 5), dtype=int)})["score"] >= 0)
