"""``nanosieve study run muon-compression``: the chain from begin to end."""

from __future__ import annotations

import numpy as np

from nanosieve._files import output_folder
from nanosieve.progress import Progress, silent
from nanosieve.studies.muon_compression.hardware import build_hardware
from nanosieve.studies.muon_compression.networks import make_networks
from nanosieve.studies.muon_compression.ranking import rank
from nanosieve.studies.muon_compression.report import write_study_report
from nanosieve.studies.muon_compression.results import study_results
from nanosieve.studies.muon_compression.samples import prepare_samples
from nanosieve.studies.muon_compression.settings import THRESHOLD, Settings, settings_for
from nanosieve.studies.study import Stopwatch, StudyOptions, StudyResult, write_results

__all__ = ["run"]


def run(
    options: StudyOptions, progress: Progress = silent, *, settings: Settings | None = None
) -> StudyResult:
    """Muons and noise in the chambers, fragments, teacher, students, hardware, proof, resources, report.

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
    with watch.stage("images and fragments"):
        samples = prepare_samples(settings, options, progress)
    networks = make_networks(settings, samples, options, watch, progress)
    ranking = rank(networks, np.asarray(samples.muons.pt, dtype=np.float64), samples.rates)
    built = build_hardware(networks, settings, samples, options, watch, progress)
    with watch.stage("report"):
        report = write_study_report(out, settings, options, samples, networks, ranking, built, watch.times)
    results = write_results(
        out / "results.json", study_results(settings, options, samples, ranking, built, watch.times)
    )
    headline = [
        (f"{shown.turn_on.name}: efficiency on the plateau at {THRESHOLD:g} GeV", shown.plateau)
        for shown in ranking.shown
    ]
    for hardware in built:
        headline += [
            (f"{hardware.settings.title}: LUT", hardware.synthesis.resources.lut),
            (f"{hardware.settings.title}: latency", hardware.latency),
        ]
    return StudyResult(report, results, tuple(headline), samples.remarks)
