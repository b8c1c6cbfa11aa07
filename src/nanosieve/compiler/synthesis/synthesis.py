"""`synthesize`: the resources of a design, module by module, from the netlists that Yosys makes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanosieve._files import output_folder, write_text
from nanosieve.compiler.synthesis.cells import carry_blocks, count_resources
from nanosieve.compiler.synthesis.yosys import FAMILIES, Job, Netlist, batches, run_batch, yosys_version
from nanosieve.compiler.verification.folder import DesignFolder, read_design
from nanosieve.devices import RESOURCES, UNITS, Device, find_device
from nanosieve.errors import SettingsError
from nanosieve.executor import default_workers, run_tasks
from nanosieve.figure import Figure, Provenance
from nanosieve.progress import Progress, silent

__all__ = ["ModuleResources", "Resources", "Synthesis", "synthesize", "synthesize_all"]


@dataclass(frozen=True)
class Resources:
    """Counts in a netlist.

    Attributes:
        lut: look-up tables, those used as shift register or memory among them.
        ff: flip-flops.
        dsp: DSP slices.
        bram36: 36 kb blocks; an 18 kb block is half of one.
        uram: 288 kb blocks.
        carry4: carry blocks of four bits, which sit beside the LUTs and cost nothing more.
    """

    lut: Figure
    ff: Figure
    dsp: Figure
    bram36: Figure
    uram: Figure
    carry4: Figure

    @classmethod
    def of(cls, counts: Mapping[str, float], carry4: int) -> Resources:
        """Figures `synthesised` by Yosys."""
        source = f"Yosys {yosys_version()}"
        figures = {
            name: Figure(counts[name], UNITS[name], Provenance.SYNTHESISED, source=source)
            for name in RESOURCES
        }
        return cls(**figures, carry4=Figure(carry4, "CARRY4", Provenance.SYNTHESISED, source=source))

    def count(self, resource: str) -> float:
        """The number of one of `nanosieve.devices.RESOURCES`."""
        figure: Figure = getattr(self, resource)
        return figure.value

    def to_dict(self) -> dict[str, Any]:
        """Resource → figure in its JSON form."""
        return {name: getattr(self, name).to_dict() for name in (*RESOURCES, "carry4")}


@dataclass(frozen=True)
class ModuleResources:
    """One module, its children left out.

    Attributes:
        name: the user's layer, or the design itself for the top module.
        module: the Verilog module.
        resources: its counts.
        logic_levels: LUTs and carry chains on the longest path inside the module.
    """

    name: str
    module: str
    resources: Resources
    logic_levels: Figure


@dataclass(frozen=True)
class Synthesis:
    """The resources of a design and the room they take on a device.

    Attributes:
        design: its name.
        device: the device of the comparison.
        share: part of the usable resources that the budget gives to the design.
        modules: layers in topological order, then the top module with the registers and wires between.
        resources: the sum.
    """

    design: str
    device: Device
    share: float
    modules: tuple[ModuleResources, ...]
    resources: Resources

    def percent_of_device(self, resource: str) -> Figure:
        """Percentage of what the device has."""
        return self._percent(resource, self.device.count(resource))

    def percent_of_usable(self, resource: str) -> Figure:
        """Percentage of what the budget gives: the usable part of the device times the share."""
        return self._percent(resource, self.device.usable_count(resource) * self.share)

    def _percent(self, resource: str, whole: float) -> Figure:
        used = self.resources.count(resource)
        percent = 100 * used / whole if whole else (0.0 if used == 0 else float("inf"))
        return Figure(percent, "%", Provenance.SYNTHESISED, source=f"of {self.device.name}")

    @property
    def fits(self) -> bool:
        """Whether every resource stays within the usable part times the share."""
        return all(self.percent_of_usable(resource).value <= 100 for resource in RESOURCES)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "design": self.design,
            "device": self.device.name,
            "share": self.share,
            "resources": self.resources.to_dict(),
            "percent_of_device": {name: self.percent_of_device(name).to_dict() for name in RESOURCES},
            "percent_of_usable": {name: self.percent_of_usable(name).to_dict() for name in RESOURCES},
            "fits": self.fits,
            "modules": [
                {
                    "name": module.name,
                    "module": module.module,
                    "resources": module.resources.to_dict(),
                    "logic_levels": module.logic_levels.to_dict(),
                }
                for module in self.modules
            ],
        }


def synthesize(
    folder: str | Path,
    *,
    device: str | None = None,
    workers: int | None = None,
    time_limit: float = 3600,
    progress: Progress = silent,
) -> Synthesis:
    """Synthesise every module of a design with Yosys and add up what the netlists hold.

    Each module is synthesised for itself, its children as black boxes. Results are kept in the folder
    ``synth`` of the design under the hash of the Verilog, the Yosys version and the options, so that a
    second run, or one after a kill, does only what is new.

    Args:
        folder: a compiled design.
        device: name in the catalogue; default the device of the design.
        workers: Yosys processes at a time; default one per core.
        time_limit: seconds for one process.

    Raises:
        InputFileError: `folder` is not a design.
        UnknownNameError: no such device.
        ToolError: Yosys fails or takes too long.
        MissingDependencyError: pyosys is not installed.
        OutputError: the design folder cannot be written to.
        SettingsError: a time limit that is not positive.
    """
    (result,) = synthesize_all(
        [folder], device=device, workers=workers, time_limit=time_limit, progress=progress
    )
    return result


def synthesize_all(
    folders: Sequence[str | Path],
    *,
    device: str | None = None,
    workers: int | None = None,
    time_limit: float = 3600,
    progress: Progress = silent,
) -> list[Synthesis]:
    """`synthesize` several designs; all their modules share the processes, so that no core waits.

    Args and errors are those of `synthesize`.
    """
    designs = [read_design(folder) for folder in folders]
    targets = [find_device(device or design.device) for design in designs]
    made = synthesised(designs, targets, workers=workers, time_limit=time_limit, progress=progress)
    return [
        _written(design, target, netlists)
        for design, target, (_, netlists) in zip(designs, targets, made, strict=True)
    ]


def _written(design: DesignFolder, target: Device, netlists: Mapping[str, Netlist]) -> Synthesis:
    names = _names(design)
    modules = tuple(_module(name, module, netlists[module]) for module, name in names.items())
    total = {resource: sum(m.resources.count(resource) for m in modules) for resource in RESOURCES}
    carry4 = sum(int(m.resources.carry4.value) for m in modules)
    share = float(design.budget.get("share", 1.0))
    result = Synthesis(design.name, target, share, modules, Resources.of(total, carry4))
    write_text(design.path / "synth" / "synthesis.json", json.dumps(result.to_dict(), indent=1))
    return result


def synthesised(
    designs: Sequence[DesignFolder],
    targets: Sequence[Device],
    *,
    workers: int | None,
    time_limit: float,
    progress: Progress,
) -> list[tuple[list[Job], dict[str, Netlist]]]:
    """For each design one job a module, kept in its folder ``synth``, and the netlists by module.

    Args:
        designs, targets: what is synthesised, and for what.
        workers, time_limit, progress: as for `synthesize`, with its errors.
    """
    if not time_limit > 0:
        message = f"time limit: {time_limit!r} seconds is not positive"
        raise SettingsError(message)
    yosys_version()
    jobs = [
        [
            Job.make(design, module, FAMILIES[target.architecture], output_folder(design.path / "synth"))
            for module in _names(design)
        ]
        for design, target in zip(designs, targets, strict=True)
    ]
    found = _netlists(
        [job for own in jobs for job in own], workers or default_workers(), time_limit, progress
    )
    return [(own, {job.module: found[job.result_path] for job in own}) for own in jobs]


def _names(design: DesignFolder) -> dict[str, str]:
    """Module → what the user calls it: layers in their order, then the top, then what else there is."""
    names = {layer.module: layer.name for layer in design.layers}
    names[design.name] = design.name
    others = (name for name, module in design.modules.items() if name not in names and not module.library)
    return {**names, **{name: name for name in others}}


def _netlists(
    jobs: Sequence[Job], workers: int, time_limit: float, progress: Progress
) -> dict[Path, Netlist]:
    """Where the result of a job is kept → its netlist, made where it is not known yet."""
    netlists = {job.result_path: known for job in jobs if (known := job.recall()) is not None}
    missing = [job for job in jobs if job.result_path not in netlists]
    packed = batches(missing, workers=workers, time_limit=time_limit)
    progress("synthesise", len(netlists), len(jobs), f"{len(netlists)} modules known" if netlists else "")
    try:
        for n, made in run_tasks(run_batch, packed, workers=workers):
            netlists.update(zip((job.result_path for job in packed[n].jobs), made, strict=True))
            progress("synthesise", len(netlists), len(jobs), packed[n].title)
    finally:
        for place in {job.folder for job in missing}:
            shutil.rmtree(place / "work", ignore_errors=True)
    return netlists


def _module(name: str, module: str, netlist: Netlist) -> ModuleResources:
    counts = count_resources(netlist.cells, module=module)
    levels = Figure(netlist.levels, "levels", Provenance.SYNTHESISED)
    return ModuleResources(name, module, Resources.of(counts, carry_blocks(netlist.cells)), levels)
