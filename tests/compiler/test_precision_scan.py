"""The precision scan: table, errors, and the metric that comes with it."""

from __future__ import annotations

import numpy as np
import pytest

from nanosieve.compiler.frontends.calibrated.builder import CalibratedBuilder
from nanosieve.compiler.precision_scan import area_under_roc, scan_precision
from nanosieve.errors import SampleError, SettingsError

RNG = np.random.default_rng(3)
KERNEL, OUT = RNG.normal(size=(4, 6)), RNG.normal(size=(6, 1))


def events(count):
    labels = RNG.integers(0, 2, count)
    return RNG.normal(size=(count, 4)) + labels[:, np.newaxis] * KERNEL[:, 0] / 2, labels


def graph_of(calibration):
    b = CalibratedBuilder("toy", calibration)
    hidden = b.relu(b.dense(b.input("x", (4,)), KERNEL, layer="hidden"), layer="relu")
    return b.finish({"score": b.dense(hidden, OUT, layer="score")})


def float_outputs(x):
    return {"score": np.maximum(x @ KERNEL, 0) @ OUT}


def scan(**options):
    x, labels = events(800)
    settings = {"bits": [12, 3, 6], "reference": float_outputs(x), **options}
    return scan_precision(graph_of, events(100)[0], area_under_roc, inputs=x, labels=labels, **settings)


def test_the_metric_reaches_that_of_the_float_model():
    done = scan()
    assert [p.bits for p in done.points] == [3, 6, 12]
    assert [p.precision for p in done.points] == ["fixed<3>", "fixed<6>", "fixed<12>"]
    ratios = [p.ratio.value for p in done.points]
    assert ratios[0] < ratios[1]
    assert abs(ratios[2] - 1) < 1e-3
    assert 0.5 < done.reference.value < 1
    # of paired events the ratio is known far better than the areas
    assert 0 < done.points[2].ratio.error < done.points[2].value.error / 5
    assert done.fewest(0.99).bits <= 12
    assert done.fewest(2.0) is None


def test_the_table():
    done = scan(precision={"default": "fixed<16>", "default.kernel": "fixed<{bits}>"}, resamples=0)
    assert done.metric == "area under roc"
    row = done.rows()[0]
    assert row[:2] == ["3", "default: fixed<16>, default.kernel: fixed<3>"]
    assert float(row[2]) == pytest.approx(done.points[0].value.value, abs=0.01)
    assert done.points[0].ratio.error is None


def test_one_seed_one_result():
    x, labels = events(200)
    options = {"inputs": x, "labels": labels, "reference": float_outputs(x), "bits": [5], "seed": 4}
    assert scan_precision(graph_of, x, area_under_roc, **options) == scan_precision(
        graph_of, x, area_under_roc, **options
    )


class TestAreaUnderRoc:
    def test_equals_counting_the_pairs(self):
        scores, labels = RNG.integers(0, 9, 60).astype(float), RNG.integers(0, 2, 60)
        pairs = [(s > b) + 0.5 * (s == b) for s in scores[labels == 1] for b in scores[labels == 0]]
        assert area_under_roc({"y": scores}, labels) == pytest.approx(np.mean(pairs))

    def test_mean_over_classes_by_number_or_column(self):
        scores, labels = RNG.normal(size=(60, 3)), RNG.integers(0, 3, 60)
        each = [area_under_roc({"y": scores[:, n]}, labels == n) for n in range(3)]
        assert area_under_roc({"y": scores}, labels) == pytest.approx(np.mean(each))
        assert area_under_roc({"y": scores}, np.eye(3)[labels]) == pytest.approx(np.mean(each))


class TestRefused:
    @pytest.mark.parametrize("options", [{"bits": []}, {"precision": "fixed<8>"}])
    def test_nothing_to_scan(self, options):
        with pytest.raises(SettingsError, match=r"a scan takes some bits and a precision with \{bits\}"):
            scan(**options)

    def test_no_reference(self):
        with pytest.raises(SettingsError, match=r"the float outputs are not known .* give reference="):
            scan(reference=None)

    def test_labels_of_other_events(self):
        x, _ = events(20)
        with pytest.raises(SampleError, match="19 labels do not fit 20 events"):
            scan_precision(graph_of, x, area_under_roc, inputs=x, labels=np.zeros(19), reference={})
