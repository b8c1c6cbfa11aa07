import re
import warnings
from xml.etree import ElementTree

import pytest

from nanosieve.report import style


@pytest.fixture(scope="module")
def svg() -> str:
    def draw(axes) -> None:
        axes.plot([1e-5, 1], [1e-3, 1], label="h⁰ → ττ")
        axes.plot([1e-5, 1], [1e-4, 1], color=style.BACKGROUND)
        axes.set_xscale("log")
        axes.set_xlabel("Leading muon p_T [GeV]")
        axes.annotate("arXiv:2108.03986", (0.1, 0.5))
        axes.legend()
        style.headline(axes, "VAE, R_z", "13 TeV")

    return style.panel(draw, label='a "quoted" <label> & more')


def test_a_panel_is_well_formed_scalable_svg(svg):
    root = ElementTree.fromstring(svg)
    assert root.attrib["viewBox"] == "0 0 360 270"
    assert "width" not in root.attrib
    assert "height" not in root.attrib
    assert root.attrib["aria-label"] == 'a "quoted" <label> & more'


def test_text_stays_text_and_is_not_rounded(svg):
    assert "h⁰ → ττ" in svg
    assert "arXiv:2108.03986" in svg


def test_coordinates_are_rounded(svg):
    assert not re.search(r'[ ="]-?\d+\.\d{4,}', svg)


def test_a_panel_loads_nothing_and_names_no_font_twice(svg):
    assert "font-family:" in svg.split("</style>")[0]
    assert "font-family" not in svg.split("</style>")[1]
    links = set(re.findall(r'https?://[^"\s<]+', svg))
    assert links <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_colours_are_variables_with_a_fallback(svg):
    assert f"var(--ink, {style.INK})" in svg
    assert f"var(--background, {style.BACKGROUND})" in svg
    assert not re.search(rf": {style.INK}", svg)


def test_the_same_drawing_gives_the_same_bytes():
    def draw(axes) -> None:
        axes.plot([0, 1], [0, 1])

    assert style.panel(draw, label="x") == style.panel(draw, label="x")


def test_the_callers_matplotlib_settings_are_left_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    style.panel(lambda axes: axes.plot([0, 1]), label="x")
    assert dict(matplotlib.rcParams) == before


def test_greek_letters_raise_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        style.panel(lambda axes: axes.set_xlabel("Leading jet η, φ, h± → τν, µ"), label="x")


def test_colours_keep_grey_for_the_background():
    chosen = style.colours(["a", "background", "b"], "background")
    assert chosen == {"a": style.PALETTE[0], "background": style.BACKGROUND, "b": style.PALETTE[1]}


def test_indices_of_symbols_are_lowered_and_names_are_not():
    words = style.panel(lambda axes: axes.set_title("R_z of x_y, met_pt, encoder_dense_1"), label="x")
    assert re.search(
        r">R<tspan[^>]*>z</tspan><tspan[^>]*> of </tspan>x<tspan[^>]*>y</tspan><tspan[^>]*>, met_pt, encod",
        words,
    )
    assert "encoder_dense_1</tspan>" in words
