"""Trigger samples made end to end: same request, same bytes; resumed, sharded, refused."""

import numpy as np
import pytest

from nanosieve.errors import OutputError, SettingsError, ToolError, UnknownNameError
from nanosieve.physics.events import make as shared
from nanosieve.physics.events import open_trigger_sample
from nanosieve.physics.events.crossings import make as making
from nanosieve.physics.events.crossings import make_trigger_sample
from nanosieve.physics.events.crossings import merge as merging

REQUEST = "minbias:60,hard_qcd:60,w_lnu:20"
SETTINGS = {"pileup": 10.0, "pool": 150, "workers": 1}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("crossings") / "a.parquet"
    result = make_trigger_sample(REQUEST, 1, path, **SETTINGS)
    assert result.complete
    assert not result.reused
    return path


def test_the_sample_says_what_it_is(made):
    sample = open_trigger_sample(made)
    assert sample.request == {"minbias": 60, "hard_qcd": 60, "w_lnu": 20}
    assert (sample.pileup, sample.detector, sample.pileup_mode) == (10.0, "cms", "objects")
    assert len(sample) == 140
    blocks = list(sample.blocks())
    process = np.concatenate([block.scalars["process"] for block in blocks])
    weights = np.concatenate([block.weights for block in blocks])
    for name, summary in sample.processes.items():
        assert (process == name).sum() == summary.events
        assert weights[process == name].sum() == pytest.approx(summary.weight_sum)
    shared = weights[process != "w_lnu"]
    total = sample.inelastic_cross_section / sample.pileup
    assert shared.sum() == pytest.approx(total, abs=5 * np.sqrt((shared**2).sum()))
    w = sample.processes["w_lnu"]
    own = weights[process == "w_lnu"]
    assert w.weight_sum == pytest.approx(w.cross_section, abs=5 * np.sqrt((own**2).sum()))


@pytest.mark.slow
def test_the_same_request_gives_the_same_bytes(made, tmp_path):
    for workers, name in ((2, "b.parquet"),):
        make_trigger_sample(REQUEST, 1, tmp_path / name, **{**SETTINGS, "workers": workers})
        assert (tmp_path / name).read_bytes() == made.read_bytes()
    assert make_trigger_sample(REQUEST, 1, made, **SETTINGS).reused
    assert [p.name for p in made.parent.iterdir()] == [made.name]


@pytest.mark.slow
def test_shards_made_apart_are_merged(made, tmp_path):
    path = tmp_path / "a.parquet"
    for index in (1, 2):
        result = make_trigger_sample(REQUEST, 1, path, **SETTINGS, shard=(index, 2))
        assert not result.complete
        assert not path.exists()
    assert result.shards_missing == 0
    merged = make_trigger_sample(REQUEST, 1, path, **SETTINGS)
    assert (merged.shards_made, merged.shards_found) == (0, 3)
    assert path.read_bytes() == made.read_bytes()


@pytest.mark.slow
def test_an_interrupted_run_is_continued(made, tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    real = shared.run_tasks

    def interrupted(function, tasks, **options):
        for n, (index, result) in enumerate(real(function, tasks, **options)):
            if function is making.make_crossing_shard and n == 1:
                raise KeyboardInterrupt
            yield index, result

    monkeypatch.setattr(shared, "run_tasks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_trigger_sample(REQUEST, 1, path, **SETTINGS)
    monkeypatch.undo()
    assert not path.exists()
    result = make_trigger_sample(REQUEST, 1, path, **SETTINGS)
    assert result.shards_found == 2
    assert path.read_bytes() == made.read_bytes()


def test_level1_objects_are_there(made):
    jets = muons = 0
    for block in open_trigger_sample(made).blocks():
        for collection in block.collections.values():
            pt = next(iter(collection.fields.values()))
            event = np.repeat(np.arange(len(collection)), collection.counts)
            same = event[1:] == event[:-1]
            assert (np.diff(pt)[same] <= 0).all()
        jets += len(block.collections["L1Jet"].fields["pt"])
        muons += (block.collections["Muon"].fields["pt"] > 15).sum()
        interactions = block.scalars["interactions"]
        assert interactions.mean() == pytest.approx(10, abs=1.5)
    assert jets > 50
    assert muons > 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pileup": 0.0}, r"^the pile-up is 0; accepted: above 0 up to 400, for example 52$"),
        ({"pool": 50}, r"^a pool of 50 is small for a pile-up of 10; give at least 100$"),
        ({"mode": "full"}, r"^the pile-up mode is 'full'; accepted: objects, overlay$"),
        ({"energy": 10.0}, r"^the energy is 10 GeV; accepted"),
        ({"workers": 0}, r"^the number of workers is 0; give 1 or more$"),
    ],
)
def test_wrong_settings_are_named(tmp_path, changes, message):
    with pytest.raises(SettingsError, match=message):
        make_trigger_sample(REQUEST, 1, tmp_path / "a.parquet", **{**SETTINGS, **changes})
    assert not list(tmp_path.iterdir())


def test_a_detector_without_trigger_is_named(tmp_path):
    with pytest.raises(
        UnknownNameError, match=r"^unknown trigger detector 'cms-coarse-tracks'; known: atlas, cms"
    ):
        make_trigger_sample(REQUEST, 1, tmp_path / "a.parquet", **SETTINGS, detector="cms-coarse-tracks")


def test_other_trigger_settings_make_another_sample(monkeypatch):
    settings = merging.CALORIMETER_TRIGGERS["cms"]
    request = making._checked(REQUEST, 1, 13_000.0, making.Conditions("cms", 10.0), 150, 1, 1, None)
    digests = [request.digest(recipe) for recipe in request.recipes]
    monkeypatch.setitem(merging.CALORIMETER_TRIGGERS, "cms", settings._replace(jet_scale=1.01))
    assert all(request.digest(r) != d for r, d in zip(request.recipes, digests, strict=True))


def test_what_is_no_trigger_sample_is_not_overwritten(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_text("notes")
    with pytest.raises(OutputError, match=r"exists and is no trigger sample"):
        make_trigger_sample(REQUEST, 1, path, **SETTINGS)
    assert path.read_text() == "notes"


def test_a_demand_that_nothing_meets_is_named(tmp_path, monkeypatch):
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "name: dull\ntitle: dull\npythia: ['SoftQCD:elastic = on']\ndemand: {lepton: muon, count: 2}\n"
    )
    monkeypatch.setattr("nanosieve.physics.events.crossings.shards.GIVE_UP_AFTER", 400)
    with pytest.raises(ToolError, match=r"^recipe 'dull': none of 400 collisions has the leptons it demands"):
        make_trigger_sample(str(recipe), 10, tmp_path / "a.parquet", **SETTINGS)
