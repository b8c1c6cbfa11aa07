"""The comparison of farms with real ones passes, and notices what is off."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from helpers.scripts import load_script
from nanosieve.farm.designs import load_design
from nanosieve.figure import Figure, Provenance


@pytest.fixture(scope="module")
def script():
    return load_script("validation/farms.py")


@pytest.fixture(scope="module")
def told(script):
    return yaml.safe_load(script.REFERENCE.read_text(encoding="utf-8"))


def row(script, value: float, error: float):
    ours = Figure(value, "kHz", Provenance.SIMULATED, error=error)
    return script.Row("rate", ours, (100.0, 3.0), (90.0, 110.0), "published")


@pytest.mark.parametrize(
    ("value", "holds"), [(91, True), (89, True), (87, False), (111.5, True), (113, False)]
)
def test_a_number_may_be_off_by_two_of_its_errors(script, value, holds):
    found = row(script, value, 1.0)
    assert found.holds is holds
    assert found.ratio.value == pytest.approx(value / 100)
    assert found.ratio.error == pytest.approx(value / 100 * (0.03**2 + (1 / value) ** 2) ** 0.5)


def test_all_rows_hold(script, capsys):
    assert script.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 + 2 + 10
    assert not any("OFF" in line for line in lines)


def test_a_row_that_is_off_ends_with_an_error(script, monkeypatch, capsys):
    monkeypatch.setattr(script, "rows", lambda: [row(script, 100, 1), row(script, 150, 1)])
    assert script.main() == 1
    assert [line.endswith("OFF") for line in capsys.readouterr().out.splitlines()] == [False, False, True]


def test_slower_nodes_would_be_seen(script, told, monkeypatch):
    def slow(name):
        design = load_design(name)
        return design.model_copy(update={"nodes": design.nodes.model_copy(update={"slots": 230})})

    monkeypatch.setattr(script, "load_design", slow)
    assert [each.holds for each in script.capacity(told["capacity"], 1)] == [False, True]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (lambda rules: replace(rules, buckets=()), "ATLAS at 100 kHz"),
        (lambda rules: replace(rules, simple=0), "CMS at 50 kHz"),
        (lambda rules: replace(rules, windows=()), "CMS at 110 kHz"),
    ],
)
def test_dead_time_rules_that_are_left_out_would_be_seen(script, told, monkeypatch, fault, seen):
    translate = script.as_engine

    def broken(design, scenario):
        found = translate(design, scenario)
        trigger = replace(found.source.trigger, rules=fault(found.source.trigger.rules))
        return found._replace(source=replace(found.source, trigger=trigger))

    monkeypatch.setattr(script, "as_engine", broken)
    assert not {each.what: each.holds for each in script.dead_time(told["dead_time"], 1)}[seen]
