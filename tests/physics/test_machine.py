"""The collider's numbers: the design luminosity, round trips, trains, rarity and data volumes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanosieve.errors import InputFileError, SettingsError, UnknownNameError
from nanosieve.figure import Provenance
from nanosieve.physics.data_volumes import (
    LiveTime,
    data_rate,
    data_volumes,
    read_references,
    references,
    yearly_volume,
)
from nanosieve.physics.machine import (
    CROSSING_RATE,
    SCHEMES,
    SLOTS,
    Beam,
    FillingScheme,
    collisions,
    filled_crossing_rate,
    find_beam,
    find_scheme,
    interactions_per_second,
    luminosity,
    pileup,
)
from nanosieve.physics.rarity import find_process, own_process, processes, rarity


class TestBeam:
    def test_the_lhc_design_set(self) -> None:
        beam = find_beam("lhc-design")
        assert beam.luminosity == pytest.approx(1.01e34, rel=5e-3)
        assert beam.lorentz_factor == pytest.approx(7461, rel=1e-4)
        assert beam.beam_size == pytest.approx(16.6, rel=5e-3)
        assert beam.geometric_factor == pytest.approx(0.84, rel=1e-2)

    def test_the_scaling(self) -> None:
        beam = find_beam("design, crossing_angle=0")
        assert beam.geometric_factor == 1
        twice = find_beam("design, crossing_angle = 0, protons-per-bunch=2.3e11, bunches=1404")
        assert twice.luminosity == pytest.approx(2 * beam.luminosity)
        squeezed = find_beam("design, crossing_angle=0, beta_star=27.5 cm")
        assert squeezed.luminosity == pytest.approx(2 * beam.luminosity)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("design, beta_star=0.55 s", r"beta_star = '0.55 s' is not a quantity in units of um"),
            ("design, bunches=many", r"bunches = 'many' is no whole number; write for example bunches=2808"),
            ("design, bunches=4000", r"bunches = 4000 is outside 1 to 3564"),
            ("design, bunches=nan", r"bunches = 'nan' is no whole number"),
            ("design, energy=1 MeV", r"below the rest energy"),
            ("design, crossing_angle=-1 urad", r"not positive and finite; write for example '285 urad'"),
        ],
    )
    def test_what_is_refused(self, text: str, message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            find_beam(text)

    def test_unknown_names(self) -> None:
        with pytest.raises(UnknownNameError, match="unknown beam 'lhc-desing'; nearest: lhc-design"):
            find_beam("lhc-desing")
        with pytest.raises(UnknownNameError, match="unknown value of a beam 'beta'"):
            find_beam("design, beta=1 m")

    def test_a_number_without_unit_is_in_that_of_its_meaning(self) -> None:
        with pytest.raises(SettingsError, match="protons_per_bunch"):
            Beam(protons_per_bunch=-1)


@given(
    mu=st.floats(1e-3, 1e3), bunches=st.integers(1, SLOTS), sigma=st.sampled_from(["80 mb", "69.2 mb", 78.1])
)
def test_luminosity_and_pileup_are_inverse(mu: float, bunches: int, sigma: str | float) -> None:
    made = luminosity(mu, bunches, sigma)
    assert pileup(made, bunches, sigma) == pytest.approx(mu, rel=1e-12)
    assert interactions_per_second(made, sigma) == pytest.approx(mu * filled_crossing_rate(bunches))
    both = collisions(bunches, luminosity=made, pileup=mu, sigma_inelastic=sigma)
    assert both == collisions(bunches, luminosity=made, sigma_inelastic=sigma)
    assert both.pileup == pytest.approx(collisions(bunches, pileup=mu, sigma_inelastic=sigma).pileup)


def test_the_numbers_of_known_conditions() -> None:
    assert luminosity(52, 2544) == pytest.approx(1.86e34, rel=5e-3)
    assert luminosity(52, 2544, "69.2 mb") == pytest.approx(2.15e34, rel=5e-3)
    assert luminosity(200, 2760) == pytest.approx(7.8e34, rel=1e-2)
    assert pytest.approx(40.08e6, rel=1e-4) == CROSSING_RATE
    assert filled_crossing_rate(2544) == pytest.approx(28608.8e3, rel=1e-5)
    figures = collisions(2544, luminosity="20 Hz/nb").figures()
    assert figures["luminosity"].value == pytest.approx(2)
    assert {figure.provenance for figure in figures.values()} == {Provenance.ESTIMATED}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"luminosity": 2e34, "pileup": 40}, r"contradict each other: 2544 bunches .* pile-up of 55.93"),
        ({}, r"neither luminosity nor pile-up is given; write for example"),
        ({"pileup": -1}, r"pile-up = -1 is not positive and finite; write for example '60'"),
        ({"pileup": math.nan}, r"not positive and finite"),
        ({"luminosity": "2 pb"}, r"luminosity = '2 pb' is not a quantity in units of 1/cm"),
        ({"luminosity": 1e34, "sigma_inelastic": "80 m"}, r"sigma_inelastic = '80 m'"),
    ],
)
def test_contradictions_and_bad_quantities(settings: dict[str, str | float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        collisions(2544, **settings)  # type: ignore[arg-type]


class TestFillingScheme:
    @pytest.mark.parametrize(
        ("name", "bunches"), [(name, entry["bunches"]) for name, entry in SCHEMES.items()]
    )
    def test_named_schemes(self, name: str, bunches: int) -> None:
        scheme = find_scheme(name)
        assert scheme.bunches == bunches == scheme.filled.sum() == scheme.trains[:, 1].sum()
        assert scheme.slots.max() < SLOTS - 119  # abort gap of 3 µs
        assert scheme.slots.dtype == np.int64
        assert "approximation" in scheme.note
        assert scheme.crossing_rate == pytest.approx(bunches * 11245.6)

    def test_the_48_bunch_scheme_holds_nothing_but_48_bunch_trains(self) -> None:
        scheme = find_scheme("lhc-2544-48b")
        assert scheme.trains[:, 1].tolist() == [48] * 53
        gaps = np.diff(scheme.slots)
        assert sorted(set(gaps.tolist())) == [1, 8, 32]  # 25, 200 and 800 ns
        assert np.count_nonzero(gaps == 32) == 17

    @given(
        bunches=st.integers(1, 600),
        per_train=st.integers(1, 80),
        per_batch=st.integers(1, 6),
        gaps=st.tuples(st.integers(1, 4), st.integers(1, 5)),
    )
    def test_trains_are_what_was_asked_for(
        self, bunches: int, per_train: int, per_batch: int, gaps: tuple[int, int]
    ) -> None:
        scheme = FillingScheme.from_trains(
            bunches, per_train=per_train, per_batch=per_batch, train_gap=gaps[0], batch_gap=gaps[1]
        )
        lengths = scheme.trains[:, 1]
        assert scheme.bunches == bunches
        assert (lengths[:-1] == per_train).all()
        assert 1 <= lengths[-1] <= per_train
        assert (np.arange(bunches) % per_train == scheme.position_in_train()).all()
        between = np.diff(scheme.trains[:, 0]) - lengths[:-1]
        wanted = [gaps[1] if n % per_batch == 0 else gaps[0] for n in range(1, len(lengths))]
        assert between.tolist() == wanted

    @given(bunches=st.integers(1, SLOTS))
    def test_uniform_fillings_are_even(self, bunches: int) -> None:
        scheme = find_scheme(f"uniform-{bunches}")
        gaps = np.diff(scheme.slots, append=scheme.slots[0] + SLOTS)
        assert scheme.bunches == bunches
        assert gaps.max() - gaps.min() <= 1

    def test_drawn_slots_are_filled_and_equally_likely(self) -> None:
        scheme = find_scheme("lhc-2748")
        drawn = scheme.draw(np.random.default_rng(3), 200_000)
        assert scheme.filled[drawn].all()
        counts = np.bincount(drawn, minlength=SLOTS)[scheme.slots]
        assert counts.std() == pytest.approx(math.sqrt(200_000 / scheme.bunches), rel=0.1)
        assert scheme.position_in_train(drawn).max() == 47
        assert (drawn == scheme.draw(np.random.default_rng(3), 200_000)).all()

    def test_the_slots_cannot_be_changed(self) -> None:
        scheme = FillingScheme("two", np.array([3, 5]))
        with pytest.raises(ValueError, match="read-only"):
            scheme.slots[0] = 1
        with pytest.raises(ValueError, match="read-only"):
            scheme.filled[0] = True

    @pytest.mark.parametrize("slots", [[5, 3], [3, 3], [-1, 2], [1, SLOTS]])
    def test_slots_that_no_ring_has(self, slots: list[int]) -> None:
        with pytest.raises(SettingsError, match="must ascend from 0 or more to 3563"):
            FillingScheme("odd", np.array(slots))

    def test_what_else_is_refused(self) -> None:
        with pytest.raises(SettingsError, match="whole numbers, at least one"):
            FillingScheme("none", np.array([]))
        with pytest.raises(SettingsError, match="are the abort gap; take longer trains or smaller gaps"):
            FillingScheme.from_trains(2900)
        with pytest.raises(SettingsError, match="per_train = 0 is below 1"):
            FillingScheme.from_trains(10, per_train=0)
        with pytest.raises(SettingsError, match="outside 1 to 3564"):
            find_scheme("uniform-4000")
        with pytest.raises(UnknownNameError, match=r"nearest: .*lhc-2748"):
            find_scheme("lhc-2749")
        with pytest.raises(SettingsError, match="slot 48 is not filled"):
            find_scheme("lhc-2544-48b").position_in_train(np.array([0, 48]))
        with pytest.raises(SettingsError, match="slot 4000 is not filled"):
            find_scheme("uniform").position_in_train(np.array([4000]))
        with pytest.raises(SettingsError, match="cannot draw -1"):
            find_scheme("uniform").draw(np.random.default_rng(), -1)


class TestRarity:
    def test_a_higgs_boson_in_13_tev_collisions(self) -> None:
        made = collisions(2544, luminosity=2e34)
        higgs = rarity(find_process("higgs-ggf", "13 TeV"), made)
        assert higgs.process.cross_section.provenance is Provenance.PUBLISHED
        assert higgs.rate.value == pytest.approx(48.61 / 50)  # 50 pb are 1 Hz at 2e34
        assert higgs.per_hour.value == pytest.approx(3600 * higgs.rate.value)
        assert higgs.interactions.value == pytest.approx(80e9 / 48.61)
        assert higgs.crossings.value == pytest.approx(higgs.interactions.value / made.pileup, rel=1e-6)

    @given(sigma=st.floats(1e-6, 80e9), mu=st.floats(0.1, 300))
    def test_an_event_needs_a_crossing_and_a_collision(self, sigma: float, mu: float) -> None:
        found = rarity(own_process("x", sigma), collisions(2544, pileup=mu))
        assert found.crossings.value >= 1
        assert found.interactions.value >= 1 - 1e-12
        assert found.crossings.value * mu >= found.interactions.value * (1 - 1e-9)

    def test_what_is_recalled_is_never_published(self) -> None:
        recalled = find_process("higgs-ggf", 13.6)
        assert not recalled.verified
        assert recalled.cross_section.provenance is Provenance.ESTIMATED
        assert "not verified" in recalled.cross_section.source
        for energy in (13, 13.6, 14):
            for process in processes(energy):
                published = process.cross_section.provenance is Provenance.PUBLISHED
                assert published <= process.verified

    def test_what_is_refused(self) -> None:
        with pytest.raises(UnknownNameError, match="unknown process 'higgs'; nearest: higgs-wh"):
            find_process("higgs", "13 TeV")
        with pytest.raises(
            SettingsError, match=r"'ttbar' is not tabulated at 8 TeV; known at 13.6 TeV; choose"
        ):
            find_process("ttbar", "8 TeV")
        with pytest.raises(SettingsError, match="cross section of 'x' = '5 m' is not a quantity"):
            own_process("x", "5 m")
        assert processes("8 TeV") == ()


class TestDataVolumes:
    def test_without_a_trigger(self) -> None:
        year = LiveTime(200, 0.5)
        assert year.seconds.value == 8.64e6
        stages = data_volumes(collisions(2544, luminosity=2e34), event_size="2 MB", live_time=year)
        first, filled, level1, hlt = stages
        assert first.flow.value == pytest.approx(80.16, rel=1e-3)
        assert first.volume.value == pytest.approx(692.6, rel=1e-3)
        assert filled.flow.value / first.flow.value == pytest.approx(2544 / 3564)
        assert level1.flow.value == pytest.approx(0.2)
        assert hlt.volume.value == pytest.approx(0.01728)

    @given(rate=st.floats(1, 1e8), size=st.floats(1e-3, 100), days=st.floats(1, 366), duty=st.floats(0.01, 1))
    def test_volumes_are_products(self, rate: float, size: float, days: float, duty: float) -> None:
        flow = data_rate(rate, size)
        assert flow == pytest.approx(rate * size * 1e6 / 1e12)
        assert yearly_volume(flow, LiveTime(days, duty)) == pytest.approx(
            rate * size * 1e6 * days * 86400 * duty / 1e18
        )

    def test_the_live_time_itself(self) -> None:
        assert LiveTime.from_seconds("1e7 s").seconds.value == pytest.approx(1e7)
        assert LiveTime.from_seconds("100 days").seconds.value == pytest.approx(8.64e6)

    def test_what_is_refused(self) -> None:
        made = collisions(2544, luminosity=2e34)
        with pytest.raises(
            SettingsError, match="rates must fall: filled crossings 28,609 kHz, Level-1 50 kHz"
        ):
            data_volumes(made, level1_rate="50 kHz", hlt_rate="100 kHz")
        with pytest.raises(SettingsError, match="event size = '2 Mb' is not a quantity in units of MB"):
            data_volumes(made, event_size="2 Mb")
        with pytest.raises(SettingsError, match="days = 400 of collisions in a year is outside 0 to 366"):
            LiveTime(days=400)
        with pytest.raises(SettingsError, match=r"duty factor 1.2 is no fraction"):
            LiveTime(duty=1.2)
        with pytest.raises(SettingsError, match="longer than a year"):
            LiveTime.from_seconds("2 years")

    def test_references_say_how_far_they_can_be_trusted(self) -> None:
        for reference in references():
            assert reference.verified == (reference.figure.provenance is Provenance.PUBLISHED)
            assert reference.figure.source

    def test_an_own_file(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text("format: 1\nvolumes:\n- {name: mine, eb: 2, trust: derived, source: sum of disks}\n")
        (mine,) = read_references(path)
        assert (mine.figure.value, mine.figure.unit, mine.verified) == (2, "EB/year", True)
        assert mine.figure.source == "derived: sum of disks"
        path.write_text("format: 1\nvolumes:\n- {name: mine, eb: 2, trust: derived}\n")
        with pytest.raises(InputFileError, match=r"mine.yaml': volumes.0.source: Field required"):
            read_references(path)
        path.write_text("a: [")
        with pytest.raises(InputFileError, match="is not YAML"):
            read_references(path)
        with pytest.raises(InputFileError, match="does not exist"):
            read_references(tmp_path / "no.yaml")
