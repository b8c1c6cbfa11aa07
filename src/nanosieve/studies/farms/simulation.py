"""All simulations of the study in one sweep: scenarios, edges of service times, time-outs, assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nanosieve.farm.designs import Design
from nanosieve.farm.impact import Losses, losses_of
from nanosieve.farm.simulation import DesignRun, Scenario, simulate_designs, time_out_scan
from nanosieve.figure import Figure, Provenance
from nanosieve.progress import Progress
from nanosieve.studies.farms.assumptions import ASSUMPTIONS, EDGE_NAMES
from nanosieve.studies.farms.settings import Settings
from nanosieve.studies.study import StudyOptions

__all__ = ["EDGES", "Runs", "losses_in", "simulate"]

EDGES: Mapping[str, float] = {"fast": 0.0, "slow": 1.0}
"""Edge → place within the bands of all service times."""


@dataclass(frozen=True)
class Runs:
    """A design under all conditions.

    Attributes:
        scenarios: name → run; ``planned`` among them.
        edges: name in `EDGES` → run, as planned otherwise.
        time_outs: s → run, as planned otherwise.
        assumptions: name in `ASSUMPTIONS` and edge, as ``nodes, lower`` → run, as planned otherwise.
    """

    scenarios: Mapping[str, DesignRun]
    edges: Mapping[str, DesignRun]
    time_outs: Mapping[float, DesignRun]
    assumptions: Mapping[str, DesignRun]

    @property
    def planned(self) -> DesignRun:
        """As the design was planned."""
        return self.scenarios["planned"]


def simulate(
    designs: Mapping[str, Design],
    apart: Mapping[str, Design],
    settings: Settings,
    options: StudyOptions,
    progress: Progress,
) -> dict[str, Runs]:
    """Name → runs of every design; `apart` is not asked for time-outs and assumptions.

    Raises:
        SettingsError: as `nanosieve.farm.simulation.simulate_designs`.
    """
    tasks: dict[tuple[str, str, str | float], tuple[Design, Scenario]] = {}
    for name, design in {**designs, **apart}.items():
        for key, scenario in settings.scenarios.items():
            tasks[name, "scenarios", key] = design, scenario
        for key, place in EDGES.items():
            tasks[name, "edges", key] = design, Scenario(times=place)
        if name in apart:
            continue
        tasks |= {
            (name, "assumptions", f"{what}, {edge}"): assumption.at(place, design)
            for what, assumption in ASSUMPTIONS.items()
            for place, edge in enumerate(EDGE_NAMES)
        }
        scan = zip(settings.time_outs, time_out_scan(settings.time_outs), strict=True)
        tasks |= {(name, "time_outs", s): (design, each) for s, each in scan}
    found = dict(
        simulate_designs(
            [*tasks.values()],
            seed=options.seed,
            events=settings.events,
            workers=options.workers,
            scheduler=options.scheduler,
            progress=progress,
        )
    )
    runs = {key: found[place] for place, key in enumerate(tasks)}
    return {
        name: Runs(*(
            {key: run for (of, what, key), run in runs.items() if (of, what) == (name, kind)}
            for kind in ("scenarios", "edges", "time_outs", "assumptions")
        ))  # type: ignore[arg-type]
        for name in (*designs, *apart)
    }  # fmt: skip


def losses_in(run: DesignRun) -> Losses:
    """What the physics needs of a run; where a backlog grows, no more is decided than in the long run.

    Raises:
        UnknownNameError: a class without a rule, such as those of another detector.
    """
    losses = losses_of(run.run)
    if not run.growth:
        return losses
    kept = {name: _least(each, run.processed[name]) for name, each in losses.kept.items()}
    none = Figure(0.0, "%", Provenance.SIMULATED, error=0.0)
    return replace(losses, kept=kept, forced=dict.fromkeys(losses.forced, none))


def _least(kept: Figure, decided: Figure) -> Figure:
    value = max(min(kept.value, decided.value), 0.0)
    return replace(kept, value=value, error=max(kept.error or 0.0, decided.error or 0.0))
