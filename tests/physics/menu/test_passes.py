"""A pass over samples: parts by the samples alone, results in the order of the events."""

import numpy as np
import pytest

from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.menu import fit_menu, menu_rates, passes, threshold_for_rate, turn_on
from nanosieve.physics.menu.passes import pass_over, weighted_blocks


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Two samples of several row groups of different size."""
    folder = tmp_path_factory.mktemp("many")
    sizes = {"minbias": (300, 150, 400), "h0": (250, 120)}
    return [
        synthetic_sample(
            folder / f"{name}.parquet",
            [random_events(n, seed=n, scale=8.0, processes=(name,), weights=(1e6 / n,)) for n in numbers],
        )
        for name, numbers in sizes.items()
    ]


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(passes, "EVENTS_PER_PART", 400)


def everything(menu, samples, **scale_out):
    """All that passes over samples give, to be compared to the last bit."""
    rates = menu_rates(menu, samples, signals=["h0"], **scale_out)
    curves = turn_on(menu, ["mu", "MU"], samples, against="Muon_pt", edges=[0, 5, 10, 50], **scale_out)
    point = threshold_for_rate(menu, "MU", samples, "1 kHz", **scale_out)
    fitted = fit_menu(menu, samples, "1 kHz", **scale_out)
    efficiencies = rates.efficiencies["h0"]["hlt"]
    return (
        repr(rates.l1.to_dict()),
        repr(rates.hlt.to_dict()),
        {name: figure.to_dict() for name, figure in efficiencies.items()},
        [curve.efficiency.tobytes() for curve in curves],
        (point.threshold, point.rate),
        (fitted.factor, fitted.after),
    )


def number_and_sum(factor, events, weights):
    return len(events), factor * float(weights.sum())


def test_parts_are_runs_of_row_groups(many, small_parts):
    found = [(p.sample, p.first, p.last, p.event) for n, s in enumerate(many) for p in passes._parts(n, s)]
    assert found == [(0, 0, 2, 0), (0, 2, 3, 450), (1, 0, 2, 0)]


def test_results_come_in_the_order_of_the_events(many, small_parts):
    blocks = list(weighted_blocks(many, None, ["HT"]))
    seen = []
    results = list(pass_over(number_and_sum, 2.0, many, None, ["HT"], progress=lambda *a: seen.append(a[1:])))
    assert results == [(len(events), 2.0 * weights.sum()) for events, weights in blocks]
    assert sum(number for number, _ in results) == 1220
    assert seen == [(450, 1220), (850, 1220), (1220, 1220)]
    heights = np.concatenate([events.scalars["HT"] for events, _ in blocks])
    whole = np.concatenate([block.scalars["HT"] for sample in many for block in sample.blocks(["HT"])])
    assert (heights == whole).all()


def test_the_event_of_a_negative_weight_is_counted_in_its_sample(tmp_path, small_parts):
    blocks = [random_events(n, seed=n, scale=8.0, processes=("a",), weights=(1.0,)) for n in (410, 50)]
    blocks[1].scalars["genWeight"][7] = -1.0
    sample = synthetic_sample(tmp_path / "a.parquet", blocks)
    with pytest.raises(SampleError, match=r"^genWeight of .* is negative in event 417;"):
        list(weighted_blocks([sample], None, []))


def test_two_workers_give_the_rates_of_one(small, many, small_parts):
    assert everything(small, many, workers=2) == everything(small, many)


def test_a_scorer_that_cannot_be_sent_is_refused_with_several_workers(small, many, small_parts):
    content = small.model_dump(exclude_defaults=True)
    content["lines"]["mu"]["hlt"]["score"] = {"network": "x", "above": 0.5}
    menu = type(small).model_validate(content)
    scorers = {"x": lambda inputs: inputs[:, 0, 0]}
    assert menu_rates(menu, many, scorers=scorers).events == 1220
    with pytest.raises(SettingsError, match=r"^the work cannot be sent to other processes"):
        menu_rates(menu, many, scorers=scorers, workers=2)


@pytest.mark.slow
def test_three_workers_and_dask_give_the_rates_of_one(small, many, small_parts):
    distributed = pytest.importorskip("distributed")
    one = everything(small, many)
    assert everything(small, many, workers=3) == one
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        assert everything(small, many, scheduler=cluster.scheduler_address) == one
