"""ONNX networks that others trained: exact, within a measured difference, or refused by one sentence.

The files lie beside the repository and are no part of it; without them these tests are skipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from helpers.onnx_models import assert_close, assert_exact, saved, values
from nanosieve.compiler.frontends import load_model
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.frontends.formats import run_model
from nanosieve.errors import UnsupportedLayerError

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[4] / "shared" / "models"
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.onnx"))}
KNOWN = {
    "branched_qonnx_ch_last", "conv2d_small_maxpool", "jet_3layer_bn_keras", "jet_3layer_pytorch",
    "jet_qkeras_qonnx", "mnist_tfc_2w2a_qonnx",
}  # fmt: skip

if not FILES:
    pytest.skip("no ../shared/models beside the repository", allow_module_level=True)


def test_every_file_is_known() -> None:
    assert set(FILES) == KNOWN


def test_digits_by_brevitas_equal_theirs() -> None:
    """Scores in units of the last batch normalisation, which is one rising line for all classes."""
    x = np.random.default_rng(1).uniform(-0.2, 1.2, (2000, 1, 28, 28)).astype(np.float32)
    x[:1000] = np.random.default_rng(2).integers(0, 256, (1000, 1, 28, 28)) / np.float32(255)
    assert_exact(FILES["mnist_tfc_2w2a_qonnx"], x={"0": x})


def test_jets_by_qkeras_equal_theirs_before_the_softmax(tmp_path: Path) -> None:
    """The input states no type; on inputs of the one given, all quantised values are those of the file."""
    x = np.random.default_rng(3).integers(-4096, 4096, (4000, 16)).astype(np.float32) / 1024
    path = FILES["jet_qkeras_qonnx"]
    with pytest.raises(
        UnsupportedLayerError, match=r"input 'global_in': its fixed-point type .* or give cal"
    ):
        load_model(path)
    graph = assert_close(path, x, 2e-3, "fixed<16,6>")
    assert str(graph.inputs["global_in"]) == "16 fixed<16,6>"
    model = onnx.load(path)
    model.graph.output[0].name = "Add_3_out0"
    logits = load_model(cut := saved(model, tmp_path), Calibration(x, "fixed<16,6>"))
    assert np.array_equal(
        values(logits, {"global_in": x})["Add_3_out0"], run_model(cut, {"global_in": x})["Add_3_out0"]
    )


@pytest.mark.parametrize(
    ("name", "shape", "bound"),
    [("jet_3layer_pytorch", (16,), 2e-3), ("conv2d_small_maxpool", (25, 25, 1), 1e-2)],
)
def test_float_models_within_a_measured_difference(name: str, shape: tuple[int, ...], bound: float) -> None:
    x = np.random.default_rng(4).normal(size=(1000, *shape)).astype(np.float32)
    assert_close(FILES[name], x, bound, "fixed<16>")


def test_the_same_tagger_before_its_softmax(tmp_path: Path) -> None:
    model = onnx.load(FILES["jet_3layer_pytorch"])
    model.graph.output[0].name = "15"
    x = np.random.default_rng(5).normal(size=(1000, 16)).astype(np.float32)
    assert_close(saved(model, tmp_path), x, 5e-5, "fixed<16>")


def test_a_file_that_no_runtime_can_run() -> None:
    x = np.random.default_rng(6).normal(size=(10, 16))
    message = (
        r"^node 'BatchNormalization__' .*\(64,\) for 1 channels .*; export the model again: no runtime can"
    )
    with pytest.raises(UnsupportedLayerError, match=message):
        load_model(FILES["jet_3layer_bn_keras"], Calibration(x))


def test_a_network_too_large_is_refused_and_smaller_images_equal_theirs(tmp_path: Path) -> None:
    path = FILES["branched_qonnx_ch_last"]
    message = (
        r"^node 'Conv_2' \(Conv\): its windows hold 18,874,368 values for one event; .* use a smaller input"
    )
    with pytest.raises(UnsupportedLayerError, match=message):
        load_model(path)
    model = onnx.load(path)
    for dimension in model.graph.input[0].type.tensor_type.shape.dim[1:3]:
        dimension.dim_value = 24
    x = np.random.default_rng(7).uniform(-0.6, 0.6, (20, 24, 24, 3)).astype(np.float32)
    assert_exact(saved(model, tmp_path), x={"global_in": x})
