import numpy as np
import pytest

from nanosieve.errors import OutputError
from nanosieve.networks.checkpoint import Checkpoint, TrainingState


def state(epochs=12):
    """A state with more than ten arrays, so that their order in the file matters."""
    arrays = [np.full(3, index, dtype=np.float32) for index in range(epochs)]
    history = {
        name: [float(i) / 3 for i in range(epochs)]
        for name in ("loss", "validation_loss", "ebops", "objective")
    }
    return TrainingState(arrays, arrays[:2], arrays[:1], arrays[::-1], [], 7, 0.1 + 0.2, history)


def test_round_trip(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c.npz", "key")
    assert checkpoint.load() is None
    checkpoint.save(state())
    loaded = checkpoint.load()
    assert loaded is not None
    assert np.array_equal(loaded.trainable, state().trainable)
    assert np.array_equal(loaded.best_trainable, state().best_trainable)
    assert loaded.best_non_trainable == []
    assert loaded.history == state().history
    assert (loaded.best_epoch, loaded.best_objective, loaded.epochs, loaded.resumed_from) == (
        7,
        0.1 + 0.2,
        12,
        12,
    )
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def test_other_fingerprints_and_damaged_files_are_ignored(tmp_path):
    path = tmp_path / "c.npz"
    Checkpoint(path, "key").save(state())
    assert Checkpoint(path, "other").load() is None
    whole = path.read_bytes()
    for damaged in (b"", b"PK", whole[: len(whole) // 2], b"text"):
        path.write_bytes(damaged)
        assert Checkpoint(path, "key").load() is None


def test_a_folder_that_is_gone_is_reported(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write '.*c\.npz'"):
        Checkpoint(tmp_path / "gone" / "c.npz", "key").save(state())
