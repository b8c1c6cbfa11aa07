import json

import h5py
import numpy as np
import pytest

pytest.importorskip("pythia8mc")

from helpers.event_files import write_lhe, write_recipe
from nanosieve.cli import main
from nanosieve.physics.events import read_sample

RECIPE = """
name: cheap
title: cheap
pythia: ["WeakSingleBoson:ffbar2W = on", "PartonLevel:MPI = off", "24:onMode = off", "24:onIfAny = 13"]
prompt_leptons: {pt: 21}
events_per_shard: 5
"""


@pytest.fixture
def run(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nanosieve.physics.events._pythia.CROSS_SECTION_EVENTS", 500)
    (tmp_path / "cheap.yaml").write_text(RECIPE)

    def call(*arguments):
        code = 0
        try:
            main(["events", *arguments])
        except SystemExit as exit_:
            code = exit_.code
        out, error = capfd.readouterr()
        return code, out, error

    return call


def test_make_show_and_make_again(run, tmp_path):
    arguments = ("make", "cheap.yaml", "-n", "10", "-o", "a.parquet", "--workers", "1")
    code, out, _ = run(*arguments)
    assert code == 0
    assert "cheap" in out
    assert "FastJet" not in out
    before = (tmp_path / "a.parquet").read_bytes()
    code, out, _ = run(*arguments)
    assert "re-used" in " ".join(out.split())
    assert (tmp_path / "a.parquet").read_bytes() == before
    code, out, _ = run("show", "a.parquet", "--json")
    data = json.loads(out)
    process = data["processes"]["cheap"]
    assert data["events"] == process["events"]["value"] == 10
    assert process["weight_sum"]["provenance"] == "simulated"
    product = process["cross_section"]["value"] * process["filter_efficiency"]["value"] / 100
    assert process["weight_sum"]["value"] == pytest.approx(product)


def test_shards_of_a_batch_system(run):
    common = ("make", "cheap.yaml", "-n", "10", "-o", "a.parquet", "--workers", "1")
    _, out, _ = run(*common, "--shard", "2/2", "--json")
    assert json.loads(out) == {
        "path": "a.parquet",
        "complete": False,
        "shards_made": 1,
        "shards_found": 0,
        "shards_missing": 1,
    }
    _, out, _ = run(*common, "--shard", "1/2")
    assert "When none is missing: nanosieve events merge" in " ".join(out.split())
    code, out, _ = run("merge", "a.parquet", "--json")
    assert (code, json.loads(out)["complete"]) == (0, True)
    assert len(read_sample("a.parquet")) == 10
    _, out, _ = run("merge", "a.parquet")
    assert "is complete already" in " ".join(out.split())


def test_list_names_processes_and_the_published_mixture(run):
    _, out, _ = run("list")
    assert "w_lnu" in out
    assert "w_lnu 59.2 %" in out
    _, out, _ = run("list", "--json")
    assert json.loads(out)["cocktails"]["sm"]["qcd"] == 0.338


def test_convert(run, tmp_path):
    values = np.zeros((4, 19, 4), np.float32)
    values[:, 0] = (30, 0, 1, 1)
    with h5py.File("x.h5", "w") as file:
        file["Particles"] = values
    code, out, _ = run("convert", "x.h5", "-o", "x.parquet", "--json")
    assert code == 0
    assert json.loads(out)["events"] == 4
    assert len(read_sample("x.parquet")) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("make", "qdc", "-n", "5", "-o", "a.parquet"), "unknown process 'qdc'; nearest: qcd"),
        (("make", "h0", "-n", "0", "-o", "a.parquet"), "the number of events is 0; give 1 or more with -n"),
        (("make", "h0", "-n", "5", "-o", "a.h5"), "must end in .parquet"),
        (
            ("make", "h0", "-n", "5", "-o", "a.parquet", "--energy", "fast"),
            "energy = 'fast' is not a quantity",
        ),
        (("make", "h0", "-n", "5", "-o", "a.parquet", "--energy", "13GeV"), "the energy is 13 GeV; accepted"),
        (("make", "h0", "-n", "5", "-o", "a.parquet", "--shard", "2"), "--shard '2' is not of the form i/n"),
        (("make", "h0", "-n", "5", "-o", "a.parquet", "--shard", "5/4"), "shard 5/4 does not exist"),
        (("make", "h0", "-n", "5", "-o", "/proc/none/a.parquet"), "cannot write to folder '/proc/none'"),
        (("merge", "a.parquet"), "there are no shards of 'a.parquet' to merge; make them with 'nanosieve"),
        (("show", "none.parquet"), "sample 'none.parquet' does not exist"),
        (("show", "cheap.yaml"), "ends in '.yaml'; accepted: .parquet"),
        (("convert", "none.h5", "-o", "a.parquet"), "ADC2021 file 'none.h5' does not exist"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(run, tmp_path, arguments, message):
    code, out, error = run(*arguments)
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert code == 1
    assert out == ""
    assert len(lines) == 1
    assert message in lines[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cheap.yaml"]


def test_crossings_of_an_event_file(run, tmp_path):
    write_lhe(tmp_path / "z.lhe.gz", events=6)
    write_recipe(tmp_path, lhe="z.lhe.gz", pythia="['PartonLevel:MPI = off']")
    common = ("--pileup", "3", "--pool", "40", "--filling", "uniform", "--workers", "1", "-o", "a.parquet")
    code, out, _ = run("make", "mine.yaml:6,minbias", "-n", "5", *common, "--json")
    data = json.loads(out)
    assert (code, data["events"], data["pileup"]) == (0, 11, 3.0)
    assert data["processes"]["mine"]["cross_section"]["value"] == 12.5
    for arguments, message in (
        (("-n", "7", *common), "asked for 7 events, and 'z.lhe.gz' holds 6; no event is used twice"),
        (
            ("-n", "4", *common, "--energy", "14TeV"),
            "made at 13000 GeV, and the energy asked for is 14000 GeV",
        ),
        (("-n", "4", "-o", "b.parquet"), "takes its events from 'z.lhe.gz', which only bunch crossings do"),
    ):
        code, _, error = run("make", "mine.yaml", *arguments)
        assert code == 1
        assert message in error
    assert not (tmp_path / "b.parquet").exists()


@pytest.mark.parametrize("verb", ["make", "list", "convert", "show"])
def test_help_has_an_example(run, verb):
    code, out, _ = run(verb, "--help")
    assert code == 0
    assert f"nanosieve events {verb}" in out
