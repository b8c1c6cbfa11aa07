"""The figure of the ladder: who is in it, and how the published are told from ours."""

import pytest

from nanosieve.errors import SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.report.ladder import LadderPoint, ladder_chart


def point(label, accuracy, lut, *, published=False):
    word = Provenance.PUBLISHED if published else Provenance.SYNTHESISED
    error = None if published else 0.3

    def figure(value, unit, error=None):
        return Figure(value, unit, word, error, "some table" if published else "")

    return LadderPoint(label, figure(accuracy, "%", error), figure(lut, "LUT"), figure(40, "ns"), published)


def test_letters_for_ours_and_numbers_for_the_published():
    chart = ladder_chart(
        [
            point("six bits", 76.0, 5000),
            point("theirs", 75.0, 60_000, published=True),
            point("trees", 74, 900),
        ],
        reference=Figure(76.5, "%", Provenance.SIMULATED),
    )
    assert [key.label for key in chart.key] == ["A six bits", "1 theirs", "B trees", "floating point"]
    assert chart.key[1].colour != chart.key[0].colour
    assert len(chart.panels) == 2
    for panel in chart.panels:
        assert "six bits, theirs, trees" in panel
        assert all(f">{name}<" in panel for name in ("A", "1", "B"))


def test_a_ladder_without_networks():
    with pytest.raises(SettingsError, match=r"a ladder needs a network"):
        ladder_chart([])
