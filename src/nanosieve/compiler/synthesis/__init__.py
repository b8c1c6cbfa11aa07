"""Resources of a design from its netlist: synthesis with Yosys, counts per layer, room on a device."""

from nanosieve.compiler.synthesis.cells import count_resources
from nanosieve.compiler.synthesis.synthesis import ModuleResources, Resources, Synthesis, synthesize

__all__ = ["ModuleResources", "Resources", "Synthesis", "count_resources", "synthesize"]
