"""Hardware of the study: students proven and synthesised; the published network on two cards, compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nanosieve.compiler.design import Design, compile
from nanosieve.figure import Figure
from nanosieve.progress import Progress
from nanosieve.studies.llp.networks import Networks, Student
from nanosieve.studies.llp.samples import StudySamples, as_bins
from nanosieve.studies.llp.settings import CardSettings, Settings, StudentSettings
from nanosieve.studies.proven import Plan, Proven, prove
from nanosieve.studies.study import Stopwatch, StudyOptions

__all__ = ["Card", "Hardware", "build_cards", "build_students"]


@dataclass(frozen=True)
class Hardware(Proven):
    """One student as hardware, with the proof and the counts.

    Attributes:
        settings: which one.
        student: its network.
    """

    settings: StudentSettings
    student: Student

    @property
    def throughput(self) -> Figure:
        """Images that one copy takes in a second."""
        return _throughput(self.timing["interval_cycles"], self.settings.budget.period_ns)

    def to_dict(self) -> dict[str, Any]:
        """The entry of the design in ``results.json``."""
        own = {"title": self.settings.title, "says": self.settings.says, "zeros": dict(self.student.zeros)}
        return {**super().to_dict(), **own, "throughput": self.throughput}


@dataclass(frozen=True)
class Card:
    """The published network in 8 bits on a card: scheduled and written as Verilog, not synthesised.

    Attributes:
        settings: which one.
        design: schedule and Verilog.
    """

    settings: CardSettings
    design: Design

    @property
    def latency(self) -> Figure:
        """From the first pixel to the length, at the clock asked, in ms."""
        latency = self.design.timing["latency_ns"]
        return Figure(latency.value * 1e-6, "ms", latency.provenance, source=latency.source)

    @property
    def throughput(self) -> Figure:
        """Images in a second, at the clock asked."""
        return _throughput(self.design.timing["interval_cycles"], self.settings.budget.period_ns)

    @property
    def resources(self) -> dict[str, Figure]:
        """By kind, as the compiler estimates them; it refuses what the card has no room for."""
        return self.design.hardware.estimate

    def to_dict(self) -> dict[str, Any]:
        """The entry of the design in ``results.json``."""
        return {
            "title": self.settings.title,
            "device": self.settings.device,
            "composed": self.settings.compose,
            "layers": dict(self.settings.layers),
            "resources": self.resources,
            "timing": dict(self.design.timing),
            "throughput": self.throughput,
        }


def build_students(
    networks: Networks,
    settings: Settings,
    samples: StudySamples,
    options: StudyOptions,
    watch: Stopwatch,
    progress: Progress,
) -> list[Hardware]:
    """Compile each, verify on test images of all classes, and synthesise all.

    Raises:
        BudgetError: a design does not meet its budget.
        VerificationError: two stages differ.
    """
    each = -(-settings.proof_images // len(samples.test))
    vectors = np.concatenate([as_bins(i.only(np.arange(min(each, len(i))))) for i in samples.test.values()])
    plans = [
        Plan(s.settings.name, s.graph, s.settings.budget, vectors, {"beats": {"bins": 1}})
        for s in networks.students
    ]
    proven = prove(plans, random=settings.random_vectors, options=options, watch=watch, progress=progress)
    return [Hardware(*parts, s.settings, s) for parts, s in zip(proven, networks.students, strict=True)]


def build_cards(
    networks: Networks, settings: Settings, options: StudyOptions, watch: Stopwatch, progress: Progress
) -> list[Card]:
    """Compile the published network for each card.

    Raises:
        BudgetError: a design does not meet its budget.
    """
    cards = []
    for which in settings.cards:
        with watch.stage(f"{which.name}: compile"):
            design = compile(
                networks.rounded[which.compose], which.budget, out=options.out / which.name,
                layers=which.layers, beats={"image": 1}, progress=progress,
            )  # fmt: skip
        cards.append(Card(which, design))
    return cards


def _throughput(interval: Figure, period_ns: float) -> Figure:
    return Figure(1e9 / (interval.value * period_ns), "frames/s", interval.provenance, source=interval.source)
