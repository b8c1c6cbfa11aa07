"""Les Houches event files as a source of crossings: content, cross section, parts, and what is refused."""

import gzip
import re

import numpy as np
import pytest

from helpers.event_files import lhe_text, write_lhe, write_recipe
from nanosieve.errors import InputFileError, SampleError, SettingsError
from nanosieve.physics.events import open_trigger_sample
from nanosieve.physics.events.crossings import make_trigger_sample
from nanosieve.physics.events.crossings.event_files import extracted, parts
from nanosieve.physics.events.crossings.lhe import index_lhe
from nanosieve.physics.events.crossings.sources import collisions, index_events, section
from nanosieve.physics.events.make import make_sample
from nanosieve.physics.events.recipe import load_recipe

FAST = "['PartonLevel:MPI = off', 'PartonLevel:ISR = off']"
SMALL = {"pileup": 5.0, "pool": 50, "workers": 1}


def recipe_of(folder, **fields):
    return load_recipe(write_recipe(folder, **{"lhe": "z.lhe", "pythia": FAST, **fields}))


def all_of(recipe, index, first=0, last=None):
    part = index.part(first, len(index) if last is None else last)
    found = list(collisions(recipe, 13_000.0, 1, part))
    return found[0].joined(found)


def test_events_are_showered_and_keep_their_muons(tmp_path):
    write_lhe(tmp_path / "z.lhe", events=30)
    recipe = recipe_of(tmp_path)
    found = all_of(recipe, index_events(recipe, 13_000.0))
    assert len(found) == 30
    muons = found.particles[np.abs(found.particles.code) == 13]
    hard = muons[muons.pt > 8]
    assert 40 < len(hard) <= 60
    p = found.particles
    assert (np.abs(p.code) == 211).sum() > 100  # the remnants of the protons hadronise
    assert (found.weight == 1).all()


@pytest.mark.parametrize(
    ("strategy", "weights"),
    [
        (3, None),
        (-3, [1, 1, 1, -1] * 5),
        (4, [10.0, 15.0, 12.0, 13.0] * 5),
        (-4, [20.0, 20.0, 20.0, -10.0] * 5),
        (1, [10.0, 15.0, 12.0, 13.0] * 5),
        (2, [0.5, 1.0, 1.5, 2.0] * 5),
    ],
)
def test_the_cross_section_is_that_of_pythia_and_of_the_head(tmp_path, strategy, weights):
    pythia8 = pytest.importorskip("pythia8mc")
    largest = 20.0 if strategy == 1 else 2.0
    path = write_lhe(tmp_path / "z.lhe", strategy=strategy, weights=weights, largest=largest)
    recipe = recipe_of(tmp_path)
    value, error = section(recipe, 13_000.0, 1, index_lhe(path))
    pythia = pythia8.Pythia("", False)
    settings = ("Print:quiet = on", "Beams:frameType = 4", f"Beams:LHEF = {path}", "PartonLevel:all = off")
    for line in (*settings, "HadronLevel:all = off"):
        assert pythia.readString(line)
    assert pythia.init()
    while pythia.next():
        pass
    assert value == pytest.approx(pythia.infoPython().sigmaGen() * 1e9, rel=1e-6)
    stated = {-3: 6.25}.get(strategy, 12.5)
    assert value == pytest.approx(stated)
    assert 0 < error < value


def test_the_head_is_read_as_pylhe_does(tmp_path):
    pylhe = pytest.importorskip("pylhe")
    path = write_lhe(tmp_path / "z.lhe", strategy=-4, weights=[12.0, 13.0] * 10)
    index = index_lhe(path)
    file = pylhe.LHEFile.fromfile(str(path))
    assert index.energy == file.init.initInfo.energyA + file.init.initInfo.energyB
    weights = [event.eventinfo.weight for event in file.events]
    assert len(index) == len(weights)
    assert index.cross_section == pytest.approx(np.mean(weights))


def test_signs_of_weights_arrive(tmp_path):
    write_lhe(tmp_path / "z.lhe", strategy=-4, weights=[20.0, 20.0, 20.0, -10.0] * 5)
    recipe = recipe_of(tmp_path)
    found = all_of(recipe, index_events(recipe, 13_000.0))
    assert list(np.sign(found.weight)) == [1, 1, 1, -1] * 5
    assert found.weight[0] / found.weight[3] == pytest.approx(-2)


