"""Samples of images: labels, seeds, interruptions, files, rates."""

import numpy as np
import pytest

from nanosieve.errors import InputFileError, SampleError, SettingsError, UnknownNameError
from nanosieve.physics.events.muon_chambers import (
    COLUMNS,
    DriftTubes,
    MuonImages,
    decay_background_rates,
    make,
    make_decay_images,
    make_strip_images,
    read_muon_images,
    strip_background_rates,
)

NUMBERS = {"llp": 90, "muon": 20, "punch-through": 20, "noise": 20}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "decays.parquet"
    return path, make_decay_images(NUMBERS, path, seed=3, workers=1)[0]


def test_what_is_true_of_each_class(made):
    _, sample = made
    assert sample.images.shape == (150, 20, 333)
    assert sample.counts().tolist() == list(NUMBERS.values())
    decays = sample.of_class("llp")
    assert set(sample.truth) == set(COLUMNS["decays"])
    assert ((decays.truth["decay_radius"] >= 4.25) & (decays.truth["decay_radius"] <= 9.5)).all()
    assert np.bincount(decays.truth["tracks"].astype(int))[2:].tolist() == [10] * 9
    for name in ("muon", "punch-through", "noise"):
        assert not sample.of_class(name).truth["decay_radius"].any(), "the label of what does not decay is 0"
    assert not sample.of_class("noise").truth["signal_hits"].any()
    assert np.median(sample.of_class("muon").truth["signal_hits"]) == pytest.approx(20, abs=3)


def test_the_file_is_compact_and_read_back(made):
    path, sample = made
    again = read_muon_images(path)
    assert np.array_equal(again.images, sample.images)
    assert again.settings["seed"] == 3
    assert again.settings["detector"]["pileup"] == 60
    assert again.key == sample.key
    assert again.packed.shape == (150, 833)
    assert make_decay_images(NUMBERS, path, seed=3, workers=1)[1], "used again"


def test_the_content_does_not_depend_on_workers_or_interruptions(tmp_path, monkeypatch, made):
    monkeypatch.setattr(make, "PER_SHARD", 40)
    path, calls, real = tmp_path / "a.parquet", [], make._make_shard
    numbers = {"llp": 100, "noise": 10}

    def interrupted(shard):
        calls.append(shard.index)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(shard)

    monkeypatch.setattr(make, "_make_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_decay_images(numbers, path, seed=5, workers=1)
    assert not path.exists()
    one, _ = make_decay_images(numbers, path, seed=5, workers=1)
    assert calls == [0, 1, 2, 2, 0]
    monkeypatch.setattr(make, "_make_shard", real)
    whole, _ = make_decay_images(numbers, tmp_path / "b.parquet", seed=5, workers=1)
    other, _ = make_decay_images(numbers, tmp_path / "c.parquet", seed=6, workers=1)
    assert np.array_equal(one.packed, whole.packed)
    assert not np.array_equal(one.packed, other.packed)


@pytest.mark.slow
def test_two_workers_make_the_same_images(tmp_path):
    samples = [
        make_strip_images(30, tmp_path / f"{n}.parquet", pts=(5.0, 10.0), seed=4, workers=n)[0]
        for n in (1, 2)
    ]
    assert np.array_equal(samples[0].packed, samples[1].packed)


def test_strips_have_a_momentum_and_noise_has_none(tmp_path):
    sample, _ = make_strip_images(20, tmp_path / "a.parquet", noise=30, seed=2, workers=1)
    assert sample.counts().tolist() == [14 * 20, 30]
    assert np.unique(sample.truth["pt"]).tolist() == [0, *range(2, 11), 12, 14, 16, 18, 20]
    noise = sample.of_class("noise")
    assert not np.stack(list(noise.truth.values())).any()
    hits = [part.images.sum(axis=(1, 2)).mean() for part in (sample.of_class("muon"), noise)]
    assert 8 < hits[0] - hits[1] < 14


@pytest.mark.slow
def test_decays_of_pythia(tmp_path):
    sample, _ = make_decay_images({"llp": 40}, tmp_path / "a.parquet", recipe="llp_h_ss", seed=1, workers=1)
    assert sample.truth["mass"] == pytest.approx(30.0, abs=0.01)
    assert 4 < np.median(sample.truth["tracks"]) < 16
    assert (sample.truth["signal_hits"] > 5).mean() > 0.8
    assert sample.settings["recipe"][0] == "llp_h_ss"


def test_wrong_requests(tmp_path):
    with pytest.raises(UnknownNameError, match=r"unknown class of images 'muons'; nearest: muon"):
        make_decay_images({"muons": 3}, tmp_path / "a.parquet")
    with pytest.raises(SettingsError, match=r"give 0 or more, 1 in all"):
        make_decay_images({"llp": -3}, tmp_path / "a.parquet")
    with pytest.raises(SettingsError, match=r"ends in .parquet"):
        make_strip_images(3, tmp_path / "a.npz")
    with pytest.raises(SettingsError, match=r"give each once, above 0 GeV"):
        make_strip_images(3, tmp_path / "a.parquet", pts=(5.0, -1.0))


def test_damaged_files_and_images_that_do_not_fit(tmp_path, made):
    path, sample = made
    broken = tmp_path / "broken.parquet"
    for content in (path.read_bytes()[:500], b"PAR1" * 40, b""):
        broken.write_bytes(content)
        with pytest.raises(InputFileError, match=r"is no file of muon images, or damaged") as caught:
            read_muon_images(broken)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputFileError, match=r"does not exist"):
        read_muon_images(tmp_path / "none.parquet")
    with pytest.raises(SampleError, match=r"packed in \(150, 833\) bytes, not \(150, 9\)"):
        MuonImages("decays", (20, 333), sample.packed[:, :9], sample.labels, {}, sample.classes, "test")
    with pytest.raises(SampleError, match=r"image 0 has the label 9; accepted: 0 to 3"):
        MuonImages("decays", (20, 333), sample.packed, sample.labels * 0 + 9, {}, sample.classes, "test")
    bad = {"pt": np.full(150, np.nan, np.float32)}
    with pytest.raises(SampleError, match=r"image 0 has 'pt' = nan; remove or mend it"):
        MuonImages("decays", (20, 333), sample.packed, sample.labels, bad, sample.classes, "test")
    with pytest.raises(SampleError, match=r"no image of class 'tau'"):
        sample.of_class("tau")


def test_rates_follow_the_pile_up_and_add_up_to_the_crossings():
    once, twice = (decay_background_rates(DriftTubes(pileup=p)) for p in (60.0, 120.0))
    assert twice["muon"].value == pytest.approx(2 * once["muon"].value)
    assert sum(rate.value for rate in once.values()) == pytest.approx(32 * 2544 * 11.2455, rel=1e-3)
    assert {rate.unit for rate in once.values()} == {"kHz"}
    strips = strip_background_rates((5.0, 10.0, 20.0))
    assert strips[5.0].value > strips[10.0].value > strips[20.0].value > 0
    with pytest.raises(SettingsError, match=r"muons above 1.0 GeV: accepted are 2 to 30 GeV"):
        strip_background_rates((1.0, 5.0))
    with pytest.raises(SettingsError, match=r"give some, rising"):
        strip_background_rates((5.0, 4.0))
