"""Published numbers that belong beside ours, and how the two compare."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.figure import Figure, Provenance
from nanosieve.report.published import published
from nanosieve.studies.service.measurement import Found
from nanosieve.studies.study import machine

__all__ = ["Beside", "beside_published"]


@dataclass(frozen=True)
class Beside:
    """A published number and ours.

    Attributes:
        what: of the network.
        ours, theirs: None where there is none.
        note: why they differ.
    """

    what: str
    ours: Figure | None
    theirs: Figure | None
    note: str


def beside_published(small: Found, large: Found) -> tuple[Beside, ...]:
    """Ours beside arXiv:1904.08986 (ResNet-50 as a service) and arXiv:2010.08556 (FACILE on FPGAs)."""
    images = {row.model: row.figures for row in published("1904.08986", "brainwave-service")}
    facile = {row.model: row.figures for row in published("2010.08556", "faast")}
    one = large.overhead["gRPC"][0].alone
    latency, error = one.quantiles.values[0.5]
    near = Figure(1e3 * latency, "ms", Provenance.MEASURED, 1e3 * error, machine())
    rate = large.scans["gRPC"].saturation[large.served.batches[0]]
    throughput = Figure(rate.throughput, "images/s", Provenance.MEASURED, source=machine())
    far = [run for round_trip, run in large.distances.items() if round_trip >= 0.05]
    remote = None
    if far:
        value, spread = far[0].quantiles.values[0.5]
        remote = Figure(1e3 * value, "ms", Provenance.MEASURED, 1e3 * spread, machine())
    best = max(run.throughput for run in small.scans["gRPC"].saturation.values())
    of_facile = Figure(best, "events/s", Provenance.MEASURED, source=machine())
    cpu = "theirs is an FPGA, ours a CPU of this machine; the network is of one size, its weights are random"
    return (
        Beside("ResNet-50, batch 1, one client nearby: latency", near, images["on-premises"]["latency"], cpu),
        Beside(
            "ResNet-50, batch 1, remote client: latency",
            remote,
            images["remote"]["latency"],
            f"{cpu}; ours is 50 ms away by a relay that delays",
        ),
        Beside(
            "ResNet-50, batch 1, several clients: throughput, lowest",
            throughput,
            images["one service, lowest"]["throughput"],
            cpu,
        ),
        Beside(
            "ResNet-50, batch 1, several clients: throughput, highest",
            throughput,
            images["one service, highest"]["throughput"],
            cpu,
        ),
        Beside(
            "FACILE: throughput", of_facile, None,
            "the publication's rates were not read in it",
        ),
        Beside(
            "FACILE: FPGA service over GPU service", None, facile["FACILE"]["gain over GPU"],
            "no GPU and no FPGA here",
        ),
    )  # fmt: skip
