"""Proof that the hardware computes the graph: vectors, RTL simulation with Verilator, comparison."""

from nanosieve.compiler.verification.compare import Verification, verify
from nanosieve.compiler.verification.folder import DesignFolder, read_design
from nanosieve.compiler.verification.golden import write_golden_vectors
from nanosieve.compiler.verification.simulation import Simulation, probe, simulate
from nanosieve.compiler.verification.stages import Framework
from nanosieve.compiler.verification.stimulus import BACK_TO_BACK, Stimulus
from nanosieve.compiler.verification.stream import Stalls, StreamSimulation, simulate_stream
from nanosieve.compiler.verification.vectors import (
    corner_vectors,
    edge_values,
    random_vectors,
    scaled_vectors,
)

__all__ = [
    "BACK_TO_BACK",
    "DesignFolder",
    "Framework",
    "Simulation",
    "Stalls",
    "Stimulus",
    "StreamSimulation",
    "Verification",
    "corner_vectors",
    "edge_values",
    "probe",
    "random_vectors",
    "read_design",
    "scaled_vectors",
    "simulate",
    "simulate_stream",
    "verify",
    "write_golden_vectors",
]
