"""The estimate before synthesis against what Yosys counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nanosieve.compiler.graph import (
    Add,
    Builder,
    Constant,
    Dense,
    Fixed,
    Graph,
    Overflow,
    Quantize,
    Relu,
    Rounding,
    TensorType,
)
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.compiler.passes import run_passes
from nanosieve.compiler.synthesis import synthesize


def tagger(rounding: Rounding, overflow: Overflow) -> Graph:
    """Three dense layers with biases and ReLUs; quantisers drop bits at both ends."""
    rng = np.random.default_rng(4)
    builder = Builder("tagger")
    value, size = builder.input("x", TensorType.of(Fixed(7, 3), (12,))), 12
    for n, width in enumerate((16, 10, 5)):
        name = f"dense_{n}"
        value = builder.add(
            Quantize(TensorType.of(Fixed(5, 4), (size,)), rounding, overflow), value, layer=name, part="in"
        )
        kernel = np.where(rng.random((size, width)) < 0.4, 0, rng.integers(-15, 16, (size, width)))
        value = builder.add(Dense(kernel, -4), value, layer=name, part="product")
        bias = Constant(rng.integers(-9, 10, width), np.full(width, -4))
        value = builder.add(
            Add(), value, builder.constant(bias, layer=name, part="b"), layer=name, part="sum"
        )
        value, size = builder.add(Relu(), value, layer=name), width
    return builder.finish({"y": value})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rounding", "overflow"), [(Rounding.RND, Overflow.WRAP), (Rounding.TRN, Overflow.SAT)]
)
def test_within_a_fifth_of_yosys(rounding: Rounding, overflow: Overflow, tmp_path: Path) -> None:
    design = build_design(run_passes(tagger(rounding, overflow)), Budget())
    counted = synthesize(design.write(tmp_path), workers=1).resources
    assert design.estimate["lut"].value == pytest.approx(counted.lut.value, rel=0.2)
    assert design.estimate["ff"].value == pytest.approx(counted.ff.value, rel=0.1)


def test_passes_save_hardware() -> None:
    """Quantising at the source and absorbing the rounding cost nothing and save hardware."""
    graph = tagger(Rounding.RND, Overflow.WRAP)
    plain = build_design(graph, Budget()).estimate
    better = build_design(run_passes(graph), Budget()).estimate
    assert better["lut"].value < 0.95 * plain["lut"].value
    assert better["ff"].value < plain["ff"].value
