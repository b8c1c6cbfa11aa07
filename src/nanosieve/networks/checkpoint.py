"""The state of a training and its file."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import atomic_path

__all__ = ["HISTORY", "Checkpoint", "TrainingState", "fingerprint"]

HISTORY = ("loss", "validation_loss", "ebops", "objective")
_ARRAYS = ("trainable", "non_trainable", "optimizer", "best_trainable", "best_non_trainable")


@dataclass(frozen=True)
class TrainingState:
    """Everything that the next epoch depends on.

    Attributes:
        trainable, non_trainable, optimizer: the variables, in Keras' order.
        best_trainable, best_non_trainable: those of the best epoch so far.
        best_epoch, best_objective: which epoch that was (from 1), and its objective.
        history: one list per name of `HISTORY`, one entry per epoch.
        resumed_from: epochs that an earlier call did.
    """

    trainable: list[Any]
    non_trainable: list[Any]
    optimizer: list[Any]
    best_trainable: list[Any]
    best_non_trainable: list[Any]
    best_epoch: int = 0
    best_objective: float = float("inf")
    history: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in HISTORY})
    resumed_from: int = 0

    @property
    def epochs(self) -> int:
        """Epochs done."""
        return len(self.history["loss"])


def fingerprint(model: Any, x: NDArray[Any], weights: NDArray[Any], settings: dict[str, Any]) -> str:
    """SHA-256 of the network with its starting weights, the events and the settings.

    States of random generators do not count: a training starts them from its settings.
    """
    digest = hashlib.sha256()
    for variable in model.weights:
        digest.update(f"{variable.path.split('/')[-1]} {tuple(variable.shape)}".encode())
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    digest.update(json.dumps([x.shape, settings], sort_keys=True).encode())
    digest.update(np.ascontiguousarray(x).tobytes())
    digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()


class Checkpoint:
    """The file of a `TrainingState`, valid for one fingerprint.

    Args:
        path: of the file (``.npz``).
        key: the fingerprint; a file of another one is ignored.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key

    def save(self, state: TrainingState) -> None:
        """Write the state atomically.

        Raises:
            OutputError: the folder cannot be written to.
        """
        arrays = {
            f"{name}_{index:04d}": np.asarray(value)
            for name in _ARRAYS
            for index, value in enumerate(getattr(state, name))
        }
        facts = {
            "fingerprint": self._key,
            "best_epoch": state.best_epoch,
            "best_objective": state.best_objective,
            "history": state.history,
        }
        with atomic_path(self._path) as temporary, temporary.open("wb") as file:
            np.savez(file, facts=np.array(json.dumps(facts)), **arrays)  # type: ignore[arg-type]

    def load(self) -> TrainingState | None:
        """The state, or None where there is none of this fingerprint."""
        if not self._path.is_file():
            return None
        try:
            with self._path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                facts = json.loads(str(file["facts"]))
                lists: dict[str, Any] = {
                    name: [file[key] for key in sorted(file.files) if key.rsplit("_", 1)[0] == name]
                    for name in _ARRAYS
                }
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        if facts.pop("fingerprint") != self._key:
            return None
        state = TrainingState(**lists, **facts)
        return replace(state, resumed_from=state.epochs)

    def remove(self) -> None:
        """Delete the file, if there is one."""
        self._path.unlink(missing_ok=True)
