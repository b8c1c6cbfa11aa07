"""The engine: discrete events from bunch crossing to storage, and the theory that it is tested against."""

from nanosieve.farm.engine.dead_time import DeadTime, simulate_dead_time
from nanosieve.farm.engine.dead_time_rules import (
    ATLAS_RULES,
    CMS_RULES,
    DeadTimeRules,
    FrontEndBuffer,
    HardwareTrigger,
    LeakyBucket,
    SlidingWindow,
)
from nanosieve.farm.engine.distributions import (
    Constant,
    Distribution,
    Empirical,
    Exponential,
    Gamma,
    LogNormal,
    Mixture,
)
from nanosieve.farm.engine.farm import Accelerators, EventClass, Failures, Farm, Link, Nodes, Stage, TimeOut
from nanosieve.farm.engine.history import History, trace_farm
from nanosieve.farm.engine.queue import QueueRun, serve, simulate_queue
from nanosieve.farm.engine.result import FATES, FarmRun, Resource
from nanosieve.farm.engine.simulate import simulate_farm, sweep
from nanosieve.farm.engine.sources import BehindTrigger, Poisson, RateProfile, Recorded, Source
from nanosieve.farm.engine.theory import (
    allen_cunneen,
    erlang_b,
    erlang_c,
    live_fraction_poisson,
    live_fraction_train,
    md1_wait,
    mg1_wait,
    mmc_wait,
    mmck_loss,
)

__all__ = [
    "ATLAS_RULES",
    "CMS_RULES",
    "FATES",
    "Accelerators",
    "BehindTrigger",
    "Constant",
    "DeadTime",
    "DeadTimeRules",
    "Distribution",
    "Empirical",
    "EventClass",
    "Exponential",
    "Failures",
    "Farm",
    "FarmRun",
    "FrontEndBuffer",
    "Gamma",
    "HardwareTrigger",
    "History",
    "LeakyBucket",
    "Link",
    "LogNormal",
    "Mixture",
    "Nodes",
    "Poisson",
    "QueueRun",
    "RateProfile",
    "Recorded",
    "Resource",
    "SlidingWindow",
    "Source",
    "Stage",
    "TimeOut",
    "allen_cunneen",
    "erlang_b",
    "erlang_c",
    "live_fraction_poisson",
    "live_fraction_train",
    "md1_wait",
    "mg1_wait",
    "mmc_wait",
    "mmck_loss",
    "serve",
    "simulate_dead_time",
    "simulate_farm",
    "simulate_queue",
    "sweep",
    "trace_farm",
]
