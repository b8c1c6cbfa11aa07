"""How far a graph quantised after training is from its float model: measured, since it cannot be equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.graph import decode
from nanosieve.compiler.verification.stages import Case
from nanosieve.compiler.verification.vector_set import flat
from nanosieve.errors import VerificationError
from nanosieve.figure import Figure, Provenance

__all__ = ["measured_difference"]


def measured_difference(case: Case, trained: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, Figure]]:
    """The largest and the root-mean-square difference of each output from the float model.

    Taken over the given events if there are some, since codes at random are no events; else over all vectors.

    Args:
        case: graph, vectors and what the graph makes of them.
        trained: output name → real values of the float model (vectors, …).

    Returns:
        Output name → ``largest`` and ``rms``, in the units of the output.

    Raises:
        VerificationError: an output is missing, has another shape, or is not finite in the float model.
    """
    events = case.vectors.counts.get("events", 0)
    rows = slice(0, events or len(case.vectors))
    source = f"{events:,} events" if events else f"{len(case.vectors):,} random and corner vectors"
    found: dict[str, dict[str, Figure]] = {}
    for name, node in case.graph.outputs.items():
        meant = flat(decode(case.expected[name], case.graph.types[node]))[rows]
        given = flat(np.asarray(trained[name], dtype=np.float64))[rows] if name in trained else None
        if given is None or given.shape != meant.shape:
            message = f"the float model has no output {name!r} of {meant.shape[1]} elements; compile it again"
            raise VerificationError(message)
        if not np.all(np.isfinite(given)):
            event, element = (int(n[0]) for n in np.nonzero(~np.isfinite(given)))
            message = (
                f"the float model gives {given[event, element]} for output {name!r}, element {element}, "
                f"{case.vectors.name(event)}; train it again or remove such events"
            )
            raise VerificationError(message)
        difference = np.abs(given - meant)
        values = {
            "largest": float(difference.max(initial=0.0)),
            "rms": float(np.sqrt(np.mean(difference**2))) if difference.size else 0.0,
        }
        found[name] = {
            kind: Figure(value, "", Provenance.SIMULATED, source=source) for kind, value in values.items()
        }
    return found
