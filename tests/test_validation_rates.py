"""The comparison of rates with published ones: targets, reasons, limits, and what it is silent about."""

from __future__ import annotations

import pytest

from helpers.scripts import load_script
from helpers.trigger_events import random_events, synthetic_sample


@pytest.fixture(scope="module")
def script():
    return load_script("validation/rates.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rates")


def sample_of(folder, detector, pileup, scale=15.0):
    block = random_events(3000, scale=scale, processes=("hard_qcd",), weights=(1e4,), pileup=pileup)
    path = folder / f"{detector}-{pileup:g}-{scale:g}.parquet"
    synthetic_sample(path, [block], pileup=pileup, detector=detector)
    return path


def test_every_target_and_reason_is_of_a_menu(script):
    from nanosieve.physics.menu import load_menu

    menus = [load_menu(name) for names in script.MENUS.values() for name in names]
    lines = {name for menu in menus for name in (*menu.lines, *menu.l1)}
    categories = {line.category for menu in menus for line in menu.lines.values()}
    assert set(script.RULES["reasons"]) <= lines
    assert set(script.RULES["targets"]) - {"other"} <= categories
    assert set(script.RULES["fitted"]) == set(script.MENUS)


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


def test_factors_and_verdicts(script):
    from nanosieve.physics.menu.compare import Comparison
    from nanosieve.physics.menu.rate import make_rate

    def row(value, reference, events=10_000.0, target=2.0):
        rate = make_rate(value, value**2 / events, 1.0, "kHz", 1.0)
        return script.Row("a", "L1", Comparison(rate, reference, "published", "s"), target)

    assert row(3.0, 2.0).factor == pytest.approx(1.5)
    assert row(2.0, 3.0).factor == pytest.approx(1.5)
    assert row(3.0, 2.0).verdict == "within"
    assert row(6.0, 2.0).verdict == "BEYOND"
    assert row(4.2, 2.0, events=100).verdict == "beyond, by less than 2σ"
    assert row(3.0, 2.0, events=5).verdict == "limit"
