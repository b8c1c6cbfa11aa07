"""What a farm has to do: classes of events, service times on CPUs, GPUs and FPGAs, each with its source."""

from nanosieve.farm.workload.load import known_workloads, load_workload
from nanosieve.farm.workload.schema import EventClass, Service, Task, Workload
from nanosieve.farm.workload.service_time import ServiceTime, service_time

__all__ = [
    "EventClass",
    "Service",
    "ServiceTime",
    "Task",
    "Workload",
    "known_workloads",
    "load_workload",
    "service_time",
]
