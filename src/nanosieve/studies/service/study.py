"""``nanosieve study run service``: the chain from begin to end."""

from __future__ import annotations

from nanosieve._files import output_folder
from nanosieve._require import require
from nanosieve.progress import Progress, silent
from nanosieve.studies.service.comparison import beside_published
from nanosieve.studies.service.handover import hand_over
from nanosieve.studies.service.measurement import measure
from nanosieve.studies.service.networks import prepare_networks
from nanosieve.studies.service.report import headline, write_study_report
from nanosieve.studies.service.results import study_results
from nanosieve.studies.service.settings import Settings, settings_for
from nanosieve.studies.study import Stopwatch, StudyOptions, StudyResult, write_results

__all__ = ["run"]


def run(
    options: StudyOptions, progress: Progress = silent, *, settings: Settings | None = None
) -> StudyResult:
    """Networks, a service for each, loads, comparison, farm, report.

    Args:
        options: folder, size, seed.
        progress: told of every stage.
        settings: other loads than those of ``options.size``.

    Raises:
        NanosieveError: whatever a stage raises.
    """
    require("tritonclient.grpc", extra="serve", purpose="the study service")
    settings = settings or settings_for(options.size)
    out = output_folder(options.out)
    watch = Stopwatch()
    with watch.stage("networks"):
        networks = prepare_networks(output_folder(out / "networks"), settings, options.seed, progress)
    found = []
    for served in networks:
        with watch.stage(f"{served.name}: loads"):
            found.append(measure(served, settings, options.seed, progress))
    small, large = found
    with watch.stage("farm"):
        handover = hand_over((small, large), out, settings.farm_events, options.seed)
    beside = beside_published(small, large)
    with watch.stage("report"):
        report = write_study_report(out, settings, options, (small, large), beside, handover, watch.times)
    content = study_results(settings, options, (small, large), beside, handover, watch.times)
    results = write_results(out / "results.json", content)
    lost = sum(r.wrong + r.lost for each in found for r in each.runs)
    remarks = (f"{lost} answers were wrong or lost; the report says which",) if lost else ()
    return StudyResult(report, results, tuple(headline((small, large))), remarks)
