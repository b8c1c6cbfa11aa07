"""What happens to a farm: more rate than planned, nodes gone, another pile-up, another time-out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from nanosieve.errors import SettingsError

__all__ = ["SCENARIOS", "Scenario", "time_out_scan"]


@dataclass(frozen=True)
class Scenario:
    """Conditions under which a design runs; what is left out is as planned.

    Attributes:
        rate: input over the planned one.
        nodes_lost: fraction of the nodes that are gone for the whole run, with the accelerators in them.
        pileup: mean number of inelastic collisions in a crossing [default: that of the design]. Service times
            follow it; the event size does not.
        time_out: s, instead of that of the design; infinity for none.
        times: place within the bands of the service times, 0 (lower edge) to 1 (upper edge), equally far in
            the logarithm; one number, or task → place, 0.5 for tasks left out.
        growth: place of the exponents of the growth with pile-up within theirs [default: the bands of the
            service times hold that of the exponents].
        classes: place of the relative times of classes within theirs.

    Raises:
        SettingsError: a rate or pile-up that is not positive, a fraction outside 0 to 1, no node left.

    >>> Scenario(rate=1.5, nodes_lost=0.1).title
    '1.5 × rate, 10 % of nodes gone'
    """

    rate: float = 1.0
    nodes_lost: float = 0.0
    pileup: float | None = None
    time_out: float | None = None
    times: float | Mapping[str, float] = field(default=0.5)
    growth: float | None = None
    classes: float = 0.5

    def __post_init__(self) -> None:
        for name in ("rate", "pileup"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                message = f"scenario: {name} = {value!r} is not positive; write for example 1.5"
                raise SettingsError(message)
        if self.time_out is not None and not self.time_out > 0:
            message = f"scenario: time_out = {self.time_out!r} s is not positive; write for example 30"
            raise SettingsError(message)
        if not 0 <= self.nodes_lost < 1:
            message = f"scenario: nodes_lost = {self.nodes_lost!r}; accepted: 0 to below 1, as 0.1"
            raise SettingsError(message)
        times = self.times.values() if isinstance(self.times, Mapping) else (self.times,)
        places = [("times", place) for place in times] + [("classes", self.classes)]
        places += [("growth", self.growth)] if self.growth is not None else []
        for name, place in places:
            if not 0 <= place <= 1:
                message = f"scenario: {name} = {place!r}; accepted: 0 (lower edge) to 1 (upper edge)"
                raise SettingsError(message)

    def place_of(self, task: str) -> float:
        """Place of the time of `task` within its band."""
        return self.times.get(task, 0.5) if isinstance(self.times, Mapping) else self.times

    @property
    def title(self) -> str:
        """What differs from the plan, in words."""
        found = [f"{self.rate:g} × rate"] if self.rate != 1 else []
        found += [f"{100 * self.nodes_lost:g} % of nodes gone"] if self.nodes_lost else []
        found += [f"pile-up {self.pileup:g}"] if self.pileup is not None else []
        found += [f"time-out {self.time_out:g} s"] if self.time_out is not None else []
        if isinstance(self.times, Mapping):
            found += [f"{task} at {place:g} of its band" for task, place in self.times.items()]
        elif self.times != 0.5:
            found += [f"service times at {self.times:g} of their bands"]
        found += [f"growth with pile-up at {self.growth:g} of its band"] if self.growth is not None else []
        found += [f"times of classes at {self.classes:g} of their bands"] if self.classes != 0.5 else []
        return ", ".join(found) or "as planned"


SCENARIOS: Mapping[str, Scenario] = {
    "planned": Scenario(),
    "rate-1.5": Scenario(rate=1.5),
    "rate-2": Scenario(rate=2.0),
    "nodes-lost": Scenario(nodes_lost=0.1),
}
"""Name → what every design is asked for."""


def time_out_scan(seconds: Sequence[float], scenario: Scenario = SCENARIOS["planned"]) -> list[Scenario]:
    """`scenario` with one time-out after the other, in s.

    >>> [each.title for each in time_out_scan([1, 10])]
    ['time-out 1 s', 'time-out 10 s']
    """
    return [replace(scenario, time_out=after) for after in seconds]
