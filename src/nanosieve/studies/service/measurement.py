"""One network on a service of its own: overhead, loads on both protocols, distance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nanosieve.farm.service.client import Target
from nanosieve.farm.service.load import Arrivals, LoadRun, Scan, closed_loop, make_work, open_loop, scan_load
from nanosieve.farm.service.load.distance import at_distance
from nanosieve.farm.service.overhead import Overhead, measure_overhead
from nanosieve.farm.service.process import Running, running_service
from nanosieve.progress import Progress, silent
from nanosieve.studies.service.networks import Served
from nanosieve.studies.service.settings import Settings

__all__ = ["PROTOCOLS", "Found", "measure"]

PROTOCOLS: Mapping[str, str] = {"grpc": "gRPC", "http": "REST"}
"""Scheme → name."""


@dataclass(frozen=True)
class Found:
    """What was measured of a network.

    Attributes:
        served: the network.
        overhead: protocol → batch sizes.
        scans: protocol → loads.
        bursts: an open loop in bursts, by gRPC, at the middle of the rates.
        distances: round trip in s → closed loop of one connection by gRPC.
    """

    served: Served
    overhead: Mapping[str, tuple[Overhead, ...]]
    scans: Mapping[str, Scan]
    bursts: LoadRun
    distances: Mapping[float, LoadRun]

    @property
    def runs(self) -> tuple[LoadRun, ...]:
        """All loads whose answers were compared."""
        scans = [run for scan in self.scans.values() for run in (*scan.closed, *scan.open)]
        overheads = [run for each in self.overhead.values() for o in each for run in (o.alone, o.several)]
        return (*scans, *overheads, self.bursts, *self.distances.values())


def measure(served: Served, settings: Settings, seed: int, progress: Progress = silent) -> Found:
    """Serve the network in a process of its own and load it.

    Raises:
        ToolError: the service does not start.
    """
    model = f"{served.name}={served.path}"
    limit = str(256 << 20)  # 16 images and more
    with running_service([model], "--max-bytes", limit) as service:
        overhead, scans = {}, {}
        few = tuple(n for n in served.batches if n in (served.batches[0], 1024)) + served.batches[-1:]
        for scheme, protocol in PROTOCOLS.items():
            target = Target(service.url(scheme), served.name)
            overhead[protocol] = tuple(
                measure_overhead(
                    target,
                    served.model,
                    batches=tuple(dict.fromkeys(few)),
                    seconds=settings.seconds / 2,
                    seed=seed,
                    progress=_named(progress, f"{served.name} {protocol}"),
                )
            )
            scans[protocol] = scan_load(
                target,
                batches=served.batches,
                most_connections=settings.connections,
                parts=settings.parts,
                seconds=settings.seconds,
                seed=seed,
                compute=served.model,
                progress=_named(progress, f"{served.name} {protocol}"),
            )
        bursts, distances = _by_grpc(service, served, scans["gRPC"], settings, seed)
    return Found(served, overhead, scans, bursts, distances)


def _by_grpc(
    service: Running, served: Served, scan: Scan, settings: Settings, seed: int
) -> tuple[LoadRun, dict[float, LoadRun]]:
    target, batch = Target(service.url("grpc"), served.name), served.batches[0]
    work = make_work(served.model.inputs, served.model.outputs, batch, seed=seed, compute=served.model)
    rate = settings.parts[len(settings.parts) // 2] * scan.saturation[batch].rate
    arrivals = Arrivals(rate, settings.burst, seed)
    connections = max(settings.connections, settings.burst)
    bursts = open_loop(target, work, arrivals, connections=connections, seconds=settings.seconds)
    distances = {}
    for round_trip in settings.round_trips:
        with at_distance(target, round_trip) as far:
            distances[round_trip] = closed_loop(far, work, connections=1, seconds=settings.seconds)
    return bursts, distances


def _named(progress: Progress, name: str) -> Progress:
    def named(stage: str, done: float, total: float, note: str = "") -> None:
        progress(f"{name}: {stage}", done, total, note)

    return named
