"""The report of the study, section by section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from nanosieve.figure import Figure, Provenance
from nanosieve.report import (
    Cell,
    Drawing,
    EfficiencyPoint,
    Numbers,
    Picture,
    RocCurve,
    Section,
    Table,
    Text,
    TrainingHistory,
    bit_width_map,
    bits_of,
    efficiency_points,
    object_spectra,
    pipeline_chart,
    pipeline_of,
    published,
    roc_curves,
    score_distribution,
    spectra,
    training_curves,
    write_report,
)
from nanosieve.studies.l1_anomaly.hardware import Hardware
from nanosieve.studies.l1_anomaly.performance import Performance
from nanosieve.studies.l1_anomaly.samples import StudySamples
from nanosieve.studies.l1_anomaly.settings import SIGNALS, Settings
from nanosieve.studies.sections import layer_bars, proof_section, run_times
from nanosieve.studies.study import StudyOptions, machine
from nanosieve.units import magnitude, power_of_ten

__all__ = ["write_study_report"]

BACKGROUND = "Standard Model"
Built = Sequence[tuple[Hardware, Performance]]
_RESOURCES = {"LUT": "lut", "FF": "ff", "DSP": "dsp", "BRAM": "bram36"}


def write_study_report(
    out: Path,
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    built: Built,
    times: Mapping[str, Figure],
) -> Path:
    """Write ``report.html`` into `out`.

    Raises:
        OutputError: the folder cannot be written to.
    """
    sections = [
        _headline(built),
        _hardware(built),
        proof_section((h.trigger.settings.title, h.verification, "") for h, _ in built),
        _physics(settings, built),
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
        ("Luminosity", _luminosity(settings)),
        ("Device", built[0][0].synthesis.device.name),
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


def _luminosity(settings: Settings) -> str:
    value = magnitude(settings.luminosity, "1 / cm**2 / s", name="luminosity")
    power = int(np.floor(np.log10(value)))
    return f"{value / 10.0**power:g} × {power_of_ten(power)} cm⁻² s⁻¹"


def _headline(built: Built) -> Section:
    entries = []
    for hardware, performance in built:
        name = hardware.trigger.settings.title.split(",")[0]
        entries += [
            (f"{name}: latency", hardware.timing["latency_ns"]),
            (f"{name}: LUTs of the device", hardware.synthesis.percent_of_device("lut")),
            (f"{name}: trigger rate", performance.rate),
            *(
                (f"{name}: {SIGNALS[process]} kept", signal.at_rate)
                for process, signal in list(performance.signals.items())[:1]
            ),
        ]
    return Section("At a glance", (Numbers(tuple(entries)),))


def _hardware(built: Built) -> Section:
    """Our designs and the published ones, row by row, each number with its provenance."""
    rows: list[tuple[str | Figure | None, ...]] = []
    table = {row.model: row for row in published("2108.03986", "anomaly-hardware")}
    for hardware, _ in built:
        own = hardware.trigger.settings
        percent = [hardware.synthesis.percent_of_device(kind) for kind in _RESOURCES.values()]
        cycles, latency = hardware.timing["latency_cycles"], hardware.timing["latency_ns"]
        interval = Figure(
            hardware.timing["interval_cycles"].value * own.budget.period_ns, "ns", Provenance.ESTIMATED
        )
        rows.append((f"nanosieve: {own.title}", *percent, cycles, latency, interval))
        theirs = table[own.published]
        shown = [theirs.figures[kind] for kind in _RESOURCES]
        rows.append(
            (
                f"{theirs.source}: {own.published}",
                *shown,
                None,
                theirs.figures["latency"],
                theirs.figures["interval"],
            )
        )
    columns = ("Design", *_RESOURCES, "Cycles", "Latency", "Interval")
    device = built[0][0].synthesis.device
    caption = (
        f"Percentages of {device.name}. Ours: Yosys counts; latency in cycles from the RTL simulation, at "
        f"{built[0][0].design.hardware.budget.clock_mhz:g} MHz, which the delay model estimates to be met. "
        f"Published: {table[built[0][0].trigger.settings.published].stage}; AE rows hold encoder and "
        "decoder, VAE rows the encoder. Ours hold the anomaly score and the threshold as well."
    )
    blocks: list[Table | Picture] = [Table(columns, tuple(rows), caption)]
    for hardware, _ in built:
        bars = layer_bars(hardware.synthesis)
        blocks.append(Picture((bars,), f"{hardware.trigger.settings.title}: resources of each layer."))
    return Section("Does it fit?", tuple(blocks))


def _physics(settings: Settings, built: Built) -> Section:
    fixed = f"False-positive rate {settings.false_positive_rate:g}"
    rate = f"Trigger rate {settings.rate}"
    conditions = f"L = {_luminosity(settings)}"
    at_rate, at_fixed, rows = [], [], []
    for hardware, performance in built:
        title = hardware.trigger.settings.title.split(", trigger")[0]
        for process, signal in performance.signals.items():
            at_rate.append(EfficiencyPoint(SIGNALS[process], title, signal.at_rate))
            at_fixed.append(EfficiencyPoint(SIGNALS[process], title, signal.at_false_positive_rate))
            rows.append((title, SIGNALS[process], signal.auc, signal.at_rate, signal.at_false_positive_rate))
    rocs = tuple(_roc(hardware, performance, settings) for hardware, performance in built)
    scores = tuple(_scores(hardware, performance) for hardware, performance in built)
    points = (
        efficiency_points(at_rate, title=rate, conditions=conditions),
        efficiency_points(at_fixed, title=fixed),
    )
    firing = "; ".join(
        f"{h.trigger.settings.title}: {h.trigger.at_rate.events} crossings fire at the fixed rate, "
        f"{h.trigger.at_false_positive_rate.events} background events at the fixed false-positive rate"
        for h, _ in built
    )
    caption = (
        "Errors are statistical: Clopper–Pearson for the signal, combined with how far the threshold moves "
        "with the background events that fix it."
    )
    return Section(
        "What does it buy?",
        (
            Text(
                (
                    f"Rates count bunch crossings with a mean pile-up of {settings.pileup:g}: minimum bias, "
                    "hard QCD, W, Z and tt̄, with the objects of Level 1; efficiencies at a rate are those of "
                    "all collisions of a signal. The fixed false-positive rate, as in arXiv:2108.03986, "
                    "refers to collisions without pile-up that have a lepton above 23 GeV. " + firing + ".",
                )
            ),
            Picture(points, caption),
            Table(
                ("Trigger", "Signal", "AUC", rate, fixed), tuple(rows), f"Signal efficiencies; {conditions}."
            ),
            Picture(rocs, "ROC curves of the hardware's own scores, with statistical bands."),
            Picture(scores, "Scores as the hardware gives them; last bins hold what lies beyond."),
        ),
    )


def _roc(hardware: Hardware, performance: Performance, settings: Settings) -> Drawing:
    curves = [
        RocCurve(
            SIGNALS[process],
            signal.roc.false_positive_rate,
            signal.roc.true_positive_rate,
            signal.roc.error,
            signal.auc,
        )
        for process, signal in performance.signals.items()
    ]
    lowest = min(float(curve.false_positive_rate[0]) for curve in curves)
    point = settings.false_positive_rate
    return roc_curves(
        curves,
        title=hardware.trigger.settings.title.split(", trigger")[0],
        working_points=((point, f"{point:g}"),),
        lowest=10 ** np.floor(np.log10(lowest)),
    )


def _scores(hardware: Hardware, performance: Performance) -> Drawing:
    samples = {BACKGROUND: performance.background}
    for process, scores in performance.signal_scores.items():
        samples[SIGNALS[process]] = (scores, np.ones(len(scores)))
    trigger = hardware.trigger
    return score_distribution(
        samples,
        background=BACKGROUND,
        title=trigger.settings.title.split(", trigger")[0],
        thresholds={"trigger": trigger.at_rate.threshold},
    )


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


def _training(built: Built) -> Section:
    histories = [
        TrainingHistory(
            hardware.trigger.settings.network.replace("_", " "),
            hardware.trigger.trained.history["loss"],
            hardware.trigger.trained.history["validation_loss"],
            hardware.trigger.trained.history["ebops"],
            hardware.trigger.trained.best_epoch,
        )
        for hardware, _ in built
    ]
    caption = "Loss and effective bit operations (EBOPs, arXiv:2405.00645) against epoch."
    return Section("Training", (Picture((training_curves(histories),), caption),))


def _precision(built: Built) -> Section:
    pictures = tuple(
        Picture((bit_width_map(bits_of(hardware.design.graph)),), f"{hardware.trigger.settings.title}: bits.")
        for hardware, _ in built
    )
    return Section("Bit widths", pictures)


def _pipelines(built: Built) -> Section:
    table = {row.model: row for row in published("2108.03986", "anomaly-hardware")}
    pictures = []
    for hardware, _ in built:
        own = hardware.trigger.settings
        theirs = table[own.published]
        chart = pipeline_chart(
            pipeline_of(
                hardware.design.hardware,
                title=own.title,
                compare=((f"{theirs.source.split(' Table')[0]}", theirs.figures["latency"]),),
            )
        )
        pictures.append(
            Picture((chart,), f"{own.title}: when each layer works; numbers on top are register bits.")
        )
    return Section("Pipeline", tuple(pictures))
