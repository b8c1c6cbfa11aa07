"""The report of the study, section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nanosieve.figure import Figure, Provenance
from nanosieve.report import (
    Numbers,
    Picture,
    RocCurve,
    Section,
    Table,
    Text,
    TrainingHistory,
    precision_scan_chart,
    published,
    roc_curves,
    training_curves,
    write_report,
)
from nanosieve.studies.rnn.hardware import BuiltDesign
from nanosieve.studies.rnn.outcome import Outcome
from nanosieve.studies.rnn.settings import TITLES, Settings
from nanosieve.studies.sections import run_times
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["write_study_report"]

Row = tuple[str | Figure | None, ...]
Outcomes = Sequence[Outcome]


def write_study_report(
    out: Path,
    settings: Settings,
    options: StudyOptions,
    outcomes: Outcomes,
    times: Mapping[str, Figure],
) -> Path:
    """Write ``report.html`` into `out`.

    Raises:
        OutputError: the folder cannot be written to.
    """
    sections = [
        _headline(outcomes),
        _networks(outcomes),
        _scan(settings, outcomes),
        _hardware(outcomes),
        _proof(outcomes),
        _notes(outcomes),
        _performance(outcomes),
        _samples(outcomes),
        _training(outcomes),
        run_times(times),
    ]
    remarks = dict.fromkeys(o.sequences.remark for o in outcomes if o.sequences.remark)
    conditions = (
        *(("Remark", remark) for remark in remarks),
        ("Size", str(options.size)),
        ("Seed", str(options.seed)),
        ("Clock", settings.clock),
        ("Machine", machine()),
    )
    return write_report(
        out,
        "Recurrent networks in triggers",
        sections,
        summary=(
            "LSTM and GRU for top tagging, flavour tagging and drawings, from sequences to Verilog that "
            "equals the quantised network bit for bit; after arXiv:2207.00559."
        ),
        conditions=conditions,
    )


def title(outcome: Outcome) -> str:
    """How the report calls a network."""
    return f"{TITLES[outcome.network.benchmark.name]}, {outcome.network.cell}"


def _headline(outcomes: Outcomes) -> Section:
    entries = [(f"{title(o)}: AUC lost", o.note.loss) for o in outcomes]
    return Section("At a glance", (Numbers(tuple(entries)),))


def _networks(outcomes: Outcomes) -> Section:
    table = {row.model: row.figures for row in published("2207.00559", "rnn-networks")}
    rows: list[Row] = []
    for o in outcomes:
        own, theirs = o.network, table[o.network.benchmark.name]
        shape = own.benchmark.network
        counts = [
            Figure(n, "parameters", Provenance.MEASURED, source="Keras") for n in (own.recurrent, own.other)
        ]
        rows.append(
            (
                title(o),
                f"{shape.steps} × {shape.features} → {shape.hidden} → {', '.join(map(str, shape.dense))} → "
                f"{shape.outputs}",
                counts[0],
                theirs[f"{own.cell} parameters"],
                counts[1],
                theirs["other parameters"],
            )
        )
    columns = ("Network", "Shape", "Recurrent, ours", "published", "Dense, ours", "published")
    caption = "Sizes beside arXiv:2207.00559 Table 1."
    return Section("The networks", (Table(columns, tuple(rows), caption),))


def _scan(settings: Settings, outcomes: Outcomes) -> Section:
    drawings = tuple(
        precision_scan_chart(o.scans, title=title(o), label="Bits of every value", conditions=_events(o))
        for o in outcomes
    )
    rows: list[Row] = []
    for o in outcomes:
        auc = o.needed.value
        rows.append(
            (
                title(o),
                Figure(o.needed.bits, "bits", Provenance.SIMULATED),
                o.scans[0].reference,
                auc,
                o.needed.ratio,
                o.note.loss,
            )
        )
    columns = ("Network", "Bits", "AUC, float", "AUC, fixed", "Fixed / float", "Lost")
    caption = (
        f"The fewest bits scanned that keep {100 * settings.kept:g} % of the AUC, with binary points chosen "
        "from the training sample; mean over the classes, each against the others."
    )
    return Section(
        "How many bits?",
        (
            Picture(
                drawings,
                "Area under the ROC curve in fixed point over that of the float network, on the same events, "
                "against the bits of weights, states and activations; types chosen after training. Errors "
                "are those of the ratio, from resampled events.",
            ),
            Table(columns, tuple(rows), caption),
        ),
    )


def _events(outcome: Outcome) -> str:
    return outcome.scans[0].reference.source


def _hardware(outcomes: Outcomes) -> Section:
    rows: list[Row] = []
    problems = []
    for o in outcomes:
        for design in o.designs:
            if design.resources is None or design.timing is None:
                problems.append(f"{title(o)}, {design.mode.name}: {design.problem}.")
                continue
            rows.append(_design_row(o, design))
    columns = (
        "Design", "Bits", "LUT", "FF", "DSP", "BRAM", "Latency", "Interval", "Latency in time", "Device",
    )  # fmt: skip
    caption = (
        "Synthesised: Yosys counts. Estimated: the cells of the hardware that was built, with the error that "
        "this estimate has against Yosys. Static: one cell for all steps. Non-static: a cell for each. That "
        "cycles last 5 ns is what the delay model estimates."
    )
    texts = (
        "The tables of latency and resources of arXiv:2207.00559 were not read in the publication itself, so "
        "none of their numbers is shown here as published; the notes below say what ours are compared with.",
        *problems,
    )
    return Section("Does it fit?", (Table(columns, tuple(rows), caption), Text(texts)))


def _design_row(outcome: Outcome, design: BuiltDesign) -> Row:
    resources, timing = design.resources or {}, design.timing or {}
    return (
        f"{title(outcome)}, {design.mode.name}",
        Figure(design.bits, "bits", Provenance.SIMULATED),
        *(resources[name] for name in ("lut", "ff", "dsp", "bram36")),
        timing["latency_cycles"],
        timing["interval_cycles"],
        timing["latency_ns"],
        design.device,
    )


def _proof(outcomes: Outcomes) -> Section:
    texts = []
    for o in outcomes:
        for design in o.designs:
            if design.proof is None:
                continue
            kinds = ", ".join(f"{number:,} {kind}" for kind, number in design.proof.items())
            again = ", ".join(f"{number:,} {kind}" for kind, number in (design.again or {}).items())
            distance = "".join(
                f" {word} distance of the score from the float network {figure.number()}."
                for word, figure in (
                    ("Largest", (design.measured or {}).get("largest")),
                    ("Root-mean-square", (design.measured or {}).get("rms")),
                )
                if figure is not None
            )
            texts.append(
                f"{title(o)}, {design.mode.name}: graph = emulator = C++ = RTL on "
                f"{sum(design.proof.values()):,} vectors ({kinds}), no differences. "
                f"Compared once more: {again}." + distance
            )
    return Section("Is the hardware the network?", (Text(tuple(texts), tone="good"),))


def _notes(outcomes: Outcomes) -> Section:
    return Section("Better or worse, and why", (Text(tuple(f"{title(o)}. {o.note.text}" for o in outcomes)),))


def _performance(outcomes: Outcomes) -> Section:
    rows: list[Row] = [(title(o), entry.name, entry.auc) for o in outcomes for entry in o.performance]
    drawings = []
    for o in outcomes:
        curves = [
            RocCurve(
                entry.name,
                entry.roc.false_positive_rate,
                entry.roc.true_positive_rate,
                entry.roc.error,
                entry.auc,
            )
            for entry in o.performance
        ]
        lowest = min(float(curve.false_positive_rate[0]) for curve in curves)
        drawings.append(roc_curves(curves, title=title(o), lowest=10 ** np.floor(np.log10(lowest))))
    caption = (
        "Floating point, on sequences that no training has seen; each class against the others. Our own "
        "samples, so that no number of others belongs beside these."
    )
    return Section(
        "What the networks can tell",
        (
            Picture(tuple(drawings), "ROC curves with statistical bands."),
            Table(("Network", "Class", "AUC"), tuple(rows), caption),
        ),
    )


def _samples(outcomes: Outcomes) -> Section:
    seen: dict[str, Outcome] = {o.network.benchmark.name: o for o in outcomes}
    rows: list[Row] = []
    for name, o in seen.items():
        whole = o.sequences.whole
        used = whole.values.any(axis=2).sum(axis=1)
        for number, label in enumerate(whole.classes):
            own = used[whole.labels == number]
            mean = Figure(
                float(own.mean()), "steps", Provenance.SIMULATED, float(own.std() / np.sqrt(len(own)))
            )
            rows.append(
                (TITLES[name], label, Figure(len(own), "sequences", Provenance.SIMULATED), mean, whole.origin)
            )
    columns = ("Benchmark", "Class", "Sequences", "Mean length", "From")
    features = tuple(f"{TITLES[n]}: {', '.join(o.sequences.whole.features)}." for n, o in seen.items())
    return Section("Sequences", (Table(columns, tuple(rows), "Before standardisation."), Text(features)))


def _training(outcomes: Outcomes) -> Section:
    histories = [
        TrainingHistory(
            title(o),
            o.network.trained.history["loss"],
            o.network.trained.history["validation_loss"],
            kept=o.network.trained.best_epoch,
        )
        for o in outcomes
    ]
    return Section("Training", (Picture((training_curves(histories),), "Cross-entropy against epoch."),))
