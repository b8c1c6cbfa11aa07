"""Labelled sequences for classifiers: constituents and tracks of jets, and drawings by pen strokes."""

from nanosieve.physics.events.sequences.labelled import (
    LabelledSequences,
    read_sequences,
    standardisation,
    write_sequences,
)
from nanosieve.physics.events.sequences.make import KINDS, make_sequences
from nanosieve.physics.events.sequences.quickdraw import read_drawings

__all__ = [
    "KINDS",
    "LabelledSequences",
    "make_sequences",
    "read_drawings",
    "read_sequences",
    "standardisation",
    "write_sequences",
]
