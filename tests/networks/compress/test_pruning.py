"""Pruning reaches its sparsity and keeps it, in our training, in Keras' own and with quantisers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from nanosieve.errors import SettingsError, UnknownNameError
from nanosieve.networks.compress import (
    PruningSchedule,
    Widths,
    fit,
    keep_pruned,
    plain,
    prune,
    quantised,
    scores_of,
    sparsity,
)
from nanosieve.networks.settings import TrainingSettings


def test_the_schedule_is_the_published_polynomial() -> None:
    schedule = PruningSchedule(0.5, initial=0.4, begin=0.1, end=0.8, every=100)
    parts = [float(schedule.at(step, 10_000)) for step in (0, 999, 1000, 4550, 8000, 9999)]
    middle = 0.5 - 0.1 * (1 - 3500 / 7000) ** 3  # of step 4500, the last that is a multiple of a hundred
    assert parts == pytest.approx([0, 0, 0.4, middle, 0.5, 0.5])


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"final": 1.0}, r"0 <= initial <= final < 1"),
        ({"final": 0.5, "initial": 0.6}, r"initial=0.6"),
        ({"begin": 0.7, "end": 0.6}, r"begin=0.7 to end=0.6"),
        ({"every": 0}, r"every 0 steps"),
    ],
)
def test_schedules_out_of_their_domain_are_refused(wrong: dict[str, Any], match: str) -> None:
    with pytest.raises(SettingsError, match=match):
        PruningSchedule(**wrong)


def test_pruning_reaches_and_keeps_its_sparsity(tagger: Any, sample: Any, tmp_path: Path) -> None:
    settings = TrainingSettings(epochs=4, batch=200, learning_rate=5e-3)
    schedule = PruningSchedule(0.5, end=0.5, every=2, spare=("score",))
    model = scores_of(tagger, name="pruned")
    assert max(sparsity(model).values()) == 0
    trained = fit(model, *sample, tmp_path, settings=settings, pruning=schedule)
    found = sparsity(trained.model)
    assert found["dense_1"] == found["dense_2"] == 0.5
    assert found["score"] == 0
    assert trained.best_epoch >= 2, "no epoch before the end of the schedule is chosen"

    zeros = trained.model.get_layer("dense_2").kernel.numpy() == 0
    narrow = quantised(trained.model, sample[0], Widths(6), name="narrow")
    keep_pruned(narrow)
    further = fit(narrow, *sample, tmp_path, settings=settings).model
    assert (np.asarray(further.get_layer("dense_2")._kernel)[zeros] == 0).all()
    assert sparsity(plain(trained.model))["dense_1"] == 0.5


def test_it_holds_in_the_training_of_keras_too(tagger: Any, sample: Any) -> None:
    model = keras.models.clone_model(tagger)
    model.set_weights(tagger.get_weights())
    model.compile(optimizer="adam", loss="binary_crossentropy")
    prune(model, PruningSchedule(0.75, end=0.5, every=1), model.optimizer, steps=30)
    model.fit(*sample, epochs=1, batch_size=100, verbose=0)
    assert sparsity(model)["dense_1"] == 0.75


def test_a_layer_to_be_spared_must_exist(tagger: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"'dens_1'; nearest: dense_1"):
        prune(tagger, PruningSchedule(spare=("dens_1",)), keras.optimizers.Adam(), 10)
