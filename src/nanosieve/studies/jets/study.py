"""``nanosieve study run jets``: the chain from begin to end."""

from __future__ import annotations

from nanosieve._files import output_folder
from nanosieve.progress import Progress, silent
from nanosieve.studies.jets.hardware import build_hardware
from nanosieve.studies.jets.ladder import build_ladder, train_float_networks
from nanosieve.studies.jets.report import write_study_report
from nanosieve.studies.jets.results import study_results
from nanosieve.studies.jets.samples import prepare_samples
from nanosieve.studies.jets.settings import Settings, settings_for
from nanosieve.studies.study import Stopwatch, StudyOptions, StudyResult, write_results

__all__ = ["run"]


def run(
    options: StudyOptions, progress: Progress = silent, *, settings: Settings | None = None
) -> StudyResult:
    """Jets, training, quantisation, hardware, proof, resources, report.

    Every stage keeps what it has finished, so that the same call after an interruption goes on.

    Args:
        options: folder, size, seed.
        progress: told of every stage.
        settings: another ladder or other sizes than those of ``options.size``.

    Raises:
        NanosieveError: whatever a stage raises.
    """
    settings = settings or settings_for(options.size, options.seed)
    out = output_folder(options.out)
    watch = Stopwatch()
    with watch.stage("jets"):
        samples = prepare_samples(settings, options, progress)
    with watch.stage("training in floating point"):
        floats = train_float_networks(settings, samples, options, progress)
    with watch.stage("quantised networks, tables and trees"):
        ladder = build_ladder(settings, samples, floats, options, progress)
    built = build_hardware(ladder, settings, samples, options, watch, progress)
    with watch.stage("report"):
        report = write_study_report(out, settings, options, samples, floats, built, watch.times)
    results = write_results(
        out / "results.json", study_results(settings, options, samples, floats, built, watch.times)
    )
    headline = [
        (f"{each.built.rung.title}: {name}", figure)
        for each in built
        for name, figure in (
            ("accuracy", each.built.accuracy),
            ("LUT", each.count("lut")),
            ("latency", each.timing["latency_ns"]),
        )
    ]
    return StudyResult(report, results, tuple(headline), samples.remarks)
