"""The report of the study: its page, hardware, events, training and bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nanosieve.figure import Figure
from nanosieve.report import (
    Cell,
    Numbers,
    Picture,
    Section,
    Table,
    Text,
    TrainingHistory,
    bit_width_map,
    bits_of,
    object_spectra,
    pipeline_chart,
    pipeline_of,
    spectra,
    training_curves,
    write_report,
)
from nanosieve.studies.l1_anomaly.comparison import RESOURCES, Built, counterpart, estimated, interval, note
from nanosieve.studies.l1_anomaly.hardware import Hardware
from nanosieve.studies.l1_anomaly.report_physics import BACKGROUND, luminosity, physics_section
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import SIGNALS, Settings
from nanosieve.studies.sections import layer_bars, proof_section, run_times
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["write_study_report"]


def write_study_report(
    out: Path,
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    built: Sequence[Built],
    times: Mapping[str, Figure],
) -> Path:
    """Write ``report.html`` into `out`.

    Raises:
        OutputError: the folder cannot be written to.
    """
    sections = [
        _headline(built),
        _hardware([each.hardware for each in built]),
        Section("Better or worse than published?", (Text(tuple(note(each) for each in built)),)),
        proof_section(
            (each.hardware.trigger.settings.title, each.hardware.verification, "") for each in built
        ),
        physics_section(settings, built),
        _events(samples),
        _training(built),
        _precision(built),
        _pipelines(built),
        run_times(times),
    ]
    conditions = (
        *(("Remark", remark) for remark in samples.remarks if "assume" in remark),
        ("Size", str(options.size)),
        ("Seed", str(options.seed)),
        ("Energy", "13 TeV"),
        ("Pile-up", f"{settings.pileup:g} in crossings, none in the published data set"),
        ("Luminosity", luminosity(settings)),
        ("Device", built[0].hardware.synthesis.device.name),
        ("Machine", machine()),
    )
    return write_report(
        out,
        "A 40 MHz anomaly trigger",
        sections,
        summary=(
            "Autoencoders that look for what the Standard Model does not make, from Pythia 8 collisions to "
            "Verilog that equals the trained network bit for bit; after arXiv:2108.03986."
        ),
        conditions=conditions,
    )


def _headline(built: Sequence[Built]) -> Section:
    """Size and speed of every design, and what the first keeps of one signal."""
    entries: list[tuple[str, Figure]] = []
    for number, each in enumerate(built):
        name = each.hardware.trigger.settings.title
        entries += [
            (f"{name}: latency", each.hardware.timing["latency_ns"]),
            (f"{name}: LUTs of the device", each.hardware.synthesis.percent_of_device("lut")),
        ]
        if number == 0:
            process, signal = next(iter(each.performance.signals.items()))
            entries += [
                (f"{name}: trigger rate", each.performance.rate),
                (f"{name}: {SIGNALS[process]} kept", signal.at_rate),
            ]
    return Section("At a glance", (Numbers(tuple(entries)),))


def _hardware(designs: Sequence[Hardware]) -> Section:
    """Our designs and the published ones, row by row, each number with its provenance."""
    rows: list[tuple[Cell, ...]] = []
    for number, hardware in enumerate(designs):
        own, theirs = hardware.trigger.settings, counterpart(hardware)
        percent = [hardware.synthesis.percent_of_device(kind) for kind in RESOURCES.values()]
        cycles, latency = hardware.timing["latency_cycles"], hardware.timing["latency_ns"]
        rows.append((f"nanosieve: {own.title}", *percent, cycles, latency, interval(hardware.design)))
        faster = hardware.every_crossing
        if faster is not None:
            times = (faster.timing["latency_cycles"], faster.timing["latency_ns"], interval(faster))
            rows.append((f"the same, every bunch crossing: {own.title}", *estimated(faster), *times))
        if number + 1 < len(designs) and designs[number + 1].trigger.settings.published == own.published:
            continue  # the published row comes behind the last of ours that stand beside it
        shown = (*(theirs.figures[kind] for kind in RESOURCES), None)
        rows.append(
            (
                f"{theirs.source}: {own.published}",
                *shown,
                theirs.figures["latency"],
                theirs.figures["interval"],
            )
        )
    columns = ("Design", *RESOURCES, "Cycles", "Latency", "Interval")
    first = designs[0]
    caption = (
        f"Percentages of {first.synthesis.device.name}. Ours: Yosys counts; latency in cycles from the RTL "
        f"simulation, at {first.design.hardware.budget.clock_mhz:g} MHz, which the delay model estimates to "
        f"be met. Published: {counterpart(first).stage}; AE rows hold encoder and decoder, VAE rows the "
        "encoder. Ours hold the anomaly score and the threshold as well. Designs for every bunch crossing "
        "are compiled, not synthesised."
    )
    blocks: list[Table | Picture] = [Table(columns, tuple(rows), caption)]
    for hardware in designs:
        bars = layer_bars(hardware.synthesis)
        blocks.append(Picture((bars,), f"{hardware.trigger.settings.title}: resources of each layer."))
    return Section("Does it fit?", tuple(blocks))


def _events(samples: StudySamples) -> Section:
    shown = {BACKGROUND: object_spectra(samples.test.objects, samples.test.weights)}
    for process, events in samples.signals.items():
        shown[SIGNALS[process]] = object_spectra(events.objects, events.weights)
    columns = ("events", "effective_events", "cross_section", "filter_efficiency", "weight_sum")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *(figures.get(c) for c in columns)) for name, figures in samples.processes.items()
    )
    return Section(
        "Events",
        (
            Picture(
                (spectra(shown, background=BACKGROUND),),
                "What the trigger sees, area-normalised; 13 TeV, no pile-up.",
            ),
            Table(
                ("Process", "Events", "Effective", "Cross section", "Filter efficiency", "After filter"),
                rows,
                "Pythia 8 with a parametrised detector; leading e or μ above 23 GeV.",
            ),
        ),
    )


def _training(built: Sequence[Built]) -> Section:
    """The trainings that the weights of the hardware come from."""
    pictures = []
    for each in built:
        own, trained = each.hardware.trigger.settings, each.hardware.trigger.network.trained
        history = TrainingHistory(
            own.title,
            trained.history["loss"],
            trained.history["validation_loss"],
            () if own.bits else trained.history["ebops"],
            trained.best_epoch,
        )
        pictures.append(Picture((training_curves([history]),), f"{own.title}: {own.kind}."))
    text = "Loss against epoch; where bits are learned, effective bit operations (EBOPs, arXiv:2405.00645)."
    return Section("Training", (Text((text,)), *pictures))


def _precision(built: Sequence[Built]) -> Section:
    pictures = tuple(
        Picture(
            (bit_width_map(bits_of(each.hardware.design.graph)),),
            f"{each.hardware.trigger.settings.title}: bits.",
        )
        for each in built
    )
    return Section("Bit widths", pictures)


def _pipelines(built: Sequence[Built]) -> Section:
    pictures = []
    for each in built:
        own, theirs = each.hardware.trigger.settings, counterpart(each.hardware)
        compare = ((theirs.source.split(" Table")[0], theirs.figures["latency"]),)
        chart = pipeline_chart(pipeline_of(each.hardware.design.hardware, title=own.title, compare=compare))
        pictures.append(
            Picture((chart,), f"{own.title}: when each layer works; numbers on top are register bits.")
        )
    return Section("Pipeline", tuple(pictures))
