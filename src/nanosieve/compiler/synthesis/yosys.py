"""Yosys in processes of its own; the result of a module is kept under the hash of what goes in."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nanosieve._files import write_text
from nanosieve._require import require
from nanosieve.compiler.synthesis.yosys_process import Request
from nanosieve.compiler.verification.folder import DesignFolder
from nanosieve.errors import InputFileError, ToolError

__all__ = ["FAMILIES", "Batch", "Job", "Netlist", "batches", "run_batch", "yosys_version"]

FAMILIES = {"UltraScale": "xcu", "UltraScale+": "xcup", "Versal": "xcup"}
"""Architecture → Yosys family. Yosys knows no Versal; its LUTs and registers are those of UltraScale+."""

_MAPPED = {"nanosieve_mac": (Path(__file__).parent / "nanosieve_mac.v").read_text(encoding="utf-8")}
"""Library modules whose primitives Yosys does not infer: Verilog that instantiates them."""

BATCH = 40_000
"""Characters of Verilog that one Yosys process takes, if they are of several modules.

A process costs 3 s before it looks at the first module, about as much as 2,000 LUTs.
"""


@dataclass(frozen=True)
class Netlist:
    """What Yosys made of one module.

    Attributes:
        cells: primitive → number, children left out.
        levels: see `nanosieve.compiler.synthesis.levels.logic_levels`.
    """

    cells: dict[str, int]
    levels: int


@dataclass(frozen=True)
class Job:
    """One module to synthesise.

    Attributes:
        module: its name.
        text: its Verilog.
        stubs: child → its Verilog without its body.
        library: module → Verilog of the library modules that are synthesised as a part of it.
        family: Yosys name of the architecture.
        folder: where the result is kept.
    """

    module: str
    text: str
    stubs: Mapping[str, str]
    library: Mapping[str, str]
    family: str
    folder: Path

    @classmethod
    def make(cls, design: DesignFolder, module: str, family: str, folder: Path) -> Job:
        """The job for `module` of a design.

        Raises:
            InputFileError: a child has no header that can be read.
        """

        def text(name: str) -> str:
            return (design.path / design.modules[name].file).read_text(encoding="utf-8")

        children = (n for n in design.modules[module].children if not design.modules[n].library)
        stubs = {child: _stub(child, text(child)) for child in children}
        inside = (n for n in design.inside(module) if design.modules[n].library)
        library = {name: _MAPPED.get(name) or text(name) for name in inside}
        return cls(module, text(module), stubs, library, family, folder)

    @property
    def key(self) -> str:
        """Hash of the Verilog, the tool and its options."""
        flow = Request((self.module,), (), self.family).flow
        parts = (*flow, self.text, *self.stubs.values(), *(text for _, text in sorted(self.library.items())))
        return _hash("\0".join((yosys_version(), *parts)))

    @property
    def result_path(self) -> Path:
        """Where the result is kept."""
        return self.folder / f"{self.module}.{self.family}.json"

    @property
    def netlist_path(self) -> Path:
        """Where the netlist is kept, as Verilog."""
        return self.folder / f"{self.module}.{self.family}.v"

    def fits_with(self, others: Iterable[Job]) -> bool:
        """Whether one process can do it with `others`: of one family, and none with a child of another."""
        return all(
            other.family == self.family
            and self.module not in (other.module, *other.stubs)
            and other.module not in self.stubs
            and all(other.stubs.get(child, stub) == stub for child, stub in self.stubs.items())
            for other in others
        )

    def recall(self) -> Netlist | None:
        """The result of an earlier run on the same input, if there is one."""
        try:
            document: Any = json.loads(self.result_path.read_text(encoding="utf-8"))
            verilog = self.netlist_path.read_text(encoding="utf-8")
            known = document["key"] == self.key and document["verilog"] == _hash(verilog)
            return Netlist(document["cells"], document["levels"]) if known else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, netlist: Netlist, verilog: str) -> None:
        """Store the result for `recall`, and the netlist itself."""
        write_text(self.netlist_path, verilog)
        document = {"key": self.key, "verilog": _hash(verilog), **asdict(netlist)}
        write_text(self.result_path, json.dumps(document, indent=1))


@dataclass(frozen=True)
class Batch:
    """Jobs that one Yosys process does; `time_limit` is in seconds."""

    jobs: tuple[Job, ...]
    time_limit: float

    @property
    def size(self) -> int:
        """Characters of Verilog."""
        return sum(len(job.text) for job in self.jobs)

    @property
    def title(self) -> str:
        """The largest module, and how many more there are."""
        more = len(self.jobs) - 1
        return self.jobs[0].module + (f" and {more} more" if more else "")


def yosys_version() -> str:
    """Version of the pyosys wheel.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        return importlib.metadata.version("pyosys")
    except importlib.metadata.PackageNotFoundError:
        require("pyosys", extra="hardware", purpose="synthesis")
        raise


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _stub(module: str, text: str) -> str:
    """`module` with its ports but without its body."""
    match = re.search(rf"^\s*module\s+{re.escape(module)}\s*\(.*?\)\s*;", text, re.DOTALL | re.MULTILINE)
    if match is None:
        message = (
            f"the Verilog of module {module!r} has no header 'module {module} (…);'; compile the model again"
        )
        raise InputFileError(message)
    return f"(* blackbox *)\n{match[0].strip()}\nendmodule\n"


