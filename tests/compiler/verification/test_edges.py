"""At and beyond the edges of an input port the framework computes what the port states."""

from pathlib import Path

import keras
import numpy as np
import pytest
from hgq.quantizer import Quantizer

from helpers.hgq_models import kif, saved
from nanosieve.compiler.frontends import load_model, run_model
from nanosieve.compiler.graph import decode, encode, interpret
from nanosieve.compiler.verification import edge_values


@pytest.mark.slow
@pytest.mark.parametrize("rounding", ["RND", "TRN", "RND_CONV"])
@pytest.mark.parametrize("overflow", ["SAT", "WRAP", "SAT_SYM"])
def test_the_framework_agrees_at_the_edges(rounding: str, overflow: str, tmp_path: Path) -> None:
    x = keras.Input((4,), name="x")
    model = keras.Model(x, Quantizer(kif("datalane", rounding, overflow), name="port")(x), name="tiny")
    path = saved(model, tmp_path)
    graph = load_model(path)
    values = edge_values(graph)
    ((name, codes),) = interpret(graph, encode(graph, values)).items()
    found = decode(codes, graph.types[graph.outputs[name]])
    assert np.array_equal(found, run_model(path, values)[name])
