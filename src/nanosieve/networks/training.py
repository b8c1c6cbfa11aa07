"""Training: one compiled function per epoch, the sample on the device, a checkpoint that survives a kill.

The loss is the masked reconstruction error (variational: ``(1 - beta) reconstruction + beta KL``) plus the
price of the hardware, ``bits_price · EBOPs`` (variational: times 1 - beta). EBOPs (effective bit
operations, arXiv:2405.00645) count the bits multiplied with each other and estimate the LUTs of the unrolled
network. Event weights enter the loss, not the moments of the batch normalisation.

Random numbers depend on (seed, epoch) only, so that a resumed training ends in the same weights as an
unbroken one.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder, write_text
from nanosieve.errors import SampleError
from nanosieve.networks.checkpoint import HISTORY, Checkpoint, TrainingState, fingerprint
from nanosieve.networks.loop import TrainingLoop
from nanosieve.networks.model_file import load_model, save_model
from nanosieve.networks.objects import flatten_objects
from nanosieve.networks.pruning import PruningSchedule
from nanosieve.networks.settings import TrainingSettings
from nanosieve.progress import Progress, silent

__all__ = ["Trained", "TrainingSettings", "ebops", "run_loop", "train"]


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
        model: the Keras model with the weights of the best epoch.
        path: its file.
        history: per epoch ``loss``, ``validation_loss``, ``ebops`` and ``objective`` (validation loss plus
            the full price of the bits, by which the best epoch is chosen).
        best_epoch: counted from 1.
        seconds: wall time of this call; near zero where the file was already there.
    """

    model: Any
    path: Path
    history: dict[str, list[float]]
    best_epoch: int
    seconds: float


def ebops(model: Any) -> int:
    """Effective bit operations of all quantised layers, as counted in the last training step."""
    return int(
        sum(
            int(layer._ebops)
            for layer in model._flatten_layers()
            if getattr(layer, "_ebops", None) is not None
        )
    )


def train(
    model: Any,
    objects: NDArray[Any],
    folder: str | Path,
    *,
    weights: NDArray[Any] | None = None,
    settings: TrainingSettings | None = None,
    pruning: PruningSchedule | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train `model` (changed in place) and write ``NAME.keras`` and ``NAME.history.json`` into `folder`.

    If `folder` holds the result of the same network, settings and events, it is loaded instead; if it holds a
    checkpoint of them, training goes on from there. A network that says the same of every event when it is
    trained is told by a warning.

    Args:
        model: freshly built by `build_autoencoder` or `build_variational_autoencoder`.
        objects: (N, 19, 3) or (N, 57) training events in physical units.
        folder: made if missing.
        weights: (N,) event weights, not negative; only their ratios matter.
        settings: how to train.
        pruning: what part of the weights becomes zero; only epochs after its end can be the best.
        progress: told after every epoch.

    Raises:
        SampleError: NaN, infinite or negative values where there must be none, or fewer than 20 events.
        SettingsError: Keras does not run on JAX.
        OutputError: the folder cannot be written to.
    """
    settings = settings or TrainingSettings()
    x = flatten_objects(objects)
    w = _checked_weights(weights, len(x))
    return run_loop(TrainingLoop, model, x, w, folder, settings, pruning=pruning, progress=progress)


def run_loop(
    make_loop: Callable[..., TrainingLoop],
    model: Any,
    x: NDArray[Any],
    w: NDArray[Any],
    folder: str | Path,
    settings: TrainingSettings,
    *,
    pruning: PruningSchedule | None = None,
    more: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train to the end with checkpoints, or load what an earlier call with the same arguments has made.

    Args:
        make_loop: `TrainingLoop` or a class like it.
        model, x, w, settings: what it takes.
        folder: made if missing.
        pruning: what part of the weights becomes zero; only epochs after its end can be the best.
        more: what the result depends on beside them, to be told from other trainings.
        progress: told after every epoch.

    Raises:
        SettingsError: Keras does not run on JAX.
        OutputError: the folder cannot be written to.
    """
    started = time.perf_counter()
    folder = output_folder(folder)
    if pruning is not None:
        settings = replace(settings, price_ramp=max(settings.price_ramp, pruning.end))
        more = {**(more or {}), "pruning": {**asdict(pruning), "spare": sorted(pruning.spare)}}
    key = fingerprint(model, x, w, {**asdict(settings), **(more or {})})
    path, record_path = folder / f"{model.name}.keras", folder / f"{model.name}.history.json"
    finished = _finished(path, record_path, key, started, settings)
    if finished is not None:
        return finished
    loop = make_loop(model, x, w, settings, pruning)
    checkpoint = Checkpoint(folder / f"{model.name}.checkpoint.npz", key)
    state = checkpoint.load() or loop.initial_state()
    while not loop.done(state):
        state = loop.epoch(state)
        progress(f"train {model.name}", state.epochs, settings.epochs, _note(state, settings, started))
        if state.epochs % settings.checkpoint_every == 0:
            checkpoint.save(state)
    loop.restore_best(state)
    alive = loop.tells_events_apart(state)
    record = {"format": 1, "fingerprint": key, "best_epoch": state.best_epoch, **state.history}
    record |= {"tells events apart": alive}
    record_path.unlink(missing_ok=True)  # until both files are new, the folder holds no result
    save_model(model, path)
    write_text(record_path, json.dumps(record | {"settings": asdict(settings)}, indent=1) + "\n")
    checkpoint.remove()
    _warn(alive, model.name, settings)
    return Trained(model, path, state.history, state.best_epoch, time.perf_counter() - started)


def _checked_weights(weights: NDArray[Any] | None, events: int) -> NDArray[np.float32]:
    if events < 20:
        message = f"{events} training events; at least 20 are needed, some thousands are sensible"
        raise SampleError(message)
    w = np.ones(events) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != (events,) or not np.isfinite(w).all() or (w < 0).any() or w.sum() <= 0:
        message = f"event weights must be {events} finite numbers, none negative and not all zero"
        raise SampleError(message)
    return np.asarray(w / w.mean(), dtype=np.float32)


def _finished(
    path: Path, record_path: Path, key: str, started: float, settings: TrainingSettings
) -> Trained | None:
    """The earlier result with the same fingerprint, if there is one."""
    if not (path.is_file() and record_path.is_file()):
        return None
    record = json.loads(record_path.read_text(encoding="utf-8"))
    if record.get("fingerprint") != key:
        return None
    _warn(record.get("tells events apart", True), path.stem, settings)
    history = {name: record[name] for name in HISTORY}
    return Trained(load_model(path), path, history, record["best_epoch"], time.perf_counter() - started)


def _warn(alive: bool, name: str, settings: TrainingSettings) -> None:
    """Say that a network has died: no loss or number of bits does."""
    if not alive:
        message = (
            f"network {name!r} says the same of every event: it died in training; a smaller learning rate "
            f"(now {settings.learning_rate:g}) or cheaper bits (now {settings.bits_price:g}) would help"
        )
        warnings.warn(message, UserWarning, stacklevel=4)


def _note(state: TrainingState, settings: TrainingSettings, started: float) -> str:
    history = state.history
    pace = (time.perf_counter() - started) / (state.epochs - state.resumed_from)
    left = pace * (settings.epochs - state.epochs)
    return f"loss {history['validation_loss'][-1]:.4g}, {history['ebops'][-1]:,.0f} EBOPs, {left:.0f} s left"
