import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from nanosieve.errors import InputFileError, OutputError, SettingsError, ToolError, UnknownNameError
from nanosieve.physics.events import _shards, make, make_sample, read_sample


def content(path):
    """The bytes of the file: everything in it must be reproducible."""
    return path.read_bytes()


@pytest.fixture
def few(monkeypatch):
    """Fewer events for the cross section: its value is not the subject here."""
    monkeypatch.setattr("nanosieve.physics.events._pythia.CROSS_SECTION_EVENTS", 500)


def test_the_sample_has_the_events_asked_for_and_consistent_weights(cheap, tmp_path):
    result = make_sample(str(cheap), 20, tmp_path / "a.parquet", workers=1)
    assert (result.complete, result.reused, result.shards_made, result.shards_missing) == (True, False, 3, 0)
    sample = read_sample(result.path)
    summary = sample.processes["cheap"]
    assert len(sample) == summary.events == 20
    weight_sum = ak.sum(sample.events.genWeight)
    assert weight_sum == pytest.approx(summary.weight_sum)
    assert weight_sum == pytest.approx(summary.cross_section * summary.filter_efficiency)
    assert summary.generated > 20
    assert 0 < summary.filter_efficiency_error < summary.filter_efficiency < 1
    assert 0 < summary.cross_section_error < 0.05 * summary.cross_section
    assert summary.effective_events <= 20
    assert ak.all(ak.max(sample.events.Muon_pt, axis=1) >= 23)
    assert not (tmp_path / "a.parquet.parts").exists()
    assert sample.versions.keys() == {"pythia8mc", "fastjet", "numpy"}
    identity = np.array([sample.events.run, sample.events.event])
    assert len(np.unique(identity, axis=1).T) == 20


def test_any_number_of_workers_and_any_split_give_the_same_bytes(cheap, tmp_path, few):
    one = make_sample(str(cheap), 20, tmp_path / "one.parquet", workers=1).path
    for part in (2, 1):
        partial = make_sample(str(cheap), 20, tmp_path / "b.parquet", workers=1, shard=(part, 2))
        assert not partial.complete
        assert not partial.path.exists()
    assert partial.shards_missing == 0
    merged = make_sample(str(cheap), 20, tmp_path / "b.parquet", workers=1)
    assert (merged.shards_made, merged.shards_found) == (0, 3)
    assert content(merged.path) == content(one)


@pytest.mark.slow
def test_two_workers_give_the_bytes_of_one(cheap, tmp_path):
    one = make_sample(str(cheap), 40, tmp_path / "one.parquet", workers=1).path
    two = make_sample(str(cheap), 40, tmp_path / "two.parquet", workers=2).path
    assert content(one) == content(two)


def test_other_seeds_and_energies_give_other_events(cheap, tmp_path, few):
    base = make_sample(str(cheap), 8, tmp_path / "a.parquet", workers=1, seed=1).path
    seed = make_sample(str(cheap), 8, tmp_path / "b.parquet", workers=1, seed=2).path
    assert content(base) != content(seed)
    energy = make_sample(str(cheap), 8, tmp_path / "c.parquet", workers=1, energy=7000.0).path
    low, high = (read_sample(p).processes["cheap"].cross_section for p in (energy, base))
    assert low < 0.7 * high


def test_the_same_call_again_makes_nothing(cheap, tmp_path, few, monkeypatch):
    first = make_sample(str(cheap), 8, tmp_path / "a.parquet", workers=1)
    before = content(first.path)
    monkeypatch.setattr(make, "make_shard", lambda shard: pytest.fail("made again"))
    again = make_sample(str(cheap), 8, tmp_path / "a.parquet", workers=1)
    assert again.reused
    assert content(again.path) == before


def test_a_changed_setting_makes_everything_anew(cheap, tmp_path, few):
    make_sample(str(cheap), 16, tmp_path / "a.parquet", workers=1, shard=(1, 1))
    cheap.write_text(cheap.read_text() + "filter: {muon_pt: 30}\n")
    result = make_sample(str(cheap), 16, tmp_path / "a.parquet", workers=1)
    assert (result.shards_made, result.shards_found) == (2, 0)
    assert ak.min(ak.max(read_sample(result.path).events.Muon_pt, axis=1)) >= 30
    changed = make_sample(str(cheap), 16, tmp_path / "a.parquet", workers=1, seed=9)
    assert not changed.reused
    assert read_sample(changed.path).seed == 9


def test_a_larger_sample_uses_the_full_shards_of_a_smaller_one(cheap, tmp_path, few):
    make_sample(str(cheap), 16, tmp_path / "a.parquet", workers=1, shard=(1, 1))
    result = make_sample(str(cheap), 20, tmp_path / "a.parquet", workers=1)
    assert (result.shards_made, result.shards_found) == (1, 2)


