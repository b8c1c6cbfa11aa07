"""Designs at one pile-up, each with the classes of events that its own hardware trigger lets through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from nanosieve._files import output_folder, write_text
from nanosieve.farm.designs import Design, load_design, workload_of
from nanosieve.farm.impact import ImpactEvents, design_inputs, physics_kept, with_mixture
from nanosieve.farm.workload import Workload
from nanosieve.figure import Figure

__all__ = ["prepare_designs"]


def prepare_designs(
    names: Sequence[str], events: ImpactEvents, folder: Path, seed: int
) -> tuple[dict[str, Design], dict[str, Mapping[str, Figure]]]:
    """The designs, and class → share (%) behind Level 1 of each.

    Which classes reach a farm follows from the thresholds that its rate allows; these are tuned for a farm
    without losses, and the shares written into a workload of its own beside the results.

    Args:
        names: of designs of the package, for the detector of `events`.
        events: crossings.
        folder: where the workloads are written.
        seed: of the bootstrap.

    Raises:
        SettingsError, SampleError: as `nanosieve.farm.impact.physics_kept`.
    """
    designs = {}
    for name in names:
        plan = load_design(name)
        own = plan.collisions.model_copy(update={"pileup": events.conditions.pileup})
        designs[name] = plan.model_copy(update={"collisions": own})
    without = physics_kept(
        [design_inputs(design) for design in designs.values()], events, seed=seed, replicas=50
    )
    shares = {name: without.designs[name].accepted for name in names}
    for name, design in designs.items():
        workload = with_mixture(workload_of(design), shares[name])
        path = output_folder(folder) / f"{name}.yaml"
        write_text(path, workload_yaml(workload))
        designs[name] = design.model_copy(update={"workload": str(path)})
    return designs, shares


def workload_yaml(workload: Workload) -> str:
    """A workload as the YAML that reads back as the same."""
    return yaml.safe_dump(_with_units(workload.model_dump(mode="json", exclude_none=True)), sort_keys=False)


def _with_units(content: dict[str, Any]) -> dict[str, Any]:
    """Times and clocks get the units without which a reader refuses them; what is empty is left out."""
    for task in content["tasks"].values():
        for service in task["devices"].values():
            if "mean" in service:
                service["mean"] = [f"{edge!r} s" for edge in service["mean"]]
            if "clock" in service:
                service["clock"] = f"{service['clock']!r} Hz"
            for key in ("quantiles", "classes"):
                if not service[key]:
                    del service[key]
    return content
