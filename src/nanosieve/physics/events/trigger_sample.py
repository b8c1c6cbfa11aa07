"""Trigger samples: bunch crossings as the Level-1 and high-level triggers see them, streamed from disk.

One event is one bunch crossing with pile-up. ``genWeight`` is in pb and adds up over everything that a sample
holds, so that a rate is ``L · Σ genWeight`` of the events that fire, at the pile-up of the sample
(`nanosieve.physics.events.stitching` says how the processes share the crossings).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import atomic_path, existing_file
from nanosieve._require import require
from nanosieve.errors import InputFileError, SampleError, UnknownNameError
from nanosieve.figure import Figure, Provenance
from nanosieve.physics.events.sample import damaged

__all__ = [
    "COLLECTIONS",
    "SCALARS",
    "Collection",
    "TriggerEvents",
    "TriggerProcess",
    "TriggerSample",
    "is_trigger_sample",
    "open_trigger_sample",
    "read_blocks",
    "write_blocks",
    "write_trigger_sample",
]

FORMAT = 1
METADATA_KEY = b"nanosieve.trigger"
ROWS_PER_GROUP = 20_000

SCALARS: Mapping[str, str] = {
    "run": "number of the shard",
    "event": "number of the crossing in its shard",
    "process": "name of the process that was asked for",
    "bunch": "bunch slot, 0 … 3563",
    "interactions": "pile-up collisions in the crossing, the hard one not counted",
    "genWeight": "pb",
    "L1MET_pt": "GeV",
    "L1MET_phi": "radians",
    "L1HT": "GeV, scalar sum of Level-1 jets",
    "MET_pt": "GeV",
    "MET_phi": "radians",
    "HT": "GeV, scalar sum of jets",
    "GenMET_pt": "GeV, of neutrinos and other invisible particles of the hard collision",
}
"""Columns with one value per event; text for ``process``, else numbers."""

COLLECTIONS: Mapping[str, tuple[str, ...]] = {
    "L1Mu": ("pt", "eta", "phi", "charge", "gen_pt"),
    "L1EG": ("pt", "eta", "phi", "iso"),
    "L1Tau": ("pt", "eta", "phi", "iso"),
    "L1Jet": ("pt", "eta", "phi"),
    "L1LargeJet": ("pt", "eta", "phi"),
    "Muon": ("pt", "eta", "phi", "charge", "iso"),
    "Electron": ("pt", "eta", "phi", "charge", "iso", "quality"),
    "Photon": ("pt", "eta", "phi", "iso", "quality"),
    "Tau": ("pt", "eta", "phi", "charge", "iso"),
    "Jet": ("pt", "eta", "phi", "mass", "btag"),
    "FatJet": ("pt", "eta", "phi", "mass"),
    "Collision": ("pthat",),
}
"""Objects and their fields: GeV, radians; ordered by falling pT.

``iso`` is the transverse momentum around the object relative to it (tracks: pT, calorimeter: ET).
``gen_pt`` is the true transverse momentum of the muon. ``quality`` is 0 very loose, 1 loose, 2 medium, 3
tight, and includes the looser ones. ``btag`` is the tightest of the working points 40, 60 and 70 (%
efficiency for b jets) that the jet passes, 0 for none. ``L1LargeJet`` is a simple-cone jet of R = 1.0,
``FatJet`` anti-kt R = 1.0, ``Jet`` anti-kt R = 0.4.
``Collision`` holds the pT-hat (GeV) of the collisions in the crossing, soft ones left out.
"""

_INTEGERS = ("run", "event", "bunch", "interactions", "charge", "quality", "btag")


@dataclass(frozen=True)
class Collection:
    """The objects of one kind in N events.

    Attributes:
        offsets: (N + 1,) int64: event n has the objects ``offsets[n]`` up to ``offsets[n + 1]``.
        fields: name → flat array of all objects, float32 or int32.
    """

    offsets: NDArray[np.int64]
    fields: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> NDArray[np.int64]:
        """(N,) objects in each event."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class TriggerEvents:
    """A block of events in memory.

    Attributes:
        scalars: name → (N,) array.
        collections: name → its objects.
    """

    scalars: Mapping[str, NDArray[Any]]
    collections: Mapping[str, Collection]

    def __len__(self) -> int:
        return len(next(iter(self.scalars.values())))

    @property
    def weights(self) -> NDArray[np.float64]:
        """(N,) ``genWeight`` in pb."""
        return np.asarray(self.scalars["genWeight"], dtype=np.float64)


@dataclass(frozen=True)
class TriggerProcess:
    """What is known about the events of one process in a trigger sample.

    Attributes:
        events: crossings of this process in the sample.
        cross_section, cross_section_error: of the collisions asked for, before any filter, pb.
        generated: collisions drawn for them.
        weight_sum: Σ genWeight, pb; what is left of the cross section where crossings are shared with other
            processes.
        effective_events: (Σ w)² / Σ w².
        recipe: as in its YAML file.
        digest: hash of recipe, energy, pile-up, seed and versions.
    """

    name: str
    title: str
    events: int
    cross_section: float
    cross_section_error: float
    generated: float
    weight_sum: float
    effective_events: float
    recipe: dict[str, Any] = field(default_factory=dict)
    digest: str = ""

    def figures(self) -> dict[str, Figure]:
        """Everything about the process that may be shown."""
        return {
            "events": Figure(self.events, "", Provenance.SIMULATED),
            "effective_events": Figure(self.effective_events, "", Provenance.SIMULATED),
            "cross_section": Figure(
                self.cross_section, "pb", Provenance.SIMULATED, error=self.cross_section_error
            ),
            "weight_sum": Figure(self.weight_sum, "pb", Provenance.SIMULATED),
        }


