"""Reading and writing network files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nanosieve._files import atomic_path
from nanosieve.compiler.frontends.keras_model import load_keras_model

__all__ = ["load_model", "save_model"]


def load_model(path: str | Path) -> Any:
    """The Keras model in `path`, loaded in safe mode: no code of the file is executed.

    Raises:
        InputFileError, UnsupportedLayerError: as `load_keras_model`.
    """
    return load_keras_model(path, modules=("nanosieve.networks.layers",))


def save_model(model: Any, path: str | Path) -> Path:
    """Write `model` to `path` (``.keras``) atomically and return the path.

    Raises:
        OutputError: the folder cannot be written to.
    """
    path = Path(path)
    with atomic_path(path) as temporary:
        whole = temporary.with_suffix(".keras")  # Keras insists on its suffix
        try:
            model.save(whole)
            whole.replace(temporary)
        finally:
            whole.unlink(missing_ok=True)
    return path
