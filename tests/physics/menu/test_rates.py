from __future__ import annotations

import gc
import math
import weakref

import numpy as np
import pytest

from helpers.trigger_events import INELASTIC, MEAN, random_events, synthetic_sample
from nanosieve.errors import SampleError, SettingsError, UnknownNameError
from nanosieve.physics.efficiency import clopper_pearson
from nanosieve.physics.menu import Evaluator, conditions_of, kernels, menu_rates, parse_menu
from nanosieve.physics.menu.conditions import REVOLUTION_FREQUENCY
from nanosieve.physics.menu.rate import make_rate

LUMINOSITY = 0.02
"""2e34 / cm² / s in 1/pb/s"""


@pytest.fixture(scope="module")
def rates(atlas, sample):
    return menu_rates(atlas, [sample], signals=["h0"])


class TestRates:
    def test_total_is_the_sum_of_weights(self, atlas, blocks, rates):
        decisions = [Evaluator(atlas)(block) for block in blocks]
        weights = np.concatenate([block.weights for block in blocks])
        background = np.concatenate([block.scalars["process"] != "h0" for block in blocks])
        l1 = np.concatenate([found.l1 for found in decisions])
        for n, name in enumerate(atlas.l1):
            w = weights[background & l1[:, n]]
            assert rates.l1.total[name].figure.value == pytest.approx(LUMINOSITY * w.sum() / 1000)
            assert rates.l1.total[name].figure.error == pytest.approx(
                LUMINOSITY * math.sqrt((w**2).sum()) / 1000
            )
            alone = background & l1[:, n] & (l1.sum(axis=1) == 1)
            assert rates.l1.pure[name].figure.value == pytest.approx(LUMINOSITY * weights[alone].sum() / 1000)
        either = background & l1.any(axis=1)
        assert rates.l1.any.figure.value == pytest.approx(LUMINOSITY * weights[either].sum() / 1000)
        assert rates.events == background.sum()

    def test_shares_add_up(self, rates):
        for table in (rates.l1, rates.hlt):
            shares = sum(rate.figure.value for rate in table.proportional.values())
            assert shares == pytest.approx(table.any.figure.value)

    def test_overlaps(self, atlas, rates):
        names = list(atlas.l1)
        a, b = names.index("EM24VHI"), names.index("EM22VHI")
        assert rates.l1.overlap[a, b] == pytest.approx(1.0)  # 24 GeV is above 22 GeV
        back = rates.l1.total["EM24VHI"].figure.value / rates.l1.total["EM22VHI"].figure.value
        assert rates.l1.overlap[b, a] == pytest.approx(back)
        assert 0 < rates.l1.overlap_error[b, a] < 0.1

    def test_efficiency_of_a_signal(self, atlas, blocks, rates):
        passed = total = squares = 0.0
        for block in blocks:
            mine = block.scalars["process"] == "h0"
            w = block.weights[mine]
            fired = Evaluator(atlas)(block).l1[mine].any(axis=1)
            passed, total, squares = passed + w[fired].sum(), total + w.sum(), squares + (w**2).sum()
        trials = total**2 / squares
        low, high = clopper_pearson(passed / total * trials, trials)
        figure = rates.efficiencies["h0"]["l1"]["any"]
        assert figure.value == pytest.approx(100 * passed / total)
        assert figure.error == pytest.approx(50 * (high - low))

    def test_blocks_do_not_matter(self, atlas, blocks, rates, sample, monkeypatch):
        original = type(sample).blocks
        monkeypatch.setattr(
            type(sample),
            "blocks",
            lambda self, columns, **groups: original(self, columns, events=97, **groups),
        )
        again = menu_rates(atlas, [sample], signals=["h0"])
        assert again.hlt.any.figure.value == pytest.approx(rates.hlt.any.figure.value)
        assert again.hlt.any.figure.error == pytest.approx(rates.hlt.any.figure.error)

    def test_memory_does_not_grow(self, atlas, sample, monkeypatch):
        """When a block is read, the one before the last is gone."""
        original, alive = type(sample).blocks, []

        def blocks(self, columns, **groups):
            for block in original(self, columns, events=200, **groups):
                alive.append(weakref.ref(block))
                gc.collect()
                assert sum(ref() is not None for ref in alive) <= 2
                yield block

        monkeypatch.setattr(type(sample), "blocks", blocks)
        menu_rates(atlas, [sample])
        assert len(alive) == 12

    def test_prescales_divide_and_share_an_item(self, small, sample):
        one = menu_rates(small, [sample])
        content = small.model_dump(exclude_defaults=True)
        content["l1"]["MU"]["prescale"] = content["lines"]["mu"]["hlt"]["prescale"] = 1
        free = menu_rates(type(small).model_validate(content), [sample])
        assert one.l1.total["MU"].figure.value == pytest.approx(free.l1.total["MU"].figure.value / 2)
        assert one.hlt.total["mu"].figure.value == pytest.approx(free.hlt.total["mu"].figure.value / 8)
        # both kept, given that the isolated one is: the item has already let the event pass
        again = free.hlt.overlap[1, 0] / 4
        assert one.hlt.overlap[1, 0] == pytest.approx(again)

    def test_rates_of_samples_add_up(self, atlas, tmp_path):
        parts = [
            synthetic_sample(
                tmp_path / f"{name}.parquet",
                [random_events(500, seed=n, scale=8.0, processes=(name,), weights=(1e4,))],
            )
            for n, name in enumerate(("a", "b"))
        ]
        single = [menu_rates(atlas, [part]).l1.any.figure for part in parts]
        both = menu_rates(atlas, [str(part.path) for part in parts]).l1.any.figure
        assert both.value == pytest.approx(single[0].value + single[1].value)
        assert both.error == pytest.approx(math.hypot(single[0].error, single[1].error))

    def test_progress_counts_events(self, atlas, sample):
        seen = []
        menu_rates(atlas, [sample], progress=lambda stage, done, total, note="": seen.append((done, total)))
        assert seen[-1] == (2400, 2400)