def test_parts_hold_every_event_once(tmp_path):
    path = write_lhe(tmp_path / "z.lhe.gz", events=23)
    plain = lhe_text(events=23)
    recipe = recipe_of(tmp_path, lhe="z.lhe.gz")
    cut = parts(index_lhe(path), recipe, [4, 4, 2])
    assert [(part.first, part.events) for part in cut] == [(0, 9), (9, 9), (18, 5)]
    blocks = []
    for part in cut:
        with extracted(part) as file:
            text = file.read_text()
            assert len(index_lhe(file)) == part.events
        blocks += re.findall(r"<event>.*?</event>", text, re.DOTALL)
    assert blocks == re.findall(r"<event>.*?</event>", plain, re.DOTALL)


def test_a_sample_is_the_same_in_another_place_and_in_two_goes(tmp_path, plain_sampling):
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        write_lhe(folder / "z.lhe", events=12)
        write_recipe(folder, lhe="z.lhe", pythia=FAST, events_per_shard=2)
    make_trigger_sample(str(second / "mine.yaml"), 12, second / "a.parquet", **SMALL, shard=(2, 2))
    made = [
        make_trigger_sample(str(folder / "mine.yaml"), 12, folder / "a.parquet", **SMALL).path
        for folder in (first, second)
    ]
    assert made[0].read_bytes() == made[1].read_bytes()
    sample = open_trigger_sample(made[0])
    process = sample.processes["mine"]
    assert (process.events, process.cross_section, process.cross_section_error) == (12, 12.5, 0.25)
    assert process.weight_sum == pytest.approx(12.5)
    assert process.recipe["lhe"]["name"] == "z.lhe"
    assert "path" not in process.recipe["lhe"]
    with pytest.raises(
        SettingsError, match=r"^recipe 'mine' is asked for 13 events, and 'z.lhe' holds 12; no"
    ):
        make_trigger_sample(str(first / "mine.yaml"), 13, first / "b.parquet", **SMALL)
    assert not (first / "b.parquet.parts").exists()


def test_the_digest_follows_the_content_of_the_file(tmp_path):
    write_lhe(tmp_path / "z.lhe", events=3)
    before = recipe_of(tmp_path).digest()
    assert recipe_of(tmp_path).digest() == before
    write_lhe(tmp_path / "z.lhe", events=4)
    assert recipe_of(tmp_path).digest() != before


def test_a_demand_that_the_file_cannot_meet_is_named(tmp_path):
    write_lhe(tmp_path / "z.lhe", events=8)
    path = write_recipe(tmp_path, lhe="z.lhe", pythia=FAST, demand="{lepton: muon, count: 2, pt: 60}")
    with pytest.raises(SampleError, match=r"^recipe 'mine': of events 0 to 7 of 'z.lhe' only 0 are complete"):
        make_trigger_sample(str(path), 4, tmp_path / "a.parquet", **SMALL)
    assert not (tmp_path / "a.parquet").exists()


def test_another_energy_is_refused(tmp_path):
    write_lhe(tmp_path / "z.lhe", energy=14_000.0)
    path = write_recipe(tmp_path, lhe="z.lhe")
    with pytest.raises(
        SettingsError,
        match=r"^recipe 'mine': 'z.lhe' was made at 14000 GeV, and the energy asked for is 13000 GeV; give "
        r"--energy 14000GeV$",
    ):
        make_trigger_sample(str(path), 4, tmp_path / "a.parquet", **SMALL)


def test_two_cross_sections_that_contradict_need_a_word(tmp_path):
    write_lhe(tmp_path / "z.lhe", strategy=4, weights=[0.6, 0.65] * 10)
    with pytest.raises(SettingsError, match=r"states 12.5 pb in <init>, but weights \(strategy 4\) that ave"):
        index_events(recipe_of(tmp_path), 13_000.0)
    recipe = recipe_of(tmp_path, cross_section="0.0125 nb")
    assert section(recipe, 13_000.0, 1, index_events(recipe, 13_000.0)) == (pytest.approx(12.5), 0.0)


