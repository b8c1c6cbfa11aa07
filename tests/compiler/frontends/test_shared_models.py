"""Networks that others trained: reproduced exactly, or refused by one sentence with layer, reason and remedy.

The files lie beside the repository and are no part of it; without them these tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.hgq_models import assert_exact
from nanosieve.compiler.frontends import load_model, run_model
from nanosieve.compiler.graph import decode, interpret
from nanosieve.errors import NanosieveError

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[4] / "shared" / "models"
FILES = sorted(FOLDER.glob("*.keras"))
EXACT = {"jet_hgq2_ebops2571", "jet_hgq2_ebops7229"}
QKERAS = {"qkeras3_jet_3layer"}
REFUSED = {
    "jet_hgq2_lut_ebops850": r"layer 'q_dense_t' is of 'QDenseT', which the .*; build the network of",
    "jet_particles8_linear_attention_hgq2": r"^layer 'mha1': unknown layer 'QLinformerAttention'; .*rebuild",
    "jet_particles8_mha_hgq2": r"^layer 'mha1': unknown layer 'QMultiHeadAttention'; nearest: .*rebuild the",
}


@pytest.mark.skipif(not FILES, reason="no ../shared/models beside the repository")
def test_every_file_is_known() -> None:
    assert {path.stem for path in FILES} == EXACT | QKERAS | set(REFUSED)


@pytest.mark.parametrize("path", [p for p in FILES if p.stem in EXACT], ids=lambda p: p.stem)
def test_reproduced_exactly(path: Path) -> None:
    assert_exact(path, np.random.default_rng(1), events=4000)


@pytest.mark.parametrize("path", [p for p in FILES if p.stem in QKERAS], ids=lambda p: p.stem)
def test_qkeras_reproduced_exactly_on_numbers_of_the_port(path: Path) -> None:
    graph = load_model(path)
    ((name, port),) = graph.inputs.items()
    codes = np.random.default_rng(1).integers(port.low, port.high + 1, (4000, *port.shape))
    codes[:2000] >>= 6
    expected = run_model(path, {name: decode(codes, port)})
    for output, found in interpret(graph, {name: codes}).items():
        assert np.array_equal(decode(found, graph.types[graph.outputs[output]]), expected[output])


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(p, id=p.stem, marks=[pytest.mark.slow] if "linear" in p.stem else [])
        for p in FILES
        if p.stem in REFUSED
    ],
)
def test_refused_with_a_remedy(path: Path) -> None:
    with pytest.raises(NanosieveError, match=REFUSED[path.stem]) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
