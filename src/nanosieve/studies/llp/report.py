"""The report of the study, section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nanosieve.figure import Figure
from nanosieve.networks.decay_length import PARAMETERS
from nanosieve.report import (
    Cell,
    Drawing,
    Numbers,
    Picture,
    Section,
    Table,
    Text,
    TrainingHistory,
    pipeline_chart,
    pipeline_of,
    training_curves,
    write_report,
)
from nanosieve.report.event_display import decay_display, decay_examples
from nanosieve.studies.llp.comparison import ARXIV
from nanosieve.studies.llp.figures import area_chart, error_chart
from nanosieve.studies.llp.hardware import Card, Hardware
from nanosieve.studies.llp.networks import Networks
from nanosieve.studies.llp.performance import Errors, Performance
from nanosieve.studies.llp.report_hardware import cards_section, students_section
from nanosieve.studies.llp.report_triggers import triggers_section
from nanosieve.studies.llp.samples import StudySamples
from nanosieve.studies.llp.settings import ANOMALY, AREA_AIM, CLOCK, ERROR_AIM, LENGTH, Settings
from nanosieve.studies.llp.triggers import Triggers
from nanosieve.studies.sections import layer_bars, proof_section, run_times
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["write_study_report"]


def write_study_report(
    out: Path,
    networks: Networks,
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    performance: Performance,
    found: Triggers,
    students: Sequence[Hardware],
    cards: Sequence[Card],
    times: Mapping[str, Figure],
) -> Path:
    """Write ``report.html`` into `out`.

    Raises:
        OutputError: the folder cannot be written to.
    """
    sections = [
        _headline(performance, students, cards),
        cards_section(cards),
        _lengths(performance, samples),
        _ladder(performance),
        triggers_section(settings, samples, found),
        students_section(students),
        proof_section((h.settings.title, h.verification, "") for h in students),
        _images(samples),
        _layers(students, cards),
        _training(networks, settings),
        run_times(times),
    ]
    conditions = (
        ("Images", samples.summary),
        ("Size", str(options.size)),
        ("Seed", str(options.seed)),
        ("Clock", CLOCK),
        ("Machine", machine()),
    )
    return write_report(
        out,
        "Decays of long-lived particles in muon chambers",
        sections,
        summary=(
            f"The network of arXiv:{ARXIV} on two cards, in 8 bits and with all weights on the chip, "
            "and students "
            "of it that decide within 10 and 2.5 µs, as Verilog that equals the trained networks bit for bit."
        ),
        conditions=conditions,
    )


def _headline(performance: Performance, students: Sequence[Hardware], cards: Sequence[Card]) -> Section:
    fastest = max(cards, key=lambda card: card.throughput.value, default=None)
    entries = [("Published network: mean absolute error", performance.published.absolute)]
    if fastest is not None:
        entries.append((f"{fastest.settings.title}: throughput", fastest.throughput))
        entries.append((f"{fastest.settings.title}: latency", fastest.latency))
    for one, hardware in zip(performance.students, students, strict=True):
        if one.errors is not None:
            entries.append((f"{hardware.settings.title}: mean absolute error", one.errors.absolute))
    return Section("At a glance", (Numbers(tuple(entries[:5])),))


def _lengths(performance: Performance, samples: StudySamples) -> Section:
    rows: list[tuple[Cell, ...]] = [
        ("always the mean of the training", *_both(performance.always), None, None),
        ("floating point", *_both(performance.published), None, None),
    ]
    for one in performance.rounded:
        rows.append((f"floating point, {one.before.absolute.source}", *_both(one.before), None, None))
        rows.append((one.title, *_both(one.after), one.change, one.moved))
    rows = list(dict.fromkeys(rows))
    caption = (
        f"The published network, {PARAMETERS:,} parameters, on decays that no training has seen: mean "
        "absolute and mean squared error of L_r, with the standard errors of their means. 8 bits: "
        "after the training, "
        "weights and values; changes and their errors on the same decays. The published statement is "
        "that no loss "
        "is seen; its numbers could not be read."
    )
    columns = ("Network", "MAE", "MSE", "Change of MAE", "Moved by (rms)")
    return Section(
        "How far from the truth?",
        (
            Table(columns, tuple(rows), caption),
            Picture((error_chart(performance, samples),), "Standard errors as bands; students as hardware."),
        ),
    )


def _both(errors: Errors | None) -> tuple[Cell, Cell]:
    return (None, None) if errors is None else (errors.absolute, errors.squared)


def _ladder(performance: Performance) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for one in performance.students:
        which = one.student.settings
        before, after = _both(one.floating)[0], _both(one.errors)[0]
        rows.append((which.title, before, after, one.change, one.teacher, one.area, one.lost, one.verdict))
    columns = (
        "Student", "MAE, floating", "MAE, hardware", "Against the teacher", "Area, teacher", "Area, hardware",
        "Lost", "Aims",
    )  # fmt: skip
    caption = (
        f"Aims: a mean absolute error at most {ERROR_AIM:g} % above that of the teacher, and an area "
        "under the "
        f"curve at most {AREA_AIM:g} point of a percent below. Differences and their errors on the "
        "same images. "
        "Hardware: the fixed-point graph, which the Verilog equals. The teacher of the length is the "
        "published network, "
        "that of the anomaly our autoencoder, whose published form is not stated. Areas: decays against "
        "muons, jets and noise, a third each; a length serves as score, since backgrounds are taught as 0."
    )
    pictures = [area_chart(performance, said) for said in (LENGTH, ANOMALY)]
    return Section(
        "From teacher to student",
        (
            Table(columns, tuple(rows), caption),
            Picture(
                tuple(pictures), "Decays kept against background that is taken for one, with bands of one σ."
            ),
        ),
    )


def _images(samples: StudySamples) -> Section:
    settings = Table(("Setting", "Value", "From"), samples.settings_rows(), "The detector and its noise.")
    shown = decay_display(decay_examples(samples.detector), samples.detector)
    pictures = [
        Picture(
            (Drawing(shown.panels[n : n + 2], key=shown.key),),
            f"Simulated events {n + 1} and {n + 2}: what was hit, and what has been there.",
        )
        for n in range(0, len(shown.panels), 2)
    ]
    return Section("Events", (*pictures, settings))


def _layers(students: Sequence[Hardware], cards: Sequence[Card]) -> Section:
    pictures = []
    for hardware in students:
        chart = pipeline_chart(pipeline_of(hardware.design.hardware, title=hardware.settings.title))
        title = hardware.settings.title
        pictures.append(Picture((layer_bars(hardware.synthesis),), f"{title}: each layer in the device."))
        pictures.append(Picture((chart,), f"{title}: each layer in time."))
    for card in cards:
        chart = pipeline_chart(pipeline_of(card.design.hardware, title=card.settings.title))
        pictures.append(Picture((chart,), f"{card.settings.title}: each layer in time."))
    return Section("Layers", tuple(pictures))


def _training(networks: Networks, settings: Settings) -> Section:
    shown = [("published network", networks.trained), ("autoencoder", networks.autoencoder)]
    shown += [(student.settings.title, student.trained) for student in networks.students]
    curves = [
        TrainingHistory(name, one.history["loss"], one.history["validation_loss"], kept=one.best_epoch)
        for name, one in shown
    ]
    form = (
        "It was trained with its three linear convolutions as one of 7 × 7, which is a fourth of the "
        "work, and then "
        "written as the three published ones: the same function, with all published parameters."
    )
    if settings.published is not None:
        form += f" It was trained on in that form for {settings.published.epochs} epochs."
    return Section(
        "Training",
        (
            Text((f"The published network saw the images {settings.composed.epochs} times. {form}",)),
            Picture((training_curves(curves),), "Loss against epoch; students with their bits."),
        ),
    )
