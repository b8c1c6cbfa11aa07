"""Designs in the engine: what a farm loses, how long it takes and how busy it is, planned and beyond."""

from nanosieve.farm.simulation.extent import EVENTS, Extent, extent
from nanosieve.farm.simulation.result import CAUSES, DesignRun
from nanosieve.farm.simulation.run import simulate_design, simulate_designs
from nanosieve.farm.simulation.scenario import SCENARIOS, Scenario, time_out_scan
from nanosieve.farm.simulation.source import ShareOfTrigger
from nanosieve.farm.simulation.translate import Translated, as_engine

__all__ = [
    "CAUSES",
    "EVENTS",
    "SCENARIOS",
    "DesignRun",
    "Extent",
    "Scenario",
    "ShareOfTrigger",
    "Translated",
    "as_engine",
    "extent",
    "simulate_design",
    "simulate_designs",
    "time_out_scan",
]
