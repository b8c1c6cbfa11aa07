"""HepMC files as a source of crossings: content, cross section, parts, and what is refused."""

import gzip

import numpy as np
import pytest

from helpers.event_files import write_hepmc, write_recipe
from nanosieve.errors import InputFileError, SettingsError
from nanosieve.physics.events import open_trigger_sample
from nanosieve.physics.events.crossings import make_trigger_sample
from nanosieve.physics.events.crossings.event_files import parts
from nanosieve.physics.events.crossings.hepmc import hepmc_collisions, index_hepmc
from nanosieve.physics.events.crossings.sources import index_events, section
from nanosieve.physics.events.recipe import load_recipe

pyhepmc = pytest.importorskip("pyhepmc")

SMALL = {"pileup": 5.0, "pool": 50, "workers": 1}


def recipe_of(folder, name, **fields):
    return load_recipe(write_recipe(folder, hepmc=name, **fields))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.hepmc", {}),
        ("a.hepmc3.gz", {}),
        ("a.hepmc2", {"version": 2}),
        ("a.hepmc2.gz", {"version": 2}),
        ("m.hepmc", {"units": "MEV"}),
    ],
)
def test_content(tmp_path, name, options):
    path = write_hepmc(tmp_path / name, pyhepmc, events=6, **options)
    index = index_hepmc(path)
    assert (len(index), index.energy) == (6, pytest.approx(13_000))
    assert (index.cross_section, index.cross_section_error) == (pytest.approx(45.0), pytest.approx(2.0))
    (found,) = hepmc_collisions(index.part(1, 5))
    assert len(found) == 4
    p = found.particles
    assert list(p.event) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert list(p.code[:3]) == [13, 211, -211]
    assert list(p.pt[p.code == 13]) == pytest.approx([31, 32, 33, 34])
    assert p.eta[0] == pytest.approx(np.arcsinh(10 / 31))
    assert p.phi[0] == pytest.approx(-np.pi / 2)
    assert found.invisible == pytest.approx(np.array([[3.0, 4.0]] * 4))
    f = found.flavour
    assert list(f.event) == [0, 1, 2, 3]  # the copy of the B hadron does not count
    assert list(f.code) == [5] * 4
    assert list(f.pt) == pytest.approx([20.0] * 4)
    assert list(found.weight) == [2.0] * 4
    assert list(found.pthat) == [33.0] * 4


def test_what_is_not_stated(tmp_path):
    path = write_hepmc(tmp_path / "a.hepmc", pyhepmc, events=2, section=None, scale=None)
    (found,) = hepmc_collisions(index_hepmc(path).part(0, 2))
    assert list(found.pthat) == [0, 0]
    with pytest.raises(
        SettingsError, match=r"^recipe 'mine' states no cross section, and 'a.hepmc' states none"
    ):
        index_events(recipe_of(tmp_path, "a.hepmc"), 13_000.0)
    recipe = recipe_of(tmp_path, "a.hepmc", cross_section="12.3 fb", branching=0.5)
    assert section(recipe, 13_000.0, 1, index_events(recipe, 13_000.0)) == (pytest.approx(0.00615), 0.0)


def test_a_sample_uses_every_event_once(tmp_path, plain_sampling):
    write_hepmc(tmp_path / "a.hepmc", pyhepmc, events=20)
    path = write_recipe(tmp_path, hepmc="a.hepmc", events_per_shard=2)
    made = make_trigger_sample(str(path), 20, tmp_path / "a.parquet", **SMALL).path
    sample = open_trigger_sample(made)
    (block,) = sample.blocks()
    assert block.weights == pytest.approx(59.0 / 20)
    assert block.scalars["GenMET_pt"] == pytest.approx(5.0)
    with pytest.raises(SettingsError, match=r"asked for 21 events, and 'a.hepmc' holds 20; no event is used"):
        make_trigger_sample(str(path), 21, tmp_path / "b.parquet", **SMALL)
    found = []
    for part in parts(index_hepmc(tmp_path / "a.hepmc"), load_recipe(path), [8, 8, 4]):
        for batch in hepmc_collisions(part):
            found += list(batch.particles.pt[batch.particles.code == 13])
    assert found == pytest.approx(30.0 + np.arange(20))


def test_another_energy_is_refused(tmp_path):
    write_hepmc(tmp_path / "a.hepmc", pyhepmc, events=2, energy=14_000.0)
    with pytest.raises(SettingsError, match=r"was made at 14000 GeV, and the energy asked for is 13600 GeV"):
        index_events(recipe_of(tmp_path, "a.hepmc"), 13_600.0)


def test_pythia_has_nothing_to_do(tmp_path):
    write_hepmc(tmp_path / "a.hepmc", pyhepmc, events=1)
    with pytest.raises(
        SettingsError, match=r"holds complete collisions, Pythia does nothing with them; remove"
    ):
        recipe_of(tmp_path, "a.hepmc", pythia="['Top:all = on']")


