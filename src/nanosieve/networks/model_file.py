"""Reading and writing network files."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from nanosieve._files import atomic_path, existing_file
from nanosieve._require import require
from nanosieve.errors import InputFileError

__all__ = ["load_model", "save_model"]


def load_model(path: str | Path) -> Any:
    """The Keras model in `path`, loaded in safe mode: no code of the file is executed.

    Raises:
        InputFileError: no such file, no Keras file, or layers that are not known here.
    """
    path = existing_file(path, kind="network", suffixes=(".keras",))
    keras = require("keras", extra="train", purpose="reading a network file")
    require("nanosieve.networks.layers", extra="train", purpose="reading a network file")
    require("nanosieve.compiler.frontends.keras_layers", extra="train", purpose="reading a network file")
    try:
        return keras.saving.load_model(path, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        message = f"network {str(path)!r} cannot be read: {reason}; accepted: a .keras file of Keras 3"
        raise InputFileError(message) from error


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
