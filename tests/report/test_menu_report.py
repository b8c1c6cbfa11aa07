"""The figures and the page of a trigger menu."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.menu import load_menu, menu_rates, parse_menu, turn_on
from nanosieve.report.menu_report import menu_report
from nanosieve.report.overlap import overlap_map
from nanosieve.report.rate_chart import RateEntry, rate_chart
from nanosieve.report.turn_on import turn_on_chart


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    blocks = [random_events(900, seed=7, scale=10.0, processes=("qcd", "h0"), weights=(1e5, 1.0))]
    return synthetic_sample(tmp_path_factory.mktemp("samples") / "s.parquet", blocks)


def entries(number=9):
    figures = [
        Figure(10.0**n, "Hz", Provenance.SIMULATED, error=2.0 * 10.0 ** (n - 1)) for n in range(number)
    ]
    known = Figure(30.0, "Hz", Provenance.PUBLISHED, source="somewhere")
    return [
        RateEntry(
            f"line_{n}",
            figure,
            limit=n == 3,
            published=known if n % 2 else None,
            other=None if n % 2 else 7.0,
        )
        for n, figure in enumerate(figures)
    ]


def test_rates_are_split_into_panels_of_one_range():
    drawing = rate_chart(entries(), title="Rates", axis="Rate [Hz]")
    assert len(drawing.panels) == 2
    words = [set(re.findall(r">([^<>]+)<", svg)) for svg in drawing.panels]
    assert {"line_0", "line_4"} <= words[0]
    assert {"line_5", "line_8"} <= words[1]
    assert [key.label for key in drawing.key][1:] == [
        "published (ring)",
        "derived, reported or recalled (ring)",
    ]
    for svg in drawing.panels:
        ElementTree.fromstring(svg)


def test_without_other_references_the_key_is_short():
    drawing = rate_chart(
        [RateEntry("a", Figure(0.0, "Hz", Provenance.SIMULATED, error=0.0))], title="t", axis="x"
    )
    assert [key.label for key in drawing.key] == ["this sample"]


def test_overlap_leaves_out_lines_without_events():
    overlap = np.array([[1, 0.5, np.nan], [0.25, 1, np.nan], [np.nan] * 3])
    (svg,) = overlap_map(["first", "second", "third"], overlap, title="Overlap").panels
    assert "first" in svg
    assert "second" in svg
    assert "third" not in svg


def test_turn_on_with_empty_bins(sample):
    curves = turn_on(load_menu("atlas-2018"), ["J100"], [sample], against="Jet_pt", edges=[0, 50, 5000, 6000])
    (svg,) = turn_on_chart(curves, title="Turn-on", axis="pT [GeV]").panels
    assert "J100" in svg
    assert "nan" not in svg


def test_an_item_that_no_line_uses_is_there(sample, tmp_path):
    content = load_menu("atlas-2018").model_dump(exclude_defaults=True)
    content["l1"]["SPARE"] = {"legs": [{"object": "jet", "pt": 10}]}
    rates = menu_rates(parse_menu(content), [sample])
    page = menu_report(rates, tmp_path / "out").read_text(encoding="utf-8")
    assert page.count("SPARE") >= 3  # chart, table and overlaps


def test_the_page_tells_published_from_recalled(sample, tmp_path):
    menu = load_menu("atlas-2018")
    rates = menu_rates(menu, [sample], signals=["h0"])
    page = menu_report(rates, tmp_path / "out", samples=["s.parquet"]).read_text(encoding="utf-8")
    assert "21 kHz (recalled)" in page
    assert not re.search(r"21<span class=\"unit\"> kHz</span></span> <span class=\"badge published", page)
    assert re.search(r"16<span class=\"unit\"> kHz</span></span> <span class=\"badge published", page)
    assert "s.parquet" in page
    assert all(name in page for name in menu.lines)
