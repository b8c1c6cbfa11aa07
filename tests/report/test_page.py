import re
from html.parser import HTMLParser

import pytest

from nanosieve.errors import OutputError, SettingsError
from nanosieve.figure import Figure, Provenance
from nanosieve.report import Numbers, Picture, Section, Table, Text, render_page, spectra, write_report

VOID = {"meta", "rect", "path", "circle", "use", "image", "br"}


class Checker(HTMLParser):
    """Collects what the tests ask for, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.identifiers: list[str] = []
        self.tags: set[str] = set()
        self.loaded: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        values = dict(attrs)
        if "id" in values:
            self.identifiers.append(values["id"])
        for name in ("src", "xlink:href", "srcset", "data"):
            if name in values:
                self.loaded.append(values[name])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open.pop() == tag


OURS = Figure(40, "ns", Provenance.SIMULATED)
THEIRS = Figure(80, "ns", Provenance.PUBLISHED, source="arXiv:2108.03986 Table III")
RATE = Figure(4.82, "%", Provenance.SIMULATED, error=0.31)


@pytest.fixture(scope="module")
def page(samples) -> str:
    table = Table(
        ("Design", "Latency", "BRAM"),
        (("ours", OURS, None), ("DNN VAE, arXiv:2108.03986", THEIRS, "none")),
        "Latency of both.",
    )
    picture = Picture((spectra(samples, background="Standard Model"),), "Spectra.")
    sections = [
        Section(
            "In one look",
            (Numbers((("A → 4ℓ kept, R_z", RATE),)), Text(("<b>`x < 1`</b> & all well",), "good")),
        ),
        Section("What the trigger sees", (picture, picture)),
        Section("What it costs", (table,)),
    ]
    return render_page(
        "A <title> & more", sections, summary="As arXiv:2108.03986.", conditions=(("Seed", "1"),)
    )


def test_the_page_is_well_formed_and_loads_nothing(page):
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert not checker.tags & {"script", "link", "iframe", "img", "object"}
    assert all(target.startswith(("#", "data:")) for target in checker.loaded)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_identifiers_are_unique_and_every_reference_is_met(page):
    checker = Checker()
    checker.feed(page)
    assert len(checker.identifiers) == len(set(checker.identifiers))
    wanted = set(re.findall(r'href="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    assert wanted
    assert wanted <= set(checker.identifiers)


def test_what_the_user_wrote_is_escaped_and_code_and_symbols_are_set(page):
    assert "A &lt;title&gt; &amp; more" in page
    assert "&lt;b&gt;<code>x &lt; 1</code>&lt;/b&gt; &amp; all well" in page
    assert "R<sub>z</sub>" in page


def test_publications_are_linked(page):
    assert '<a href="https://arxiv.org/abs/2108.03986">arXiv:2108.03986</a>' in page


def test_every_number_has_its_word_beside_it(page):
    values = re.findall(r'<span class="value">.*?</span> <span class="badge (\w+)"', page)
    assert sorted(values) == ["published", "simulated", "simulated"]
    assert page.count('<span class="value">') == 3
    assert "4.82 ± 0.31" in page


def test_the_words_used_are_explained_with_their_sources_and_no_others(page):
    explained = page[page.index('id="words"') :]
    assert "printed in the publication named" in explained
    assert "Table III" in explained
    assert "Yosys" not in explained


def test_a_legend_common_to_several_drawings_is_shown_once_per_picture(page):
    assert page.count('<ul class="key">') == 2


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (5, 5), (6, 3), (7, 4), (8, 4), (10, 5)])
def test_headline_numbers_fill_their_rows(count, columns):
    assert Numbers((("x", OURS),) * count).columns == columns


def test_a_bare_number_in_a_table_is_refused():
    with pytest.raises(
        SettingsError, match=r"row 1 of table 'Cost' holds the bare value 3\.5; give a Figure"
    ):
        Table(("Design", "LUT"), (("ours", 3.5),), "Cost")


def test_a_row_of_the_wrong_length_is_refused():
    with pytest.raises(SettingsError, match=r"row 2 of table 'Cost' has 1 cells for 2 columns"):
        Table(("Design", "LUT"), (("ours", OURS), ("theirs",)), "Cost")


def test_write_report_makes_the_folder_and_leaves_nothing_beside_the_page(tmp_path):
    path = write_report(tmp_path / "new" / "folder", "Title", [Section("One", (Text(("words",)),))])
    assert path == tmp_path / "new" / "folder" / "report.html"
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    assert "words" in path.read_text(encoding="utf-8")


def test_a_failure_keeps_the_report_that_was_there(tmp_path):
    path = write_report(tmp_path, "Title", [Section("One", (Text(("old",)),))])
    with pytest.raises(AttributeError):
        write_report(tmp_path, "Title", [Section("One", (Text((None,)),))])  # type: ignore[arg-type]
    assert "old" in path.read_text(encoding="utf-8")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_an_unusable_folder_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write to folder '.*file'.*choose another with --out"):
        write_report(tmp_path / "file", "Title", [])
