"""Trigger samples on disk: what is written is read, in blocks; what is damaged is refused by name."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.trigger_events import random_events, sample_of, synthetic_sample
from nanosieve.errors import InputFileError, SampleError, UnknownNameError
from nanosieve.physics.events import COLLECTIONS, SCALARS, open_trigger_sample, write_trigger_sample
from nanosieve.physics.events.trigger_sample import is_trigger_sample


def same(first, second):
    for name in SCALARS:
        if not np.array_equal(first.scalars[name], second.scalars[name]):
            return False
    return all(
        np.array_equal(first.collections[c].offsets, second.collections[c].offsets)
        and all(
            np.array_equal(first.collections[c].fields[f], second.collections[c].fields[f]) for f in fields
        )
        for c, fields in COLLECTIONS.items()
    )


@given(st.integers(1, 40), st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_a_sample_comes_back_as_it_was(tmp_path_factory, events, seed):
    path = tmp_path_factory.mktemp("samples") / "a.parquet"
    block = random_events(events, seed=seed)
    synthetic_sample(path, [block])
    (again,) = open_trigger_sample(path).blocks()
    assert same(block, again)
    assert again.collections["Jet"].fields["pt"].dtype == np.float32
    assert again.collections["Jet"].fields["btag"].dtype == np.int32


def test_blocks_have_the_size_asked_for_and_only_the_columns(tmp_path):
    path = tmp_path / "a.parquet"
    parts = [random_events(n, seed=n) for n in (70, 50)]
    synthetic_sample(path, parts)
    sample = open_trigger_sample(path)
    blocks = list(sample.blocks(["Muon", "L1HT"], events=40))
    assert [len(block) for block in blocks] == [40, 40, 40]
    assert set(blocks[0].scalars) == {"process", "genWeight", "L1HT"}
    assert set(blocks[0].collections) == {"Muon"}
    pt = np.concatenate([block.collections["Muon"].fields["pt"] for block in blocks])
    assert np.array_equal(pt, np.concatenate([part.collections["Muon"].fields["pt"] for part in parts]))
    assert len(sample) == 120
    with pytest.raises(UnknownNameError, match=r"^unknown column 'Muons'; nearest: Muon"):
        next(sample.blocks(["Muons"]))


def test_a_value_that_is_no_number_is_named(tmp_path):
    block = random_events(30, seed=4)
    values = block.collections["Jet"].fields["pt"].copy()
    where = 11
    values[where] = np.nan
    jets = replace(block.collections["Jet"], fields={**block.collections["Jet"].fields, "pt": values})
    event = int(np.searchsorted(jets.offsets, where, side="right")) - 1
    bad = replace(block, collections={**block.collections, "Jet": jets})
    with pytest.raises(
        SampleError, match=rf"^Jet_pt of block 0 of '.*a.parquet' holds nan in event {event};"
    ):
        write_trigger_sample(sample_of(tmp_path / "a.parquet", [block]), [bad])
    assert not list(tmp_path.iterdir())


def test_collections_of_another_length_are_refused(tmp_path):
    block = random_events(30, seed=4)
    short = random_events(29, seed=4).collections["Tau"]
    bad = replace(block, collections={**block.collections, "Tau": short})
    with pytest.raises(SampleError, match=r"^Tau of block 0 of '.*' is there for 29 events of 30$"):
        write_trigger_sample(sample_of(tmp_path / "a.parquet", [block]), [bad])


def test_other_files_are_no_trigger_samples(tmp_path):
    path = tmp_path / "a.parquet"
    with pytest.raises(InputFileError, match=r"^sample '.*a.parquet' does not exist; check the path$"):
        open_trigger_sample(path)
    path.write_bytes(b"PAR1 nothing PAR1")
    assert not is_trigger_sample(path)
    with pytest.raises(InputFileError, match=r"is not a readable Parquet file .*; make the sample again$"):
        open_trigger_sample(path)
    synthetic_sample(path, [random_events(5)])
    assert is_trigger_sample(path)
    table = parquet.read_table(path)
    parquet.write_table(table.replace_schema_metadata(None), path)
    with pytest.raises(
        InputFileError, match=r"is no trigger sample of this version; make one with 'nanosieve ev"
    ):
        open_trigger_sample(path)
    stored = json.dumps({"format": 1, "energy": 1.0, "processes": {}}).encode()
    parquet.write_table(table.replace_schema_metadata({b"nanosieve.trigger": stored}), path)
    with pytest.raises(InputFileError, match=r"^the metadata of '.*' are incomplete"):
        open_trigger_sample(path)


def test_a_missing_column_is_named(tmp_path):
    path = tmp_path / "a.parquet"
    synthetic_sample(path, [random_events(5)])
    table = parquet.read_table(path)
    parquet.write_table(table.drop_columns(["Tau_iso"]), path)
    with pytest.raises(SampleError, match=r"lacks the columns Tau_iso; make it again$"):
        next(open_trigger_sample(path).blocks())
