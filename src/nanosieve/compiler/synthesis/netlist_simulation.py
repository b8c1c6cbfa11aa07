"""The netlist of synthesis as one more form of the hardware, which `simulate` and `verify` take."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from nanosieve.compiler.synthesis.synthesis import synthesised
from nanosieve.compiler.synthesis.yosys import yosys_version
from nanosieve.compiler.verification import Verification, verify
from nanosieve.compiler.verification.folder import DesignFolder, Module, read_design
from nanosieve.devices import find_device
from nanosieve.progress import Progress, silent

__all__ = ["netlist_design", "primitive_models", "verify_netlist"]


def primitive_models() -> tuple[Path, ...]:
    """Verilog of the device's primitives: that of Yosys, and ours of DSP48E2, RAMB18E2 and RAMB36E2.

    Raises:
        MissingDependencyError: pyosys is not installed.
    """
    yosys_version()
    cells = importlib.metadata.distribution("pyosys").locate_file("pyosys/share/xilinx/cells_sim.v")
    return Path(__file__).parent / "primitives.v", Path(str(cells))


def netlist_design(
    folder: str | Path,
    *,
    device: str | None = None,
    workers: int | None = None,
    time_limit: float = 3600,
    progress: Progress = silent,
) -> DesignFolder:
    """The netlist that Yosys makes of a design, with the models of its primitives.

    Every module is synthesised for itself, as `synthesize` does it, and kept in ``synth``; the netlists of
    the layers are put together again by that of the top module.

    Args:
        folder: a compiled design.
        device: name in the catalogue; default the device of the design.
        workers: Yosys processes at a time; default one per core.
        time_limit: seconds for one process.

    Returns:
        What `simulate`, `probe` and ``verify(…, also=[…])`` take.

    Raises:
        InputFileError: `folder` is not a design.
        UnknownNameError: no such device.
        ToolError: Yosys fails or takes too long.
        MissingDependencyError: pyosys is not installed.
        OutputError: the design folder cannot be written to.
        SettingsError: a time limit that is not positive.
    """
    design = read_design(folder)
    target = find_device(device or design.device)
    ((jobs, _),) = synthesised([design], [target], workers=workers, time_limit=time_limit, progress=progress)
    files = {job.module: str(job.netlist_path.relative_to(design.path)) for job in jobs}
    modules = {job.module: Module(file=files[job.module], children=tuple(job.stubs)) for job in jobs}
    layers = tuple(layer.model_copy(update={"file": files[layer.module]}) for layer in design.layers)
    changed = {"modules": modules, "layers": layers, "level": "netlist", "models": primitive_models()}
    return design.model_copy(update=changed)


def verify_netlist(
    folder: str | Path,
    inputs: Mapping[str, NDArray[Any]] | NDArray[Any] | None = None,
    *,
    device: str | None = None,
    workers: int | None = None,
    progress: Progress = silent,
    **settings: Any,
) -> Verification:
    """Compare the trained model, the graph, the RTL and the netlist of a design on every vector.

    Args:
        folder: a compiled design.
        inputs: events, as `verify` takes them.
        device: of the synthesis; default the device of the design.
        workers: Yosys processes at a time.
        settings: those of `nanosieve.compiler.verification.verify`.

    Raises:
        VerificationError: the first difference, by layer, element and event, with both values.
        ToolError: a tool fails, or the netlist holds a primitive in a mode that has no model.
    """
    netlist = netlist_design(folder, device=device, workers=workers, progress=progress)
    return verify(folder, inputs, also=(netlist,), progress=progress, **settings)
