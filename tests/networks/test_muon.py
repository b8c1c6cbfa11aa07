"""Teacher and student of the muon trigger: the published layers, and bits that hardware reproduces."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nanosieve.compiler.frontends import load_model
from nanosieve.networks.model_file import save_model
from nanosieve.networks.muon import (
    HINTED,
    STUDENT_BITS,
    STUDENT_PARAMETERS,
    TEACHER_PARAMETERS,
    build_student,
    build_teacher,
    quantise_student,
)


def test_the_teacher_is_the_published_one() -> None:
    model = build_teacher()
    assert model.count_params() == TEACHER_PARAMETERS == 10_655
    shapes = [tuple(layer.output.shape[1:]) for layer in model.layers]
    assert shapes == [
        (9, 16, 1), (9, 16, 10), (9, 16, 10), (9, 8, 10), (9, 8, 17), (9, 8, 17), (9, 8, 17), (4, 4, 17),
        (272,), (10,), (10,), (2,),
    ]  # fmt: skip


def test_the_student_is_the_published_one() -> None:
    model = build_student()
    assert model.count_params() == STUDENT_PARAMETERS == 1_032
    shapes = [tuple(layer.output.shape[1:]) for layer in model.layers]
    assert shapes == [
        (9, 16, 1), (7, 14, 1), (5, 12, 1), (3, 10, 6), (1, 8, 6), (48,), (10,), (10,), (2,)
    ]  # fmt: skip
    for hint in HINTED.hints:
        assert build_teacher().get_layer(hint.teacher) is not None
        assert model.get_layer(hint.student).output.shape[1:] == (5, 12, 1)
    other = build_student(2).get_weights()[0]
    assert not np.array_equal(other, model.get_weights()[0])
    assert np.array_equal(other, build_student(2).get_weights()[0])


def test_four_bits_with_powers_of_two(tmp_path: Path) -> None:
    """Every filter has at most 15 different weights, multiples of a power of two; hardware says the same."""
    x = (np.random.default_rng(1).random((300, 9, 16, 1)) < 0.1).astype(np.float32)
    narrow = quantise_student(build_student(), x)
    for name in ("conv_3", "dense_1"):
        kernel = np.asarray(narrow.get_layer(name).qkernel, dtype=np.float64)
        for part in np.moveaxis(kernel, -1, 0):
            codes = next(
                codes for codes in (part * 2.0**fine for fine in range(-4, 16)) if (codes % 1 == 0).all()
            )
            assert np.abs(codes).max() <= 2 ** (STUDENT_BITS - 1) - 1
    graph = load_model(save_model(narrow, tmp_path / "student.keras"))
    assert graph.exact
    assert (graph.inputs["fragment"].low.min(), graph.inputs["fragment"].high.max()) == (0, 1)
    assert np.array_equal(graph.emulate(x)["output"], np.asarray(narrow.predict(x, verbose=0)))