@dataclass(frozen=True)
class TriggerSample:
    """A trigger sample on disk; only `blocks` reads events.

    Attributes:
        energy: centre-of-mass energy in GeV.
        pileup: mean number μ of collisions per crossing; Poisson.
        pileup_mode: ``overlay`` or ``objects``.
        inelastic_cross_section: behind μ, pb.
        detector: its name.
        filling: name of the filling scheme of the bunch slots.
        seed: of the whole sample.
        request: process → number of events asked for.
        processes: by name.
        versions: of the programs that made it.
    """

    path: Path
    energy: float
    pileup: float
    pileup_mode: str
    inelastic_cross_section: float
    detector: str
    filling: str
    seed: int
    request: dict[str, int]
    processes: dict[str, TriggerProcess]
    versions: dict[str, str]

    def __len__(self) -> int:
        return sum(process.events for process in self.processes.values())

    def blocks(
        self, columns: Sequence[str] | None = None, *, events: int = ROWS_PER_GROUP,
        row_groups: Sequence[int] | None = None,
    ) -> Iterator[TriggerEvents]:  # fmt: skip
        """The events in order, at most `events` at a time; memory does not grow with the sample.

        Args:
            columns: names of `SCALARS` and `COLLECTIONS` to read; all by default. ``genWeight`` and
                ``process`` always come.
            events: in a block, at most.
            row_groups: of the file, see `row_groups`; all by default.

        Raises:
            InputFileError: the file is damaged.
            SampleError: a column is missing or holds NaN or infinity.
            UnknownNameError: no such column.
        """
        return read_blocks(self.path, columns, events, row_groups)

    def row_groups(self) -> tuple[int, ...]:
        """Events in each row group of the file, by which parts of it can be read; raises as `blocks`."""
        parquet = require("pyarrow.parquet", extra="events", purpose="reading samples")
        arrow = require("pyarrow", extra="events", purpose="reading samples")
        try:
            found = parquet.read_metadata(self.path)
            return tuple(found.row_group(n).num_rows for n in range(found.num_row_groups))
        except (arrow.ArrowException, OSError) as error:
            raise damaged(self.path, error) from error


def read_blocks(
    path: Path, columns: Sequence[str] | None, events: int, row_groups: Sequence[int] | None = None
) -> Iterator[TriggerEvents]:
    """The events of a file, as `TriggerSample.blocks`."""
    parquet = require("pyarrow.parquet", extra="events", purpose="reading samples")
    arrow = require("pyarrow", extra="events", purpose="reading samples")
    scalars, collections = _wanted(columns)
    names = [*scalars, *(f"{c}_{f}" for c in collections for f in COLLECTIONS[c])]
    try:
        with parquet.ParquetFile(path) as file:
            missing = sorted(set(names) - set(file.schema_arrow.names))
            if missing:
                message = f"{str(path)!r} lacks the columns {', '.join(missing)}; make it again"
                raise SampleError(message)
            groups = None if row_groups is None else list(row_groups)
            first = 0
            for batch in file.iter_batches(batch_size=events, columns=names, row_groups=groups):
                yield _block(batch, scalars, collections, str(path), first)
                first += batch.num_rows
    except (arrow.ArrowException, OSError) as error:
        raise damaged(path, error) from error


def is_trigger_sample(path: str | Path) -> bool:
    """Whether the file says that it is a trigger sample; false also where it cannot be read."""
    parquet = require("pyarrow.parquet", extra="events", purpose="reading samples")
    arrow = require("pyarrow", extra="events", purpose="reading samples")
    try:
        return METADATA_KEY in (parquet.read_schema(path).metadata or {})
    except (arrow.ArrowException, OSError):
        return False


