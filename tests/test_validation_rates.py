"""The comparison of rates with published ones: targets, reasons, limits, and what it is silent about."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.scripts import load_script
from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.physics.events import open_trigger_sample
from nanosieve.physics.events.crossings.level1_settings import MUON_TRIGGERS
from nanosieve.physics.events.crossings.muon_trigger import response
from nanosieve.physics.menu import load_menu, menu_rates, parse_menu


@pytest.fixture(scope="module")
def rows():
    return load_script("validation/rate_rows.py")


@pytest.fixture(scope="module")
def script(rows):
    load_script("validation/rates_report.py")
    return load_script("validation/rates.py")


@pytest.fixture(scope="module")
def fit(rows):
    return load_script("validation/level1_fit.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rates")


def sample_of(folder, detector, pileup, scale=15.0, events=3000):
    block = random_events(events, scale=scale, processes=("hard_qcd",), weights=(1e4,), pileup=pileup)
    path = folder / f"{detector}-{pileup:g}-{scale:g}.parquet"
    synthetic_sample(path, [block], pileup=pileup, detector=detector)
    return path


def test_every_name_in_the_rules_is_of_a_menu(rows):
    menus = [load_menu(name) for names in rows.MENUS.values() for name in names]
    lines = {name for menu in menus for name in (*menu.lines, *menu.l1)}
    categories = {line.category for menu in menus for line in menu.lines.values()}
    assert set(rows.RULES["reasons"]) <= lines
    assert set(rows.RULES["targets"]) - {"other"} <= categories
    assert set(rows.RULES["fitted"]) == set(rows.MENUS)
    for detector, fitted in rows.RULES["fitted"].items():
        assert fitted["menu"] in rows.MENUS[detector]
        items = {item for names in fitted["items"].values() for item in names}
        assert items <= set(load_menu(fitted["menu"]).l1)
    pileup = rows.RULES["pileup"]
    assert all(set(table) <= set(load_menu(pileup["menu"]).l1) for table in pileup["published"].values())


def test_rates_far_off_fail_with_their_names(script, folder, capsys):
    assert script.main([str(sample_of(folder, "cms", 52.0))]) == 1
    text = capsys.readouterr().out
    assert "cms-2018-scan on" in text
    assert "singlemu22" in text
    assert "6.92 (derived)" in text
    assert "BEYOND" in text
    assert "no reason known" in text


def test_limits_are_no_verdict(script, folder, capsys):
    assert script.main([str(sample_of(folder, "cms", 43.1, scale=0.5))]) == 0
    text = capsys.readouterr().out
    assert "limit" in text
    assert "BEYOND" not in text
    assert "\n0 rates beyond" in text


def test_other_conditions_have_no_reference(script, folder, capsys):
    assert script.main([str(sample_of(folder, "cms", 20.0))]) == 0
    assert "no published rates for detector cms, pile-up 20" in capsys.readouterr().out


def test_factors_and_verdicts(rows):
    from nanosieve.physics.menu.compare import Comparison
    from nanosieve.physics.menu.rate import make_rate

    def row(value, reference, events=10_000.0, target=2.0):
        rate = make_rate(value, value**2 / events, 1.0, "kHz", 1.0)
        return rows.Row("a", "L1", Comparison(rate, reference, "published", "s"), target)

    assert row(3.0, 2.0).factor == pytest.approx(1.5)
    assert row(2.0, 3.0).factor == pytest.approx(1.5)
    assert row(3.0, 2.0).verdict == "within"
    assert row(6.0, 2.0).verdict == "BEYOND"
    assert row(4.2, 2.0, events=100).verdict == "beyond, by less than 2σ"
    assert row(3.0, 2.0, events=5).verdict == "limit"


def test_fitted_rates_are_marked(script, folder, capsys):
    script.main([str(sample_of(folder, "cms", 52.0)), str(sample_of(folder, "cms", 43.1))])
    scan, zero_bias = capsys.readouterr().out.split("cms-2018-zero-bias on")
    marked = [line for line in scan.splitlines() if "(derived)" in line]
    assert marked
    assert all(("fitted" in line) == (not line.startswith("singletau")) for line in marked)
    assert "singlemu22" in zero_bias
    assert "fitted" not in zero_bias


def test_the_report_holds_every_ratio_and_the_rates_by_pileup(script, folder, tmp_path, capsys):
    samples = [str(sample_of(folder, "cms", pileup)) for pileup in (23.0, 43.1, 52.0)]
    script.main([*samples, "--out", str(tmp_path / "out")])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Rate against pile-up" in page
    for menu in ("cms-2018-scan", "cms-2018-zero-bias"):
        assert (tmp_path / "out" / menu / "report.html").is_file()
        for name in load_menu(menu).lines:
            assert f"{name} (L1)" in page
    assert page.count("against pile-up") >= 9


def muons_of(fit, base, number=40_000):
    """Single muons with a falling spectrum, measured at random with the response of `base`."""
    rng = np.random.default_rng(1)
    gen_pt = 3.5 * rng.uniform(size=number) ** (-1 / 3)
    eta = rng.uniform(-2.4, 2.4, number)
    values = np.arange(base.step, base.highest_pt + base.step / 2, base.step)
    pt = np.empty(number)
    for n in range(number):
        full = np.full_like(values, gen_pt[n])
        p = response(values, full, np.full_like(values, eta[n]), base)
        pt[n] = rng.choice(values, p=p / p.sum())
    fired = pt[:, None] >= np.array([20.0, 22.0, 25.0, 30.0])
    return fit.MuonEvents(np.full(number, 1e-3), fired, np.arange(number), pt, gen_pt, eta, base)


def test_the_fit_finds_the_response_behind_rates(fit):
    base = MUON_TRIGGERS["cms"]
    events = muons_of(fit, base)
    truth = fit.widened(base, 0.09, 1.1)
    targets, _ = events.rate(truth)
    (tail, factor), errors = fit.fit_muons(events, targets)
    assert events.rate(fit.widened(base, tail, factor))[0] == pytest.approx(targets, rel=0.03)
    assert tail == pytest.approx(0.09, abs=0.015)
    assert factor == pytest.approx(1.1, abs=0.1)
    assert (errors > 0).all()


def test_the_fit_prints_settings_for_a_sample(fit, folder, capsys):
    path = sample_of(folder, "cms", 52.0, scale=15.0)
    assert fit.main([str(path)]) == 0
    text = capsys.readouterr().out
    assert "tail = 0." in text
    for setting in ("jet_scale", "eg_scale", "tau_scale", "met_scale"):
        assert f"{setting} × " in text


def test_a_scale_is_the_one_that_moves_the_rate_to_its_threshold(fit, folder, capsys):
    path = sample_of(folder, "cms", 52.0, scale=50.0, events=30_000)
    sample = open_trigger_sample(path)
    menu = load_menu("cms-2018-scan")
    content = menu.model_dump(exclude_defaults=True)
    rate = menu_rates(menu, [sample], luminosity=menu.luminosity).l1.total["SingleJet180"].figure.value
    for line in content["lines"].values():
        if line["l1"] == "SingleJet180":
            line["published"]["l1_khz"] = rate
    content["l1"]["SingleJet180"]["legs"][0]["pt"] = 198.0
    fit.print_scale(sample, parse_menu(content), "jet", ["SingleJet180"])
    factor = float(capsys.readouterr().out.split("jet_scale × ")[1].split(" ")[0])
    assert factor == pytest.approx(1.1, abs=0.02)