def replaced(old, new, count=1):
    return lambda text: text.replace(old, new, count)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: "", r"it does not begin as HepMC 2 \(IO_GenEvent\) or HepMC 3 \(Asciiv3\) does"),
        (lambda text: "\n".join(["notes"] * 9), r"it does not begin as HepMC 2"),
        (lambda text: text[: text.rindex("E 2 ")], r"it ends in event 2 before HepMC::Asciiv3-END_EVENT"),
        (lambda text: text + text, r"more events follow"),
        (replaced("E ", "X ", 9), r"it holds no events"),
        (replaced("P 3 -1 511", "Q"), r"event 0: 'Q 2.0.*' is wrong or out of place"),
        (replaced("E 0 ", "E x "), r"event 0: 'E x 3 8' is wrong or out of place"),
        (replaced("W 2.0", "W nan"), r"event 0: 'W nan.*' is wrong or out of place"),
        (replaced("E 0 3 8", "E 0 3 9"), r"event 0: particles, vertices or units are missing"),
        (replaced("U GEV MM\n", ""), r"event 0: particles, vertices or units are missing"),
        (replaced("V -1 0 [1,2]", "V -1 0 [1,99]"), r"event 0: 'V -1 0 \[1,99\]' is wrong or out of place"),
        (replaced("P 4 -1 13", "P 4 -9 13"), r"event 0: 'P 4 -9 13 .*' is wrong or out of place"),
        (
            replaced("GenCrossSection 4", "GenCrossSection x"),
            r"event 0: 'A 0 GenCross.*' is wrong or out of pl",
        ),
    ],
)
def test_damage_is_named(tmp_path, damage, message):
    path = write_hepmc(tmp_path / "a.hepmc", pyhepmc, events=3)
    text = path.read_text()
    path.write_text(damage(text))
    assert path.read_text() != text
    with pytest.raises(InputFileError, match=r"^event file '.*a.hepmc': .*" + message):
        index_hepmc(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (" 13 0.0", " xx 0.0", r"event 1: 'P 4 -1 xx .*' is wrong or out of place"),
        ("-3.1000000000000000e+01", "nan", r"event 1: 'P 4 -1 13 .* nan .*' is wrong or out of place"),
        ("-3.1000000000000000e+01", "1e200", r"event 1: particle 4 has no code or no possible momentum"),
        (" 13 0.0", " 0 0.0", r"event 1: particle 4 has no code or no possible momentum"),
    ],
)
def test_damage_within_an_event_is_named(tmp_path, old, new, message):
    path = write_hepmc(tmp_path / "a.hepmc", pyhepmc, events=3)
    text = path.read_text()
    place = text.index(old, text.index("E 1 "))
    path.write_text(text[:place] + new + text[place + len(old) :])
    index = index_hepmc(path)
    with pytest.raises(InputFileError, match=r"^event file '.*a.hepmc': " + message):
        list(hepmc_collisions(index.part(0, 3)))


def test_a_file_that_shrinks_while_it_is_in_use(tmp_path):
    path = write_hepmc(tmp_path / "a.hepmc", pyhepmc, events=3)
    index = index_hepmc(path)
    path.write_text(path.read_text()[:900])
    with pytest.raises(InputFileError, match=r"it has become shorter while it was in use"):
        list(hepmc_collisions(index.part(0, 3)))


def test_a_cut_download(tmp_path):
    path = write_hepmc(tmp_path / "a.hepmc.gz", pyhepmc, events=3)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputFileError, match=r"cannot be decompressed"):
        index_hepmc(path)
    path.write_bytes(gzip.compress(b"HepMC::Version 3.02.05\n"))
    with pytest.raises(InputFileError, match=r"it does not begin as HepMC 2"):
        index_hepmc(path)


@pytest.mark.parametrize("version", [2, 3])
def test_no_damage_gets_through(tmp_path, version):
    """pyhepmc itself crashes on some damaged files, and reads others as if nothing were wrong."""
    path = write_hepmc(tmp_path / "a.hepmc", pyhepmc, events=2, version=version)
    whole = path.read_bytes()
    draw = np.random.default_rng(version)
    refused = 0
    for _ in range(150):
        place, length = int(draw.integers(len(whole))), int(draw.integers(1, 30))
        new = bytes(draw.choice(np.frombuffer(b"0123456789-. \nPVE", np.uint8), int(draw.integers(0, 9))))
        path.write_bytes(whole[:place] + new + whole[place + length :])
        try:
            index = index_hepmc(path)
            for found in hepmc_collisions(index.part(0, len(index))):
                assert np.isfinite(found.particles.pt).all()
                assert np.isfinite(found.weight).all()
        except InputFileError:
            refused += 1
    assert refused > 75
