"""Training: it learns, it pays for bits, and a killed training ends as an unbroken one."""

import json
from dataclasses import replace

import numpy as np
import pytest

from nanosieve.errors import OutputError, SampleError, SettingsError
from nanosieve.networks.autoencoder import NetworkSettings, build_autoencoder, build_variational_autoencoder
from nanosieve.networks.settings import TrainingSettings
from nanosieve.networks.training import ebops, train

NETWORK = NetworkSettings(hidden=(4,), latent=2)
SHORT = TrainingSettings(
    epochs=6, batch=128, learning_rate=0.02, checkpoint_every=2, bits_price=3e-4, patience=20
)


class Killed(BaseException):
    """Stands for a signal: no `except Exception` catches it."""


def kill_at(epoch):
    def progress(stage, done, total, note=""):
        if done == epoch:
            raise Killed

    return progress


def values_of(model):
    return [np.asarray(variable.value) for variable in model.variables]


@pytest.fixture(scope="module")
def events(toy):
    return toy(2000, seed=1)


@pytest.fixture(scope="module")
def unbroken(events, tmp_path_factory):
    notes = []
    folder = tmp_path_factory.mktemp("unbroken")
    result = train(
        build_autoencoder(NETWORK),
        events,
        folder,
        settings=SHORT,
        progress=lambda *report: notes.append(report),
    )
    return result, notes


def test_training_learns_and_pays_for_bits(unbroken):
    result, notes = unbroken
    history = result.history
    assert len(history["loss"]) == 6
    assert history["validation_loss"][-1] < 0.8 * history["validation_loss"][0]
    assert history["ebops"][-1] < 0.9 * history["ebops"][0]
    assert result.best_epoch == int(np.argmin(history["objective"][1:])) + 2  # the first epoch is on the ramp
    assert [done for _, done, _, _ in notes] == [1, 2, 3, 4, 5, 6]
    assert "EBOPs" in notes[-1][3]
    assert "s left" in notes[-1][3]


def test_widths_move_by_whole_bits_in_a_training_of_few_small_steps(events, tmp_path):
    few = replace(SHORT, learning_rate=1e-3, epochs=4)
    history = train(build_autoencoder(NETWORK), events, tmp_path, settings=few).history
    assert len(set(history["ebops"])) > 1


@pytest.mark.parametrize("build", [build_autoencoder, build_variational_autoencoder])
def test_a_dead_network_is_told(build, events, tmp_path):
    """Bits that cost more than all they could better: nothing is left, and a later call says it again."""
    deadly = replace(SHORT, bits_price=10.0, epochs=3, price_ramp=0.0)
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"says the same of every event.*\(now 0.02\)"):
            result = train(build(NETWORK), events, tmp_path, settings=deadly)
    assert ebops(result.model) < 100  # some bits may stay in front of what is constant


def test_files_beside_each_other(unbroken):
    result, _ = unbroken
    folder = result.path.parent
    assert sorted(path.name for path in folder.iterdir()) == ["autoencoder.history.json", "autoencoder.keras"]
    record = json.loads((folder / "autoencoder.history.json").read_text())
    assert record["loss"] == result.history["loss"]
    assert record["settings"]["bits_price"] == 3e-4


def test_a_finished_training_is_loaded(unbroken, events):
    result, _ = unbroken
    again = train(build_autoencoder(NETWORK), events, result.path.parent, settings=SHORT, progress=kill_at(1))
    assert again.history == result.history
    for mine, theirs in zip(values_of(again.model), values_of(result.model), strict=True):
        assert np.array_equal(mine, theirs)


def test_resume_after_a_kill_gives_the_same_network(unbroken, events, tmp_path):
    result, _ = unbroken
    with pytest.raises(Killed):
        train(build_autoencoder(NETWORK), events, tmp_path, settings=SHORT, progress=kill_at(5))
    assert [path.name for path in tmp_path.iterdir()] == ["autoencoder.checkpoint.npz"]
    done = []
    resumed = train(
        build_autoencoder(NETWORK),
        events,
        tmp_path,
        settings=SHORT,
        progress=lambda stage, epoch, total, note="": done.append(epoch),
    )
    assert done == [5, 6], "epochs 1 to 4 are in the checkpoint"
    assert resumed.history == result.history
    assert resumed.best_epoch == result.best_epoch
    for mine, theirs in zip(values_of(resumed.model), values_of(result.model), strict=True):
        assert np.array_equal(mine, theirs)


def test_variational_training_and_event_weights(toy, tmp_path):
    """Events of weight zero do not count, whatever they hold."""
    events = np.concatenate([toy(600, seed=1), toy(600, seed=2, hardness=50.0)])
    weights = np.r_[np.ones(600), np.zeros(600)]
    settings = TrainingSettings(epochs=5, batch=128, learning_rate=0.02, bits_price=1e-7)
    result = train(
        build_variational_autoencoder(NETWORK), events, tmp_path, weights=weights, settings=settings
    )
    assert result.history["validation_loss"][-1] < result.history["validation_loss"][0]
    assert result.history["validation_loss"][-1] < 5
    assert ebops(result.model) > 0


def test_bad_input_is_refused_before_training(events, tmp_path):
    model = build_autoencoder(NETWORK)
    bad = events.copy()
    bad[7, 0, 0] = np.nan
    with pytest.raises(SampleError, match=r"event 7, object 0, pt is nan"):
        train(model, bad, tmp_path)
    with pytest.raises(SampleError, match=r"event weights must be 2000 finite numbers, none negative"):
        train(model, events, tmp_path, weights=np.full(2000, -1.0))
    with pytest.raises(SampleError, match=r"5 training events; at least 20"):
        train(model, events[:5], tmp_path)
    with pytest.raises(SettingsError, match=r"epochs is 0; accepted: a positive number"):
        TrainingSettings(epochs=0)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write to folder"):
        train(model, events, tmp_path / "file")