def open_trigger_sample(path: str | Path) -> TriggerSample:
    """Read what a trigger sample says of itself.

    Raises:
        InputFileError: missing, not Parquet, damaged, or no trigger sample.
    """
    parquet = require("pyarrow.parquet", extra="events", purpose="reading samples")
    arrow = require("pyarrow", extra="events", purpose="reading samples")
    file = existing_file(path, kind="sample", suffixes=(".parquet",))
    try:
        stored = (parquet.read_schema(file).metadata or {}).get(METADATA_KEY)
    except (arrow.ArrowException, OSError) as error:
        raise damaged(file, error) from error
    try:
        data = json.loads(stored) if stored else {}
        if data.pop("format", None) != FORMAT:
            message = (
                f"{str(file)!r} is no trigger sample of this version; make one with "
                "'nanosieve events make PROCESS --pileup MU'"
            )
            raise InputFileError(message)
        processes = {name: TriggerProcess(**values) for name, values in data.pop("processes").items()}
        return TriggerSample(path=file, processes=processes, **data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"the metadata of {str(file)!r} are incomplete ({error}); make the sample again"
        raise InputFileError(message) from error


def write_trigger_sample(sample: TriggerSample, blocks: Iterable[TriggerEvents]) -> Path:
    """Write `blocks` to ``sample.path``, atomically and block by block.

    Raises:
        SampleError: NaN, infinity or wrong columns.
        OutputError: the file cannot be written.
    """
    metadata = {name: value for name, value in asdict(sample).items() if name != "path"}
    text = json.dumps({"format": FORMAT, **metadata})
    return write_blocks(sample.path, blocks, {METADATA_KEY: text.encode()})


def write_blocks(path: Path, blocks: Iterable[TriggerEvents], metadata: Mapping[bytes, bytes]) -> Path:
    """Write `blocks` to `path` with these metadata, atomically and block by block."""
    arrow = require("pyarrow", extra="events", purpose="writing samples")
    parquet = require("pyarrow.parquet", extra="events", purpose="writing samples")
    schema = _schema(arrow).with_metadata(metadata)
    with (
        atomic_path(path) as temporary,
        parquet.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for number, block in enumerate(blocks):
            _check(block, f"block {number} of {str(path)!r}", 0)
            writer.write_table(_table(arrow, block, schema), row_group_size=ROWS_PER_GROUP)
    return path


def _wanted(columns: Sequence[str] | None) -> tuple[list[str], list[str]]:
    wanted = [*SCALARS, *COLLECTIONS] if columns is None else ["process", "genWeight", *columns]
    for name in wanted:
        if name not in SCALARS and name not in COLLECTIONS:
            raise UnknownNameError.among("column", name, [*SCALARS, *COLLECTIONS])
    return [name for name in SCALARS if name in wanted], [name for name in COLLECTIONS if name in wanted]


def _block(
    batch: Any, scalars: Sequence[str], collections: Sequence[str], where: str, first: int
) -> TriggerEvents:
    columns = {name: batch.column(name) for name in batch.schema.names}
    values = {
        name: np.asarray(columns[name].to_pylist(), dtype=str)
        if name == "process"
        else columns[name].to_numpy(zero_copy_only=False)
        for name in scalars
    }
    groups = {}
    for name in collections:
        lists = [columns[f"{name}_{field_name}"] for field_name in COLLECTIONS[name]]
        offsets = lists[0].offsets.to_numpy().astype(np.int64)
        fields = {
            field_name: column.flatten().to_numpy(zero_copy_only=False)
            for field_name, column in zip(COLLECTIONS[name], lists, strict=True)
        }
        groups[name] = Collection(offsets - offsets[0], fields)
    block = TriggerEvents(values, groups)
    _check(block, f"{where!r}", first)
    return block


def _check(block: TriggerEvents, where: str, first: int) -> None:
    """Lengths agree and every number is finite."""
    for name, collection in block.collections.items():
        if len(collection) != len(block):
            message = f"{name} of {where} is there for {len(collection)} events of {len(block)}"
            raise SampleError(message)
        for field_name, values in collection.fields.items():
            if len(values) != collection.offsets[-1]:
                message = f"{name}_{field_name} of {where} does not have as many objects as {name}_pt"
                raise SampleError(message)
            bad = ~np.isfinite(values)
            if bad.any():
                flat = int(np.argmax(bad))
                event = first + int(np.searchsorted(collection.offsets, flat, side="right")) - 1
                message = f"{name}_{field_name} of {where} holds {values[flat]} in event {event}; remove it"
                raise SampleError(message)
    for name, values in block.scalars.items():
        if name == "process":
            continue
        bad = ~np.isfinite(values)
        if bad.any():
            event = int(np.argmax(bad))
            message = f"column {name!r} of {where} holds {values[event]} in event {first + event}; remove it"
            raise SampleError(message)


def _schema(arrow: Any) -> Any:
    def kind(name: str) -> Any:
        return arrow.int32() if name in _INTEGERS else arrow.float32()

    fields = []
    for name in SCALARS:
        special = {"process": arrow.string(), "genWeight": arrow.float64()}
        fields.append(arrow.field(name, special.get(name, kind(name)), nullable=False))
    for collection, names in COLLECTIONS.items():
        for name in names:
            fields.append(arrow.field(f"{collection}_{name}", arrow.list_(kind(name)), nullable=False))
    return arrow.schema(fields)


def _table(arrow: Any, block: TriggerEvents, schema: Any) -> Any:
    columns = []
    for name in SCALARS:
        columns.append(arrow.array(block.scalars[name], schema.field(name).type))
    for collection, names in COLLECTIONS.items():
        group = block.collections[collection]
        offsets = arrow.array(group.offsets, arrow.int32())
        for name in names:
            values = arrow.array(group.fields[name], schema.field(f"{collection}_{name}").type.value_type)
            columns.append(arrow.ListArray.from_arrays(offsets, values))
    return arrow.Table.from_arrays(columns, schema=schema)
