"""``results.json``: every figure of the study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from nanosieve.farm.cost import relative_cost
from nanosieve.farm.designs import Design
from nanosieve.figure import Figure
from nanosieve.studies.farms.physics import Physics, merit, merit_band
from nanosieve.studies.farms.ranking import Ranking
from nanosieve.studies.farms.settings import APART, COMPARED, Settings
from nanosieve.studies.farms.simulation import Runs
from nanosieve.studies.study import StudyOptions, machine

__all__ = ["Found", "study_results"]

FORMAT = 1


@dataclass(frozen=True)
class Found:
    """Everything that the study found.

    Attributes:
        designs: those compared, the reference first.
        apart: those of another detector or pile-up.
        shares: design → class → share behind Level 1.
        runs: of all designs.
        physics: of those compared.
        rankings: by cost and by power.
        grid: of the interactive page.
        crossings: of background and of each signal.
    """

    designs: Mapping[str, Design]
    apart: Mapping[str, Design]
    shares: Mapping[str, Mapping[str, Figure]]
    runs: Mapping[str, Runs]
    physics: Physics
    rankings: Mapping[str, Ranking]
    grid: Mapping[str, Any]
    crossings: Mapping[str, int]


def study_results(
    settings: Settings, options: StudyOptions, found: Found, times: Mapping[str, Figure]
) -> dict[str, Any]:
    """Everything that report and page show, for machines."""
    return {
        "format": FORMAT,
        "study": "farms",
        "size": str(options.size),
        "seed": options.seed,
        "machine": machine(),
        "versions": {name: version(name) for name in ("nanosieve", "pythia8mc", "numba", "numpy")},
        "settings": asdict(settings),
        "crossings": dict(found.crossings),
        "designs": {name: _design(name, found) for name in (*found.designs, *found.apart)},
        "physics": {
            "own_output_rate": found.physics.own.to_dict(),
            "equal_output_rate": found.physics.equal.to_dict(),
        },
        "ranking": {
            per: {
                "order": list(each.order),
                "values": dict(each.values),
                "best_over_second": each.ratio,
                "swings": [asdict(swing) for swing in each.swings],
            }
            for per, each in found.rankings.items()
        },
        "grid": dict(found.grid),
        "run_time": dict(times),
    }


def _design(name: str, found: Found) -> dict[str, Any]:
    runs = found.runs[name]
    planned = runs.planned
    entry: dict[str, Any] = {
        "letter": COMPARED[name] if name in COMPARED else APART[name][0],
        "title": planned.design.title,
        "comparable": name in found.designs,
        "cost": planned.cost.total,
        "cost_lines": dict(planned.cost.lines),
        "power": planned.cost.power,
        "energy": planned.cost.energy,
        "energy_per_event": planned.energy_per_event,
        "racks": planned.cost.racks,
        "years": planned.cost.years,
        "scenarios": {key: run.to_dict() for key, run in runs.scenarios.items()},
        "service_time_edges": {key: run.to_dict() for key, run in runs.edges.items()},
        "time_outs": {f"{seconds:g}": run.to_dict() for seconds, run in runs.time_outs.items()},
    }
    if name not in found.designs:
        return {**entry, "why_apart": APART[name][1]}
    reference = found.runs[next(iter(found.designs))].planned
    physics = found.physics
    return {
        **entry,
        "relative_cost": relative_cost(planned.cost, reference.cost),
        "classes": dict(found.shares[name]),
        "physics_own": merit(physics.own.designs[name]),
        "physics_own_band": list(merit_band(physics.own.designs[name])),
        "physics_equal": merit(physics.equal.designs[name]),
        "physics_equal_band": list(merit_band(physics.equal.designs[name])),
        "physics_scenarios": {key: merit(each) for key, each in physics.scenarios[name].items()},
        "physics_time_outs": {f"{s:g}": merit(each) for s, each in physics.time_outs[name].items()},
    }
