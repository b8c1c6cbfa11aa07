"""The compiled loops decide as the reference does, and a mistake in them is seen."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.random_menus import menus
from helpers.trigger_events import random_events
from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.events import Collection, TriggerEvents
from nanosieve.physics.menu import Decisions, Evaluator, Menu, decide, kernels, parse_menu

FEW = dict.fromkeys(
    ("L1Mu", "L1EG", "L1Tau", "L1Jet", "L1LargeJet", "Muon", "Electron", "Photon", "Tau", "Jet", "FatJet"),
    1.6,
)


def reference(menu: Menu, events: TriggerEvents, scores=None) -> Decisions:
    rows = [decide(menu, events, n, scores and scores[n]) for n in range(len(events))]
    items, lines = ([list(row[k].values()) for row in rows] for k in (0, 1))
    return Decisions(np.array(items, dtype=bool), np.array(lines, dtype=bool))


def differences(menu: Menu, events: TriggerEvents) -> int:
    fast, slow = Evaluator(menu)(events), reference(menu, events)
    return int((fast.l1 != slow.l1).sum() + (fast.hlt != slow.hlt).sum())


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(menus(), st.integers(0, 1000))
def test_generated_menus_and_events(menu, seed):
    assert differences(menu, random_events(25, seed=seed, scale=8.0, mean=FEW)) == 0


@pytest.mark.slow
@settings(max_examples=1500, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(menus(), st.integers(0, 10**6))
def test_many_generated_menus_and_events(menu, seed):
    assert differences(menu, random_events(25, seed=seed, scale=8.0, mean=FEW)) == 0


def test_the_menu_of_2018(atlas):
    events = random_events(60, seed=3, scale=20.0, mean={"L1Jet": 3.0, "Jet": 3.0, "L1Mu": 1.0, "Muon": 1.0})
    assert differences(atlas, events) == 0
    assert Evaluator(atlas)(events).hlt.any()


def jets(*found: tuple[float, float, int]) -> TriggerEvents:
    """One event with jets of (pT, η, btag) at both levels; Level 1 has the same jets."""
    pt, eta, btag = (np.array(column) for column in zip(*found, strict=True))
    phi = np.linspace(-3, 3, len(pt)).astype(np.float32)
    offsets = np.array([0, len(pt)])
    fields = {"pt": pt.astype(np.float32), "eta": eta.astype(np.float32), "phi": phi}
    offline = fields | {"mass": np.full(len(pt), 5, np.float32), "btag": btag.astype(np.int32)}
    return TriggerEvents(
        {"genWeight": np.ones(1)}, {"L1Jet": Collection(offsets, fields), "Jet": Collection(offsets, offline)}
    )


def jet_menu(*legs: dict, **more) -> Menu:
    return parse_menu(
        {
            "name": "jets",
            "l1": {"J": {"legs": [{"object": "jet", "pt": 1}]}},
            "lines": {"line": {"l1": "J", "hlt": {"legs": list(legs), **more}}},
        }
    )


class TestMatching:
    def test_cuts_that_do_not_nest_need_a_matching(self):
        """The central jet is the only one for the second leg; taking the hardest jet first would waste it."""
        menu = jet_menu({"object": "jet", "pt": 50}, {"object": "jet", "pt": 20, "eta_max": 1.0})
        assert Evaluator(menu)(jets((90, 0.0, 0), (60, 2.0, 0))).hlt.all()
        assert not Evaluator(menu)(jets((90, 2.0, 0), (60, 2.0, 0))).hlt.any()
        assert not Evaluator(menu)(jets((90, 0.0, 0), (30, 2.0, 0))).hlt.any()

    def test_one_object_does_not_fill_two_legs(self):
        menu = jet_menu(
            {"object": "bjet", "pt": 20, "btag_eff": 0.6}, {"object": "jet", "count": 2, "pt": 20}
        )
        assert not Evaluator(menu)(jets((90, 0, 60), (60, 0, 0))).hlt.any()
        assert Evaluator(menu)(jets((90, 0, 60), (60, 0, 0), (50, 0, 0))).hlt.all()
        assert not Evaluator(menu)(jets((90, 0, 70), (60, 0, 0), (50, 0, 0))).hlt.any()

    @pytest.mark.parametrize("tags", list(itertools.product([0, 40, 60, 70], repeat=3)))
    def test_working_points_include_tighter_ones(self, tags):
        menu = jet_menu({"object": "bjet", "count": 2, "pt": 20, "btag_eff": 0.6})
        expected = sum(tag in (40, 60) for tag in tags) >= 2
        assert Evaluator(menu)(jets(*((50, 0, tag) for tag in tags))).hlt.all() == expected

    def test_one_assignment_satisfies_legs_and_pair_cut_together(self):
        """Each pair of legs is possible and so is the distance, but not for the same objects."""
        window = {"between": ["a", "b"], "delta_eta": {"min": 2.0}}
        legs = (
            {"object": "jet", "pt": 50, "name": "a"},
            {"object": "jet", "pt": 20, "eta_max": 1.0, "name": "b"},
        )
        menu = jet_menu(*legs, pairs=[window])
        assert not Evaluator(menu)(jets((90, 0.5, 0), (60, 0.0, 0), (20, -2.5, 0))).hlt.any()
        assert Evaluator(menu)(jets((90, 2.5, 0), (60, 0.0, 0), (20, 0.2, 0))).hlt.all()

    def test_the_cuts_are_at_their_edges(self):
        menu = jet_menu({"object": "jet", "pt": 50, "eta_max": 1.0, "mass_min": 5})
        assert Evaluator(menu)(jets((50, 0.9, 0))).hlt.all()
        assert not Evaluator(menu)(jets((50, 1.0, 0))).hlt.any()
        assert not Evaluator(menu)(jets((np.nextafter(np.float32(50), 0), 0, 0))).hlt.any()


def mass_menu(low: float, high: float) -> Menu:
    legs = [{"object": "mu", "count": 2, "pt": 3}]
    cut = {"between": ["mu", "mu"], "mass": {"min": low, "max": high}, "charge": "opposite"}
    return parse_menu(
        {
            "name": "masses",
            "l1": {"MU": {"legs": [{"object": "met", "pt": 0}]}},
            "lines": {"line": {"l1": "MU", "hlt": {"legs": legs, "pairs": [cut]}}},
        }
    )


def boosted(
    momentum: np.ndarray, energy: np.ndarray, axis: int, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    gamma = np.sqrt(1 + strength**2)
    moved = momentum.copy()
    moved[:, axis] = gamma * momentum[:, axis] + strength * energy
    return moved, gamma * energy + strength * momentum[:, axis]


def test_invariant_mass_of_two_muons():
    """The muons of a J/ψ, boosted along two axes; their rest mass of 0.106 GeV counts."""
    mass, muon = 3.0969, 0.1056584
    energy = np.full(2, mass / 2)
    size = np.sqrt(energy[0] ** 2 - muon**2)
    direction = np.array([0.3, np.sqrt(1 - 0.09 - 0.04), 0.2])
    momentum = size * np.stack([direction, -direction])
    for axis, strength in ((0, 4.0), (2, 1.5)):
        momentum, energy = boosted(momentum, energy, axis, strength)
    pt = np.hypot(momentum[:, 0], momentum[:, 1])
    order = np.argsort(-pt)
    values = {
        "pt": pt,
        "eta": np.arcsinh(momentum[:, 2] / pt),
        "phi": np.arctan2(momentum[:, 1], momentum[:, 0]),
    }
    fields = {name: value[order].astype(np.float32) for name, value in values.items()}
    fields |= {"charge": np.array([1, -1], np.int32), "iso": np.zeros(2, np.float32)}
    scalars = {"genWeight": np.ones(1), "L1MET_pt": np.ones(1), "L1MET_phi": np.ones(1)}
    events = TriggerEvents(scalars, {"Muon": Collection(np.array([0, 2]), fields)})
    for low, high, expected in ((3.0968, 3.0970, True), (3.0970, 4.0, False), (1.0, 3.0968, False)):
        assert Evaluator(mass_menu(low, high))(events).hlt.all() == expected
        assert reference(mass_menu(low, high), events).hlt.all() == expected


class TestFaults:
    """What the comparison with the reference is for."""

    MENU = (
        {"object": "jet", "count": 2, "pt": 8},
        {"object": "jet", "pt": 4, "eta_max": 1.5},
        {"object": "bjet", "pt": 6, "btag_eff": 0.7},
    )

    def events(self) -> TriggerEvents:
        return random_events(400, seed=5, scale=8.0, mean={"Jet": 3.0, "L1Jet": 3.0})

    def test_the_sound_loops_agree(self):
        assert differences(jet_menu(*self.MENU), self.events()) == 0

    @pytest.mark.parametrize("fault", ["greedy", "needs", "eta"])
    def test_a_fault_is_seen(self, fault, monkeypatch):
        from nanosieve.physics.menu import evaluate

        def spoil(*arguments, **options):
            programs = compile_menu(*arguments, **options)
            tables = []
            for table in programs["hlt"].collections:
                if fault == "greedy":  # as if cuts always nested
                    table = replace(table, plain=np.ones_like(table.plain))
                elif fault == "needs":  # only single legs, not their subsets
                    need = table.need.copy()
                    need[[m for m in range(len(need)) if m.bit_count() > 1]] = 1
                    table = replace(table, need=need)
                else:
                    table = replace(table, legs=table.legs * np.array([1, 1.3, 1, 1, 1, 1, 1, 1]))
                tables.append(table)
            programs["hlt"] = replace(programs["hlt"], collections=tuple(tables))
            return programs

        compile_menu = evaluate.compile_menu
        monkeypatch.setattr(evaluate, "compile_menu", spoil)
        assert differences(jet_menu(*self.MENU), self.events()) > 0

    def test_objects_out_of_order_are_refused(self):
        with pytest.raises(SampleError, match=r"Jet is not ordered by falling pT in event 0 .* sort"):
            Evaluator(jet_menu({"object": "jet", "pt": 5}))(jets((20, 0, 0), (30, 0, 0)))

    def test_events_without_a_column(self):
        events = jets((20, 0, 0))
        del events.collections["L1Jet"]
        with pytest.raises(SampleError, match="the events lack L1Jet, which menu 'jets' needs"):
            Evaluator(jet_menu({"object": "jet", "pt": 5}))(events)

    def test_order_is_looked_at_within_events_only(self):
        assert kernels.unsorted_event(np.array([0, 2, 3]), np.array([5, 4, 9], np.float32)) == -1


class TestNetworks:
    def menu(self, above: float) -> Menu:
        score = {"network": "net", "above": above}
        return parse_menu(
            {
                "name": "networks",
                "l1": {"NN": {"score": score}, "MU": {"legs": [{"object": "mu", "pt": 5}], "score": score}},
                "lines": {
                    "nn": {"l1": "NN", "hlt": {"legs": [{"object": "jet", "pt": 10}]}},
                    "mu": {"l1": "MU", "hlt": {"score": score}},
                },
            }
        )

    def test_scores_decide_at_both_levels(self):
        events = random_events(300, seed=2)
        seen = []

        def scorer(inputs):
            seen.append(inputs.shape)
            return inputs[:, 9, 0]  # pT of the leading jet

        found = Evaluator(self.menu(20.0), scorers={"net": scorer})(events)
        leading = np.zeros(300)
        jets = events.collections["L1Jet"]
        some = jets.counts > 0
        leading[some] = jets.fields["pt"][jets.offsets[:-1][some]]
        assert (found.l1[:, 0] == (leading > 20)).all()
        assert 0 < found.l1[:, 0].sum() < 300
        assert seen[0] == (300, 19, 3)
        assert seen[1][0] < 300  # a network runs only where the legs pass

    def test_a_network_without_scorer(self):
        with pytest.raises(SettingsError, match="item 'NN' needs the network 'net'; give it as scorers="):
            Evaluator(self.menu(1.0))

    @pytest.mark.parametrize(
        ("scores", "message"),
        [
            (lambda x: x[:, 0], r"shape \(30, 3\) for 30 events"),
            (lambda x: x[:, 0, 0] * np.nan, "not finite"),
        ],
    )
    def test_scores_that_cannot_be_used(self, scores, message):
        with pytest.raises(SampleError, match=message):
            Evaluator(self.menu(1.0), scorers={"net": scores})(random_events(30))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(menus(), st.integers(0, 1000))
def test_the_highest_scale_is_where_a_line_stops_firing(menu, seed):
    events = random_events(20, seed=seed, scale=8.0, mean=FEW)
    scaled = {name: range(len(line.hlt.legs)) for name, line in menu.lines.items()}
    scale = Evaluator(menu, scaled=scaled).highest_scale(events, "hlt", low=0.5, high=4.0)
    assert ((scale >= 1) == Evaluator(menu)(events).hlt).all()
    for factor in (0.7, 1.9):
        content = menu.model_dump(exclude_defaults=True)
        for line in content["lines"].values():
            line["hlt"]["legs"] = [leg | {"pt": leg["pt"] * factor} for leg in line["hlt"]["legs"]]
        fired = Evaluator(parse_menu(content))(events).hlt
        near = np.abs(scale / factor - 1) < 1e-6
        assert ((scale >= factor) == fired)[~near].all()
