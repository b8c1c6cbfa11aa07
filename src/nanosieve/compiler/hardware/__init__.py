"""From a graph to Verilog under a budget."""

from nanosieve.compiler.hardware.analytic import Cost, analytic_cost, analytic_costs
from nanosieve.compiler.hardware.budget import Budget
from nanosieve.compiler.hardware.design import HardwareDesign
from nanosieve.compiler.hardware.fit import build_design
from nanosieve.compiler.hardware.timing import DelayModel

__all__ = [
    "Budget",
    "Cost",
    "DelayModel",
    "HardwareDesign",
    "analytic_cost",
    "analytic_costs",
    "build_design",
]
