from __future__ import annotations

import numpy as np
import pytest

from helpers.trigger_events import random_events
from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.farm.impact import CLASSES, event_classes, with_mixture
from nanosieve.farm.workload import load_workload, service_time
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.events import COLLECTIONS, Collection, TriggerEvents


def block(*crossings):
    """Crossings written as ``{collection: [{field: value}]}``; fields that are left out are 0."""
    collections = {}
    for name in ("FatJet", "Jet", "Electron", "Muon"):
        objects = [crossing.get(name, []) for crossing in crossings]
        offsets = np.concatenate([[0], np.cumsum([len(found) for found in objects])]).astype(np.int64)
        flat = [thing for found in objects for thing in found]
        fields = {
            field: np.array([thing.get(field, 0) for thing in flat], dtype=np.float32)
            for field in COLLECTIONS[name]
        }
        collections[name] = Collection(offsets, fields)
    return TriggerEvents({"genWeight": np.ones(len(crossings))}, collections)


def jets(number, pt=30.0, eta=0.0):
    return {"Jet": [{"pt": pt, "eta": eta}] * number}


def classes_of(*crossings):
    return [CLASSES[k] for k in event_classes(block(*crossings))]


class TestRules:
    def test_edges_of_each_class(self):
        electron = {"pt": 20, "iso": 0.05, "quality": 2}
        assert classes_of(
            {},
            {"FatJet": [{"pt": 250}]},
            {"FatJet": [{"pt": 249.9}]},
            jets(4),
            jets(3),
            jets(4, pt=29.9),
            jets(4, eta=2.5),
            jets(4, eta=-2.6),
            {"Electron": [electron]},
            {"Electron": [electron | {"quality": 1}]},
            {"Electron": [electron | {"iso": 0.1}]},
            {"Muon": [{"pt": 20, "iso": 0.09}]},
            {"Muon": [{"pt": 19.9, "iso": 0.0}]},
        ) == [
            "soft",
            "boosted",
            "soft",
            "multijet",
            "soft",
            "soft",
            "soft",
            "soft",
            "leptonic",
            "soft",
            "soft",
            "leptonic",
            "soft",
        ]

    def test_two_things_at_once_are_the_slower_one(self):
        muon = {"Muon": [{"pt": 50, "iso": 0.0}]}
        assert classes_of(muon | jets(5), muon | jets(5) | {"FatJet": [{"pt": 400}]}) == [
            "multijet",
            "boosted",
        ]
        run3 = load_workload("run-3")
        times = [service_time(run3, "remaining", "cpu", event_class=name).mean.middle for name in CLASSES]
        assert times == sorted(times, reverse=True)

    @pytest.mark.parametrize("name", ["run-3", "phase-2"])
    def test_they_are_those_of_the_workloads(self, name):
        assert set(load_workload(name).classes) == set(CLASSES)

    def test_every_crossing_has_one(self):
        found = event_classes(random_events(500, scale=40.0))
        assert found.shape == (500,)
        assert set(found.tolist()) == set(range(len(CLASSES)))


def shares(**percent):
    return {name: Figure(value, "%", Provenance.SIMULATED) for name, value in percent.items()}


class TestMixture:
    def test_a_workload_takes_the_shares_and_keeps_its_mean_time(self):
        run3 = load_workload("run-3")
        found = with_mixture(run3, shares(boosted=10, multijet=20, leptonic=30, soft=40))
        assert {name: entry.fraction for name, entry in found.classes.items()} == pytest.approx(
            {"soft": 0.4, "multijet": 0.2, "leptonic": 0.3, "boosted": 0.1}
        )
        mean = sum(
            entry.fraction * service_time(found, "remaining", "cpu", event_class=name).mean.middle
            for name, entry in found.classes.items()
        )
        assert mean == pytest.approx(service_time(run3, "remaining", "cpu").mean.middle)

    def test_no_class_is_empty(self):
        found = with_mixture(load_workload("run-3"), shares(boosted=0, multijet=0, leptonic=0, soft=100))
        assert 0 < found.classes["boosted"].fraction < 1e-5
        assert sum(entry.fraction for entry in found.classes.values()) == pytest.approx(1)

    @pytest.mark.parametrize(
        ("workload", "mixture", "kind", "message"),
        [
            ("forward-spectrometer", {"soft": 100}, UnknownNameError, "event class 'heavy-flavour'"),
            ("run-3", {"soft": 100}, SettingsError, "mixture: nothing is said of 'multijet'"),
            ("run-3", dict.fromkeys(CLASSES, 20), SettingsError, r"make 0\.8, not 1"),
        ],
    )
    def test_errors(self, workload, mixture, kind, message):
        with pytest.raises(kind, match=message):
            with_mixture(load_workload(workload), shares(**mixture))
