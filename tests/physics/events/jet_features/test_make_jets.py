"""Jets from Pythia: what they are, that the seed decides, and that an interruption loses nothing."""

import numpy as np
import pytest

from nanosieve.errors import InputFileError, SampleError, SettingsError
from nanosieve.physics.events.jet_features import CLASSES, FEATURES, LabelledJets, make, make_jets, read_jets

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("jets") / "jets.npz"
    jets, reused = make_jets(25, path, constituents=16, seed=5, workers=1)
    assert not reused
    return path, jets


def median(jets, name, label):
    return np.median(jets.features[jets.labels == CLASSES.index(label), FEATURES.index(name)])


def test_the_jets_are_what_they_are_called(made):
    _, jets = made
    assert jets.counts().tolist() == [25] * 5
    assert 70 < median(jets, "mass_mmdt", "w") < 86 < median(jets, "mass_mmdt", "z") < 100
    assert 120 < median(jets, "mass_mmdt", "t") < 185
    assert median(jets, "multiplicity", "g") > 1.3 * median(jets, "multiplicity", "q")
    assert median(jets, "d2_b1_mmdt", "w") < median(jets, "d2_b1_mmdt", "q")


def test_constituents_fall_in_pt_and_lie_in_the_jet(made):
    _, jets = made
    pt, eta, phi = np.moveaxis(jets.constituents, -1, 0)
    assert (np.diff(pt) <= 0).all()
    assert (np.hypot(eta, phi) < 1.0).all()
    assert 300 < np.median(pt.sum(axis=1)) < 1100


def test_the_file_is_read_back_and_used_again(made):
    path, jets = made
    again, reused = make_jets(25, path, constituents=16, seed=5, workers=1)
    assert reused
    assert np.array_equal(again.features, jets.features)
    assert np.array_equal(read_jets(path).constituents, jets.constituents)
    assert not path.with_name("jets.npz.parts").exists()


def test_the_seed_decides(tmp_path):
    one, _ = make_jets(2, tmp_path / "a.npz", constituents=4, seed=1, workers=1)
    same, _ = make_jets(2, tmp_path / "b.npz", constituents=4, seed=1, workers=1)
    other, _ = make_jets(2, tmp_path / "a.npz", constituents=4, seed=2, workers=1)
    assert np.array_equal(one.features, same.features)
    assert not np.array_equal(one.features, other.features), "an older sample of another seed is replaced"


def test_what_is_finished_is_not_made_again(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    calls = []

    def interrupted(shard):
        calls.append(shard.label)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return make_shard(shard)

    make_shard = make._make_shard
    monkeypatch.setattr(make, "_make_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_jets(1, path, constituents=2, workers=1)
    assert not path.exists()
    make_jets(1, path, constituents=2, workers=1)
    assert calls == ["g", "q", "w", "w", "z", "t"]


def test_a_damaged_file_is_made_again_and_a_damaged_shard_is_named(tmp_path):
    path = tmp_path / "a.npz"
    first, _ = make_jets(1, path, constituents=2, workers=1)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputFileError, match=r"is no file of jets, or damaged"):
        read_jets(path)
    again, reused = make_jets(1, path, constituents=2, workers=1)
    assert not reused
    assert np.array_equal(first.features, again.features)
    path.unlink()
    parts = path.with_name("a.npz.parts")
    parts.mkdir()
    for shard in make.shards_of(1, 2, 1, parts):
        shard.path.write_bytes(b"PK")
    with pytest.raises(InputFileError, match=r"the shard .* is damaged; remove it"):
        make_jets(1, path, constituents=2, workers=1)


def test_wrong_requests(tmp_path):
    with pytest.raises(SettingsError, match=r"give 1 or more of each class"):
        make_jets(0, tmp_path / "a.npz")


def test_jets_that_do_not_fit_together():
    features, inside = np.zeros((5, 16), np.float32), np.zeros((5, 2, 3), np.float32)
    labels = np.arange(5)
    with pytest.raises(SampleError, match=r"have the shape \(5, 16\), not \(5, 3\)"):
        LabelledJets(features[:, :3], inside, labels, "test")
    with pytest.raises(SampleError, match=r"jet 1 has the label 7; accepted: 0 to 4"):
        LabelledJets(features, inside, np.array([0, 7, 2, 3, 4]), "test")
    with pytest.raises(SampleError, match=r"no jet of class t"):
        LabelledJets(features, inside, np.array([0, 1, 2, 3, 3]), "test")
    with pytest.raises(SampleError, match=r"shape \(5, any, 3\), not \(5, 6\)"):
        LabelledJets(features, inside.reshape(5, 6), labels, "test")
