"""What every pass must hold: the same numbers on every output, a valid graph, and nothing to do twice."""

from __future__ import annotations

import numpy as np

from helpers.random_graphs import random_codes
from nanosieve.compiler.graph import Builder, Fixed, Graph, TensorType, decode, interpret
from nanosieve.compiler.passes import Pass

EVENTS = 64


def assert_same_meaning(before: Graph, after: Graph, seed: int = 0) -> None:
    """The same ports and the same numbers behind the codes of every output, on vectors and range ends."""
    assert dict(before.inputs) == dict(after.inputs)
    assert list(before.outputs) == list(after.outputs)
    rng = np.random.default_rng(seed)
    codes = {name: random_codes(rng, type, EVENTS) for name, type in before.inputs.items()}
    found = interpret(after, codes)
    for name, expected in interpret(before, codes).items():
        one = decode(expected, before.types[before.outputs[name]])
        other = decode(found[name], after.types[after.outputs[name]])
        assert np.array_equal(one, other), f"seed {seed}, output {name!r}"


def assert_pass_holds(step: Pass, graph: Graph, seed: int = 0) -> Graph:
    """Same meaning, and a second run changes nothing."""
    after = step(graph).verify()
    assert_same_meaning(graph, after, seed)
    assert str(step(after)) == str(after), f"seed {seed}: not idempotent"
    return after


def start(width: int = 8, size: int = 2, integer: int = 4) -> tuple[Builder, str]:
    """A builder with one input ``x``."""
    builder = Builder("toy")
    return builder, builder.input("x", TensorType.of(Fixed(width, integer), (size,)))


def body(graph: Graph) -> list[str]:
    """The lines of the text form without title, ports and types."""
    lines = [line.split("  #")[0].strip() for line in str(graph).splitlines()[1:]]
    return [line for line in lines if not line.endswith("= Input()")]
