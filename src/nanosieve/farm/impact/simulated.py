"""The losses of a simulated farm, as the physics needs them.

A simulation counts fates: accepted, rejected, stored without a decision, lost. The physics asks another
question: of the events that ought to be stored, how many are? An event is decided in time with the same
probability whatever the decision, and what is to be stored is lost at the output with the probability

    lost: output / (lost: output + accepted + force-accepted).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from nanosieve.farm.engine import FarmRun
from nanosieve.farm.impact.classes import class_numbers
from nanosieve.farm.impact.inputs import Losses
from nanosieve.figure import Figure, Provenance

__all__ = ["losses_of"]


def losses_of(run: FarmRun) -> Losses:
    """Live time, and of each class what is decided in time and stored, or stored without a decision.

    Args:
        run: of a farm whose classes have the names of `CLASSES`.

    Raises:
        UnknownNameError: a class without a rule.
    """
    class_numbers(run.classes)
    live = Figure(100.0, "%", Provenance.SIMULATED) if run.dead_time is None else run.dead_time.live
    found = {name: _class(fates) for name, fates in run.classes.items()}
    return Losses(
        live,
        {name: kept for name, (kept, _) in found.items()},
        {name: forced for name, (_, forced) in found.items()},
    )


def _class(fates: Mapping[str, Figure]) -> tuple[Figure, Figure]:
    """Kept and forced of the fates of a class, in %."""

    def of(name: str) -> float:
        return fates[name].value if name in fates else 0.0

    def error(name: str) -> float:
        return (fates[name].error or 0.0) if name in fates else 0.0

    stored, lost = of("accepted") + of("force-accepted"), of("lost: output")
    through = stored / (stored + lost) if stored + lost > 0 else 1.0
    through_error = through * error("lost: output") / (stored + lost) if stored + lost > 0 else 0.0
    early = [name for name in fates if name.startswith("lost") and name != "lost: output"]
    late = [*early, "in flight", "force-accepted"]
    if through == 0:
        nothing = Figure(0.0, "%", Provenance.SIMULATED, error=error("lost: output"))
        return nothing, nothing
    decided = 100.0 - sum(of(name) for name in early) - of("in flight") - of("force-accepted") / through
    decided_error = math.hypot(*(error(name) for name in late))
    kept = max(decided, 0.0) * through
    kept_error = math.hypot(decided_error * through, decided * through_error)
    return (
        Figure(kept, "%", Provenance.SIMULATED, error=kept_error),
        Figure(of("force-accepted"), "%", Provenance.SIMULATED, error=error("force-accepted")),
    )
