"""The difference of a quantised graph from its float model."""

from __future__ import annotations

import numpy as np
import pytest

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder
from nanosieve.compiler.frontends.calibration import Calibration
from nanosieve.compiler.graph import encode, interpret
from nanosieve.compiler.verification.measured import measured_difference
from nanosieve.compiler.verification.stages import Case
from nanosieve.compiler.verification.vector_set import VectorSet
from nanosieve.errors import VerificationError

KERNEL = np.array([[0.5], [-0.25]])


def case_of(x, kinds):
    b = CalibratedBuilder("toy", Calibration(x, "fixed<8,3>"))
    graph = b.finish({"y": b.dense(b.input("x", (2,)), KERNEL, layer="y")})
    codes = encode(graph, {"x": x})
    return Case(graph, VectorSet(kinds, {"x": x}, codes), interpret(graph, codes))


@pytest.fixture
def x():
    return np.random.default_rng(1).uniform(-3, 3, (10, 2))


def test_largest_and_rms_over_the_events_alone(x):
    case = case_of(x, {"events": 6, "random": 4})
    meant = case.expected["y"] * 2.0**-5
    float_model = meant + np.array([0, 0, 0.5, 0, -0.25, 0, 9, 9, 9, 9.0])[:, np.newaxis]
    found = measured_difference(case, {"y": float_model})["y"]
    assert found["largest"].value == 0.5
    assert found["rms"].value == pytest.approx(np.sqrt((0.5**2 + 0.25**2) / 6))
    assert found["rms"].source == "6 events"
    assert found["rms"].provenance == "simulated"


def test_over_all_vectors_where_there_are_no_events(x):
    case = case_of(x, {"random": 10})
    found = measured_difference(case, {"y": x @ KERNEL})["y"]
    # weights and result are exact or rounded by half a step of 2^-5, as are both inputs
    assert 0 < found["largest"].value <= 2.0**-6 * (1 + 0.5 + 0.25)
    assert found["largest"].source == "10 random and corner vectors"


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        ({}, "the float model has no output 'y' of 1 elements"),
        ({"y": np.zeros((10, 2))}, "the float model has no output 'y' of 1 elements"),
        (
            {"y": np.full((10, 1), np.nan)},
            "gives nan for output 'y', element 0, event 0 of the random vectors",
        ),
    ],
)
def test_refused(x, trained, words):
    with pytest.raises(VerificationError, match=words):
        measured_difference(case_of(x, {"random": 10}), trained)
