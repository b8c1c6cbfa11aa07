"""Reading samples: the factors of crossings are those of the menu's own functions."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.errors import SampleError, SettingsError, UnknownNameError
from nanosieve.farm.impact import SIGNALS, SIZES, DesignInputs, load_events, make_crossings, physics_kept
from nanosieve.farm.impact.tuning import tune
from nanosieve.physics.events import load_recipe
from nanosieve.physics.events.recipe import expand
from nanosieve.physics.menu import fit_menu, load_menu, menu_rates, parse_menu

PROCESSES = ("minbias", "di_higgs_4b", "a4l")
CHOSEN = ("di-higgs", "light-a")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    blocks = [
        random_events(n, seed=n, scale=8.0, processes=PROCESSES, weights=(1e5, 1.0, 1.0)) for n in (900, 700)
    ]
    return synthetic_sample(tmp_path_factory.mktemp("impact") / "mixed.parquet", blocks)


@pytest.fixture(scope="module")
def menu():
    return load_menu("atlas-2018")


class TestFactors:
    def test_processes_are_told_apart(self, sample, menu):
        found = load_events([sample], signals=CHOSEN, menu=menu)
        numbers = {name: process.events for name, process in sample.processes.items()}
        assert len(found.background) == numbers["minbias"]
        assert {name: len(c) for name, c in found.signals.items()} == {
            "di-higgs": numbers["di_higgs_4b"],
            "light-a": numbers["a4l"],
        }
        assert found.background.weights.sum() == pytest.approx(sample.processes["minbias"].weight_sum)

    def test_a_signal_that_was_not_asked_for_makes_no_rate_either(self, sample, menu):
        found = load_events([sample], signals=["di-higgs"], menu=menu)
        assert len(found.background) == sample.processes["minbias"].events

    def test_factors_are_those_of_fit_menu(self, menu, tmp_path):
        background, signal = (
            synthetic_sample(
                tmp_path / f"{name}.parquet",
                [random_events(1500, seed=seed, scale=20.0, processes=[name], weights=[weight])],
            )
            for name, seed, weight in (("minbias", 3, 1e5), ("a4l", 4, 1.0))
        )
        events = load_events([background, signal], signals=["light-a"], menu=menu)
        l1 = 0.4 * menu_rates(menu, [background]).l1.any.figure.value * 1000
        first = fit_menu(menu, [background], f"{l1} Hz", level="l1", step=1e-6)
        hlt = 0.3 * menu_rates(first.menu, [background]).hlt.any.figure.value
        second = fit_menu(first.menu, [background], f"{hlt} Hz", step=1e-6)
        rates = events.conditions.luminosity * events.background.weights
        found = tune(events.background, rates, events.items, l1, hlt)
        assert found.level1 == pytest.approx(first.factor, rel=2e-5)
        assert found.high_level == pytest.approx(second.factor, rel=2e-5)
        # of equal factors fit_menu takes all or none, here some: never less than there, nor above the limit
        assert 1000 * first.after.figure.value * (1 - 1e-9) <= found.level1_rate <= l1
        assert second.after.figure.value * (1 - 1e-9) <= found.output_rate <= hlt
        # and the signal is kept as the tuned menu keeps it
        kept = physics_kept([DesignInputs("a", l1, hlt)], events, replicas=2).designs["a"].signals["light-a"]
        again = menu_rates(second.menu, [background, signal], signals=["a4l"]).efficiencies["a4l"]
        assert kept.level1.value == pytest.approx(again["l1"]["any"].value, abs=1)
        assert kept.kept.value == pytest.approx(again["hlt"]["any"].value, abs=1)
        assert 0.2 < kept.kept.value < kept.level1.value < 99

    def test_without_a_hardware_trigger_lines_run_behind_nothing(self, sample, menu):
        events = load_events([sample], signals=CHOSEN, menu=menu)
        blind = events.background.level1.max(axis=1) == 0
        assert (events.background.high_level[~blind] > 0).any()
        open_menu = menu.model_dump(exclude_defaults=True)
        open_menu["l1"] = {name: {"pass_through": True} for name in menu.l1}
        # signals of the same spectra fire at factor 1 as often as the menu behind open items says
        rates = menu_rates(parse_menu(open_menu), [sample], signals=["a4l"]).efficiencies["a4l"]["hlt"]["any"]
        crossings = events.signals["light-a"]
        fired = (crossings.high_level >= 1 - 2e-5).any(axis=1)
        share = 100 * crossings.weights[fired].sum() / crossings.weights.sum()
        assert share == pytest.approx(rates.value)


class TestBadInput:
    def test_of_signals(self, sample, menu):
        with pytest.raises(UnknownNameError, match="unknown signal 'higgs'; nearest: "):
            load_events([sample], signals=["higgs"], menu=menu)
        with pytest.raises(UnknownNameError, match=r"process of signal 'b-mumu': 'bs_mumu'; .*minbias"):
            load_events([sample], signals=["b-mumu"], menu=menu)

    def test_no_background(self, menu, tmp_path):
        signal = synthetic_sample(tmp_path / "s.parquet", [random_events(20, processes=["a4l"])])
        with pytest.raises(SampleError, match="hold signals only"):
            load_events([signal], signals=["light-a"], menu=menu)

    def test_negative_weights(self, menu, tmp_path):
        block = random_events(20, processes=["minbias", "a4l"], weights=(-1.0, 1.0))
        bad = synthetic_sample(tmp_path / "n.parquet", [block])
        with pytest.raises(SampleError, match="genWeight of the background is negative"):
            load_events([bad], signals=["light-a"], menu=menu)

    def test_prescales(self, sample):
        leg = [{"object": "jet", "pt": 20}]
        menu = parse_menu(
            {
                "name": "scaled",
                "l1": {"J": {"legs": leg, "prescale": 2}},
                "lines": {"j": {"l1": "J", "hlt": {"legs": leg, "prescale": 3}}},
            }
        )
        with pytest.raises(SettingsError, match="menu 'scaled' prescales J, j; its rate is tuned"):
            load_events([sample], signals=["light-a"], menu=menu)


class TestCrossings:
    def test_every_signal_has_a_recipe_and_every_gain_a_signal(self):
        from nanosieve.farm.designs import known_designs, load_design
        from nanosieve.farm.impact import design_inputs

        assert [load_recipe(signal.recipe).name for signal in SIGNALS.values()] == [
            signal.recipe for signal in SIGNALS.values()
        ]
        assert all(name == signal.name for name, signal in SIGNALS.items())
        gains = {name for known in known_designs() for name in design_inputs(load_design(known)).gains}
        assert gains
        assert gains <= set(SIGNALS)

    def test_the_page_lists_every_signal(self):
        page = (Path(__file__).parents[3] / "docs" / "farms.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `([\w-]+)` \| `(\w+)` \|", page, re.M)
        assert rows == [(signal.name, signal.recipe) for signal in SIGNALS.values()]

    def test_one_request_for_background_and_signals(self, sample, monkeypatch):
        asked = {}

        def make(processes, events, path, **options):
            asked.update(options, processes=processes)
            return sample

        monkeypatch.setattr("nanosieve.farm.impact.samples.make_trigger_sample", make)
        found = make_crossings("x.parquet", "small", signals=["di-higgs", "b-mumu"], seed=7)
        assert found == sample
        size = SIZES["small"]
        numbers = expand(asked["processes"], 1)
        assert {name: numbers[name] for name in ("di_higgs_4b", "bs_mumu")} == dict.fromkeys(
            ("di_higgs_4b", "bs_mumu"), size.signal
        )
        assert sum(numbers.values()) == size.background + 2 * size.signal
        assert (asked["pool"], asked["seed"], asked["detector"]) == (size.pool, 7, "atlas")

    @pytest.mark.parametrize(
        ("size", "signals", "message"),
        [("tiny", CHOSEN, "unknown size 'tiny'"), ("small", ["top"], "unknown signal 'top'")],
    )
    def test_bad_input(self, size, signals, message, tmp_path):
        with pytest.raises(UnknownNameError, match=message):
            make_crossings(tmp_path / "x.parquet", size, signals=signals)


def test_scores_are_finite(sample, menu):
    events = load_events([sample], signals=CHOSEN, menu=menu)
    for crossings in (events.background, *events.signals.values()):
        assert np.isfinite(crossings.level1).all()
        assert ((crossings.high_level >= 0) & (crossings.high_level <= 20)).all()
