"""The report of the study, section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nanosieve.figure import Figure
from nanosieve.physics.events.jet_features import CLASSES, FEATURES
from nanosieve.report import (
    Cell,
    Numbers,
    Picture,
    Published,
    Section,
    Table,
    Text,
    TrainingHistory,
    Variable,
    published,
    spectra,
    training_curves,
    write_report,
)
from nanosieve.report.ladder import LadderPoint, ladder_chart
from nanosieve.studies.jets.hardware import Hardware
from nanosieve.studies.jets.ladder import FloatNetwork
from nanosieve.studies.jets.notes import counterpart_of, note, published_loss
from nanosieve.studies.jets.samples import StudySamples
from nanosieve.studies.jets.settings import Compressed, Network, Settings
from nanosieve.studies.sections import proof_section, run_times
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["write_study_report"]

NAMES = {"g": "gluon", "q": "light quark", "w": "W", "z": "Z", "t": "top"}
_SHOWN = (
    Variable.uniform("mass_mmdt", "Groomed mass", "GeV", 44, 0, 220),
    Variable.uniform("multiplicity", "Constituents", "", 32, 0, 160),
    Variable.uniform("n2_b1_mmdt", "N2, β = 1", "", 25, 0, 0.5),
    Variable.uniform("d2_b1_mmdt", "D2, β = 1", "", 30, 0, 4.5),
    Variable.uniform("c1_b1_mmdt", "C1, β = 1", "", 30, 0, 0.15),
    Variable.uniform("zlogz", "Σ z log z", "", 30, -4.5, 0),
)


def write_study_report(
    out: Path,
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    floats: Mapping[Network, FloatNetwork],
    built: Sequence[Hardware],
    times: Mapping[str, Figure],
) -> Path:
    """Write ``report.html`` into `out`.

    Raises:
        OutputError: the folder cannot be written to.
    """
    sections = [
        _headline(floats, built),
        _ladder(floats, built),
        _beside_published(built),
        proof_section((each.built.rung.title, each.verification, "") for each in built),
        _physics(floats, built),
        _jets(samples),
        _training(floats, built),
        run_times(times),
    ]
    conditions = (
        *(("Remark", remark) for remark in samples.remarks),
        ("Size", str(options.size)),
        ("Seed", str(options.seed)),
        ("Jets", f"{len(samples.train.labels):,} to train, {len(samples.test.labels):,} to test"),
        ("Origin", samples.jets.origin),
        ("Device", built[0].synthesis.device.name),
        ("Machine", machine()),
    )
    return write_report(
        out,
        "Jet taggers: the ladder",
        sections,
        summary=(
            "Gluon, light-quark, W, Z or top: networks from floating point to tables, from Pythia 8 "
            "collisions to Verilog that equals the trained network bit for bit; after arXiv:1804.06913."
        ),
        conditions=conditions,
    )


def _headline(floats: Mapping[Network, FloatNetwork], built: Sequence[Hardware]) -> Section:
    smallest = min(built, key=lambda each: each.count("lut").value)
    best = max(built, key=lambda each: each.built.accuracy.value)
    fastest = min(built, key=lambda each: each.timing["latency_ns"].value)
    entries = [
        (f"{next(iter(floats))} network in floating point", next(iter(floats.values())).accuracy)
        if floats
        else ("best accuracy", best.built.accuracy),
        (f"best in hardware: {best.built.rung.title}", best.built.accuracy),
        (f"smallest: {smallest.built.rung.title}", smallest.count("lut")),
        (f"fastest: {fastest.built.rung.title}", fastest.timing["latency_ns"]),
    ]
    return Section("At a glance", (Numbers(tuple(entries)),))


def _ladder(floats: Mapping[Network, FloatNetwork], built: Sequence[Hardware]) -> Section:
    points = [
        LadderPoint(each.built.rung.title, each.built.accuracy, each.count("lut"), each.timing["latency_ns"])
        for each in built
    ]
    rows = [*published("2103.05579", "jets-hardware"), *_particles(built)]
    points += [
        LadderPoint(
            f"{row.model}, {row.source.split(',')[0].split(' ')[0]}",
            row.figures["accuracy"],
            row.figures["LUT"],
            row.figures["latency"],
            published=True,
        )
        for row in rows
    ]
    reference = floats["dense"].accuracy if "dense" in floats else None
    caption = (
        "Letters: ours, with statistical errors of the accuracy, LUTs counted by Yosys and the latency at "
        "the clock of the budget. Numbers: published, open squares; their accuracy is that of other data "
        "sets, so that the steps between rungs compare, not the heights."
    )
    return Section(
        "The ladder", (Picture((ladder_chart(points, reference=reference),), caption), _table(floats, built))
    )


def _particles(built: Sequence[Hardware]) -> list[Published]:
    """The published rows on constituents, where the ladder has such networks."""
    on_constituents = any(
        isinstance(each.built.rung, Compressed) and each.built.rung.network != "dense" for each in built
    )
    rows = published("2508.15468", "particles-hardware")
    return [row for row in rows if on_constituents and row.model in ("8 particles", "16 particles")]


def _table(floats: Mapping[Network, FloatNetwork], built: Sequence[Hardware]) -> Table:
    columns = (
        "Network",
        "Accuracy",
        "Quantisation loss",
        "LUT",
        "DSP",
        "FF",
        "Cycles",
        "Latency",
        "Interval",
    )
    rows: list[tuple[Cell, ...]] = [
        (f"{kind}, floating point", network.accuracy, *[None] * 7) for kind, network in floats.items()
    ]
    for each in built:
        rung = each.built.rung
        rows.append(
            (
                rung.title,
                each.built.accuracy,
                each.built.loss,
                each.count("lut"),
                each.count("dsp"),
                each.count("ff"),
                each.timing["latency_cycles"],
                each.timing["latency_ns"],
                each.interval,
            )
        )
    return Table(
        columns,
        tuple(rows),
        "Ours. Accuracy on jets that no training has seen; the loss is against the float network on the same "
        "jets, its error that of the difference (bootstrap). Tables and trees have no float network.",
    )


def _beside_published(built: Sequence[Hardware]) -> Section:
    """Our rungs, behind those of one kind the published row of it, and a note about each."""
    rows: list[tuple[Cell, ...]] = []
    following = [*(each.built.rung.counterpart for each in built[1:]), None]
    for each, after in zip(built, following, strict=True):
        rung, row = each.built.rung, counterpart_of(each.built.rung.counterpart)
        rows.append(
            (
                f"nanosieve: {rung.title}",
                each.built.accuracy,
                each.built.loss,
                each.count("lut"),
                each.count("dsp"),
                each.count("ff"),
                each.timing["latency_ns"],
                each.interval,
            )
        )
        if row is not None and after != rung.counterpart:
            theirs = row.figures
            rows.append(
                (
                    f"{row.source.split(',')[0]}: {row.model}",
                    theirs["accuracy"],
                    published_loss(rung.counterpart),
                    *(theirs.get(name) for name in ("LUT", "DSP", "FF", "latency", "interval")),
                )
            )
    columns = ("Network", "Accuracy", "Quantisation loss", "LUT", "DSP", "FF", "Latency", "Interval")
    caption = (
        "Every published number was read in its source. VU9P at 200 MHz (arXiv:2103.05579; losses counted "
        "from its 16-bit row), VU13P post route (arXiv:2508.15468). The accuracies are of different data "
        "sets."
    )
    bits = published("2604.22293", "jets-bit-operations")
    tables = Table(
        ("arXiv:2604.22293", "Accuracy", "EBOPs"),
        tuple((row.model, row.figures["accuracy"], row.figures["EBOPs"]) for row in bits),
        "Layers of tables: published validation accuracies on JSC-OpenML; no LUT count of them was read in "
        "the source.",
    )
    notes = Text(tuple(note(each) for each in built))
    return Section("Beside the published", (Table(columns, tuple(rows), caption), notes, tables))


def _physics(floats: Mapping[Network, FloatNetwork], built: Sequence[Hardware]) -> Section:
    columns = ("Network", *(NAMES[name] for name in CLASSES))
    rows: list[tuple[Cell, ...]] = []
    for kind, network in floats.items():
        rows.append((f"{kind}, floating point", *network.areas.values()))
    for each in built:
        rows.append((each.built.rung.title, *each.built.areas.values()))
    return Section(
        "What is told apart",
        (
            Table(
                columns,
                tuple(rows),
                "Area under the ROC curve of each class against the four others; the score is the "
                "probability of the class, from the outputs of the hardware.",
            ),
        ),
    )


def _jets(samples: StudySamples) -> Section:
    features, labels = samples.jets.features, samples.jets.labels
    shown = {
        NAMES[name]: {
            variable.name: (
                features[labels == n, FEATURES.index(variable.name)],
                np.ones((labels == n).sum()),
            )
            for variable in _SHOWN
        }
        for n, name in enumerate(CLASSES)
    }
    caption = (
        "Six of the sixteen features of the public data set, each class of unit area; all but the number of "
        "constituents after grooming."
    )
    return Section(
        "The jets", (Picture((spectra(shown, background=NAMES["g"], variables=_SHOWN),), caption),)
    )


def _training(floats: Mapping[Network, FloatNetwork], built: Sequence[Hardware]) -> Section:
    histories = [
        TrainingHistory(
            f"{kind}, floating point",
            network.trained.history["loss"],
            network.trained.history["validation_loss"],
            kept=network.trained.best_epoch,
        )
        for kind, network in floats.items()
    ]
    histories += [each.built.history for each in built if each.built.history is not None]
    if not histories:
        return Section("Training", (Text(("This ladder holds no network that was trained by epochs.",)),))
    caption = "Cross-entropy and effective bit operations (EBOPs, arXiv:2405.00645) against epoch."
    return Section("Training", (Picture((training_curves(histories),), caption),))