def test_an_interruption_loses_at_most_the_shard_in_flight(cheap, tmp_path, few, monkeypatch):
    whole = make_sample(str(cheap), 24, tmp_path / "whole.parquet", workers=1).path
    real, calls = _shards.make_shard, []

    def interrupted(shard):
        calls.append(shard)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(shard)

    monkeypatch.setattr(make, "make_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_sample(str(cheap), 24, tmp_path / "b.parquet", workers=1)
    assert not (tmp_path / "b.parquet").exists()
    monkeypatch.setattr(make, "make_shard", real)
    result = make_sample(str(cheap), 24, tmp_path / "b.parquet", workers=1)
    assert (result.shards_made, result.shards_found) == (1, 2)
    assert content(result.path) == content(whole)


@pytest.mark.slow
def test_kill_at_any_moment_and_start_again(cheap, tmp_path):
    whole = make_sample(str(cheap), 80, tmp_path / "whole.parquet", workers=1).path
    target = tmp_path / "killed.parquet"
    arguments = [sys.executable, "-m", "nanosieve", "events", "make", str(cheap)]
    arguments += ["-n", "80", "-o", str(target), "--workers", "2"]
    killed = 0
    for patience in (1.5, 2.0, 2.5):
        process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(patience)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed, "the run was over before the first kill"
    subprocess.run(arguments, check=True, capture_output=True, timeout=120)
    assert content(target) == content(whole)
    assert sorted(p.name for p in tmp_path.iterdir() if "killed" in p.name) == ["killed.parquet"]


def test_a_damaged_shard_is_named(cheap, tmp_path, few, monkeypatch):
    """The cross section is in the first shard alone."""
    real = make.read_totals
    monkeypatch.setattr(make, "read_totals", lambda file: replace(real(file), cross_section=None))
    with pytest.raises(InputFileError, match=r"hold no cross section: .* remove the folder '.*parts' and"):
        make_sample(str(cheap), 4, tmp_path / "a.parquet", workers=1)
    assert not (tmp_path / "a.parquet").exists()


def test_progress_counts_the_events(cheap, tmp_path, few):
    seen = []
    make_sample(
        str(cheap), 20, tmp_path / "a.parquet", workers=1, progress=lambda *a: seen.append((a[1], a[2]))
    )
    assert seen == [(0, 20), (8, 20), (16, 20), (20, 20)]


def test_energies_that_mean_the_same_give_the_same(cheap, tmp_path, few):
    a = make_sample(str(cheap), 8, tmp_path / "a.parquet", workers=1, energy=13_000)
    b = make_sample(str(cheap), 8, tmp_path / "b.parquet", workers=1, energy=13_000.000000000002)
    assert content(a.path) == content(b.path)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"processes": "hoo"}, UnknownNameError, r"^unknown process 'hoo'; nearest: .*h0"),
        ({"events": -3}, SettingsError, r"^the number of events is -3; give 1 or more with -n$"),
        ({"path": "a.root"}, SettingsError, r"^the sample '.*a.root' must end in .parquet"),
        ({"energy": 13.0}, SettingsError, r"^the energy is 13 GeV; accepted: 500 to 200000 GeV"),
        ({"energy": float("nan")}, SettingsError, r"^the energy is nan GeV"),
        ({"seed": -1}, SettingsError, r"^the seed is -1; give 0 or more$"),
        ({"workers": 0}, SettingsError, r"^the number of workers is 0; give 1 or more$"),
        ({"shard": (3, 2)}, SettingsError, r"^shard 3/2 does not exist; give i/n with 1 ≤ i ≤ n"),
        ({"shard": (0, 2)}, SettingsError, r"^shard 0/2 does not exist"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(tmp_path, arguments, error, message):
    call = {"processes": "h0", "events": 5, "path": "a.parquet"} | arguments
    path = tmp_path / "new" / call.pop("path")
    with pytest.raises(error, match=message):
        make_sample(call.pop("processes"), call.pop("events"), path, **call)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_sample_is_not_overwritten(cheap, tmp_path):
    path = tmp_path / "notes.parquet"
    path.write_text("my notes")
    with pytest.raises(OutputError, match=r"^'.*notes.parquet' exists and is not a sample"):
        make_sample(str(cheap), 8, path)
    assert path.read_text() == "my notes"


def test_a_folder_that_cannot_be_made_is_reported(cheap, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"^cannot write to folder '.*file'"):
        make_sample(str(cheap), 8, tmp_path / "file" / "a.parquet")


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("Tip:all = on", SettingsError, r"^recipe 'cheap': Pythia does not know the setting 'Tip:all = on'"),
        (
            "24:m0 = 50000",
            ToolError,
            r"^recipe 'cheap': Pythia cannot start with these settings at 13000 GeV",
        ),
    ],
)
def test_settings_that_pythia_refuses_leave_no_sample(cheap, tmp_path, line, error, message):
    cheap.write_text(cheap.read_text().replace("24:onIfAny = 13", line))
    with pytest.raises(error, match=message):
        make_sample(str(cheap), 8, tmp_path / "a.parquet", workers=1)
    assert not list(tmp_path.glob("*.parquet*"))
