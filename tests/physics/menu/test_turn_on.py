from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.errors import SampleError, SettingsError, UnknownNameError
from nanosieve.physics.efficiency import clopper_pearson
from nanosieve.physics.menu import Evaluator, turn_on

EDGES = [0, 20, 40, 80, 300]


def test_efficiency_in_bins_of_the_leading_jet(atlas, blocks, sample):
    (curve,) = turn_on(atlas, ["4J15"], [sample], against="Jet_pt", edges=EDGES)
    assert curve.against == "Jet_pt[0]"
    column = list(atlas.l1).index("4J15")
    for b, (low, high) in enumerate(itertools.pairwise(EDGES)):
        w, passed = [], []
        for block in blocks:
            jets = block.collections["Jet"]
            fired = Evaluator(atlas)(block).l1[:, column]
            for n in range(len(block)):
                if jets.counts[n] and low <= jets.fields["pt"][jets.offsets[n]] < high:
                    w.append(block.weights[n])
                    passed.append(fired[n])
        weights = np.array(w)
        trials = weights.sum() ** 2 / (weights**2).sum()
        efficiency = weights[np.array(passed)].sum() / weights.sum()
        assert curve.efficiency[b] == pytest.approx(efficiency)
        assert (curve.low[b], curve.high[b]) == pytest.approx(clopper_pearson(efficiency * trials, trials))
        assert curve.figures()[b].value == pytest.approx(100 * efficiency)


def test_a_turn_on_rises(atlas, sample):
    """An item against its own cut is a step."""
    (curve,) = turn_on(atlas, ["XE50"], [sample], against="L1MET_pt", edges=[0, 25, 50, 100, 200])
    assert curve.efficiency.tolist() == [0, 0, 1, 1]
    assert curve.high[0] > 0  # no event of many passed: the interval says what is excluded
    assert curve.low[-1] < 1


def test_other_objects_and_processes(atlas, sample):
    fourth, leading = (
        turn_on(atlas, ["4J15"], [sample], against=f"Jet_pt[{n}]", edges=[0, 500], processes=["h0"])[0]
        for n in (3, 0)
    )
    assert fourth.effective_events[0] < leading.effective_events[0]
    (high,) = turn_on(atlas, ["jet_435"], [sample], against="Jet_pt", edges=[0, 1000, 2000])
    assert high.figures()[1] is None


def test_luminosity_is_of_no_matter(atlas, tmp_path):
    """A pile-up of 5 needs more bunches at the luminosity of the menu than there are."""
    quiet = synthetic_sample(tmp_path / "quiet.parquet", [random_events(100, pileup=5.0)], pileup=5.0)
    assert turn_on(atlas, ["J100"], [quiet], against="Jet_pt", edges=EDGES)[0].effective_events.any()


@pytest.mark.parametrize(
    ("names", "options", "kind", "message"),
    [
        (["J101"], {}, UnknownNameError, "unknown item or line 'J101'; nearest: J100"),
        (["J100"], {"against": "Jet_p"}, UnknownNameError, "unknown column 'Jet_p'; nearest: Jet_pt"),
        (["J100"], {"against": "process"}, UnknownNameError, "unknown column 'process'"),
        (["J100"], {"edges": [1, 1]}, SettingsError, "two or more rising numbers"),
        (["J100"], {"processes": ["zz"]}, UnknownNameError, "unknown process 'zz'"),
        (["J100"], {"edges": [5000, 6000]}, SampleError, "no event has Jet_pt between 5000 and 6000"),
    ],
)
def test_errors(atlas, sample, names, options, kind, message):
    with pytest.raises(kind, match=message):
        turn_on(atlas, names, [sample], **({"against": "Jet_pt", "edges": EDGES} | options))
