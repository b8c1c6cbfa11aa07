"""An ONNX file in ONNX Runtime: on one thread of this CPU, and on a GPU where one is present."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._machine import machine
from nanosieve._require import require
from nanosieve.compiler.frontends.onnx.file import read
from nanosieve.errors import InputFileError, NanosieveError, SettingsError
from nanosieve.farm.engine.checks import whole
from nanosieve.farm.measurement.timing import Measured, timed

__all__ = ["times_of_onnx"]

PROVIDERS = {"cpu": "CPUExecutionProvider", "gpu": "CUDAExecutionProvider"}
"""Device → what ONNX Runtime calls it."""
_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(bool)": np.bool_,
}


def times_of_onnx(path: str | Path, *, batch: int = 1, repeats: int = 1000, seed: int = 1) -> list[Measured]:
    """The time of an event, for each device that is there.

    Inputs are standard normal numbers; the time of a network does not depend on them, but for zeros.

    Args:
        path: ``.onnx`` file.
        batch: events of a call.
        repeats: calls that count.
        seed: of the inputs.

    Raises:
        InputFileError: no such file, or ONNX Runtime cannot run it.
        UnsupportedLayerError: control flow or functions.
        SettingsError: a batch that the model cannot take.
        MissingDependencyError: ONNX Runtime is not installed.
    """
    path = Path(path)
    whole(batch, name="batch", least=1)
    model = read(path).proto.SerializeToString()  # what refers to other files is refused there
    runtime: Any = require("onnxruntime", extra="onnx", purpose="measuring an ONNX file")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    found = []
    for device, provider in PROVIDERS.items():
        if provider not in runtime.get_available_providers():
            continue
        try:
            session = runtime.InferenceSession(model, options, providers=[provider])
            feeds = _inputs(session, path, batch, np.random.default_rng(seed))
            session.run(None, feeds)
        except NanosieveError:
            raise
        except Exception as error:  # those of ONNX Runtime have no common base
            reason = " ".join(str(error).split())[:200]
            message = f"{path.name!r} cannot be run by ONNX Runtime ({reason}); export it again"
            raise InputFileError(message) from error
        source = f"{machine()}; one thread, ONNX Runtime {runtime.__version__} on {provider}"
        call = partial(session.run, None, feeds)
        found.append(timed(call, device=device, batch=batch, repeats=repeats, source=source))
    return found


def _inputs(session: Any, path: Path, batch: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for entry in session.get_inputs():
        shape = list(entry.shape)
        if shape and not isinstance(shape[0], int):
            shape[0] = batch
        if not shape or shape[0] != batch or not all(isinstance(n, int) for n in shape[1:]):
            message = (
                f"{path.name!r}: input {entry.name!r} has the shape {entry.shape}, which does not take "
                f"{batch} events; give a batch that it takes, or export it with fixed lengths behind it"
            )
            raise SettingsError(message)
        if entry.type not in _TYPES:
            message = f"{path.name!r}: input {entry.name!r} is a {entry.type}; numbers are accepted"
            raise InputFileError(message)
        found[entry.name] = rng.standard_normal(shape).astype(_TYPES[entry.type])
    return found
