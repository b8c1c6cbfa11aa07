"""The report of the study, section by section."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nanosieve.figure import Figure, Provenance
from nanosieve.report import Drawing, Numbers, Picture, Section, Table, Text, write_report
from nanosieve.report.load_chart import latency_throughput_chart, parts_chart, points_of
from nanosieve.studies.sections import run_times
from nanosieve.studies.service.comparison import Beside
from nanosieve.studies.service.handover import Handover
from nanosieve.studies.service.measurement import Found
from nanosieve.studies.service.settings import Settings
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["headline", "write_study_report"]

Row = tuple[str | Figure | None, ...]


def write_study_report(
    out: Path,
    settings: Settings,
    options: StudyOptions,
    found: tuple[Found, ...],
    beside: tuple[Beside, ...],
    handover: Handover,
    times: Mapping[str, Figure],
) -> Path:
    """Write ``report.html`` into `out`.

    Raises:
        OutputError: the folder cannot be written to.
    """
    sections = [
        Section("At a glance", (Numbers(tuple(headline(found))),)),
        _answers(found),
        _overhead(found),
        *(_loads(each) for each in found),
        _distance(found),
        _published(beside),
        _farm(handover),
        _limits(),
        run_times(times),
    ]
    conditions = (
        ("Size", str(options.size)),
        ("Seed", str(options.seed)),
        ("Seconds of a load", f"{settings.seconds:g}"),
        ("Machine", machine()),
    )
    return write_report(
        out,
        "Inference as a service",
        sections,
        summary=(
            "A compiled design, computed by its bit-exact emulator, and an ONNX model behind KServe V2: "
            "latency, throughput, saturation and what the service itself costs; after arXiv:1904.08986 and "
            "arXiv:2010.08556. The networks have random weights."
        ),
        conditions=conditions,
    )


def _time(seconds: float, error: float | None = None) -> Figure:
    spread = None if error is None else 1e3 * error
    return Figure(1e3 * seconds, "ms", Provenance.MEASURED, spread, machine())


def _measured(value: float, unit: str) -> Figure:
    return Figure(value, unit, Provenance.MEASURED, source=machine())


def headline(found: tuple[Found, ...]) -> list[tuple[str, Figure]]:
    """The numbers of the first lines."""
    entries = []
    for each in found:
        first, last = each.overhead["gRPC"][0], each.overhead["gRPC"][-1]
        name = each.served.name
        entries += [
            (f"{name}: added at batch {first.batch}, median", _time(first.added)),
            (f"{name}: of the direct throughput at batch {last.batch:,}", _measured(100 * last.part, "%")),
        ]
    return entries


def _answers(found: tuple[Found, ...]) -> Section:
    texts, good = [], True
    for each in found:
        answered, wrong, lost = (sum(getattr(r, n) for r in each.runs) for n in ("answered", "wrong", "lost"))
        good = good and not wrong and not lost
        texts.append(
            f"{each.served.title}: {answered:,} answers compared bit for bit with the model in the client's "
            f"own process, {wrong:,} differ; {lost:,} requests were not answered."
        )
    return Section("Is the answer the right one?", (Text(tuple(texts), tone="good" if good else "bad"),))


def _overhead(found: tuple[Found, ...]) -> Section:
    rows: list[Row] = []
    for each in found:
        for protocol, entries in each.overhead.items():
            for entry in entries:
                rows.append(
                    (
                        f"{each.served.name}, {protocol}",
                        f"{entry.batch:,}",
                        _time(*entry.direct.values[0.5]),
                        _time(*entry.alone.quantiles.values[0.5]),
                        _time(entry.added),
                        _measured(entry.batch / entry.direct.values[0.5][0], "events/s"),
                        _measured(max(entry.alone.throughput, entry.several.throughput), "events/s"),
                        _measured(100 * entry.part, "%"),
                    )
                )
    columns = (
        "Network",
        "Batch",
        "Direct call",
        "Served",
        "Added",
        "Direct rate",
        "Served rate",
        "Of direct",
    )
    caption = (
        "Medians. Direct: the same model called in a loop on one thread. Served: one connection for times, "
        "the better of one and two for rates; client and server share the cores of the machine."
    )
    return Section("What does the service itself cost?", (Table(columns, tuple(rows), caption),))


def _loads(found: Found) -> Section:
    drawings: list[Drawing] = []
    rows: list[Row] = []
    parts: dict[str, Mapping[str, float]] = {}
    for protocol, scan in found.scans.items():
        runs = [*scan.closed, *scan.open, *([found.bursts] if protocol == "gRPC" else [])]
        drawings.append(
            latency_throughput_chart(points_of(runs), title=found.served.title, conditions=protocol)
        )
        for batch, run in scan.saturation.items():
            quantiles = run.quantiles.values
            rows.append(
                (
                    f"{protocol}, batch {batch:,}",
                    _measured(run.connections, "connections"),
                    _measured(run.throughput, "events/s"),
                    _measured(run.bandwidth / 1e6, "MB/s"),
                    *(_time(*quantiles[p]) for p in (0.5, 0.95, 0.99)),
                )
            )
            alone = next(r for r in scan.closed if r.batch == batch)
            parts[f"{protocol}, batch {batch:,}"] = alone.parts
    columns = ("Saturation", "Connections", "Throughput", "Tensors", "p50", "p95", "p99")
    caption = "The closed loop beyond which twice the connections bring less than 5 % more."
    where = parts_chart(parts, title="Where the time goes", conditions="one connection")
    text = (
        "Closed loops: each connection sends when it has its answer. Open loops: requests are due at Poisson "
        "times, or in bursts, that do not wait for answers; their latency counts from when they were due."
    )
    return Section(
        found.served.title,
        (
            Picture((*drawings, where), "Latency against throughput, and the mean time of a request."),
            Table(columns, tuple(rows), caption),
            Text((text,)),
        ),
    )


def _distance(found: tuple[Found, ...]) -> Section:
    rows: list[Row] = [
        (
            f"{each.served.name}, {1e3 * trip:g} ms away",
            *(_time(*run.quantiles.values[p]) for p in (0.5, 0.95, 0.99)),
            _measured(run.throughput, "events/s"),
        )
        for each in found
        for trip, run in each.distances.items()
    ]
    caption = (
        "One gRPC connection through a relay that holds all data for half of the round trip, each way; it "
        "neither loses nor limits."
    )
    columns = ("Network and round trip", "p50", "p95", "p99", "Throughput")
    return Section("How far may the client be?", (Table(columns, tuple(rows), caption),))


def _published(beside: tuple[Beside, ...]) -> Section:
    rows: list[Row] = [(each.what, each.ours, each.theirs, each.note) for each in beside]
    return Section("Beside what is published", (Table(("What", "Ours", "Published", "Note"), tuple(rows)),))


def _farm(handover: Handover) -> Section:
    rows: list[Row] = []
    for name, run in (("as planned", handover.planned), ("as measured", handover.measured)):
        accelerators = run.run.resources.get("accelerators")
        latency = run.latency.get("all", {})
        rows.append(
            (
                f"D, {name}",
                run.lost,
                accelerators.occupancy if accelerators else None,
                next((latency[p] for p in sorted(latency) if p >= 0.5), None),
            )
        )
    text = (
        f"Measured and handed over: {1e3 * handover.latency:.3g} ms of a call to and fro beside queue and "
        f"computation, {1e3 * handover.overhead:.3g} ms of a batch beside its events, and the distributions "
        f"of the computations as workloads ({', '.join(path.name for path in handover.workloads.values())}). "
        "The network part is that of the loopback interface of one machine: a real network adds its own."
    )
    columns = ("Design", "Lost", "Accelerators busy", "Latency, median")
    return Section("Design D of the farms", (Text((text,)), Table(columns, tuple(rows))))


def _limits() -> Section:
    return Section(
        "What is not in it",
        (
            Text(
                (
                    "Client and server run on the cores of one machine, so that the client takes some of "
                    "what it measures; the network is the loopback interface.",
                    "No FPGA and no GPU computes here: the design is computed by its emulator on a CPU, and "
                    "its answers say the cycles that its hardware would take.",
                )
            ),
        ),
    )
