"""Samples: events in memory and on disk, and what is known about their processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nanosieve._files import atomic_path, existing_file
from nanosieve._require import require
from nanosieve.errors import InputFileError, SampleError, SettingsError
from nanosieve.figure import Figure, Provenance

__all__ = ["COLUMNS", "ProcessSummary", "Sample", "check_events", "read_sample", "write_sample"]

FORMAT = 1
METADATA_KEY = b"nanosieve"

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "scalar": ("run", "event", "process", "genWeight", "MET_pt", "MET_phi"),
    "jagged": (
        "Electron_pt", "Electron_eta", "Electron_phi", "Electron_charge",
        "Muon_pt", "Muon_eta", "Muon_phi", "Muon_charge",
        "Jet_pt", "Jet_eta", "Jet_phi", "Jet_mass",
    ),
}  # fmt: skip
"""The columns of a sample; ``process`` is text, GeV and radians."""


@dataclass(frozen=True)
class ProcessSummary:
    """What is known about the events of one process in a sample.

    Attributes:
        events: events that passed the filter.
        generated: hard processes drawn for them; a fraction where the last collision is used in part.
        cross_section, cross_section_error: before the filter, pb; 0 where it is not known.
        filter_efficiency, filter_efficiency_error: weighted passing over generated.
        effective_events: (Σw)² / Σw², weights of the same collision (run, event) added up first.
        weight_sum: sum of ``genWeight``, pb; equals cross section times filter efficiency.
        recipe: the recipe, as in its YAML file; empty for data from elsewhere.
        digest: hash of recipe, energy, seed and versions.
    """

    name: str
    title: str
    events: int
    generated: float
    cross_section: float
    cross_section_error: float
    filter_efficiency: float
    filter_efficiency_error: float
    effective_events: float
    weight_sum: float
    recipe: dict[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def filtered_cross_section(self) -> Figure:
        """Cross section after the filter, pb, with the errors of both factors."""
        relative = np.hypot(
            self.cross_section_error / self.cross_section if self.cross_section else 0.0,
            self.filter_efficiency_error / self.filter_efficiency if self.filter_efficiency else 0.0,
        )
        return Figure(self.weight_sum, "pb", Provenance.SIMULATED, error=float(self.weight_sum * relative))

    def figures(self) -> dict[str, Figure]:
        """Everything about the process that may be shown; no cross sections where none is known."""
        counts = {
            "events": Figure(self.events, "", Provenance.SIMULATED),
            "effective_events": Figure(self.effective_events, "", Provenance.SIMULATED),
        }
        if not self.cross_section:
            return counts
        return counts | {
            "cross_section": Figure(
                self.cross_section, "pb", Provenance.SIMULATED, error=self.cross_section_error
            ),
            "filter_efficiency": Figure(
                100 * self.filter_efficiency,
                "%",
                Provenance.SIMULATED,
                error=100 * self.filter_efficiency_error,
            ),
            "weight_sum": self.filtered_cross_section,
        }


@dataclass(frozen=True)
class Sample:
    """Events and their processes.

    Attributes:
        events: awkward record array with the columns `COLUMNS`.
        processes: by name.
        energy: centre-of-mass energy in GeV.
        seed: of the whole sample; 0 for data from elsewhere.
        request: process -> number of events asked for.
        versions: of the programs that made it.
    """

    events: Any
    processes: dict[str, ProcessSummary]
    energy: float
    seed: int
    request: dict[str, int]
    versions: dict[str, str]

    def __len__(self) -> int:
        return len(self.events)

    def of(self, process: str) -> Any:
        """The events of one process."""
        return self.events[self.events["process"] == process]


def metadata_of(sample: Sample) -> dict[str, Any]:
    """The JSON form of everything but the events."""
    return {
        "format": FORMAT,
        "energy": sample.energy,
        "seed": sample.seed,
        "request": sample.request,
        "versions": sample.versions,
        "processes": {name: asdict(summary) for name, summary in sample.processes.items()},
    }


def write_sample(sample: Sample, path: str | Path) -> Path:
    """Write `sample` as one Parquet file, atomically. The same sample gives the same bytes.

    Raises:
        SampleError: NaN, infinity or wrong columns.
        OutputError: the file cannot be written.
    """
    check_events(sample.events, str(path))
    awkward = require("awkward", extra="events", purpose="writing samples")
    parquet = require("pyarrow.parquet", extra="events", purpose="writing samples")
    table = awkward.to_arrow_table(awkward.to_packed(sample.events), extensionarray=False, count_nulls=False)
    text = json.dumps(metadata_of(sample))
    table = table.replace_schema_metadata({METADATA_KEY: text.encode()})
    with atomic_path(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")
    return Path(path)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The metadata of a sample, without its events.

    Raises:
        InputFileError: missing, not Parquet, damaged, or not a sample of nanosieve.
    """
    parquet = require("pyarrow.parquet", extra="events", purpose="reading samples")
    arrow = require("pyarrow", extra="events", purpose="reading samples")
    file = existing_file(path, kind="sample", suffixes=(".parquet",))
    try:
        stored = (parquet.read_schema(file).metadata or {}).get(METADATA_KEY)
    except (arrow.ArrowException, OSError) as error:
        raise damaged(file, error) from error
    try:
        metadata = json.loads(stored) if stored else None
    except ValueError:
        metadata = None
    if not isinstance(metadata, dict):
        message = (
            f"{str(file)!r} is a Parquet file, but not a sample of nanosieve; make one with 'events make' "
            "or 'events convert'"
        )
        raise InputFileError(message)
    if metadata.get("format") != FORMAT:
        message = (
            f"{str(file)!r} has sample format {metadata.get('format')!r}, this version reads {FORMAT}; "
            "make it again with 'events make'"
        )
        raise InputFileError(message)
    return metadata


