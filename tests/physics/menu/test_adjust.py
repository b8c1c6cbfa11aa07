from __future__ import annotations

import pytest

from nanosieve.errors import SampleError, SettingsError, UnknownNameError
from nanosieve.physics.menu import fit_menu, load_menu, menu_rates, threshold_for_rate, write_menu


class TestThreshold:
    @pytest.mark.parametrize(
        ("name", "share"), [("MU20", 0.3), ("4J15", 0.5), ("2MU10", 0.4), ("EM22VHI", 1.5)]
    )
    def test_an_item_fires_at_the_rate_asked_for(self, atlas, sample, name, share):
        before = menu_rates(atlas, [sample]).l1.total[name].figure.value
        found = threshold_for_rate(atlas, name, [sample], f"{share * before} kHz")
        assert found.menu.l1[name].legs[0].pt == pytest.approx(found.threshold.value)
        again = menu_rates(found.menu, [sample]).l1.total[name].figure
        assert again.value == pytest.approx(found.rate.value)
        # the events at the next pT (rounded to 0.1 GeV: a few, of at most 1.5e5 pb) would be too much
        assert again.value <= share * before <= again.value + 5 * 0.02 * 1.5e5 / 1000
        assert found.threshold.error > 0

    def test_a_leg_of_a_line_and_prescales(self, small, sample):
        found = threshold_for_rate(small, "jets", [sample], "400 kHz")
        assert menu_rates(found.menu, [sample]).hlt.total["jets"].figure.value == pytest.approx(
            1000 * found.rate.value
        )
        assert found.menu.lines["mu"].hlt.legs == small.lines["mu"].hlt.legs

    @pytest.mark.parametrize(
        ("name", "rate", "leg", "kind", "message"),
        [
            ("MU21", "1 kHz", 0, UnknownNameError, "unknown item or line 'MU21'"),
            ("MU20", "1 kHz", 1, SettingsError, "MU20 has no leg 1; accepted: 0 … 0"),
            (
                "MU20",
                "1 GHz",
                0,
                SettingsError,
                "fires at .* Hz without the threshold, below the 1e.09 Hz asked for",
            ),
            ("MU20", "1 mHz", 0, SampleError, "not one may fire; make more background or allow more"),
            ("MU20", "1 m", 0, SettingsError, "rate = '1 m' is not a quantity"),
        ],
    )
    def test_errors(self, atlas, sample, name, rate, leg, kind, message):
        with pytest.raises(kind, match=message):
            threshold_for_rate(atlas, name, [sample], rate, leg=leg)


class TestFit:
    @pytest.mark.parametrize("level", ["l1", "hlt"])
    def test_thresholds(self, atlas, sample, level, tmp_path):
        before = getattr(menu_rates(atlas, [sample]), level).any.figure
        wanted = before.value / 4 * (1000 if level == "l1" else 1)
        fit = fit_menu(atlas, [sample], f"{wanted} Hz", level=level)
        assert fit.before.figure.value == pytest.approx(before.value)
        assert fit.factor > 1
        value = fit.after.figure.value * (1000 if level == "l1" else 1)
        assert wanted - 0.02 * 2 * 1.5e5 < value <= wanted
        assert fit.menu.lines["mu_52"].published.hlt_hz is None  # it is another menu
        again = load_menu(write_menu(fit.menu, tmp_path / "fit.yaml"))
        assert again == fit.menu
        assert getattr(menu_rates(again, [sample]), level).any.figure.value == pytest.approx(
            fit.after.figure.value
        )

    def test_a_looser_menu(self, atlas, sample):
        before = menu_rates(atlas, [sample]).l1.any.figure.value * 1000
        fit = fit_menu(atlas, [sample], f"{1.2 * before} Hz", level="l1")
        assert fit.factor < 1
        assert before < fit.after.figure.value * 1000 <= 1.2 * before

    def test_prescales(self, small, sample):
        before = menu_rates(small, [sample]).hlt.any.figure.value
        fit = fit_menu(small, [sample], f"{before / 3} Hz", by="prescales")
        assert fit.after.figure.value == pytest.approx(before / 3, rel=1e-4)
        assert fit.menu.lines["mu"].hlt.prescale == pytest.approx(4 * fit.factor)
        assert fit.menu.lines["mu"].hlt.legs == small.lines["mu"].hlt.legs

    def test_only_some(self, atlas, sample):
        before = menu_rates(atlas, [sample]).hlt.any.figure.value
        fit = fit_menu(atlas, [sample], f"{0.95 * before} Hz", only=["two_leptons", "b_jets", "mu_52"])
        assert fit.menu.lines["mu_52"].hlt.legs[0].pt > 50
        assert fit.menu.lines["e_61"].hlt.legs == atlas.lines["e_61"].hlt.legs
        assert fit.menu.lines["b60_285"].hlt.legs[0].pt == pytest.approx(275 * fit.factor, abs=0.1)

    @pytest.mark.parametrize(
        ("rate", "options", "kind", "message"),
        [
            (
                "1 Hz",
                {"only": ["mu_52"]},
                SettingsError,
                "not reached by the thresholds of 1 of 40 at hlt: .* are left when .* by 20; allow more",
            ),
            ("1 GHz", {}, SettingsError, "is more than the thresholds .* give"),
            ("0 Hz", {}, SettingsError, "must be positive"),
            ("1 Hz", {"only": ["muons"]}, UnknownNameError, "unknown line, item or category 'muons'"),
        ],
    )
    def test_errors(self, atlas, sample, rate, options, kind, message):
        with pytest.raises(kind, match=message):
            fit_menu(atlas, [sample], rate, **options)
