"""``nanosieve study run l1-anomaly``: the chain from begin to end."""

from __future__ import annotations

from nanosieve._files import output_folder
from nanosieve.progress import Progress, silent
from nanosieve.studies.l1_anomaly.comparison import Built
from nanosieve.studies.l1_anomaly.hardware import build_hardware
from nanosieve.studies.l1_anomaly.performance import measure
from nanosieve.studies.l1_anomaly.report import write_study_report
from nanosieve.studies.l1_anomaly.results import study_results
from nanosieve.studies.l1_anomaly.samples import prepare_samples
from nanosieve.studies.l1_anomaly.settings import Settings, settings_for
from nanosieve.studies.l1_anomaly.triggers import make_triggers
from nanosieve.studies.study import Stopwatch, StudyOptions, StudyResult, write_results

__all__ = ["run"]


def run(
    options: StudyOptions, progress: Progress = silent, *, settings: Settings | None = None
) -> StudyResult:
    """Events, training, hardware, proof, resources, physics, report.

    Every stage keeps what it has finished, so that the same call after an interruption goes on.

    Args:
        options: folder, size, seed.
        progress: told of every stage.
        settings: other sizes and working points than those of ``options.size``.

    Raises:
        NanosieveError: whatever a stage raises.
    """
    settings = settings or settings_for(options.size, options.seed)
    out = output_folder(options.out)
    watch = Stopwatch()
    with watch.stage("events"):
        samples = prepare_samples(settings, options, progress)
    with watch.stage("training and thresholds"):
        triggers = make_triggers(settings, samples, options, progress)
    hardware = build_hardware(triggers, settings, samples, options, watch, progress)
    with watch.stage("physics"):
        built = [Built(each, measure(each.trigger, samples, settings)) for each in hardware]
    with watch.stage("report"):
        report = write_study_report(out, settings, options, samples, built, watch.times)
    results = write_results(
        out / "results.json", study_results(settings, options, samples, built, watch.times)
    )
    headline = [
        (f"{each.hardware.trigger.settings.title}: {name}", figure)
        for each in built
        for name, figure in (
            ("latency", each.hardware.timing["latency_ns"]),
            ("LUT of the device", each.hardware.synthesis.percent_of_device("lut")),
            ("trigger rate", each.performance.rate),
            *(
                (f"efficiency of {process}", signal.at_rate)
                for process, signal in each.performance.signals.items()
            ),
        )
    ]
    return StudyResult(report, results, tuple(headline), samples.remarks)