def read_sample(path: str | Path) -> Sample:
    """Read and check a sample.

    Raises:
        InputFileError: missing, not Parquet, damaged, or not a sample of nanosieve.
        SampleError: columns missing, NaN or infinity.
    """
    metadata = read_metadata(path)
    awkward = require("awkward", extra="events", purpose="reading samples")
    parquet = require("pyarrow.parquet", extra="events", purpose="reading samples")
    arrow = require("pyarrow", extra="events", purpose="reading samples")
    try:
        table = parquet.read_table(path)
    except (arrow.ArrowException, OSError) as error:
        raise damaged(Path(path), error) from error
    events = awkward.from_arrow(table.replace_schema_metadata(None))
    check_events(events, str(path))
    try:
        processes = {name: ProcessSummary(**data) for name, data in metadata["processes"].items()}
        sample = Sample(
            events,
            processes,
            metadata["energy"],
            metadata["seed"],
            metadata["request"],
            metadata["versions"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"the metadata of {str(path)!r} are incomplete ({error}); make the sample again"
        raise InputFileError(message) from error
    return sample


def damaged(path: Path, error: BaseException) -> InputFileError:
    """What to raise for a Parquet file that cannot be read."""
    reason = " ".join(str(error).split())[:120]
    return InputFileError(f"{str(path)!r} is not a readable Parquet file ({reason}); make the sample again")


def check_events(events: Any, where: str) -> None:
    """Check that `events` has the columns of a sample and finite values only.

    Raises:
        SampleError: otherwise; the message names column and event.
    """
    awkward = require("awkward", extra="events", purpose="reading samples")
    present = set(awkward.fields(events))
    missing = [name for group in COLUMNS.values() for name in group if name not in present]
    if missing:
        message = (
            f"{where!r} lacks the columns {', '.join(missing)}; make the sample again with 'events make'"
        )
        raise SampleError(message)
    for name in (*COLUMNS["scalar"], *COLUMNS["jagged"]):
        jagged = name in COLUMNS["jagged"]
        column = events[name]
        if column.ndim != 1 + jagged and name != "process":
            message = f"column {name!r} of {where!r} has {column.ndim} dimensions instead of {1 + jagged}"
            raise SampleError(message)
        if name == "process":
            continue
        values = awkward.to_numpy(awkward.flatten(column, axis=None))
        bad = ~np.isfinite(values)
        if bad.any():
            flat = int(np.argmax(bad))
            ends = (
                np.cumsum(awkward.to_numpy(awkward.num(column))) if jagged else np.arange(1, len(values) + 1)
            )
            event = int(np.searchsorted(ends, flat, side="right"))
            message = f"column {name!r} of {where!r} holds {values[flat]} in event {event}; remove that event"
            raise SampleError(message)


def sample_suffix(path: str | Path) -> Path:
    """`path`, if it ends in .parquet.

    Raises:
        SettingsError: it does not.
    """
    path = Path(path)
    if path.suffix != ".parquet":
        message = f"the sample {str(path)!r} must end in .parquet; give -o FILE.parquet"
        raise SettingsError(message)
    return path
