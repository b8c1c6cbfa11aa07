"""Load on an inference service: closed and open loops, what they measure, and where the service saturates."""

from nanosieve.farm.service.load.loops import Arrivals, closed_loop, open_loop
from nanosieve.farm.service.load.run import LoadRun, Quantiles
from nanosieve.farm.service.load.scan import Scan, scan_load
from nanosieve.farm.service.load.work import Work, make_work

__all__ = [
    "Arrivals",
    "LoadRun",
    "Quantiles",
    "Scan",
    "Work",
    "closed_loop",
    "make_work",
    "open_loop",
    "scan_load",
]
