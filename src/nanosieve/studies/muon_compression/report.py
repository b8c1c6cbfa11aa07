"""The report of the study, section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nanosieve.figure import Figure, Provenance
from nanosieve.networks.muon import STUDENT_PARAMETERS, TEACHER_PARAMETERS
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
    pipeline_chart,
    pipeline_of,
    published,
    training_curves,
    write_report,
)
from nanosieve.report.event_display import strip_display, strip_example
from nanosieve.studies.muon_compression.comparison import (
    COLUMNS,
    DOI,
    comparison_row,
    note,
    published_hardware,
    published_row,
    published_turn_on,
)
from nanosieve.studies.muon_compression.figures import (
    fragment_pictures,
    lesson_chart,
    resource_chart,
    turn_on_beside_published,
)
from nanosieve.studies.muon_compression.hardware import Hardware
from nanosieve.studies.muon_compression.networks import FLOAT, Networks
from nanosieve.studies.muon_compression.ranking import Ranking
from nanosieve.studies.muon_compression.samples import StudySamples
from nanosieve.studies.muon_compression.settings import (
    BEST,
    MOST_FALSE,
    PLATEAU,
    SOFT,
    THRESHOLD,
    Settings,
)
from nanosieve.studies.sections import layer_bars, proof_section, run_times
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["write_study_report"]

SOURCE = "follow-up of EPJC 81 (2021) 969"


def write_study_report(
    out: Path,
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    networks: Networks,
    ranking: Ranking,
    built: Sequence[Hardware],
    times: Mapping[str, Figure],
) -> Path:
    """Write ``report.html`` into `out`.

    Raises:
        OutputError: the folder cannot be written to.
    """
    sections = [
        _headline(ranking, built),
        _hardware(built),
        proof_section((h.settings.title, h.verification, "") for h in built),
        _turn_on(ranking),
        _teaching(settings, ranking),
        _sizes(),
        _fragments(samples),
        _layers(built),
        _training(networks),
        run_times(times),
    ]
    conditions = (
        ("Fragments", samples.summary),
        ("Size", str(options.size)),
        ("Seed", str(options.seed)),
        ("Device", built[0].synthesis.device.name),
        ("Clock", built[0].settings.clock),
        ("Machine", machine()),
    )
    return write_report(
        out,
        "A muon trigger made small",
        sections,
        summary=(
            "Fragments of muon-chamber images to the momentum of a muon: a teacher, students taught by it "
            "with "
            "and without hints, 4 bits, and Verilog for every bunch crossing that equals the trained network "
            f"bit for bit; after Francescato et al., doi:{DOI}."
        ),
        conditions=conditions,
    )


def _headline(ranking: Ranking, built: Sequence[Hardware]) -> Section:
    fastest = min(built, key=lambda h: h.latency.value)
    smallest = min(built, key=lambda h: h.synthesis.resources.lut.value)
    entries = (
        (f"{fastest.settings.title}: latency", fastest.latency),
        (f"{smallest.settings.title}: LUT", smallest.synthesis.resources.lut),
        *((f"{shown.turn_on.name}: kept from {PLATEAU:g} GeV", shown.plateau) for shown in ranking.shown[:3]),
    )
    return Section("At a glance", (Numbers(entries),))


def _hardware(built: Sequence[Hardware]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for hardware in built:
        ours, timing = comparison_row(hardware), hardware.timing
        cycles = (timing["latency_cycles"], timing["interval_cycles"])
        rows.append((f"nanosieve: {hardware.settings.title}", *(ours[name] for name in COLUMNS), *cycles))
    table, theirs = published_hardware(), published_row()
    cycles = (table.figures["latency cycles"], table.figures["interval cycles"])
    rows.append((f"{SOURCE}: {table.model}", *(theirs[name] for name in COLUMNS), *cycles))
    caption = (
        f"Ours: Yosys counts for {built[0].synthesis.device.name}, cycles from the RTL simulation, times at "
        f"{built[0].settings.clock}, which the delay model must allow. Published: {table.stage} for "
        f"{table.device} at 2.38 ns, whose input is a stream of pixels of 16 bits."
    )
    columns = ("Design", "LUT", "FF", "DSP", "Latency", "Interval", "Cycles", "Interval [cycles]")
    return Section(
        "Does it fit?",
        (
            Table(columns, tuple(rows), caption),
            Picture((resource_chart(built),), "LUTs and registers; published: an estimate of HLS."),
            Text(tuple(note(hardware) for hardware in built)),
        ),
    )


def _turn_on(ranking: Ranking) -> Section:
    points, plateau = published_turn_on()
    columns = (
        "Network", f"Kept from {PLATEAU:g} GeV", f"Fires below {SOFT:g} GeV", "Fires on noise",
        "Rate of noise", "Rate of muons", "Resolution",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (
            shown.turn_on.name,
            shown.plateau,
            shown.soft,
            shown.fake,
            shown.noise_rate,
            shown.muon_rate,
            shown.resolution,
        )
        for shown in ranking.shown
    ]
    rows.append((f"{SOURCE}: plateau, its own sample", plateau, *[None] * 5))
    caption = (
        f"Threshold: the network says {THRESHOLD:g} GeV or more. Efficiencies with statistical errors "
        "(Clopper–Pearson). Rates in the whole barrel: what fires times an estimate of how many muons "
        "there are of "
        "each momentum, of which the softest are the most, and of crossings; their errors are those of the "
        "fragments alone. Resolution: root mean square of the relative error between 6 and 14 GeV."
    )
    chart = turn_on_beside_published([shown.turn_on for shown in ranking.shown], points)
    return Section(
        "What does it buy?",
        (
            Picture(
                (chart,),
                f"Turn-on at {THRESHOLD:g} GeV on fragments that no training has seen, with Clopper–Pearson "
                "intervals. Published: read off a figure, on the authors' own simulation, so that shapes "
                "compare "
                "and not heights.",
            ),
            Table(columns, tuple(rows), caption),
        ),
    )


def _teaching(settings: Settings, ranking: Ranking) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (f"{row.lesson}, {row.precision}", *row.figures().values()) for row in ranking.rows
    ]
    same = f"Kept where {100 * MOST_FALSE:g} % below {SOFT:g} GeV fire"
    columns = (
        "Taught by, precision",
        same,
        f"Kept from {PLATEAU:g} GeV",
        "Fires below",
        "On noise",
        "Resolution",
        "Rate of noise",
        "Rate of muons",
    )
    caption = (
        f"Errors are the standard deviation over {len(settings.seeds)} trainings that differ in their "
        "seed; of "
        "single trainings they are statistical. The same test fragments for all."
    )
    return Section(
        "What do teacher and hint bring?",
        (
            Picture(
                (lesson_chart(ranking),), f"{same}, from {PLATEAU:g} GeV on; mean and spread over the seeds."
            ),
            Table(columns, tuple(rows), caption),
            Text((ranking.text,)),
        ),
    )


def _sizes() -> Section:
    theirs = {row.model: row.figures for row in published(DOI, "muon-networks")}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            name,
            layers,
            Figure(count, "parameters", Provenance.MEASURED, source="Keras"),
            theirs[name]["parameters"],
        )
        for name, layers, count in (
            ("teacher", "10, 10, 17, 17, 17 filters; 10, 10, 2", TEACHER_PARAMETERS),
            ("student", "1, 1, 6, 6 filters; 10, 10, 2", STUDENT_PARAMETERS),
        )
    )
    return Section(
        "The networks", (Table(("Network", "Layers", "Ours", "Published"), rows, f"Beside the {SOURCE}."),)
    )


def _fragments(samples: StudySamples) -> Section:
    caption = (
        "Test fragments of 9 layers × 16 strips, a row for each momentum in GeV; 0 is noise alone. The "
        "strips run "
        "from left to right, the innermost layer is at the top."
    )
    settings = Table(("Setting", "Value", "From"), samples.settings_rows(), "The detector and its noise.")
    whole = strip_display(strip_example(detector=samples.detector), samples.detector)
    seen = Picture((whole,), "One simulated muon in a sector, and the fragment that its seed picks.")
    return Section("Fragments", (seen, Picture((fragment_pictures(samples),), caption), settings))


def _layers(built: Sequence[Hardware]) -> Section:
    pictures = []
    for hardware in built:
        chart = pipeline_chart(pipeline_of(hardware.design.hardware, title=hardware.settings.title))
        title = hardware.settings.title
        pictures.append(Picture((layer_bars(hardware.synthesis),), f"{title}: each layer in the device."))
        pictures.append(Picture((chart,), f"{title}: each layer in time."))
    shown = {hardware.student.precision: hardware for hardware in built}
    for precision, hardware in shown.items():
        widths = bit_width_map(bits_of(hardware.design.graph))
        pictures.append(Picture((widths,), f"Student with {precision}: bits of the weights."))
    return Section("Layers", tuple(pictures))


def _training(networks: Networks) -> Section:
    shown = [("teacher", networks.teacher)]
    shown += [(f"student, {lesson}", networks.of(lesson, FLOAT)[0]) for lesson in ("alone", BEST)]
    curves = [
        TrainingHistory(
            name, s.trained.history["loss"], s.trained.history["validation_loss"], kept=s.trained.best_epoch
        )
        for name, s in shown
    ]
    caption = (
        "Loss against epoch, in floating point. With a teacher, the loss of the training holds its terms "
        "as well; "
        "that of the fragments held back is the squared error against the truth in all."
    )
    return Section("Training", (Picture((training_curves(curves),), caption),))