class TestLimits:
    def test_few_events_give_a_limit(self):
        """Poisson: 3.00 events at 95 % where none is seen, 4.74 for one (PDG, table of Poisson limits)."""
        assert make_rate(0, 0, 2.0, "Hz", 5.0).limit.value == pytest.approx(2.0 * 5.0 * 2.9957, rel=1e-4)
        one = make_rate(3.0, 9.0, 2.0, "Hz", 3.0)
        assert one.limit.value == pytest.approx(2.0 * 3.0 * 4.7439, rel=1e-4)
        assert one.number().startswith("< ")

    def test_the_weight_where_nothing_fires(self, tmp_path):
        """An item that fires on light events only: its lines and pure rates are not limited by heavy ones."""
        heavy = random_events(50, processes=("minbias",), weights=(1e6,), mean={"L1Jet": 0, "Jet": 0})
        light = random_events(50, processes=("qcd",), weights=(1.0,), mean={"L1Jet": 5, "Jet": 0})
        jet = {"legs": [{"object": "jet", "pt": 1}]}
        items = {"J": jet, "JJ": jet, "never": {"legs": [{"object": "jet", "pt": 9000}]}}
        menu = parse_menu({"name": "limits", "l1": items, "lines": {"line": {"l1": "J", "hlt": jet}}})
        found = menu_rates(menu, [synthetic_sample(tmp_path / "s.parquet", [heavy, light])])
        w = light.weights
        one = LUMINOSITY * (w**2).sum() / w.sum()
        assert found.hlt.total["line"].limit.value == pytest.approx(2.9957 * one, rel=1e-3)
        assert found.l1.pure["J"].limit.value == pytest.approx(2.9957 * one / 1000, rel=0.05)
        assert found.l1.total["never"].limit.value > 1e5 * one / 1000

    def test_light_events_do_not_hide_heavy_ones(self):
        """One event of a rare process fires; of the common one, of weight 5, none has been seen."""
        both = make_rate(3.0, 9.0, 2.0, "Hz", 5.0)
        assert both.limit.value == pytest.approx(2.0 * (3.0 * 4.7439 + 5.0 * 2.9957), rel=1e-4)

    def test_the_limit_ends_at_ten_effective_events(self):
        assert make_rate(10.0, 10.0, 1.0, "Hz", 1.0).limit is None
        assert make_rate(9.9, 9.9, 1.0, "Hz", 1.0).limit is not None
        assert make_rate(100.0, 10000.0, 1.0, "Hz", 1.0).effective_events == pytest.approx(1.0)


