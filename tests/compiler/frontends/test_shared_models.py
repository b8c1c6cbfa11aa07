"""Networks that others trained, as ``.keras`` files: every one is reproduced exactly.

The files lie beside the repository and are no part of it; without them these tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.hgq_models import assert_exact
from nanosieve.compiler.frontends import load_model, run_model
from nanosieve.compiler.frontends.keras_model import framework_outputs
from nanosieve.compiler.graph import decode, encode, interpret

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[4] / "shared" / "models"
FILES = sorted(FOLDER.glob("*.keras"))
HGQ = {
    "jet_hgq2_ebops2571": 1.2,
    "jet_hgq2_ebops7229": 1.2,
    # some of its edges read inputs up to 2**23, where float32 has no room for the bit that rounding adds
    "jet_hgq2_lut_ebops850": 0.99,
    "jet_particles8_linear_attention_hgq2": 1.2,
    "jet_particles8_mha_hgq2": 1.2,
}
"""Name → how far the vectors reach, in ranges of the ports."""
QKERAS = {"qkeras3_jet_3layer"}


@pytest.mark.skipif(not FILES, reason="no ../shared/models beside the repository")
def test_every_file_is_known() -> None:
    assert {path.stem for path in FILES} == set(HGQ) | QKERAS


@pytest.mark.parametrize("path", [p for p in FILES if p.stem in HGQ], ids=lambda p: p.stem)
def test_reproduced_exactly(path: Path) -> None:
    rng = np.random.default_rng(1)
    graph = assert_exact(path, rng, events=4000, beyond=HGQ[path.stem])
    ((name, port),) = graph.inputs.items()
    x = rng.normal(0, 1, (4000, *port.shape)).astype(np.float32)  # as in training
    ((output, values),) = framework_outputs(path, x).items()
    found = decode(interpret(graph, encode(graph, {name: x}))[output], graph.types[graph.outputs[output]])
    assert np.array_equal(found, values)
    assert len(np.unique(values, axis=0)) > 2000


@pytest.mark.parametrize("path", [p for p in FILES if p.stem in QKERAS], ids=lambda p: p.stem)
def test_qkeras_reproduced_exactly_on_numbers_of_the_port(path: Path) -> None:
    graph = load_model(path)
    ((name, port),) = graph.inputs.items()
    codes = np.random.default_rng(1).integers(port.low, port.high + 1, (4000, *port.shape))
    codes[:2000] >>= 6
    expected = run_model(path, {name: decode(codes, port)})
    for output, found in interpret(graph, {name: codes}).items():
        assert np.array_equal(decode(found, graph.types[graph.outputs[output]]), expected[output])
