"""Which way of teaching a student is worth what, with the spread of trainings that differ in their seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nanosieve.figure import Figure
from nanosieve.studies.muon_compression.networks import FLOAT, NARROW, Networks, Student
from nanosieve.studies.muon_compression.performance import Performance, Values, over_seeds, performance
from nanosieve.studies.muon_compression.settings import BEST, LEARNED, LESSONS, MOST_FALSE, PLATEAU, SOFT

__all__ = ["Ranking", "Row", "rank"]

_NUMBERS = ("equal", "plateau", "soft", "fake", "resolution", "noise_rate", "muon_rate")


@dataclass(frozen=True)
class Row:
    """One way of teaching at one precision.

    Attributes:
        lesson, precision: of the students.
        each: the performance for each seed.
    """

    lesson: str
    precision: str
    each: tuple[Performance, ...]

    def figures(self) -> Mapping[str, Figure]:
        """Mean and spread over the seeds, by name."""
        return {name: over_seeds([getattr(one, name) for one in self.each]) for name in _NUMBERS}


@dataclass(frozen=True)
class Ranking:
    """All of them.

    Attributes:
        rows: the teacher first.
        shown: the networks whose turn-ons are drawn: teacher, student in floating point, those in hardware.
    """

    rows: tuple[Row, ...]
    shown: tuple[Performance, ...]

    def row(self, lesson: str, precision: str) -> Row:
        """That of a lesson and precision."""
        return next(row for row in self.rows if (row.lesson, row.precision) == (lesson, precision))

    @property
    def text(self) -> str:
        """What teacher and hint bring, at both precisions, in words."""
        sentences = []
        for precision in (FLOAT, NARROW):
            alone = self.row("alone", precision).figures()["equal"]
            for lesson in [name for name in LESSONS if name != "alone"]:
                taught = self.row(lesson, precision).figures()["equal"]
                gain = taught.value - alone.value
                error = ((taught.error or 0.0) ** 2 + (alone.error or 0.0) ** 2) ** 0.5
                word = (
                    "more than"
                    if gain > error
                    else "less than"
                    if gain < -error
                    else "as many, within errors, as"
                )
                sentences.append(
                    f"{lesson} ({precision}): {gain:+.1f} ± {error:.1f} points, {word} the student alone"
                )
        return (
            f"Muons from {PLATEAU:g} GeV on that are kept where {100 * MOST_FALSE:g} % of those below "
            f"{SOFT:g} "
            f"GeV fire, against a student taught by the labels alone: {'; '.join(sentences)}."
        )


def rank(networks: Networks, true: Values, rates: Mapping[float, Figure]) -> Ranking:
    """Every network on the test fragments.

    Args:
        networks: all of them.
        true: (muons,) true pT in GeV.
        rates: pT in GeV → rate of such muons in kHz, that of noise under 0.
    """

    def judged(student: Student, name: str) -> Performance:
        return performance(student, true, rates, name=name)

    teacher = judged(networks.teacher, "teacher")
    rows = [Row("labels", "teacher, floating point", (teacher,))]
    for precision in (FLOAT, NARROW, LEARNED):
        for lesson in LESSONS:
            students = networks.of(lesson, precision)
            if students:
                each = tuple(judged(s, f"{lesson}, {precision}") for s in students)
                rows.append(Row(lesson, precision, each))
    shown = [teacher]
    for precision in (FLOAT, NARROW, LEARNED):
        if networks.of(BEST, precision):
            shown.append(judged(networks.chosen(precision), f"student, {precision}"))
    return Ranking(tuple(rows), tuple(shown))
