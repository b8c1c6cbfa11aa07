"""``nanosieve study run rnn``: the chain from begin to end."""

from __future__ import annotations

from nanosieve._files import output_folder
from nanosieve.progress import Progress, silent
from nanosieve.studies.rnn.comparison import note
from nanosieve.studies.rnn.hardware import build_designs
from nanosieve.studies.rnn.networks import TrainedNetwork, train_network
from nanosieve.studies.rnn.outcome import Outcome
from nanosieve.studies.rnn.performance import performance
from nanosieve.studies.rnn.report import title, write_study_report
from nanosieve.studies.rnn.results import study_results
from nanosieve.studies.rnn.samples import StudySequences, prepare_sequences
from nanosieve.studies.rnn.scan import bits_needed, scan_networks
from nanosieve.studies.rnn.settings import Settings, settings_for
from nanosieve.studies.study import Stopwatch, StudyOptions, StudyResult, write_results

__all__ = ["run"]


def run(
    options: StudyOptions, progress: Progress = silent, *, settings: Settings | None = None
) -> StudyResult:
    """Sequences, training, scan of bits, hardware, proof, report.

    Samples, trainings, simulators and syntheses that are finished are found again, so that the same call
    after an interruption goes on.

    Args:
        options: folder, size, seed.
        progress: told of every stage.
        settings: other sizes than those of ``options.size``.

    Raises:
        NanosieveError: whatever a stage raises.
    """
    settings = settings or settings_for(options.size, options.seed)
    out = output_folder(options.out)
    watch = Stopwatch()
    sequences: dict[str, StudySequences] = {}
    for benchmark in settings.benchmarks:
        with watch.stage(f"{benchmark.name}: sequences"):
            sequences[benchmark.name] = prepare_sequences(benchmark, settings, options, progress)
    networks: dict[str, tuple[TrainedNetwork, StudySequences]] = {}
    for benchmark in settings.benchmarks:
        for cell in settings.cells:
            with watch.stage(f"{benchmark.name}, {cell}: training"):
                trained = train_network(benchmark, cell, sequences[benchmark.name], options, progress)
            networks[trained.name] = (trained, sequences[benchmark.name])
    with watch.stage("scan of bits"):
        scans = scan_networks(networks, settings, options, progress)
    needed = {name: bits_needed(curves, settings.kept) for name, curves in scans.items()}
    with watch.stage("hardware"):
        designs = build_designs(
            networks, {name: point.bits for name, point in needed.items()}, settings, options, progress
        )
    outcomes = [
        Outcome(
            trained,
            own,
            performance(trained, own),
            scans[name],
            needed[name],
            designs[name],
            note(
                trained.benchmark.network,
                trained.cell,
                scans[name],
                needed[name].bits,
                settings.kept,
                designs[name],
            ),
        )
        for name, (trained, own) in networks.items()
    ]
    with watch.stage("report"):
        report = write_study_report(out, settings, options, outcomes, watch.times)
    results = write_results(out / "results.json", study_results(settings, options, outcomes, watch.times))
    headline = [
        (f"{title(o)}: {what}", figure)
        for o in outcomes
        for what, figure in (
            ("AUC in float", o.scans[0].reference),
            (f"AUC lost with {o.needed.bits} bits", o.note.loss),
            *(
                (f"{d.mode.name}: latency", d.timing["latency_ns"])
                for d in o.designs
                if d.timing is not None and d.proof is not None
            ),
        )
    ]
    remarks = tuple(dict.fromkeys(o.sequences.remark for o in outcomes if o.sequences.remark))
    return StudyResult(report, results, tuple(headline), remarks)
