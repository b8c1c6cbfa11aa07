"""The picture of data volumes: units, sources, and what was not verified is said in it."""

from __future__ import annotations

from xml.etree import ElementTree

from nanosieve.figure import Figure, Provenance
from nanosieve.physics.data_volumes import LiveTime, Reference, data_volumes, references
from nanosieve.physics.machine import collisions
from nanosieve.report.data_volumes import data_volume_chart

VOLUMES = data_volumes(collisions(2544, luminosity=2e34))


def panels(*others: Reference) -> list[str]:
    drawing = data_volume_chart(VOLUMES, others, live_time=LiveTime())
    return ["|".join(ElementTree.fromstring(svg).itertext()) for svg in drawing.panels]


def test_rates_and_yearly_volumes() -> None:
    rates, years = panels(*references())
    for words in ("80.2 TB/s", "Data rate [TB/s]", "published rate", "PoS(LHCP2023)251"):
        assert words in rates
    for words in ("693 EB/year", "0.7 EB|", "200 days × 86,400 s × 0.5", "recalled, NOT verified"):
        assert words in years
    assert "published rate × live time (estimated)" in years
    assert "ALICE" in rates
    assert "ALICE" not in years  # lead collisions have another live time


def test_a_recalled_rate_stays_unverified_in_both_panels() -> None:
    figure = Figure(10, "TB/s", Provenance.ESTIMATED, source="recalled: a talk")
    for words in panels(Reference("someone", figure, verified=False, yearly=True)):
        assert "recalled, NOT verified" in words
        assert "published" not in words


def test_nobody_else() -> None:
    for words in panels():
        assert "estimated: event size × rate" in words
        assert "NOT verified" not in words