TEXT = lhe_text(events=3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"does not begin with <LesHouchesEvents>; the file is damaged or incomplete"),
        (b"notes\n" * 10, r"does not begin with <LesHouchesEvents>"),
        (b"\x1f\x8bgarbage", r"cannot be decompressed"),
        (gzip.compress(TEXT.encode())[:-30], r"cannot be decompressed"),
        (TEXT[: TEXT.rindex("<event>")], r"it ends in event 2 before </LesHouchesEvents>"),
        (TEXT[: TEXT.rindex("</event>")], r"event 2 \(line 25\) does not end"),
        (TEXT[: TEXT.rindex(" -13 ")], r"it ends in event 2"),
        (TEXT.replace(" -13 1", " -13 x", 1), r"line 15, in event 0 \(line 9\), is not all numbers"),
        (
            TEXT.replace(" 23 2 1 2 ", " 23 2 1 9 ", 1),
            r"event 0 .* names mothers \[1.0, 9.0\] of 5 particles",
        ),
        (TEXT.replace(" 23 2 1 2 ", " 23 2 1 ", 1), r"does not hold 13 finite numbers"),
        (TEXT.replace(" 5 1 1.00000000e+00", " 5 1 nan", 1), r"does not hold 6 finite numbers"),
        (TEXT.replace(" 5 1 1.0", " 9e9 1 1.0", 1), r"announces 9e\+09 particles"),
        (TEXT.replace(" 5 1 1.0", " 5 7 1.0", 1), r"is of process 7, which <init> does not state"),
        (TEXT.replace(" 3 1\n", " 7 1\n", 1), r"the weighting strategy \(IDWTUP\) is 7, not ±1 to ±4"),
        (TEXT.replace(" 2212 2212 ", " 11 -11 ", 1), r"not two protons of one energy"),
        (TEXT.replace("<init>", "<start>"), r"no <init> in it"),
        (lhe_text(events=0), r"it holds no events"),
    ],
)
def test_damage_is_named(tmp_path, content, message):
    path = tmp_path / "z.lhe"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputFileError, match=r"^event file '.*z.lhe': .*" + message):
        index_lhe(path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lhe": "none.lhe"}, r"^LHE file '.*none.lhe' does not exist; check the path$"),
        ({"lhe": "mine.yaml"}, r"^LHE file '.*mine.yaml' ends in '.yaml'; accepted: .lhe, .gz$"),
        ({"hepmc": "z.hepmc"}, r"^recipe '.*': it states both 'lhe' and 'hepmc'; keep one of them$"),
        ({"pythia": "['Top:gg2ttbar = on']"}, r"'Top:gg2ttbar = on' makes hard processes, which the LHE f"),
        ({"pythia": "['PhaseSpace:pTHatMin = 9']"}, r"makes hard processes"),
        ({"pythia": "['Merging:nJetMax = 2']"}, r"matching and merging are not supported"),
        ({"pythia": "['Beams:LHEF = a.lhe']"}, r"field 'pythia': 'Beams:LHEF' is set by nanosieve itself"),
        (
            {"pythia": "['Init:plugins = {a.so}']"},
            r"field 'pythia': 'Init:plugins' is set by nanosieve itself",
        ),
        ({"part_of_minimum_bias": "true"}, r"'part_of_minimum_bias' is only for Pythia's own hard QCD"),
        ({"cross_section": "-3 pb"}, r"field 'cross_section': '-3 pb' is not above 0; write for example"),
        ({"cross_section": "3 GeV"}, r"cross_section.*GeV"),
        ({"k_factor": "1.3"}, r"'k_factor' is for Pythia's leading order; state 'cross_section' for an"),
    ],
)
def test_a_wrong_recipe_is_refused(tmp_path, fields, message):
    write_lhe(tmp_path / "z.lhe", events=1)
    (tmp_path / "z.hepmc").write_text("")
    with pytest.raises((InputFileError, SettingsError), match=message):
        recipe_of(tmp_path, **{"pythia": "[]", **fields})


@pytest.mark.parametrize(
    "line", ["HiddenValley:FSR = on", "TimeShower:alphaSvalue = 0.13", "Top:gg2ttbar = off"]
)
def test_settings_of_showers_are_welcome(tmp_path, line):
    write_lhe(tmp_path / "z.lhe", events=1)
    assert recipe_of(tmp_path, pythia=f"['{line}']").pythia == (line,)


def test_without_pileup_event_files_are_refused(tmp_path):
    write_lhe(tmp_path / "z.lhe", events=1)
    path = write_recipe(tmp_path, lhe="z.lhe")
    with pytest.raises(
        SettingsError, match=r"^recipe 'mine' takes its events from 'z.lhe', which only bunch"
    ):
        make_sample(str(path), 1, tmp_path / "a.parquet")


def test_no_copy_of_the_file_is_left_after_an_error(tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    write_lhe(tmp_path / "z.lhe", events=300)
    path = write_recipe(tmp_path, lhe="z.lhe", pythia=FAST)

    def full(*_: object) -> None:
        message = "no space left on device"
        raise OSError(message)

    monkeypatch.setattr("nanosieve.physics.events.crossings.shards._block", full)
    with pytest.raises(OSError, match="no space") as caught:  # which keeps all frames alive
        make_trigger_sample(str(path), 3, tmp_path / "a.parquet", **SMALL)
    assert not list(temporary.iterdir())
    assert caught.value.__traceback__ is not None
