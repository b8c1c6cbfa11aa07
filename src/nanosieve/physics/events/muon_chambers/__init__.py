"""Images of muon chambers: decays of long-lived particles in drift tubes, muons in resistive plates."""

from nanosieve.physics.events.muon_chambers.backgrounds import Backgrounds
from nanosieve.physics.events.muon_chambers.decays import LongLivedGun, lifetime_weights
from nanosieve.physics.events.muon_chambers.fragments import (
    FragmentPattern,
    Fragments,
    fragments_of,
    global_eta,
    local_eta,
)
from nanosieve.physics.events.muon_chambers.images import MuonImages, read_muon_images, write_muon_images
from nanosieve.physics.events.muon_chambers.make import MUON_PTS, make_decay_images, make_strip_images
from nanosieve.physics.events.muon_chambers.rates import decay_background_rates, strip_background_rates
from nanosieve.physics.events.muon_chambers.settings import DriftTubes, StripPlanes, settings_table
from nanosieve.physics.events.muon_chambers.simulation import COLUMNS, DECAY_CLASSES, STRIP_CLASSES

__all__ = [
    "COLUMNS",
    "DECAY_CLASSES",
    "MUON_PTS",
    "STRIP_CLASSES",
    "Backgrounds",
    "DriftTubes",
    "FragmentPattern",
    "Fragments",
    "LongLivedGun",
    "MuonImages",
    "StripPlanes",
    "decay_background_rates",
    "fragments_of",
    "global_eta",
    "lifetime_weights",
    "local_eta",
    "make_decay_images",
    "make_strip_images",
    "read_muon_images",
    "settings_table",
    "strip_background_rates",
    "write_muon_images",
]
