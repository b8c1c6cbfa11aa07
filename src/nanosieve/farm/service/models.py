"""What is served: a compiled design through its bit-exact emulator, an ONNX model through ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nanosieve._require import require
from nanosieve.compiler.emulate import Emulator
from nanosieve.compiler.frontends.onnx.file import read
from nanosieve.compiler.graph import TensorType, load_graph
from nanosieve.compiler.verification import read_design
from nanosieve.errors import InputFileError, SampleError, SettingsError
from nanosieve.farm.service.tensors import Arrays, Tensor

__all__ = ["DesignModel", "Model", "OnnxModel", "Versioned", "load_models"]

_ONNX_TYPES = {
    "tensor(float)": "FP32",
    "tensor(float16)": "FP16",
    "tensor(double)": "FP64",
    "tensor(int64)": "INT64",
    "tensor(int32)": "INT32",
    "tensor(uint8)": "UINT8",
    "tensor(int8)": "INT8",
    "tensor(bool)": "BOOL",
}


class Model(Protocol):
    """A model that can be served; a call may come from any thread, several at a time."""

    name: str
    platform: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    batch: int | None
    """events that every call must have; None for any number"""

    def __call__(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """Outputs of the events, by name.

        Raises:
            SampleError: NaN or infinity.
        """
        ...

    def parameters(self, events: int) -> Mapping[str, int | str]:
        """What the answer says beside its numbers."""
        ...


class DesignModel:
    """A compiled design: its emulator computes what its hardware would, bit for bit.

    Numbers travel as FP32 where the types of the design are exact in it, else as FP64.

    Args:
        folder: of ``nanosieve compile``.
        name: on the wire [default: that of the design].
        threads: of a call.

    Raises:
        InputFileError: no folder of a compiled design, or a damaged one.
    """

    platform = "nanosieve_emulator"
    batch: int | None = None

    def __init__(self, folder: str | Path, *, name: str = "", threads: int = 1) -> None:
        self.design = read_design(folder)
        graph = load_graph(self.design.path / "graph.json")
        self.name = name or self.design.name
        self.emulator = Emulator(graph, threads=threads)
        self.inputs = tuple(_tensor(port, type) for port, type in graph.inputs.items())
        self.outputs = tuple(_tensor(port, graph.types[node]) for port, node in graph.outputs.items())

    def __call__(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """See `Model`."""
        found = self.emulator(arrays)
        return {t.name: found[t.name].astype(t.dtype, copy=False) for t in self.outputs}

    def parameters(self, events: int) -> Mapping[str, int | str]:
        """Cycles and clock of the FPGA, and the time in which it would have done these events."""
        design = self.design
        cycles = design.latency_cycles + (events - 1) * design.interval_cycles
        return {
            "fpga_latency_cycles": design.latency_cycles,
            "fpga_interval_cycles": design.interval_cycles,
            "fpga_clock": f"{design.clock_mhz:g} MHz",
            "fpga_time_ns": round(cycles * 1e3 / design.clock_mhz),
        }


def _tensor(name: str, type: TensorType) -> Tensor:
    """FP32 has 24 bits of precision; a power of two as step changes nothing within its range."""
    largest = max(abs(int(type.low.min(initial=0))), abs(int(type.high.max(initial=0))))
    small = bool((np.abs(type.exponent) < 100).all())
    return Tensor(name, "FP32" if largest < 1 << 24 and small else "FP64", tuple(type.shape))


class OnnxModel:
    """An ONNX file in ONNX Runtime on the CPU.

    Args:
        path: ``.onnx`` file.
        name: on the wire [default: that of the file].
        threads: of a call.

    Raises:
        InputFileError: no such file, or ONNX Runtime cannot run it.
        SettingsError: lengths behind the first that are not fixed.
        MissingDependencyError: ONNX Runtime is not installed.
    """

    platform = "onnxruntime_onnx"

    def __init__(self, path: str | Path, *, name: str = "", threads: int = 1) -> None:
        path = Path(path)
        self.name = name or path.stem
        model = read(path).proto.SerializeToString()
        runtime: Any = require("onnxruntime", extra="serve", purpose="serving an ONNX file")
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 4
        try:
            self.session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # those of ONNX Runtime have no common base
            reason = " ".join(str(error).split())[:200]
            message = f"{path.name!r} cannot be run by ONNX Runtime ({reason}); export it again"
            raise InputFileError(message) from error
        self.inputs = tuple(_onnx_tensor(path, each) for each in self.session.get_inputs())
        self.outputs = tuple(_onnx_tensor(path, each) for each in self.session.get_outputs())
        lengths = {each.shape[0] for each in self.session.get_inputs()}
        fixed = [n for n in lengths if isinstance(n, int) and n > 0]
        self.batch = fixed[0] if fixed else None

    def __call__(self, arrays: Arrays) -> dict[str, NDArray[Any]]:
        """See `Model`."""
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                event = int(np.argwhere(~np.isfinite(array))[0][0])
                message = f"input {name!r} is not finite at event {event}; remove or mend such events"
                raise SampleError(message)
        found = self.session.run([tensor.name for tensor in self.outputs], dict(arrays))
        return {tensor.name: array for tensor, array in zip(self.outputs, found, strict=True)}

    def parameters(self, events: int) -> Mapping[str, int | str]:
        """Nothing to add."""
        return {}


def _onnx_tensor(path: Path, entry: Any) -> Tensor:
    shape = tuple(entry.shape)
    if not shape or not all(isinstance(n, int) for n in shape[1:]):
        message = (
            f"{path.name!r}: {entry.name!r} has the shape {list(shape)}; export it with the events first and "
            "fixed lengths behind"
        )
        raise SettingsError(message)
    if entry.type not in _ONNX_TYPES:
        message = f"{path.name!r}: {entry.name!r} is a {entry.type}; numbers are accepted"
        raise InputFileError(message)
    return Tensor(entry.name, _ONNX_TYPES[entry.type], shape[1:])


@dataclass(frozen=True)
class Versioned:
    """A model under the version by which clients may ask for it."""

    model: Model
    version: str


def load_models(given: Sequence[str], *, threads: int = 1) -> list[Versioned]:
    """The models of a command line.

    Args:
        given: each ``PATH`` or ``NAME=PATH`` or ``NAME:VERSION=PATH``; a path is a folder of ``nanosieve
            compile`` or an ``.onnx`` file. Versions of one name count from 1 unless they are given.
        threads: of a call of each.

    Raises:
        InputFileError: a path that is neither, or damaged.
        SettingsError: a version that is no whole number, or given twice.
    """
    found: list[Versioned] = []
    for text in given:
        label, _, path = text.rpartition("=")
        name, _, version = label.partition(":")
        model: Model
        if Path(path).suffix == ".onnx":
            model = OnnxModel(path, name=name, threads=threads)
        else:
            model = DesignModel(path, name=name, threads=threads)
        taken = {each.version for each in found if each.model.name == model.name}
        version = version or str(max(map(int, taken), default=0) + 1)
        if not version.isdecimal() or version in taken:
            message = (
                f"version {version!r} of model {model.name!r} is "
                f"{'given twice' if version in taken else 'no whole number'}; write NAME:2=PATH"
            )
            raise SettingsError(message)
        found.append(Versioned(model, version))
    return found
