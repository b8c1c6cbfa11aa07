"""How long a task takes on a device: for a class of events, at a pile-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nanosieve.devices import Band, Origin, Trust, find_hardware
from nanosieve.errors import UnknownNameError
from nanosieve.farm.workload.schema import Service, Task, Workload

__all__ = ["ServiceTime", "service_time"]


@dataclass(frozen=True)
class ServiceTime:
    """The distribution of the time for which an event occupies one place of a device.

    Attributes:
        mean: s, tail included; a band.
        shape: ``constant``, ``exponential``, ``lognormal``, ``gamma`` or ``quantiles``.
        spread: standard deviation over mean without the tail; 0 for shapes that have none to choose.
        quantiles: probability → time over mean; empty but for ``quantiles``.
        tail_fraction: of the events that take longer; 0 without a tail.
        tail_factor: mean of those over that of the others.
        latency: s that pass in an FPGA from input to result; 0 where it is the service time itself.
    """

    mean: Band
    shape: str
    spread: float
    quantiles: Mapping[float, float]
    tail_fraction: float
    tail_factor: float
    latency: float = 0.0

    @property
    def body_mean(self) -> float:
        """s, the middle of the band for the events outside the tail."""
        return self.mean.middle / (1 + self.tail_fraction * (self.tail_factor - 1))


def service_time(
    workload: Workload,
    task: str,
    device: str,
    *,
    event_class: str = "",
    pileup: float | None = None,
    growth: float | None = None,
    relative: float = 0.5,
) -> ServiceTime:
    """The time of `task` on one place of `device`.

    The mean of a class is that of all events times ``t_c / Σ f_i t_i``, with the relative times ``t`` and the
    fractions ``f`` of the classes, so that all classes together have the published mean. It grows as
    ``(pileup / workload.pileup) ** exponent``.

    Args:
        workload: where the times stand.
        task: name of one of its tasks.
        device: ``"cpu"``, or an accelerator by its name in the catalogue; times given for that name come
            before those for its kind.
        event_class: name of a class; all events together without it.
        pileup: mean number of inelastic collisions in a crossing [default: that of the workload].
        growth: place of the exponent within its band, 0 to 1 [default: the band of the time holds all of it].
        relative: place of the relative times of classes within their bands, equally far in the logarithm.

    Raises:
        UnknownNameError: no such task, class or device, or no time of the task on it.
    """
    if task not in workload.tasks:
        raise UnknownNameError.among("task", task, workload.tasks)
    if event_class and event_class not in workload.classes:
        raise UnknownNameError.among("event class", event_class, workload.classes)
    work = workload.tasks[task]
    service = _on(work, task, device)
    origin = Origin(service.trust, service.source)
    low, high = service.occupied
    exponent = work.pileup_exponent
    if exponent is not None and pileup is not None and pileup != workload.pileup:
        least, most = exponent.value
        exponents = (least, most) if growth is None else (least + growth * (most - least),)
        powers = [(pileup / workload.pileup) ** power for power in exponents]
        low, high = low * min(powers), high * max(powers)
        origin = Origin(
            Trust.ASSUMED if Trust.ASSUMED in (service.trust, exponent.trust) else Trust.DERIVED,
            f"{service.source}; scaled from pile-up {workload.pileup:g} to {pileup:g}",
        )
    factor = _relative(workload, service, event_class, relative) if event_class else 1.0
    tail = service.tail
    return ServiceTime(
        mean=Band(low * factor, high * factor, "s", origin),
        shape=service.shape,
        spread=service.spread or (1.0 if service.shape == "exponential" else 0.0),
        quantiles=service.quantiles,
        tail_fraction=tail.fraction if tail else 0.0,
        tail_factor=tail.factor if tail else 1.0,
        latency=service.latency_cycles / service.clock if service.latency_cycles and service.clock else 0.0,
    )


def _on(task: Task, name: str, device: str) -> Service:
    """The time on `device` by its own name, or else by its kind."""
    if device in task.devices:
        return task.devices[device]
    if device not in ("cpu", "gpu", "fpga"):
        thing = find_hardware(device)
        kind = thing.kind.removesuffix("-card")
        for candidate in (thing.name, kind):
            if candidate in task.devices:
                return task.devices[candidate]
    kind = f"device of task {name}"
    raise UnknownNameError.among(kind, device, task.devices)


def _relative(workload: Workload, service: Service, event_class: str, place: float) -> float:
    """Time of a class over that of all events, with all classes at a place of their bands."""
    bands = {name: service.classes.get(name, entry.time) for name, entry in workload.classes.items()}
    times = {name: low * (high / low) ** place for name, (low, high) in bands.items()}
    mean = sum(entry.fraction * times[name] for name, entry in workload.classes.items())
    return float(times[event_class] / mean)
