"""The recurrent networks: published sizes, and a training that learns, stops and goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nanosieve.errors import SampleError, UnknownNameError
from nanosieve.networks.loop import TrainingLoop
from nanosieve.networks.recurrent import (
    CELLS,
    RECURRENT,
    RecurrentNetwork,
    build_recurrent,
    train_classifier,
)
from nanosieve.networks.settings import TrainingSettings
from nanosieve.report import published

SMALL = RecurrentNetwork(5, 2, 4, (6,), 3, dropout=(0.1, 0.0))
SETTINGS = TrainingSettings(epochs=6, batch=32, learning_rate=0.02, price_ramp=0.0, checkpoint_every=1)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("benchmark", RECURRENT)
def test_parameters_are_the_published_ones(benchmark: str, cell: str) -> None:
    """Table 1 of arXiv:2207.00559."""
    model = build_recurrent(benchmark, cell)
    rows = {row.model: row.figures for row in published("2207.00559", "rnn-networks")}
    recurrent = model.get_layer("rnn").count_params()
    assert recurrent == rows[benchmark][f"{cell} parameters"].value
    assert model.count_params() - recurrent == rows[benchmark]["other parameters"].value
    assert model.inputs[0].shape[1:] == (rows[benchmark]["steps"].value, rows[benchmark]["features"].value)


def test_totals() -> None:
    totals = {n: [build_recurrent(n, cell).count_params() for cell in CELLS] for n in RECURRENT}
    assert totals == {"top": [3569, 3089], "flavour": [67553, 52673], "quickdraw": [134149, 117637]}


def test_unknown_names() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown benchmark 'tops'; nearest: top"):
        build_recurrent("tops", "GRU")
    with pytest.raises(UnknownNameError, match=r"unknown cell 'gru'; nearest: GRU"):
        build_recurrent("top", "gru")


def events(number: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Classes by the sign and size of the mean."""
    draw = np.random.default_rng(3)
    labels = draw.integers(0, 3, number)
    x = draw.normal(size=(number, 5, 2)) + 1.5 * (labels[:, None, None] - 1)
    return x.astype(np.float32), labels


def test_it_learns_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, labels = events()
    model = build_recurrent("flavour", "GRU", network=SMALL)
    whole = train_classifier(model, x, labels, tmp_path / "whole", settings=SETTINGS)
    assert whole.history["validation_loss"][-1] < 0.8 * whole.history["validation_loss"][0]
    assert (np.argmax(model.predict(x, verbose=0), axis=1) == labels).mean() > 0.7

    epoch = TrainingLoop.epoch

    def stopping(self: TrainingLoop, state: object) -> object:
        if state.epochs == 3:  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return epoch(self, state)  # type: ignore[arg-type]

    monkeypatch.setattr(TrainingLoop, "epoch", stopping)
    part = build_recurrent("flavour", "GRU", network=SMALL)
    with pytest.raises(KeyboardInterrupt):
        train_classifier(part, x, labels, tmp_path / "part", settings=SETTINGS)
    monkeypatch.setattr(TrainingLoop, "epoch", epoch)
    part = build_recurrent("flavour", "GRU", network=SMALL)
    again = train_classifier(part, x, labels, tmp_path / "part", settings=SETTINGS)
    assert again.history == whole.history
    for one, two in zip(model.get_weights(), part.get_weights(), strict=True):
        assert np.array_equal(one, two)

    found = build_recurrent("flavour", "GRU", network=SMALL)
    train_classifier(found, x, labels, tmp_path / "part", settings=SETTINGS)
    assert np.array_equal(found.get_weights()[0], part.get_weights()[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[:, :4], y), r"accepted: \(events, 5, 2\) and \(events,\)"),
        (lambda x, y: (np.where(x > 2, np.nan, x), y), r"event \d+ holds values that are not finite"),
        (lambda x, y: (x, y + 1), r"labels from 1 to 3; accepted: whole numbers 0 to 2"),
    ],
)
def test_bad_events(tmp_path: Path, change: object, message: str) -> None:
    model = build_recurrent("flavour", "LSTM", network=SMALL)
    with pytest.raises(SampleError, match=message):
        train_classifier(model, *change(*events()), tmp_path, settings=SETTINGS)  # type: ignore[operator]
