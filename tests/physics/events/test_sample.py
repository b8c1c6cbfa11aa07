import dataclasses

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nanosieve.errors import InputFileError, OutputError, SampleError
from nanosieve.physics.events.sample import COLUMNS, ProcessSummary, Sample, read_sample, write_sample


def small(process="w", number=5):
    """A sample by hand."""
    draw = np.random.default_rng(7)
    columns = {
        "run": np.ones(number, np.int32),
        "event": np.arange(number),
        "process": np.full(number, process),
        "genWeight": np.linspace(1, 2, number),
        "MET_pt": draw.random(number, np.float32),
        "MET_phi": draw.random(number, np.float32),
    }
    for name in COLUMNS["jagged"]:
        counts = np.arange(number) % 3
        columns[name] = ak.unflatten(draw.random(counts.sum(), np.float32), counts)
    for name in ("Electron_charge", "Muon_charge"):
        columns[name] = ak.values_astype(columns[name], np.int32)
    summary = ProcessSummary(process, "W", number, 9.0, 2.0, 0.1, 0.5, 0.05, 4.0, 7.5)
    return Sample(ak.zip(columns, depth_limit=1), {process: summary}, 13e3, 1, {process: number}, {"a": "1"})


def test_a_sample_comes_back_as_it_was(tmp_path):
    sample = small()
    read = read_sample(write_sample(sample, tmp_path / "a.parquet"))
    assert ak.array_equal(read.events, sample.events)
    assert read.processes == sample.processes
    assert (read.energy, read.seed, read.request, read.versions) == (13e3, 1, {"w": 5}, {"a": "1"})
    assert len(read.of("w")) == 5
    assert len(read.of("z")) == 0


def test_the_same_sample_gives_the_same_bytes(tmp_path):
    a, b = (write_sample(small(), tmp_path / f"{n}.parquet").read_bytes() for n in "ab")
    assert a == b


def test_the_error_after_the_filter_holds_both_factors():
    figure = small().processes["w"].filtered_cross_section
    assert figure.value == 7.5
    assert figure.error == pytest.approx(7.5 * np.hypot(0.1 / 2, 0.05 / 0.5))


@pytest.mark.parametrize("column", ["MET_pt", "Jet_eta", "genWeight"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_by_event(tmp_path, column, value):
    sample = small()
    lists = ak.to_list(sample.events[column])
    if column == "Jet_eta":
        lists[4][0] = value
    else:
        lists[4] = value
    broken = ak.with_field(sample.events, ak.Array(lists), column)
    with pytest.raises(SampleError, match=rf"^column '{column}' of '.*' holds {value} in event 4"):
        write_sample(dataclasses.replace(sample, events=broken), tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


def rewrite(path, change):
    table = pq.read_table(path)
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)


def test_nan_on_disk_is_refused(tmp_path):
    path = write_sample(small(), tmp_path / "a.parquet")
    position = COLUMNS["scalar"].index("MET_pt")
    bad = pa.array([1.0, np.nan, 1.0, 1.0, 1.0], pa.float32())
    rewrite(path, lambda t: t.set_column(t.column_names.index("MET_pt"), "MET_pt", bad))
    assert position >= 0
    with pytest.raises(SampleError, match=r"^column 'MET_pt' of '.*' holds nan in event 1"):
        read_sample(path)


def test_missing_columns_are_named(tmp_path):
    path = write_sample(small(), tmp_path / "a.parquet")
    rewrite(path, lambda t: t.drop_columns(["Jet_pt", "run"]))
    with pytest.raises(SampleError, match=r"^'.*' lacks the columns run, Jet_pt; make the sample again"):
        read_sample(path)


def test_flat_columns_in_place_of_jagged_ones_are_refused(tmp_path):
    path = write_sample(small(), tmp_path / "a.parquet")
    flat = pa.array([1.0] * 5)
    rewrite(path, lambda t: t.set_column(t.column_names.index("Jet_pt"), "Jet_pt", flat))
    with pytest.raises(SampleError, match=r"^column 'Jet_pt' of '.*' has 1 dimensions instead of 2"):
        read_sample(path)


def test_files_of_another_kind_are_refused(tmp_path):
    with pytest.raises(InputFileError, match=r"^sample '.*none.parquet' does not exist"):
        read_sample(tmp_path / "none.parquet")
    text = tmp_path / "text.parquet"
    text.write_text("no parquet")
    with pytest.raises(InputFileError, match=r"^'.*text.parquet' is not a readable Parquet file"):
        read_sample(text)
    with pytest.raises(InputFileError, match=r"ends in '.txt'; accepted: .parquet$"):
        read_sample(text.rename(tmp_path / "text.txt"))
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"x": [1]}), other)
    with pytest.raises(InputFileError, match=r"^'.*other.parquet' is a Parquet file, but not a sample"):
        read_sample(other)


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.98])
def test_a_cut_file_is_refused(tmp_path, keep):
    path = write_sample(small(number=200), tmp_path / "a.parquet")
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(InputFileError, match=r"^'.*' is not a readable Parquet file"):
        read_sample(path)


def test_a_damaged_file_is_refused(tmp_path):
    path = write_sample(small(number=2000), tmp_path / "a.parquet")
    data = bytearray(path.read_bytes())
    data[500:3000] = bytes(2500)
    path.write_bytes(data)
    with pytest.raises((InputFileError, SampleError), match=r"a.parquet"):
        read_sample(path)


def test_a_place_that_cannot_be_written_is_reported(tmp_path):
    with pytest.raises(OutputError, match=r"^cannot write '.*none/a.parquet'"):
        write_sample(small(), tmp_path / "none" / "a.parquet")
