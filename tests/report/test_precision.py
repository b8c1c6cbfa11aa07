"""The chart of a precision scan."""

from __future__ import annotations

import pytest

from nanosieve.compiler.precision_scan import PrecisionScan, ScanPoint
from nanosieve.errors import SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.report import precision_scan_chart


def figure(value, error=None):
    return Figure(value, "", Provenance.SIMULATED, error, "900 events")


def scan(name, metric="area under ROC", reference=0.9):
    points = tuple(
        ScanPoint(bits, f"fixed<{bits}>", figure(0.9 * r, 0.01), figure(r, 0.004))
        for bits, r in ((4, 0.7), (8, 0.97), (12, 1.0))
    )
    return PrecisionScan(name, metric, figure(reference, 0.01), points)


def test_axes_legend_and_reference():
    drawing = precision_scan_chart([scan("LSTM"), scan("GRU")], title="Top tagging", conditions="900 events")
    (svg,) = drawing.panels
    for words in (
        "Area under ROC, fixed / float",
        "Bits",
        "LSTM",
        "GRU",
        "Top tagging",
        "float network: 0.900",
    ):
        assert words in svg
    assert "against bits" in svg[: svg.index(">")]


def test_float_networks_of_their_own_are_named_with_the_curves():
    (svg,) = precision_scan_chart([scan("LSTM"), scan("GRU", reference=0.8)], title="Top tagging").panels
    assert "LSTM (0.900" in svg
    assert "GRU (0.800" in svg
    assert "float network:" not in svg


def test_two_metrics_do_not_share_an_axis():
    with pytest.raises(SettingsError, match="scans of one metric, not of accuracy, area under ROC"):
        precision_scan_chart([scan("LSTM"), scan("GRU", "accuracy")], title="Top tagging")