def batches(jobs: Iterable[Job], *, workers: int, time_limit: float) -> list[Batch]:
    """Pack jobs into processes: large modules alone, small ones together, the largest batch first.

    Those of one process have names of their own and the same family, and none is the child of another, which
    it sees without its body.
    """
    largest_first = sorted(jobs, key=lambda job: -len(job.text))
    limit = min(BATCH, sum(len(job.text) for job in largest_first) // workers)
    packs: list[list[Job]] = []
    for job in largest_first:
        for pack in packs:
            if job.fits_with(pack) and sum(len(other.text) for other in pack) + len(job.text) <= limit:
                pack.append(job)
                break
        else:
            packs.append([job])
    made = [Batch(tuple(pack), time_limit) for pack in packs]
    return sorted(made, key=lambda batch: -batch.size)


def run_batch(batch: Batch) -> list[Netlist]:
    """Run Yosys on some modules; results, netlists and log stay in their folders, nothing else does.

    Raises:
        ToolError: Yosys fails or exceeds the time limit; the message quotes its first error.
    """
    first = batch.jobs[0]
    work, log = first.folder / "work" / first.module, first.folder / f"{first.module}.log"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        sources = []
        for job in batch.jobs:
            sources.append(f"{job.module}.v")
            (work / sources[-1]).write_text(job.text, encoding="utf-8")
        shared = {
            name: text for job in batch.jobs for name, text in (*job.stubs.items(), *job.library.items())
        }
        if shared:
            sources.append("shared")
            (work / "shared").write_text("".join(shared.values()), encoding="utf-8")
        names = tuple(job.module for job in batch.jobs)
        request = Request(names, tuple(sources), first.family)
        (work / "request").write_text(json.dumps(asdict(request)), encoding="utf-8")
        _run_yosys(batch, work, log)
        result = json.loads((work / "result").read_text(encoding="utf-8"))
        verilog = {name: (work / f"{name}.netlist.v").read_text(encoding="utf-8") for name in names}
    finally:
        shutil.rmtree(work, ignore_errors=True)
    netlists = []
    for job in batch.jobs:
        cells = {cell: n for cell, n in result[job.module]["cells"].items() if cell not in job.stubs}
        netlists.append(Netlist(cells, result[job.module]["levels"]))
        job.keep(netlists[-1], verilog[job.module])
    return netlists


def _run_yosys(batch: Batch, work: Path, log: Path) -> None:
    command = [sys.executable, "-m", "nanosieve.compiler.synthesis.yosys_process", "request", "result"]
    try:
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                cwd=work,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": "."},  # relative, since ABC cannot read paths with spaces
                timeout=batch.time_limit,
            )
    except subprocess.TimeoutExpired as error:
        message = (
            f"Yosys took more than {batch.time_limit:g} s for {batch.title}; give it more with --time-limit"
        )
        raise ToolError(message) from error
    if done.returncode != 0:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        first = next((line for line in lines if "ERROR" in line), lines[-1] if lines else "no message")
        first = " ".join(first.split())
        message = f"Yosys fails on {batch.title}: {first} (log: {str(log)!r})"
        raise ToolError(message)
