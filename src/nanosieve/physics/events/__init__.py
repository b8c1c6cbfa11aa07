"""Collisions: Pythia 8, a parametrised detector, trigger objects, samples on disk."""

from nanosieve.physics.events.adc2021 import convert_adc2021, read_adc2021
from nanosieve.physics.events.make import MakeResult, make_sample
from nanosieve.physics.events.merge import merge_sample
from nanosieve.physics.events.objects import objects, training_set
from nanosieve.physics.events.recipe import COCKTAILS, Recipe, known_processes, load_recipe
from nanosieve.physics.events.sample import ProcessSummary, Sample, read_sample, write_sample
from nanosieve.physics.events.trigger_sample import (
    COLLECTIONS,
    SCALARS,
    Collection,
    TriggerEvents,
    TriggerProcess,
    TriggerSample,
    open_trigger_sample,
    write_trigger_sample,
)

__all__ = [
    "COCKTAILS",
    "COLLECTIONS",
    "SCALARS",
    "Collection",
    "MakeResult",
    "ProcessSummary",
    "Recipe",
    "Sample",
    "TriggerEvents",
    "TriggerProcess",
    "TriggerSample",
    "convert_adc2021",
    "known_processes",
    "load_recipe",
    "make_sample",
    "merge_sample",
    "objects",
    "open_trigger_sample",
    "read_adc2021",
    "read_sample",
    "training_set",
    "write_sample",
    "write_trigger_sample",
]
