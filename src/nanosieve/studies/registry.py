"""The list of studies; a study is imported when it is run."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from nanosieve.errors import UnknownNameError
from nanosieve.progress import Progress
from nanosieve.studies.study import StudyOptions, StudyResult

__all__ = ["STUDIES", "StudyEntry", "find_study"]

Run = Callable[[StudyOptions, Progress], StudyResult]


@dataclass(frozen=True)
class StudyEntry:
    """A study.

    Attributes:
        name: on the command line.
        title: one line.
        reference: the publication it reproduces.
        module: where its ``run`` is.
    """

    name: str
    title: str
    reference: str
    module: str

    def run(self, options: StudyOptions, progress: Progress) -> StudyResult:
        """Run the study from begin to end."""
        module: Any = importlib.import_module(self.module)
        return cast("Run", module.run)(options, progress)


STUDIES = (
    StudyEntry(
        "l1-anomaly",
        "a 40 MHz anomaly trigger: (variational) autoencoders from collisions to bit-exact hardware",
        "arXiv:2108.03986",
        "nanosieve.studies.l1_anomaly.study",
    ),
    StudyEntry(
        "cnn",
        "a streamed convolutional network for images: pruned, with few bits, with learned bits",
        "arXiv:2101.05108",
        "nanosieve.studies.cnn.study",
    ),
    StudyEntry(
        "rnn",
        "recurrent networks: LSTM and GRU that tag tops, flavours and drawings, static and non-static",
        "arXiv:2207.00559",
        "nanosieve.studies.rnn.study",
    ),
    StudyEntry(
        "farms",
        "which farm: seven designs, what they cost, draw, lose and keep of eight signals",
        "none: the open question",
        "nanosieve.studies.farms.study",
    ),
    StudyEntry(
        "jets",
        "jet taggers: the ladder from floating point to tables, by accuracy, LUTs and latency",
        "arXiv:1804.06913",
        "nanosieve.studies.jets.study",
    ),
    StudyEntry(
        "muon-compression",
        "a muon trigger made small: teacher, student with hints, 4 bits, and hardware for every crossing",
        "doi:10.1140/epjc/s10052-021-09770-w",
        "nanosieve.studies.muon_compression.study",
    ),
    StudyEntry(
        "service",
        "inference as a service: a small dense network and a large CNN, latency, throughput, saturation",
        "arXiv:1904.08986",
        "nanosieve.studies.service.study",
    ),
    StudyEntry(
        "llp",
        "decays of long-lived particles in muon chambers: the published network on two cards, and students "
        "for 10 and 2.5 µs",
        "arXiv:2307.05152",
        "nanosieve.studies.llp.study",
    ),
)


def find_study(name: str) -> StudyEntry:
    """The study of that name.

    Raises:
        UnknownNameError: there is none; the message names the nearest.
    """
    for entry in STUDIES:
        if entry.name == name:
            return entry
    raise UnknownNameError.among("study", name, [entry.name for entry in STUDIES])