class TestConditions:
    def test_pileup_of_luminosity_and_bunches(self, sample):
        bunches = LUMINOSITY * INELASTIC / (50 * REVOLUTION_FREQUENCY)
        found = conditions_of([sample], luminosity="2e34/cm**2/s", bunches=round(bunches))
        assert not found.reweighted
        assert conditions_of([sample], luminosity="2e34/cm**2/s").bunches == pytest.approx(bunches)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"bunches": 2000},
                r"2000 bunches makes a pile-up of 71\.1, .*sample is 50\.0; .*\(2846 would fit\)",
            ),
            ({"bunches": 2000}, "--luminosity or --bunches .* --reweight-pileup"),
            ({"bunches": 4000}, "4000 colliding bunches are not possible; accepted: 1 … 3564"),
            ({"luminosity": "9e34/cm**2/s"}, "needs 12805 colliding bunches, and there are 3564"),
            ({"luminosity": "-1/cm**2/s"}, "is not positive"),
            ({"luminosity": "3 GeV"}, "is not a quantity"),
            ({"reweight_pileup": True}, "needs the number of colliding bunches; add --bunches"),
            ({"pileup": -3}, "pile-up -3 is not positive"),
            ({"pileup": 60, "bunches": 2846}, r"pile-up of 50\.0, and that asked for is 60\.0"),
        ],
    )
    def test_contradictions(self, sample, options, message):
        with pytest.raises(SettingsError, match=message):
            conditions_of([sample], **({"luminosity": "2e34/cm**2/s"} | options))

    def test_reweighting_gives_the_other_poisson_distribution(self, sample):
        found = conditions_of([sample], luminosity="2e34/cm**2/s", pileup=52)
        n = np.random.default_rng(1).poisson(50, 400_000)
        factors = found.factors(n)
        assert factors.mean() == pytest.approx(1.0, abs=0.005)
        assert np.average(n, weights=factors) == pytest.approx(52, abs=0.05)
        assert np.average((n - 52.0) ** 2, weights=factors) == pytest.approx(52, rel=0.02)
        left = factors.sum() ** 2 / (factors**2).sum() / len(n)
        assert left == pytest.approx(math.exp(-(2**2) / 50), rel=0.01)

    def test_reweighted_rates(self, atlas, blocks, sample):
        bunches = LUMINOSITY * INELASTIC / (53 * REVOLUTION_FREQUENCY)
        found = menu_rates(atlas, [sample], bunches=bunches, reweight_pileup=True)
        assert found.conditions.pileup == pytest.approx(53)
        expected = 0.0
        for block in blocks:
            fired = Evaluator(atlas)(block).l1.any(axis=1)
            n = block.scalars["interactions"] - (block.scalars["process"] == "minbias")
            factors = np.exp(-3) * (53 / 50) ** n
            expected += (block.weights * factors)[fired].sum() * LUMINOSITY / 1000
        assert found.l1.any.figure.value == pytest.approx(expected)

    def test_the_rate_of_crossings_is_that_of_the_bunches(self, tmp_path):
        """All crossings of minimum bias: n_b f of them a second, whatever pile-up they are weighted to."""
        events = random_events(40_000, processes=("minbias",), mean=dict.fromkeys(MEAN, 0.01))
        events.scalars["genWeight"][:] = INELASTIC / 50 / 40_000
        every = parse_menu(
            {
                "name": "every",
                "l1": {"ALL": {"legs": [{"object": "met", "pt": 0}]}},
                "lines": {"all": {"l1": "ALL", "hlt": {"legs": [{"object": "met", "pt": 0}]}}},
            }
        )
        sample = synthetic_sample(tmp_path / "all.parquet", [events])
        for pileup in (50, 48, 53):
            found = menu_rates(every, [sample], pileup=pileup)
            assert found.hlt.any.figure.value == pytest.approx(
                found.conditions.bunches * REVOLUTION_FREQUENCY, rel=0.01
            )

    def test_reweighting_too_far(self, atlas, sample):
        with pytest.raises(
            SampleError, match=r"from a pile-up of 50 to 90 leaves .* % effective events; make"
        ):
            menu_rates(atlas, [sample], luminosity="3e34/cm**2/s", pileup=90)


