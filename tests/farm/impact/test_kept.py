"""Closed cases: every number is worked out by hand."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from farm.impact.conftest import crossings, events_of
from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.farm.designs import load_design
from nanosieve.farm.impact import CLASSES, NO_LOSSES, DesignInputs, Losses, design_inputs, physics_kept
from nanosieve.figure import Figure, Provenance


def percent(value, error=None):
    return Figure(value, "%", Provenance.SIMULATED, error=error)


def losses(live=100.0, error=None, forced=None, **kept):
    return Losses(
        percent(live, error),
        {name: percent(kept.get(name, 100.0)) for name in CLASSES},
        {name: percent(value) for name, value in (forced or {}).items()},
    )


@pytest.fixture
def events(ladder):
    """At 50 and 10 Hz the factors are 5 and 9.

    Level 1 accepts 8 of 10 crossings of di-higgs, the high-level trigger 4 of these: 2 boosted and 2 soft.
    Of light-a both accept all, and all are leptonic.
    """
    return events_of(
        ladder,
        di_higgs=crossings(
            [6.0] * 8 + [1.0] * 2,
            [9.5] * 4 + [5.0] * 4 + [9.5] * 2,
            [
                "boosted",
                "boosted",
                "soft",
                "soft",
                "multijet",
                "multijet",
                "multijet",
                "soft",
                "soft",
                "soft",
            ],
        ),
        light_a=crossings([20.0] * 10, [20.0] * 10, ["leptonic"] * 10),
    )


PLAIN = DesignInputs("plain", 50.0, 10.0)


def kept(events, *designs, **options):
    return physics_kept(designs, events, **{"replicas": 20} | options)


class TestByHand:
    def test_efficiencies_and_losses_multiply(self, events):
        design = replace(PLAIN, losses=losses(live=90.0, boosted=50.0))
        found = kept(events, design).designs["plain"].signals["di-higgs"]
        assert found.level1.value == pytest.approx(80)
        assert found.live.value == pytest.approx(90)
        assert found.high_level.value == pytest.approx(50)
        assert found.farm.value == pytest.approx(75)  # half of the 2 boosted ones of 4
        assert found.kept.value == pytest.approx(0.8 * 0.9 * 0.5 * 0.75 * 100)
        assert found.effective_events == pytest.approx(3**2 / 2.5)

    def test_the_shares_of_classes_are_those_of_what_level_1_accepts(self, events):
        found = kept(events, PLAIN).designs["plain"]
        shares = {name: figure.value for name, figure in found.signals["di-higgs"].classes.items()}
        assert shares == pytest.approx({"boosted": 25, "multijet": 37.5, "leptonic": 0, "soft": 37.5})
        assert {n: f.value for n, f in found.accepted.items()} == pytest.approx(
            {"boosted": 0, "multijet": 0, "leptonic": 0, "soft": 100}
        )

    def test_the_rates_are_those_of_the_design(self, events):
        found = kept(events, PLAIN).designs["plain"]
        assert (found.level1_rate.value, found.level1_rate.unit) == (0.05, "kHz")
        assert (found.output_rate.value, found.output_rate.unit) == (10.0, "Hz")
        assert (found.level1_factor.value, found.high_level_factor.value) == (5.0, 9.0)
        assert found.level1_factor.error > 0

    def test_yield_of_a_fill(self, events):
        found = kept(events, PLAIN, fill="2 / fb").designs["plain"].signals["di-higgs"]
        assert found.per_fill.value == pytest.approx(0.4 * 2000)  # of 1 pb
        assert found.per_fill.error == pytest.approx(found.kept.error / 100 * 2000)

    @pytest.mark.parametrize(
        ("lost", "di_higgs", "light_a"),
        [("boosted", 20.0, 100.0), ("leptonic", 40.0, 0.0), ("multijet", 40.0, 100.0), ("soft", 20.0, 100.0)],
    )
    def test_losses_of_a_class_hit_the_signals_of_this_class(self, events, lost, di_higgs, light_a):
        found = kept(events, replace(PLAIN, losses=losses(**{lost: 0.0}))).designs["plain"].signals
        assert found["di-higgs"].kept.value == pytest.approx(di_higgs)
        assert found["light-a"].kept.value == pytest.approx(light_a)

    def test_forced_events_need_no_decision_but_take_rate(self, events):
        design = replace(PLAIN, losses=losses(boosted=0.0, forced={"boosted": 100.0}))
        found = kept(events, design).designs["plain"].signals["di-higgs"]
        assert found.kept.value == pytest.approx(40)  # 2 boosted, decided or not, and 2 soft
        soft = replace(PLAIN, losses=losses(soft=90.0, forced={"soft": 10.0}))
        impact = kept(events, soft).designs["plain"]
        assert (impact.forced_rate.value, impact.output_rate.value) == (pytest.approx(5), 5.0)
        assert impact.signals["di-higgs"].farm.value < 100

    def test_triggerless(self, events):
        found = kept(events, DesignInputs("all", None, 10.0)).designs["all"]
        assert found.level1_factor is None
        assert found.signals["di-higgs"].level1.value == 100
        assert found.signals["di-higgs"].kept.value == pytest.approx(60)  # 2 more that Level 1 would reject

    def test_a_signal_that_nothing_is_kept_of_has_a_limit_as_error(self, ladder):
        none = events_of(ladder, di_higgs=crossings([1.0] * 10, [1.0] * 10))
        impact = kept(none, PLAIN, replace(PLAIN, name="other"))
        found = impact.designs["other"].signals["di-higgs"]
        assert found.kept.value == 0
        assert found.kept.error == pytest.approx(16.81, abs=0.01)  # of 10, Clopper-Pearson
        assert found.relative is None
        assert found.relative_band is None

    def test_it_goes_to_json(self, events):
        data = json.loads(json.dumps(kept(events, PLAIN).to_dict()))
        assert data["designs"]["plain"]["signals"]["light-a"]["kept"]["value"] == pytest.approx(100)


class TestGains:
    def test_a_network_raises_the_efficiency_of_level_1_and_makes_a_band(self, events):
        gain = replace(PLAIN, name="networks", gains={"di-higgs": (1.0, 1.21)})
        impact = kept(events, PLAIN, gain)
        found = impact.designs["networks"].signals["di-higgs"]
        assert found.level1.value == pytest.approx(88)
        parts = (found.level1, found.live, found.farm, found.high_level)
        assert found.kept.value == pytest.approx(100 * np.prod([part.value / 100 for part in parts]))
        assert found.relative.value == pytest.approx(1.1)
        assert found.relative.error == pytest.approx(0, abs=0.06)
        assert found.relative_band == (pytest.approx(1.0), pytest.approx(1.21))
        assert found.kept_band == (pytest.approx(40.0), pytest.approx(48.4))
        assert impact.designs["networks"].signals["light-a"].relative_band == (1.0, 1.0)

    def test_no_efficiency_exceeds_one(self, events):
        gain = replace(PLAIN, gains={"light-a": (2.0, 3.0), "di-higgs": (1.0, 9.0)})
        found = kept(events, gain).designs["plain"].signals
        assert found["light-a"].level1.value == pytest.approx(100)
        assert found["light-a"].kept.value == pytest.approx(100)
        assert found["di-higgs"].kept_band[1] == pytest.approx(50)

    def test_designs_travel_to_other_processes(self):
        found = design_inputs(load_design("l1-networks"))
        assert pickle.loads(pickle.dumps(found)) == found

    def test_several_networks_multiply_and_come_from_the_design(self):
        found = design_inputs(load_design("l1-networks"))
        assert (found.level1_rate, found.output_rate, found.pileup) == (1e5, 1e3, 56)
        assert found.gains["compressed-susy"] == (1.0, 1.5)
        assert design_inputs(load_design("triggerless")).level1_rate is None


class TestErrors:
    """Statistical ones."""

    def test_two_equal_designs_have_a_ratio_of_exactly_one(self, events):
        one = replace(PLAIN, losses=losses(live=90.0, error=5.0, boosted=50.0))
        found = kept(events, one, replace(one, name="again")).designs["again"].signals["di-higgs"]
        assert (found.relative.value, found.relative.error) == (1.0, 0.0)
        assert found.kept.error > 0

    def test_losses_of_two_simulations_do_not_cancel(self, events):
        one = replace(PLAIN, losses=losses(live=90.0, error=2.0))
        two = replace(PLAIN, name="two", losses=losses(live=80.0, error=2.0))
        found = kept(events, one, two, replicas=400).designs["two"].signals["light-a"]
        assert found.relative.value == pytest.approx(8 / 9)
        assert found.relative.error == pytest.approx(8 / 9 * np.hypot(2 / 90, 2 / 80), rel=0.15)

    def test_crossings_cancel_in_the_ratio(self, events):
        two = replace(PLAIN, name="two", losses=losses(live=80.0))
        found = kept(events, PLAIN, two).designs["two"].signals["di-higgs"]
        assert found.relative.value == pytest.approx(0.8)
        assert found.relative.error == 0
        assert found.kept.error > 1

    def test_a_ratio_of_nested_selections(self):
        # B keeps half of what A keeps of N = 400: the error of the ratio is that of a binomial
        scores = [*np.linspace(15.0, 15.1, 40), *np.linspace(0.2, 1.0, 400)]
        steps = crossings(scores, scores)
        signal = crossings([16.0] * 400, [16.0] * 400, ["boosted"] * 200 + ["soft"] * 200)
        half = DesignInputs("half", 100.0, 20.0, losses(boosted=0.0))
        found = kept(events_of(steps, di_higgs=signal), replace(half, name="all", losses=NO_LOSSES), half,
                     replicas=400)  # fmt: skip
        ratio = found.designs["half"].signals["di-higgs"].relative
        assert ratio.value == pytest.approx(0.5)
        assert ratio.error == pytest.approx(np.sqrt(0.25 / 400), rel=0.15)

    def test_few_crossings_of_background_make_an_error_of_the_thresholds(self, ladder):
        many = np.linspace(0.1, 10, 10_000)
        rich = crossings(many.tolist(), many.tolist(), weights=[0.01] * 10_000)
        signal = crossings([20.0] * 20_000, np.linspace(8, 10, 20_000).tolist())
        poor, good = (
            kept(events_of(background, di_higgs=signal), PLAIN).designs["plain"].signals["di-higgs"].kept
            for background in (ladder, rich)
        )
        assert poor.value == pytest.approx(good.value, abs=1)
        assert poor.error > 5 * good.error > 0

    def test_one_seed_gives_one_result(self, events):
        first, again, other = (kept(events, PLAIN, seed=seed).to_dict() for seed in (1, 1, 2))
        assert first == again != other

    def test_the_band_is_no_error(self, events):
        slow = {"slow": losses(boosted=0.0), "fast": NO_LOSSES}
        one, two = replace(PLAIN, edges=slow), replace(PLAIN, name="two", edges=slow)
        apart = replace(PLAIN, name="apart")
        impact = kept(events, one, two, apart)
        assert impact.designs["two"].signals["di-higgs"].kept_band == (pytest.approx(20), pytest.approx(40))
        assert impact.designs["two"].signals["di-higgs"].relative_band == (1.0, 1.0)  # both at the same edge
        plain = kept(events, apart, two).designs["two"].signals["di-higgs"]
        assert plain.relative_band == (pytest.approx(0.5), pytest.approx(1.0))
        assert plain.relative.value == 1.0


class TestBadInput:
    @pytest.mark.parametrize(
        ("design", "kind", "message"),
        [
            (replace(PLAIN, level1_rate=0.0), SettingsError, "'plain': level1_rate is 0 Hz; accepted: above"),
            (replace(PLAIN, output_rate=float("nan")), SettingsError, "output_rate is nan Hz"),
            (replace(PLAIN, output_rate=90.0), SettingsError, "fires at 50 Hz at most"),
            (replace(PLAIN, pileup=200.0), SettingsError, "pile-up of 200 and the crossings 50; its physics"),
            (
                replace(PLAIN, gains={"di-higgs": (2.0, 1.0)}),
                SettingsError,
                r"gain of 'di-higgs' is \[2, 1\]",
            ),
            (
                replace(PLAIN, losses=Losses(percent(90), {"soft": percent(1)})),
                SettingsError,
                "'plain': kept: nothing is said of 'boosted'; known: soft",
            ),
            (
                replace(PLAIN, losses=replace(NO_LOSSES, kept=dict(NO_LOSSES.kept) | {"top": percent(1)})),
                UnknownNameError,
                "unknown event class 'top'",
            ),
            (replace(PLAIN, losses=losses(live=101.0)), SettingsError, "live time of 'live' is 101 %"),
            (
                replace(PLAIN, losses=losses(forced={"soft": 1.0})),
                SettingsError,
                "of class 'soft' 101 % are kept or forced",
            ),
            (
                replace(PLAIN, losses=replace(NO_LOSSES, live=Figure(1, "s", Provenance.SIMULATED))),
                SettingsError,
                "has the unit 's'; accepted: % or none",
            ),
        ],
    )
    def test_of_a_design(self, events, design, kind, message):
        with pytest.raises(kind, match=message):
            kept(events, design)

    @pytest.mark.parametrize(
        ("designs", "options", "kind", "message"),
        [
            ([PLAIN, PLAIN], {}, SettingsError, "'plain' is given twice"),
            ([], {}, SettingsError, "0 designs and 20 replicas"),
            ([PLAIN], {"replicas": 1}, SettingsError, "1 designs and 1 replicas"),
            ([PLAIN], {"reference": "cpu"}, UnknownNameError, "unknown design 'cpu'"),
            ([PLAIN], {"fill": "0 / fb"}, SettingsError, "holds no collisions"),
            ([PLAIN], {"fill": "0.5 pb"}, SettingsError, "fill"),
        ],
    )
    def test_of_the_call(self, events, designs, options, kind, message):
        with pytest.raises(kind, match=message):
            kept(events, *designs, **options)


class TestTheChecksBite:
    """Deliberate faults: the closed cases above must notice them."""

    def test_losses_of_another_class(self, events, monkeypatch):
        monkeypatch.setattr("nanosieve.farm.impact.outcome.CLASSES", (*CLASSES[1:], CLASSES[0]))
        found = kept(events, replace(PLAIN, losses=losses(leptonic=0.0))).designs["plain"].signals
        assert found["light-a"].kept.value != pytest.approx(0)

    def test_a_level_that_is_forgotten(self, events, monkeypatch):
        monkeypatch.setattr(
            "nanosieve.farm.impact.outcome.level1_fires", lambda found, _: np.ones(len(found), dtype=np.bool_)
        )
        found = kept(events, PLAIN).designs["plain"].signals["di-higgs"]
        assert found.level1.value != pytest.approx(80)

    def test_replicas_that_designs_do_not_share(self, events, monkeypatch):
        from nanosieve.farm.impact import kept as module

        shared = module._replica
        monkeypatch.setattr(
            module, "_replica", lambda designs, *rest: [shared([one], *rest)[0] for one in designs]
        )
        found = kept(events, PLAIN, replace(PLAIN, name="again")).designs["again"].signals["di-higgs"]
        assert found.relative.error > 0.05

    def test_a_threshold_that_lets_one_crossing_too_many_fire(self, events, monkeypatch):
        from nanosieve.farm.impact import tuning

        found = tuning.factor_at_rate
        monkeypatch.setattr(tuning, "factor_at_rate", lambda *given: found(*given) - 1e-6)
        assert kept(events, PLAIN).designs["plain"].output_rate.value > 10.0


@pytest.mark.slow
def test_errors_are_the_spread_of_independent_samples():
    draw = np.random.default_rng(5)

    def falling(number, scale):
        level1 = scale / draw.random(number) ** 0.4
        return [np.minimum(s, 19).tolist() for s in (level1, level1 * draw.lognormal(0, 0.3, number))]

    found = []
    for seed in range(80):
        background = crossings(*falling(800, 1.0), weights=draw.choice([1.0, 3.0], 800).tolist())
        signal = crossings(*falling(300, 2.0))
        designs = DesignInputs("a", 300.0, 100.0), DesignInputs("b", 500.0, 200.0)
        impact = kept(events_of(background, di_higgs=signal), *designs, seed=seed, replicas=30)
        found.append([impact.designs[name].signals["di-higgs"] for name in "ab"])
    for what in (lambda a, _: a.kept, lambda _, b: b.kept, lambda _, b: b.relative):
        figures = [what(a, b) for a, b in found]
        spread = np.std([figure.value for figure in figures], ddof=1)
        assert np.mean([figure.error for figure in figures]) == pytest.approx(spread, rel=0.25)
