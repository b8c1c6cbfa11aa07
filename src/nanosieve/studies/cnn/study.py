"""``nanosieve study run cnn``: the chain from begin to end."""

from __future__ import annotations

from nanosieve._files import output_folder
from nanosieve.progress import Progress, silent
from nanosieve.studies.cnn.hardware import build_hardware
from nanosieve.studies.cnn.networks import make_networks
from nanosieve.studies.cnn.report import write_study_report
from nanosieve.studies.cnn.results import study_results
from nanosieve.studies.cnn.samples import prepare_samples
from nanosieve.studies.cnn.settings import Settings, settings_for
from nanosieve.studies.study import Stopwatch, StudyOptions, StudyResult, write_results

__all__ = ["run"]


def run(
    options: StudyOptions, progress: Progress = silent, *, settings: Settings | None = None
) -> StudyResult:
    """Images, training, compression, hardware, proof, resources, report.

    Images and networks are kept as they are finished, so that the same call after an interruption goes on.

    Args:
        options: folder, size, seed; ``samples`` is the folder of SVHN's ``.mat`` files.
        progress: told of every stage.
        settings: other sizes than those of ``options.size``.

    Raises:
        NanosieveError: whatever a stage raises.
    """
    settings = settings or settings_for(options.size, options.seed)
    out = output_folder(options.out)
    watch = Stopwatch()
    with watch.stage("images"):
        samples = prepare_samples(settings, options, progress)
    networks = make_networks(settings, samples, options, watch, progress)
    built = build_hardware(networks, settings, samples, options, watch, progress)
    with watch.stage("report"):
        report = write_study_report(out, settings, options, samples, networks, built, watch.times)
    results = write_results(
        out / "results.json", study_results(settings, options, samples, networks, built, watch.times)
    )
    headline = [("float accuracy", networks.accuracy[0.0])]
    for hardware in built:
        name = hardware.settings.name
        headline += [
            (f"{name}: accuracy", hardware.candidate.value),
            (f"{name}: lost to float", hardware.candidate.loss),
            (f"{name}: LUT", hardware.synthesis.resources.lut),
            (f"{name}: latency", hardware.timing["latency_ns"]),
        ]
    return StudyResult(report, results, tuple(headline), samples.remarks)