class TestBadSamples:
    def make(self, tmp_path, name="bad", change=None, **options):
        events = random_events(50, processes=(name,))
        if change is not None:
            events.scalars["genWeight"][:] = change(events.scalars["genWeight"])
        return synthetic_sample(tmp_path / f"{name}.parquet", [events], **options)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"pileup": 60.0}, r"a\.parquet' has the pile-up 50\.0, .*b\.parquet' 60\.0; .*do not add up"),
            ({"energy": 14000.0}, "has the energy 13000.0, .* 14000.0"),
        ],
    )
    def test_samples_of_different_conditions(self, atlas, tmp_path, options, message):
        samples = [self.make(tmp_path, "a"), self.make(tmp_path, "b", **options)]
        with pytest.raises(SampleError, match=message):
            menu_rates(atlas, samples)

    def test_one_process_twice(self, atlas, sample):
        with pytest.raises(SampleError, match=r"process 'h0' is in .* would count twice"):
            menu_rates(atlas, [sample, sample])

    def test_negative_weight(self, atlas, tmp_path):
        bad = self.make(tmp_path, change=lambda w: np.where(np.arange(50) == 7, -w, w))
        with pytest.raises(SampleError, match=r"genWeight of .* is negative in event 7"):
            menu_rates(atlas, [bad])

    def test_no_weight(self, atlas, tmp_path):
        with pytest.raises(SampleError, match=r"all weights of .* are zero"):
            menu_rates(atlas, [self.make(tmp_path, change=lambda w: 0 * w)])

    def test_no_events(self, atlas, tmp_path):
        empty = synthetic_sample(tmp_path / "empty.parquet", [random_events(0)])
        with pytest.raises(SampleError, match=r"empty\.parquet' holds no events"):
            menu_rates(atlas, [empty])
        with pytest.raises(SampleError, match="no sample given"):
            menu_rates(atlas, [])

    def test_signals(self, atlas, sample, tmp_path):
        with pytest.raises(UnknownNameError, match="unknown process 'h1'; nearest: h0"):
            menu_rates(atlas, [sample], signals=["h1"])
        with pytest.raises(SampleError, match="all events belong to the signals bad"):
            menu_rates(atlas, [self.make(tmp_path)], signals=["bad"])


def test_overlaps_are_summed_event_by_event():
    """In the order of the events, to the last bit: a matrix product has that of its threads."""
    random = np.random.default_rng(5)
    fired = random.random((3000, 4)) < [0.5, 0.3, 0.1, 0.01]
    weights = random.exponential(size=3000)
    kept = (random.random(3000) < 0.7).astype(float)
    meant = np.zeros((4, 4))
    for event, weight in zip(fired[kept > 0], weights[kept > 0], strict=True):
        meant[np.ix_(event, event)] += weight
    found = np.zeros((4, 4))
    kernels.add_pairs(fired.view(np.uint8), weights, kept, found)
    assert np.array_equal(found, meant)
