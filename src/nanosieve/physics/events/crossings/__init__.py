"""Bunch crossings with pile-up: from minimum bias and hard collisions to the objects of both triggers."""

from nanosieve.physics.events.crossings.crossing import Conditions
from nanosieve.physics.events.crossings.high_level import HighLevelTrigger
from nanosieve.physics.events.crossings.level1_settings import (
    CALORIMETER_TRIGGERS,
    MUON_TRIGGERS,
    CalorimeterTrigger,
    MuonTrigger,
)
from nanosieve.physics.events.crossings.make import make_trigger_sample
from nanosieve.physics.events.crossings.merge import INELASTIC_CROSS_SECTION

__all__ = [
    "CALORIMETER_TRIGGERS",
    "INELASTIC_CROSS_SECTION",
    "MUON_TRIGGERS",
    "CalorimeterTrigger",
    "Conditions",
    "HighLevelTrigger",
    "MuonTrigger",
    "make_trigger_sample",
]
