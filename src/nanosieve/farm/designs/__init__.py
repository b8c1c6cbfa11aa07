"""Designs of trigger farms as data: seven that come with the package, and a user's own."""

from nanosieve.farm.designs.demand import Demand, demand
from nanosieve.farm.designs.load import design_text, known_designs, load_design, workload_of
from nanosieve.farm.designs.schema import Design

__all__ = ["Demand", "Design", "demand", "design_text", "known_designs", "load_design", "workload_of"]
