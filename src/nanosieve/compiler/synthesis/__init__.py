"""Netlists that Yosys makes: resources per layer, simulation against the graph, formal equivalence."""

from nanosieve.compiler.synthesis.cells import count_resources
from nanosieve.compiler.synthesis.equivalence import Proof, prove_equivalent, prove_same
from nanosieve.compiler.synthesis.netlist_simulation import netlist_design, verify_netlist
from nanosieve.compiler.synthesis.route import Route, route
from nanosieve.compiler.synthesis.synthesis import (
    ModuleResources,
    Resources,
    Synthesis,
    synthesize,
    synthesize_all,
)

__all__ = [
    "ModuleResources",
    "Proof",
    "Resources",
    "Route",
    "Synthesis",
    "count_resources",
    "netlist_design",
    "prove_equivalent",
    "prove_same",
    "route",
    "synthesize",
    "synthesize_all",
    "verify_netlist",
]
