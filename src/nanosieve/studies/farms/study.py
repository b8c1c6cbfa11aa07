"""``nanosieve study run farms``: the chain from begin to end."""

from __future__ import annotations

from nanosieve._files import output_folder
from nanosieve.farm.designs import load_design
from nanosieve.figure import Figure
from nanosieve.progress import Progress, silent
from nanosieve.report.explorer import write_explorer
from nanosieve.studies.farms.crossings import prepare_crossings
from nanosieve.studies.farms.grid import make_grid
from nanosieve.studies.farms.mixtures import prepare_designs
from nanosieve.studies.farms.physics import measure, shown
from nanosieve.studies.farms.ranking import rank
from nanosieve.studies.farms.report import write_study_report
from nanosieve.studies.farms.results import Found, study_results
from nanosieve.studies.farms.settings import COMPARED, Settings, settings_for
from nanosieve.studies.farms.simulation import simulate
from nanosieve.studies.study import Stopwatch, StudyOptions, StudyResult, write_results

__all__ = ["run"]

NOTE = (
    "Move the conditions of all designs at once and see which are worth their money. The page "
    "interpolates a grid of simulations and says where; beyond it, it shows nothing. Pile-up moves the "
    "service times only: menu and crossings are those of the study."
)


def run(
    options: StudyOptions, progress: Progress = silent, *, settings: Settings | None = None
) -> StudyResult:
    """Crossings, classes, simulations, physics, ranking, grid, report, interactive page.

    Crossings that an earlier run left are used again.

    Args:
        options: folder, size, seed; ``options.samples`` may hold ``crossings.parquet``.
        progress: told of every stage.
        settings: others than those of ``options.size``.

    Raises:
        NanosieveError: whatever a stage raises.
    """
    settings = settings or settings_for(options.size)
    out = output_folder(options.out)
    watch = Stopwatch()
    with watch.stage("crossings"):
        events, remarks = prepare_crossings(settings, options, progress)
    with watch.stage("classes behind Level 1"):
        designs, shares = prepare_designs([*COMPARED], events, out / "workloads", options.seed)
    apart = {name: load_design(name) for name in settings.apart}
    with watch.stage("simulations"):
        runs = simulate(designs, apart, settings, options, progress)
    with watch.stage("physics"):
        physics = measure(designs, shares, runs, events, settings, options.seed)
        sizes = {"seed": options.seed, "replicas": settings.replicas}
        rankings = {per: rank(designs, runs, physics, events, per, **sizes) for per in ("cost", "power")}
    with watch.stage("grid"):
        grid = make_grid(designs, shares, events, settings, options, progress)
    crossings = {"background": len(events.background)}
    crossings |= {name: len(each) for name, each in events.signals.items()}
    found = Found(designs, apart, shares, runs, physics, rankings, grid, crossings)
    with watch.stage("report"):
        write_explorer(out, grid, title="Which farm? Move the conditions", note=NOTE)
        report = write_study_report(out, settings, options, found, watch.times, remarks)
    results = write_results(out / "results.json", study_results(settings, options, found, watch.times))
    headline: list[tuple[str, Figure]] = []
    for name, letter in COMPARED.items():
        headline += [
            (f"{letter} {name}: physics at one output rate, A = 1", shown(physics.equal.designs[name])),
            (f"{letter} {name}: cost", runs[name].planned.cost.total),
            (f"{letter} {name}: power", runs[name].planned.cost.power),
        ]
    return StudyResult(report, results, tuple(headline), remarks)
