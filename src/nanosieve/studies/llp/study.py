"""``nanosieve study run llp``: the chain from begin to end."""

from __future__ import annotations

from nanosieve._files import output_folder
from nanosieve.progress import Progress, silent
from nanosieve.studies.llp.hardware import build_cards, build_students
from nanosieve.studies.llp.networks import make_networks
from nanosieve.studies.llp.performance import judge
from nanosieve.studies.llp.report import write_study_report
from nanosieve.studies.llp.results import study_results
from nanosieve.studies.llp.samples import prepare_samples
from nanosieve.studies.llp.settings import Settings, settings_for
from nanosieve.studies.llp.triggers import triggers
from nanosieve.studies.study import Stopwatch, StudyOptions, StudyResult, write_results

__all__ = ["run"]


def run(
    options: StudyOptions, progress: Progress = silent, *, settings: Settings | None = None
) -> StudyResult:
    """Images, the published network, our autoencoder, students, triggers, hardware, proof, report.

    Images and networks are kept as they are finished, so that the same call after an interruption goes on.

    Args:
        options: folder, size and seed.
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
    with watch.stage("look at the images to test"):
        performance = judge(settings, samples, networks, options.seed)
        found = triggers(settings, samples, networks, performance)
    students = build_students(networks, settings, samples, options, watch, progress)
    cards = build_cards(networks, settings, options, watch, progress)
    parts = (settings, options, samples, performance, found, students, cards, watch.times)
    with watch.stage("report"):
        report = write_study_report(out, networks, *parts)
    results = write_results(out / "results.json", study_results(*parts))
    headline = [("published network: mean absolute error", performance.published.absolute)]
    for card in cards:
        headline.append((f"{card.settings.title}: throughput", card.throughput))
    for one, hardware in zip(performance.students, students, strict=True):
        title = hardware.settings.title
        if one.errors is not None:
            headline.append((f"{title}: mean absolute error", one.errors.absolute))
        headline += [
            (f"{title}: latency", hardware.timing["latency_ns"]),
            (f"{title}: LUT", hardware.synthesis.resources.lut),
        ]
    return StudyResult(report, results, tuple(headline), ())
