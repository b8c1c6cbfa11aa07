"""A compiled design: the time on its FPGA from cycles and clock, and that of its emulator on this CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nanosieve._machine import machine
from nanosieve.compiler.emulate import Emulator
from nanosieve.compiler.graph import load_graph
from nanosieve.compiler.verification import read_design
from nanosieve.devices import Trust
from nanosieve.farm.engine.checks import whole
from nanosieve.farm.measurement.timing import Measured, timed

__all__ = ["time_of_design"]


def time_of_design(
    folder: str | Path, *, emulate: bool = True, batch: int = 1, repeats: int = 1000
) -> list[Measured]:
    """The time of an event on the FPGA, and with `emulate` that of the emulator on one thread of this CPU.

    The FPGA is occupied for the interval of the design; the rest of the latency passes in its pipeline.
    Cycles are those of the schedule, and the clock that of the budget: arithmetic, no measurement.

    Args:
        folder: of ``nanosieve compile``.
        emulate: whether to time the emulator.
        batch, repeats: of the emulator, as for an ONNX file.

    Raises:
        InputFileError: no folder of a compiled design, or a damaged one.
    """
    whole(batch, name="batch", least=1)
    design = read_design(folder)
    clock = design.clock_mhz * 1e6
    cycles = f"{design.interval_cycles} cycles at {design.clock_mhz:g} MHz"
    source = f"schedule of {design.name}: {cycles} on {design.device}"
    found = [
        Measured(
            "fpga",
            design.interval_cycles / clock,
            {},
            Trust.DERIVED,
            source,
            (design.interval_cycles, design.latency_cycles, clock),
        )
    ]
    if emulate:
        graph = load_graph(design.path / "graph.json")
        emulator = Emulator(graph, threads=1)
        inputs = {name: np.zeros((batch, *port.shape), np.float32) for name, port in graph.inputs.items()}
        source = f"{machine()}; one thread, bit-exact emulator"
        found.append(
            timed(lambda: emulator(inputs), device="cpu", batch=batch, repeats=repeats, source=source)
        )
    return found
