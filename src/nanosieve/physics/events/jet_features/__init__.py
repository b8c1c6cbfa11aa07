"""Jets of gluons, light quarks, W and Z bosons and top quarks: features, constituents, public files."""

from nanosieve.physics.events.jet_features.features import FEATURES, jet_features
from nanosieve.physics.events.jet_features.labelled import CLASSES, LabelledJets, read_jets, write_jets
from nanosieve.physics.events.jet_features.make import make_jets
from nanosieve.physics.events.jet_features.public_files import read_public_jets

__all__ = [
    "CLASSES",
    "FEATURES",
    "LabelledJets",
    "jet_features",
    "make_jets",
    "read_jets",
    "read_public_jets",
    "write_jets",
]
