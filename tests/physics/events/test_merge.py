"""What jobs of a batch system have made is merged to the bytes of one run; what is missing is named."""

import pytest

pytest.importorskip("pythia8mc")

from nanosieve.errors import InputFileError, OutputError, SampleError
from nanosieve.physics.events import make, make_sample, merge_sample


@pytest.fixture
def few(monkeypatch):
    """Fewer events for the cross section: its value is not the subject here."""
    monkeypatch.setattr("nanosieve.physics.events._pythia.CROSS_SECTION_EVENTS", 500)


def test_merged_jobs_give_the_bytes_of_one_run(cheap, tmp_path, few, monkeypatch):
    one = make_sample(str(cheap), 40, tmp_path / "one.parquet", workers=1, seed=3).path
    path = tmp_path / "b.parquet"
    monkeypatch.chdir(tmp_path)
    for part in (3, 1):
        make_sample("cheap.yaml", 40, "b.parquet", workers=1, seed=3, shard=(part, 3))
    monkeypatch.chdir("/")  # where the job that merges stands does not matter
    with pytest.raises(SampleError, match=r"^2 of 5 shards of 'b\.parquet' are missing; run the jobs with"):
        merge_sample(path)
    with pytest.raises(SampleError, match=r"--shard 2/3 again$"):
        merge_sample(path)
    make_sample(str(cheap), 40, path, workers=1, seed=3, shard=(2, 3))
    monkeypatch.setattr(make, "make_shard", lambda shard: pytest.fail("generated"))
    result = merge_sample(path)
    assert (result.complete, result.shards_made, result.shards_found) == (True, 0, 5)
    assert path.read_bytes() == one.read_bytes()
    assert not path.with_name("b.parquet.parts").exists()
    assert merge_sample(path).reused


def test_an_interrupted_run_is_not_merged(cheap, tmp_path, few, monkeypatch):
    def interrupted(shard):
        raise KeyboardInterrupt

    monkeypatch.setattr(make, "make_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_sample(str(cheap), 8, tmp_path / "a.parquet", workers=1)
    with pytest.raises(SampleError, match=r"^1 of 1 shards .* are missing; the same 'events make'"):
        merge_sample(tmp_path / "a.parquet")


def test_a_changed_recipe_or_a_damaged_request_is_refused(cheap, tmp_path, few):
    path = tmp_path / "a.parquet"
    make_sample(str(cheap), 8, path, workers=1, shard=(1, 1))
    before = cheap.read_text()
    cheap.write_text(before + "filter: {muon_pt: 30}\n")
    with pytest.raises(SampleError, match=r"^1 of 1 shards of 'a\.parquet' are missing"):
        merge_sample(path)
    cheap.write_text(before)
    request = tmp_path / "a.parquet.parts" / "request.json"
    text = request.read_text()
    request.write_text(text.replace('"seed"', '"sead"'))
    with pytest.raises(InputFileError, match=r"^the request in 'a\.parquet\.parts' is of another version"):
        merge_sample(path)
    request.write_text(text[:-5])
    with pytest.raises(InputFileError, match=r"request\.json' is damaged .*; merge by 'events make'"):
        merge_sample(path)
    request.write_text(text)
    assert merge_sample(path).complete


def test_what_a_worker_writes_elsewhere_is_noticed(cheap, tmp_path, few, monkeypatch):
    """As one on another machine does, in a folder of the same name."""
    monkeypatch.setattr(make, "make_shard", lambda shard: ("cheap", shard.events))
    with pytest.raises(OutputError, match=r"which is not seen here; choose an -o in a folder"):
        make_sample(str(cheap), 8, tmp_path / "a.parquet", workers=1)
