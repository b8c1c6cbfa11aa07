"""Hardware of the study: each network in its modes, compiled, proven on events, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.design import Design, compile, load
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware import Budget
from nanosieve.errors import BudgetError, ClockError, FoldingError
from nanosieve.executor import run_tasks
from nanosieve.figure import Figure
from nanosieve.progress import Progress
from nanosieve.studies.proven import simulated_timing
from nanosieve.studies.rnn.networks import TrainedNetwork
from nanosieve.studies.rnn.samples import StudySequences
from nanosieve.studies.rnn.scan import precision_of
from nanosieve.studies.rnn.settings import Benchmark, Mode, Settings
from nanosieve.studies.study import StudyOptions

__all__ = ["BuiltDesign", "build_designs"]

RESOURCES = ("lut", "ff", "dsp", "bram36")
STAGES_OF_A_CELL = 18
"""Cycles that a step takes beside its slots, about; from there the search for the interval begins."""
SLOWER = (1.0, 1.35, 1.8, 2.5, 4.0)
"""Times that interval that are tried one after the other."""
SETTLING = 4
"""Latency that is allowed, in intervals of one copy of the cell."""


@dataclass(frozen=True)
class BuiltDesign:
    """One network in one mode.

    Attributes:
        network: its name.
        mode: how the recurrent layer is built.
        bits: of all values.
        device: it is built for.
        resources: counted in the netlist where the design was synthesised, else estimated.
        timing: latency and interval, simulated where the design was proven.
        proof: kind of vectors → how many of them gave the same bits in graph, emulator, C++ and RTL.
        plan: how every layer is built.
        again: the same of those that were compared once more, layer by layer, with gaps and resets.
        percent: of the device, where the design was synthesised.
        measured: largest and root-mean-square distance of the score from the float network.
        problem: why there is no such design; empty if there is.
    """

    network: str
    mode: Mode
    bits: int
    device: str
    resources: Mapping[str, Figure] | None = None
    timing: Mapping[str, Figure] | None = None
    plan: Mapping[str, Any] | None = None
    proof: Mapping[str, int] | None = None
    again: Mapping[str, int] | None = None
    measured: Mapping[str, Figure] | None = None
    percent: Mapping[str, Figure] | None = None
    problem: str = ""


@dataclass(frozen=True)
class _Task:
    """One network in one mode."""

    network: str
    path: Path
    cell: str
    benchmark: Benchmark
    mode: Mode
    bits: int
    folder: Path
    calibration: NDArray[np.float32]
    events: NDArray[np.float32]
    settings: Settings
    prove: bool
    seed: int

    @property
    def shortness(self) -> tuple[bool, bool, int]:
        """What takes longest comes first: a cell for each step, then proofs, then longer sequences."""
        steps = self.benchmark.network.steps
        return (self.mode.cells < steps, not self.prove, -steps)


def build_designs(
    networks: Mapping[str, tuple[TrainedNetwork, StudySequences]],
    bits: Mapping[str, int],
    settings: Settings,
    options: StudyOptions,
    progress: Progress,
) -> dict[str, tuple[BuiltDesign, ...]]:
    """Name of the network → its designs, in the order of its modes.

    Args:
        networks: the float networks with their sequences.
        bits: name of the network → bits of all values.

    Raises:
        VerificationError: two stages of a design differ.
    """
    tasks: list[_Task] = []
    for name, (network, sequences) in networks.items():
        own = network.benchmark
        for mode in own.modes:
            prove = mode.proven or settings.proven_modes
            tasks.append(
                _Task(
                    name,
                    network.path,
                    network.cell,
                    own,
                    mode,
                    bits[name],
                    options.out / "designs" / f"{name}-{mode.cells}-{mode.columns}",
                    sequences.train[: settings.calibration],
                    sequences.proof(own.proof_events) if prove else sequences.test[:0],
                    settings,
                    prove,
                    options.seed,
                )
            )
    found: dict[int, BuiltDesign] = {}
    progress("hardware", 0, len(tasks), "designs")
    order = sorted(range(len(tasks)), key=lambda n: tasks[n].shortness)
    made = run_tasks(_build, [tasks[n] for n in order], workers=options.workers, scheduler=options.scheduler)
    for done, (place, design) in enumerate(made, start=1):
        found[order[place]] = design
        progress("hardware", done, len(tasks), f"last: {design.network}, {design.mode.name}")
    return {
        name: tuple(found[n] for n, task in enumerate(tasks) if task.network == name) for name in networks
    }


def _build(task: _Task) -> BuiltDesign:
    graph = load(task.path, calibrate=task.calibration, precision=precision_of(task.cell, task.bits))
    base = BuiltDesign(task.network, task.mode, task.bits, task.benchmark.device)
    try:
        design = _compiled(task, graph)
    except (BudgetError, FoldingError) as error:
        return replace(base, problem=str(error))
    hardware = design.hardware
    built = replace(
        base,
        resources={name: hardware.estimate[name] for name in RESOURCES},
        timing=dict(design.timing),
        plan=hardware.plan.to_dict(),
    )
    if not task.prove:
        return built
    proof = design.verify(task.events, random=task.settings.random_vectors, seed=task.seed)
    built = replace(
        built,
        timing=simulated_timing(design),
        proof=dict(proof.vectors),
        again=dict(proof.again),
        measured=dict(next(iter(proof.measured.values()), {})),
    )
    small = hardware.estimate["lut"].value <= task.settings.largest_synthesis
    if task.benchmark.name not in task.settings.synthesised or not small:
        return built
    synthesis = design.synthesize(workers=1)
    return replace(
        built,
        resources={name: getattr(synthesis.resources, name) for name in RESOURCES},
        percent={name: synthesis.percent_of_device(name) for name in RESOURCES},
    )


def _compiled(task: _Task, graph: Graph) -> Design:
    """The design with the shortest interval, of those tried, in which the mode can be built.

    Raises:
        BudgetError, FoldingError: it cannot be built at all.
    """
    mode, network = task.mode, task.benchmark.network
    rounds = -(-network.steps // mode.cells)
    shortest = rounds * (mode.columns + (STAGES_OF_A_CELL if mode.cells < network.steps else 0))
    period = 1e3 / Budget(clock=task.settings.clock).clock_mhz
    alone = network.steps * (mode.columns + STAGES_OF_A_CELL)
    problem: BudgetError | FoldingError | None = None
    for factor in SLOWER:
        budget = Budget(
            every=f"{int(factor * shortest + 1) * period:g} ns",
            latency=f"{SETTLING * alone * period:g} ns",
            clock=task.settings.clock,
            device=task.benchmark.device,
        )
        try:
            return compile(graph, budget, out=task.folder, layers={"rnn": mode.choice})
        except ClockError:  # more cycles would not help
            raise
        except (BudgetError, FoldingError) as error:
            problem = error
    raise problem or BudgetError("no interval was tried")
