"""Small HGQ2 models whose quantisers differ from element to element, and their comparison with the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hgq.layers  # registers HGQ2's layers
import keras
import numpy as np
from hgq.quantizer import QuantizerConfig
from hgq.quantizer.internal.fixed_point_quantizer import FixedPointQuantizerBase, FixedPointQuantizerKBI

from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.keras_layers import InputPort
from nanosieve.compiler.frontends.keras_model import framework_outputs
from nanosieve.compiler.graph import Graph, decode, encode, interpret

assert hgq.layers

EVENTS = 400


def kif(
    place: str = "datalane", rounding: str = "RND", overflow: str = "SAT", **bits: int
) -> QuantizerConfig:
    """A quantiser by its sign, integer and fractional bits."""
    stated = {"k0": 1, "i0": 3, "f0": 3, **bits}
    return QuantizerConfig("kif", place, round_mode=rounding, overflow_mode=overflow, **stated)


def kbi(place: str = "weight", rounding: str = "RND", overflow: str = "SAT_SYM") -> QuantizerConfig:
    """A quantiser by its sign, width and integer bits."""
    return QuantizerConfig("kbi", place, k0=1, b0=5, i0=2, round_mode=rounding, overflow_mode=overflow)


def quantizers(model: Any) -> Iterator[FixedPointQuantizerBase]:
    """Every fixed-point quantiser of the model."""
    for layer in model._flatten_layers():
        if isinstance(layer, FixedPointQuantizerBase) and layer.built:
            yield layer


def randomise(model: Any, rng: np.random.Generator) -> None:
    """Give every element bits of its own, none and less than none among them, and random weights."""
    for quantizer in quantizers(model):
        shape = tuple(quantizer._k.shape)
        integer = rng.integers(-2, 5, shape)
        width = np.where(rng.random(shape) < 0.1, rng.integers(-2, 1, shape), rng.integers(1, 7, shape))
        quantizer._k.assign(rng.integers(0, 2, shape).astype(np.uint8))
        quantizer._i.assign(integer)
        if isinstance(quantizer, FixedPointQuantizerKBI):
            quantizer._b.assign(np.maximum(width, 0))
        else:
            quantizer._f.assign(width - integer)
    for layer in model.layers:
        for variable in layer.weights:
            if variable.name in ("kernel", "bias", "gamma", "beta", "moving_mean"):
                variable.assign(rng.normal(0, 2, variable.shape))
            elif variable.name == "moving_variance":
                variable.assign(rng.uniform(0.2, 3, variable.shape))


def model_of(
    build: Callable[[Any], Any], shape: tuple[int, ...] = (5,), rng: np.random.Generator | None = None
) -> Any:
    """The functional model ``build(InputPort(Input))``, randomised if a generator is given."""
    x = keras.Input(shape, name="x")
    model = keras.Model(x, build(InputPort(12, 5, name="port")(x)), name="tiny")
    if rng is not None:
        randomise(model, rng)
    return model


def saved(model: Any, folder: Path, name: str = "tiny.keras") -> Path:
    """The model as a file."""
    model.save(folder / name)
    return folder / name


def assert_exact(path: Path, rng: np.random.Generator, events: int = EVENTS, *, beyond: float = 1.2) -> Graph:
    """Load the file; graph and framework agree on vectors over and `beyond` the full range of the ports."""
    graph = load_model(path)
    ((name, port),) = graph.inputs.items()
    limit = np.maximum(-port.low, port.high) * np.exp2(port.exponent) * beyond
    x = rng.uniform(-limit, limit, (events, *port.shape)).astype(np.float32)
    x[: events // 4] *= 0.05
    step = np.exp2(port.exponent.astype(float))
    x[events // 4 : events // 2] = np.floor(x[events // 4 : events // 2] / step) * step + step / 2  # ties
    x[:3] = [-limit, limit, 0.0 * limit]
    expected = framework_outputs(path, x)
    found = interpret(graph, encode(graph, {name: x}))
    assert list(found) == list(expected)
    for output, codes in found.items():
        values = decode(codes, graph.types[graph.outputs[output]])
        wrong = np.argwhere(values != expected[output])
        assert not len(wrong), (
            f"{output} event {wrong[0].tolist()}: graph {values[tuple(wrong[0])]}, "
            f"framework {expected[output][tuple(wrong[0])]}"
        )
    return graph
