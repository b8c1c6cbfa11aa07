"""Figures of the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from nanosieve.figure import Figure
from nanosieve.physics.menu.turn_on import TurnOn
from nanosieve.report import Drawing
from nanosieve.report.images import image_grid
from nanosieve.report.kept import KeptEntry, kept_chart
from nanosieve.report.turn_on import turn_on_chart
from nanosieve.studies.muon_compression.comparison import published_row
from nanosieve.studies.muon_compression.hardware import Hardware
from nanosieve.studies.muon_compression.ranking import Ranking
from nanosieve.studies.muon_compression.samples import StudySamples
from nanosieve.studies.muon_compression.settings import THRESHOLD

__all__ = ["fragment_pictures", "lesson_chart", "resource_chart", "turn_on_beside_published"]

SHOWN_PT = (20.0, 10.0, 4.0)
"""GeV: one row of fragments each, of muons within a tenth; noise below."""
ACROSS = 12
INK, PAPER, FRAME = 0.13, 0.97, 0.8


def fragment_pictures(samples: StudySamples) -> Drawing:
    """Some fragments of each momentum, and of noise."""
    pictures: list[NDArray[np.float32]] = []
    labels: list[float] = []
    for pt in SHOWN_PT:
        near = np.flatnonzero(np.abs(samples.muons.pt - pt) <= 0.1 * pt)[:ACROSS]
        pictures.append(samples.muons.x[near])
        labels += [pt] * len(near)
    busiest = np.argsort(-samples.noise.x[:2000].sum(axis=(1, 2, 3)), kind="stable")[::20][:ACROSS]
    pictures.append(samples.noise.x[busiest])
    labels += [0.0] * len(busiest)
    pixels = np.concatenate(pictures)[..., 0]
    grey = np.pad(PAPER - (PAPER - INK) * pixels, ((0, 0), (1, 1), (1, 1)), constant_values=FRAME)
    order = sorted({*labels}, reverse=True)
    rows = np.array([order.index(label) for label in labels])
    names = [f"{label:g}" for label in order]
    return image_grid(np.repeat(grey[..., None], 3, axis=3), rows, columns=ACROSS, names=names)


def turn_on_beside_published(curves: Sequence[TurnOn], points: Mapping[float, Figure]) -> Drawing:
    """Ours, and the published points, which have no errors."""
    edges: list[float] = []
    values: list[float] = []
    for pt, figure in sorted(points.items()):
        if edges:
            values.append(np.nan)  # between two points
        edges += [pt - 0.05, pt + 0.05]
        values.append(figure.value / 100)
    efficiency = np.array(values)
    theirs = TurnOn(
        "published",
        "pT",
        (),
        np.array(edges),
        efficiency,
        efficiency,
        efficiency,
        np.full(len(values), np.nan),
    )
    return turn_on_chart(
        [*curves, theirs], title=f"Trigger at {THRESHOLD:g} GeV", axis="Transverse momentum of the muon [GeV]"
    )


def lesson_chart(ranking: Ranking) -> Drawing:
    """What is kept at equal rate, for each way of teaching and each precision."""
    entries = [KeptEntry(row.lesson, row.precision, row.figures()["equal"]) for row in ranking.rows]
    return kept_chart(entries, title="Students", label="Muons kept at equal rate [%]")


def resource_chart(built: Sequence[Hardware]) -> Drawing:
    """LUTs and registers of all designs, the published one among them, on a logarithmic axis."""
    entries = []
    for kind in ("LUT", "FF"):
        for hardware in built:
            count = getattr(hardware.synthesis.resources, kind.lower())
            entries.append(KeptEntry(kind, hardware.settings.title, count))
        entries.append(KeptEntry(kind, "published", published_row()[kind]))
    return kept_chart(entries, title="Size", label="Cells", logarithmic=True)
