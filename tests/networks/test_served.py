"""The networks that are served have the published sizes."""

from __future__ import annotations

import numpy as np
import pytest

from nanosieve.errors import SettingsError
from nanosieve.farm.service import OnnxModel
from nanosieve.networks.served import facile_model, write_resnet

pytest.importorskip("onnxruntime")


def test_facile_has_the_weights_of_its_firmware():
    """558 + 341 + 33 + 3 = 935 in arXiv:2010.08556's code, beside biases and batch normalisation."""
    model = facile_model(3)
    kernels = [layer.kernel.shape for layer in model.layers if hasattr(layer, "kernel")]
    assert [int(np.prod(shape)) for shape in kernels] == [558, 341, 33, 3]
    again = facile_model(3)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


def test_a_small_residual_network_runs(tmp_path):
    path = write_resnet(tmp_path / "r.onnx", blocks=(1, 2), width=4, side=16, classes=10)
    model = OnnxModel(path)
    assert model.inputs[0].shape == (3, 16, 16)
    x = np.random.default_rng(1).standard_normal((3, 3, 16, 16), dtype=np.float32)
    together = model({"image": x})["scores"]
    assert together.shape == (3, 10)
    assert np.isfinite(together).all()
    assert together.std() > 0.01
    alone = np.concatenate([model({"image": each[None]})["scores"] for each in x])
    assert np.allclose(together, alone, atol=1e-4)
    with pytest.raises(SettingsError, match="images of 4 × 4 vanish in 2 groups"):
        write_resnet(tmp_path / "s.onnx", blocks=(1, 1), side=4)


@pytest.mark.slow
def test_the_default_is_of_the_size_of_resnet_50(tmp_path):
    """25.5 million weights beside batch normalisation (He et al., arXiv:1512.03385)."""
    import onnx

    model = onnx.load(write_resnet(tmp_path / "r.onnx"))
    weights = sum(int(np.prod(w.dims)) for w in model.graph.initializer)
    assert weights == pytest.approx(25.5e6, rel=0.01)
    assert sum(node.op_type == "Conv" for node in model.graph.node) == 53
