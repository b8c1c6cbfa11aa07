import awkward as ak
import numpy as np
import pytest

from nanosieve.errors import SampleError, SettingsError
from nanosieve.physics.events import ProcessSummary, Sample, objects, training_set


def events(process, weights, jets=3):
    number = len(weights)
    columns = {
        "run": np.ones(number, np.int32),
        "event": np.arange(number),
        "process": np.full(number, process),
        "genWeight": np.array(weights, float),
        "MET_pt": np.full(number, 30.0),
        "MET_phi": np.full(number, -1.0),
    }
    for name, pts in (("Electron", [25.0]), ("Muon", []), ("Jet", [20.0 + n for n in range(jets)])):
        for quantity in ("pt", "eta", "phi", "charge", "mass"):
            values = pts if quantity == "pt" else [0.1 * n + 0.1 for n in range(len(pts))]
            columns[f"{name}_{quantity}"] = ak.Array([values] * number)
    return ak.zip(columns, depth_limit=1)


def sample(process, weights):
    total = float(np.sum(weights))
    summary = ProcessSummary(process, "", len(weights), 1.0, total, 0, 1.0, 0, 1.0, total)
    return Sample(events(process, weights), {process: summary}, 13e3, 1, {process: len(weights)}, {})


def test_the_published_format():
    array = objects(events("w_lnu", [1.0], jets=12))
    assert array.shape == (1, 19, 3)
    assert array.dtype == np.float32
    assert array[0, 0].tolist() == [30, 0, -1]
    assert array[0, 1].tolist() == pytest.approx([25, 0.1, 0.1])
    assert (array[0, 2:9] == 0).all()
    assert array[0, 9:19, 0].tolist() == [31, 30, 29, 28, 27, 26, 25, 24, 23, 22]
    assert array[0, 9, 1] == pytest.approx(1.2), "angles follow their pT"


def test_weights_follow_the_cross_sections():
    array, weights, labels = training_set([sample("w_lnu", [1, 3]), sample("qcd", [2.0] * 6)])
    assert array.shape == (8, 19, 3)
    assert weights.mean() == pytest.approx(1)
    assert weights[labels == "w_lnu"].sum() / weights.sum() == pytest.approx(4 / 16)
    assert weights[1] == pytest.approx(3 * weights[0])


def test_weights_follow_the_published_mixture():
    _, weights, labels = training_set(
        [sample("w_lnu", [1, 3]), sample("qcd", [2.0] * 6)], mixture="published"
    )
    assert weights[labels == "qcd"].sum() / weights.sum() == pytest.approx(0.338 / (0.338 + 0.592))


def test_a_process_in_two_samples_counts_once():
    parts = [sample("w_lnu", [4.0]), sample("w_lnu", [2.0, 2.0]), sample("qcd", [4.0])]
    _, weights, labels = training_set(parts)
    assert weights[labels == "w_lnu"].sum() == pytest.approx(weights[labels == "qcd"].sum())


def test_wrong_requests_are_refused():
    with pytest.raises(SettingsError, match=r"^no sample given"):
        training_set([])
    with pytest.raises(SampleError, match=r"^process 'h0' is not part of the published cocktail"):
        training_set([sample("h0", [1.0])], mixture="published")
