"""The report of the study, section by section."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from nanosieve.compiler.precision_scan import PrecisionScan, ScanPoint
from nanosieve.figure import Figure, Provenance
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
    precision_scan_chart,
    published,
    training_curves,
    write_report,
)
from nanosieve.report.compression import compression_chart
from nanosieve.report.images import image_grid
from nanosieve.studies.cnn.comparison import ARXIV, comparison_row, note, published_row
from nanosieve.studies.cnn.hardware import Hardware
from nanosieve.studies.cnn.networks import Networks
from nanosieve.studies.cnn.samples import StudySamples
from nanosieve.studies.cnn.settings import Settings
from nanosieve.studies.sections import layer_bars, proof_section, run_times
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["write_study_report"]

_COLUMNS = ("LUT", "FF", "DSP", "BRAM", "latency", "interval")
_HEADINGS = ("Design", "LUT", "FF", "DSP", "BRAM36", "Latency [cycles]", "Interval [cycles]")


def write_study_report(
    out: Path,
    settings: Settings,
    options: StudyOptions,
    samples: StudySamples,
    networks: Networks,
    built: Sequence[Hardware],
    times: Mapping[str, Figure],
) -> Path:
    """Write ``report.html`` into `out`.

    Raises:
        OutputError: the folder cannot be written to.
    """
    sections = [
        _headline(networks, built),
        _images(samples),
        _hardware(built),
        proof_section((h.settings.name, h.verification, _pace(h)) for h in built),
        _precision(networks, samples),
        _training(networks),
        _widths(built),
        _pipelines(built),
        run_times(times),
    ]
    conditions = (
        ("Images", f"{samples.kind}, {len(samples.train):,} to train on, {len(samples.test):,} to test"),
        ("Size", str(options.size)),
        ("Seed", str(options.seed)),
        ("Device", built[0].synthesis.device.name),
        ("Machine", machine()),
    )
    return write_report(
        out,
        "A streamed convolutional network",
        sections,
        summary=(
            "Ten classes of 32×32 colour images: pruned, with few bits and with learned bits, from training "
            f"to Verilog that equals the trained network bit for bit; after arXiv:{ARXIV}."
        ),
        conditions=conditions,
    )


def _headline(networks: Networks, built: Sequence[Hardware]) -> Section:
    entries = [("Float network: accuracy", networks.accuracy[0.0])]
    for hardware in built:
        name = hardware.candidate.recipe.title
        entries += [
            (f"{name}, {_pixels(hardware)}: latency", hardware.timing["latency_ns"]),
            (f"{name}, {_pixels(hardware)}: LUT", hardware.synthesis.resources.lut),
        ]
    return Section("At a glance", (Numbers(tuple(entries)),))


def _images(samples: StudySamples) -> Section:
    remark = (
        "These are the public images of SVHN."
        if samples.kind == "SVHN"
        else "These are rendered digits, not SVHN: fonts with neighbours, perspective, light, blur, noise "
        "and clutter. Accuracies on them cannot be compared with published ones; losses from float to fixed "
        "point can."
    )
    grid = image_grid(samples.test.x, samples.test.labels)
    return Section(
        "Images", (Text((remark,)), Picture((grid,), f"Test images, a row for each class; {samples.kind}."))
    )


def _hardware(built: Sequence[Hardware]) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for hardware in built:
        ours = comparison_row(hardware)
        title = f"nanosieve: {hardware.candidate.recipe.title}, {_pixels(hardware)}"
        rows.append((title, *(ours[name] for name in _COLUMNS)))
        theirs = published_row(hardware)
        if theirs is not None:
            figures = tuple(theirs.figures.get(name) for name in _COLUMNS)
            rows.append((f"{theirs.source}: {theirs.model}", *figures))
    table = published(ARXIV, "cnn-hardware")[0]
    saved = published(ARXIV, "cnn-abstract")[0].figures
    caption = (
        f"Ours: Yosys counts for {built[0].synthesis.device.name}, cycles from the RTL simulation. "
        f"Published: {table.stage} for {table.device}, the same network trained on SVHN, at "
        f"{table.clock_mhz:g} MHz."
    )
    abstract = ("Published abstract", *(f"{name}: {figure}" for name, figure in saved.items()))
    return Section(
        "Does it fit?",
        (
            Table(_HEADINGS, tuple(rows), caption),
            Text((": ".join((abstract[0], "; ".join(abstract[1:]))) + ".",)),
            Text(tuple(note(hardware) for hardware in built)),
            *(
                Picture(
                    (layer_bars(hardware.synthesis),),
                    f"{hardware.candidate.recipe.title}, {_pixels(hardware)}: each layer.",
                )
                for hardware in built
            ),
        ),
    )


def _precision(networks: Networks, samples: StudySamples) -> Section:
    front = networks.front
    scans = [*networks.scans, _aware(networks)]
    charts = (
        precision_scan_chart(scans, title="Bits", conditions=samples.kind),
        compression_chart(front, title="Accuracy and LUTs", conditions=samples.kind),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (each.recipe.title, each.value, each.loss, each.resources["lut"], each.resources["dsp"])
        for each in front.candidates
    )
    floats: tuple[tuple[Cell, ...], ...] = tuple(
        (f"float, {100 * part:.0f} % pruned" if part else "float", figure, None, None, None)
        for part, figure in networks.accuracy.items()
    )
    zeros = ", ".join(f"{layer} {100 * part:.0f} %" for layer, part in networks.sparsity.items())
    return Section(
        "What do fewer bits cost?",
        (
            Picture(
                charts,
                "Left: accuracy over that of the float network, rounded after training, and trained with the "
                "bits. Right: accuracy against LUTs; the line joins the networks that no other beats. Errors "
                "are statistical, the same images for all; those of the LUTs are those of the estimate.",
            ),
            Table(
                ("Network", "Accuracy", "Lost to float", "LUT", "DSP"),
                (*floats, *rows),
                f"Errors of the losses are paired (bootstrap). Weights of zero after pruning: {zeros}.",
            ),
        ),
    )


def _aware(networks: Networks) -> PrecisionScan:
    """The networks trained with their bits, in the form of a scan."""
    reference = networks.front.reference
    points = []
    for each in sorted(networks.front.candidates, key=lambda c: c.recipe.bits):
        if each.recipe.how == "aware" and not each.recipe.sparsity:
            error = (each.loss.error or 0.0) / reference.value
            ratio = Figure(each.value.value / reference.value, "", Provenance.SIMULATED, error)
            points.append(ScanPoint(each.recipe.bits, f"{each.recipe.bits} bits", each.value, ratio))
    whole = Figure(
        reference.value / 100, "", reference.provenance, (reference.error or 0.0) / 100, reference.source
    )
    return PrecisionScan("trained with the bits", "accuracy", whole, tuple(points))


def _training(networks: Networks) -> Section:
    curves = []
    for candidate in networks.front.candidates:
        if candidate.recipe.how == "learned":
            record = json.loads(candidate.path.with_suffix(".history.json").read_text(encoding="utf-8"))
            loss, judged, ebops = (record[name] for name in ("loss", "validation_loss", "ebops"))
            curves.append(TrainingHistory(candidate.recipe.title, loss, judged, ebops, record["best_epoch"]))
    if not curves:
        return Section("Training", ())
    caption = (
        "Cross-entropy and effective bit operations of the networks that learn their bits, which begin "
        f"from the float network; that one was best in epoch {networks.trained.best_epoch}."
    )
    return Section("Training", (Picture((training_curves(curves),), caption),))


def _widths(built: Sequence[Hardware]) -> Section:
    shown = {hardware.candidate.recipe: hardware for hardware in built}
    pictures = tuple(
        Picture((bit_width_map(bits_of(hardware.design.graph)),), f"{recipe.title}: bits of the weights.")
        for recipe, hardware in shown.items()
    )
    return Section("Bit widths", pictures)


def _pipelines(built: Sequence[Hardware]) -> Section:
    pictures = tuple(
        Picture(
            (pipeline_chart(pipeline_of(hardware.design.hardware, title=hardware.settings.name)),),
            f"{hardware.candidate.recipe.title}, {_pixels(hardware)}: when each layer works.",
        )
        for hardware in built
    )
    return Section("Pipeline", pictures)


def _pace(hardware: Hardware) -> str:
    return f"All stages: {hardware.pace.number()} vectors per second ({hardware.pace.provenance})."


def _pixels(hardware: Hardware) -> str:
    number = hardware.settings.pixels
    return "one pixel a cycle" if number == 1 else f"{number} pixels a cycle"
