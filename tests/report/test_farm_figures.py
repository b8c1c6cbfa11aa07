"""The figures of a comparison of farms: they draw, name their axes with units, and refuse what is empty."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from nanosieve.errors import SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.report.kept import KeptEntry, kept_chart
from nanosieve.report.latency import latency_chart
from nanosieve.report.loss_budget import LossBudget, loss_budget_chart
from nanosieve.report.scenarios import scenario_chart
from nanosieve.report.style import Drawing
from nanosieve.report.tornado import tornado_chart
from nanosieve.report.tradeoff import TradeoffPoint, pareto_front, tradeoff_chart


def words(drawing: Drawing) -> str:
    """All text of the panels, with what was set letter by letter joined."""
    found = []
    for svg in drawing.panels:
        for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
            found.append("".join(node.itertext()))
    return re.sub(r"\s+", " ", " ".join(found))


def figure(value: float, error: float = 0.1, unit: str = "%") -> Figure:
    return Figure(value, unit, Provenance.SIMULATED, error=error)


def point(letter: str, x: float, y: float) -> TradeoffPoint:
    return TradeoffPoint(letter, f"design {letter}", (0.8 * x, x, 1.2 * x), (0.9 * y, y, 1.1 * y), 0.05)


POINTS = [point("A", 5, 1.0), point("B", 6, 1.2), point("C", 7, 1.1), point("D", 4, 0.9), point("E", 4, 0.8)]


class TestTradeoff:
    def test_the_front_is_what_no_other_beats(self):
        assert [p.letter for p in pareto_front(POINTS)] == ["D", "A", "B"]

    def test_every_design_is_named_and_the_axes_have_units(self):
        drawing = tradeoff_chart(POINTS, title="Front", x_label="Cost [MUSD]", y_label="Physics, A = 1")
        text = words(drawing)
        assert "Cost [MUSD]" in text
        assert "Physics, A = 1" in text
        assert all(f" {p.letter} " in f" {text} " for p in POINTS)
        assert [entry.label for entry in drawing.key][:2] == ["A design A", "B design B"]
        assert "Pareto front" in drawing.key[-1].label

    def test_nothing_is_refused(self):
        with pytest.raises(SettingsError, match="needs a design"):
            tradeoff_chart([], title="", x_label="", y_label="")


LOSSES = {"A": {"dead time": 2.0, "queue": 0.0}, "B": {"dead time": 1.0, "queue": 30.0}}
ENTRIES = [KeptEntry(s, d, figure(40.0), (35.0, 45.0)) for s in ("HH → 4b", "Z′") for d in ("A", "B")]


class TestLossBudget:
    def test_bars_have_their_sums_and_causes_without_losses_are_left_out(self):
        drawing = loss_budget_chart([LossBudget("planned", {"A": LOSSES["A"]})])
        assert "[% of the input]" in words(drawing)
        assert "2 %" in words(drawing)
        assert [entry.label for entry in drawing.key] == ["dead time"]

    def test_conditions_share_their_colours(self):
        drawing = loss_budget_chart([LossBudget("planned", {"A": LOSSES["A"]}), LossBudget("more", LOSSES)])
        assert len(drawing.panels) == 2
        assert [entry.label for entry in drawing.key] == ["dead time", "queue"]

    def test_an_unstable_design_shows_its_growth_instead(self):
        text = words(loss_budget_chart([LossBudget("2 × rate", LOSSES, {"B": "queue +120 kHz"})]))
        assert "queue +120 kHz" in text
        assert "31 %" not in text

    def test_nothing_is_refused(self):
        with pytest.raises(SettingsError, match="needs a design"):
            loss_budget_chart([LossBudget("planned", {})])


class TestLatency:
    def test_an_unstable_design_has_no_curve(self):
        times = {0.5: figure(0.3, unit="s"), 0.99: figure(3.0, unit="s")}
        drawing = latency_chart({"A": times, "B": {}}, title="Latency")
        assert [entry.label for entry in drawing.key] == ["A"]
        assert "[s]" in words(drawing)

    def test_no_curve_at_all_is_refused(self):
        with pytest.raises(SettingsError, match="an unstable farm has none"):
            latency_chart({"B": {}}, title="Latency")


class TestKept:
    @pytest.mark.parametrize("logarithmic", [False, True])
    def test_signals_are_rows_and_designs_colours(self, logarithmic):
        drawing = kept_chart(ENTRIES, title="Kept", label="Kept [%]", logarithmic=logarithmic)
        assert "HH → 4b" in words(drawing)
        assert "Kept [%]" in words(drawing)
        assert [entry.label for entry in drawing.key] == ["A", "B"]

    def test_a_wider_band_is_drawn_wider(self):
        wide = [KeptEntry("HH → 4b", "A", figure(40.0), (5.0, 95.0)), *ENTRIES[1:]]
        drawn = [kept_chart(some, title="", label="[%]").panels for some in (ENTRIES, wide)]
        assert drawn[0] != drawn[1]

    def test_nothing_is_refused(self):
        with pytest.raises(SettingsError, match="needs an entry"):
            kept_chart([], title="", label="")


class TestTornado:
    def test_assumptions_are_rows_and_the_turn_is_in_the_key(self):
        drawing = tornado_chart(
            [("electricity", 1.1, 1.3), ("price of t4", 1.25, 0.9)],
            middle=1.2,
            title="Order",
            label="C over A",
        )
        text = words(drawing)
        assert "electricity" in text
        assert "price of t4" in text
        assert "C over A" in text
        assert "order of the two changes" in drawing.key[-1].label

    def test_nothing_is_refused(self):
        with pytest.raises(SettingsError, match="needs an assumption"):
            tornado_chart([], middle=1.0, title="", label="")


class TestScenarios:
    def test_a_panel_for_each_quantity_with_its_unit(self):
        found = {"planned": {"A": figure(1.0), "B": figure(2.0)}, "2 × rate": {"A": figure(50.0)}}
        drawing = scenario_chart({"Lost [%]": found, "Kept [%]": found}, title="")
        assert len(drawing.panels) == 2
        assert "Lost [%]" in words(drawing)
        assert "2 × rate" in words(drawing)
        assert [entry.label for entry in drawing.key] == ["A", "B"]

    def test_nothing_is_refused(self):
        with pytest.raises(SettingsError, match="needs a quantity"):
            scenario_chart({}, title="")
