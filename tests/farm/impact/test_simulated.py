"""From the fates of a simulated farm to the losses that the physics asks for."""

from __future__ import annotations

import dataclasses

import pytest

from nanosieve.errors import UnknownNameError
from nanosieve.farm.engine import Constant, EventClass, Farm, Nodes, Poisson, Stage, TimeOut, simulate_farm
from nanosieve.farm.impact import CLASSES, losses_of
from nanosieve.figure import Figure, Provenance


def run_of(time_out=None, names=CLASSES):
    """A farm that is never full, where events of the first class take 10 s and all others 0.1 s."""
    times = {name: Constant("10 s" if name == names[0] else "0.1 s") for name in names}
    classes = tuple(EventClass(name, 1 / len(names), Constant(1e6)) for name in names)
    farm = Farm(classes, (Stage("all", times, 0.25),), Nodes(1, 2000), None, None, None, time_out)
    return simulate_farm(farm, Poisson(40.0), duration=100.0, seed=2)


def with_fates(run, **percent):
    names = {"accepted": "accepted", "rejected": "rejected", "forced": "force-accepted"}
    fates = {
        names.get(key, f"lost: {key.replace('_', '-')}"): Figure(value, "%", Provenance.SIMULATED, error=1.0)
        for key, value in percent.items()
    }
    return dataclasses.replace(run, classes=dict.fromkeys(CLASSES, fates))


@pytest.fixture(scope="module")
def idle():
    return run_of()


class TestSimulation:
    def test_a_farm_that_keeps_up_loses_nothing_though_it_rejects(self, idle):
        found = losses_of(idle)
        assert found.live.value == 100
        assert {name: figure.value for name, figure in found.kept.items()} == dict.fromkeys(
            CLASSES, pytest.approx(100)
        )
        assert idle.kept["soft"].value < 50

    def test_a_time_out_takes_the_slow_class(self):
        found = losses_of(run_of(TimeOut("1 s")))
        assert found.kept["boosted"].value == pytest.approx(0)
        assert found.kept["soft"].value == pytest.approx(100)
        assert found.forced["boosted"].value == 0

    def test_or_stores_it_without_a_decision(self):
        found = losses_of(run_of(TimeOut("1 s", "accepted")))
        assert found.kept["boosted"].value == pytest.approx(0)
        assert found.forced["boosted"].value == pytest.approx(100)
        assert found.forced["soft"].value == 0

    def test_classes_need_a_rule(self):
        with pytest.raises(UnknownNameError, match="unknown event class 'heavy'"):
            losses_of(run_of(names=("heavy", "soft")))


class TestArithmetic:
    def test_losses_of_the_output_are_of_what_is_to_be_stored(self, idle):
        # 80 decided in time, of them 20 to be stored, of which the output loses a quarter
        found = losses_of(with_fates(idle, accepted=15, rejected=60, output=5, time_out=20))
        assert found.kept["soft"].value == pytest.approx(80 * 0.75)
        assert found.kept["soft"].error == pytest.approx(((1 * 0.75) ** 2 + (80 * 0.75 / 20) ** 2) ** 0.5)

    def test_and_of_what_a_time_out_stores(self, idle):
        # 30 to be stored: 15 decided, 15 forced; a third of both is lost
        found = losses_of(with_fates(idle, accepted=10, forced=10, output=10, rejected=70))
        assert found.forced["soft"].value == 10
        assert found.kept["soft"].value == pytest.approx(85 * 2 / 3)

    def test_nothing_is_stored(self, idle):
        found = losses_of(with_fates(idle, accepted=0, rejected=90, output=10))
        assert (found.kept["soft"].value, found.kept["soft"].error) == (0, 1)
