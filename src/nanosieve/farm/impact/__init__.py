"""The physics that a farm keeps: benchmark signals, classes of events, thresholds at its rates."""

from nanosieve.farm.impact.classes import CLASSES, event_classes
from nanosieve.farm.impact.events import Crossings, ImpactEvents, load_events
from nanosieve.farm.impact.inputs import NO_LOSSES, DesignInputs, Losses, design_inputs, with_mixture
from nanosieve.farm.impact.kept import physics_kept
from nanosieve.farm.impact.result import DesignImpact, Impact, Kept
from nanosieve.farm.impact.samples import SIZES, SampleSize, make_crossings
from nanosieve.farm.impact.signals import SIGNALS, Signal
from nanosieve.farm.impact.simulated import losses_of

__all__ = [
    "CLASSES",
    "NO_LOSSES",
    "SIGNALS",
    "SIZES",
    "Crossings",
    "DesignImpact",
    "DesignInputs",
    "Impact",
    "ImpactEvents",
    "Kept",
    "Losses",
    "SampleSize",
    "Signal",
    "design_inputs",
    "event_classes",
    "load_events",
    "losses_of",
    "make_crossings",
    "physics_kept",
    "with_mixture",
]
