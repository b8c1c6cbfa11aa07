"""Everything that the study found of one network."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.compiler.precision_scan import PrecisionScan, ScanPoint
from nanosieve.studies.rnn.comparison import Note
from nanosieve.studies.rnn.hardware import BuiltDesign
from nanosieve.studies.rnn.networks import TrainedNetwork
from nanosieve.studies.rnn.performance import ClassPerformance
from nanosieve.studies.rnn.samples import StudySequences

__all__ = ["Outcome"]


@dataclass(frozen=True)
class Outcome:
    """One network: samples, float performance, scan, hardware, note."""

    network: TrainedNetwork
    sequences: StudySequences
    performance: tuple[ClassPerformance, ...]
    scans: tuple[PrecisionScan, ...]
    needed: ScanPoint
    designs: tuple[BuiltDesign, ...]
    note: Note
