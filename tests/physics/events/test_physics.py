"""Known physics in finished samples: resonances, edges and multiplicities."""

import itertools
import runpy
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import yaml

pytest.importorskip("pythia8mc")

from nanosieve.physics.events import load_recipe, make_sample, read_sample

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Samples by process and number of events; multiple interactions are off to be quick."""
    folder = tmp_path_factory.mktemp("samples")

    def make(process, number):
        recipe = load_recipe(process).model_dump(mode="json")
        recipe["pythia"].append("PartonLevel:MPI = off")
        (folder / f"{process}.yaml").write_text(yaml.safe_dump(recipe))
        path = folder / f"{process}.parquet"
        make_sample(str(folder / f"{process}.yaml"), number, path, workers=1)
        return read_sample(path)

    return make


def mass(*vectors):
    """Invariant mass of massless (pt, eta, phi) arrays."""
    px, py, pz, energy = (
        sum(part)
        for part in zip(
            *(
                (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta))
                for pt, eta, phi in vectors
            ),
            strict=True,
        )
    )
    return np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))


def leptons(events, name, number):
    two = events[ak.num(events[f"{name}_pt"]) >= number]
    columns = [[ak.to_numpy(two[f"{name}_{q}"][:, n]) for q in ("pt", "eta", "phi")] for n in range(number)]
    return two, columns


@pytest.mark.slow
def test_the_z_peak_has_mass_width_and_charge(sample):
    events = sample("z_ll", 400).events
    for name in ("Electron", "Muon"):
        two, pair = leptons(events, name, 2)
        mll = mass(*pair)
        peak = mll[np.abs(mll - 91) < 12]
        assert len(peak) > 0.7 * len(mll) > 40
        assert np.median(peak) == pytest.approx(91.0, abs=0.7)
        core = np.percentile(peak, [25, 75])
        assert 1.5 < core[1] - core[0] < 8
        charges = ak.to_numpy(two[f"{name}_charge"][:, :2])
        assert (charges.sum(axis=1) == 0).all()


@pytest.mark.slow
def test_the_w_has_its_transverse_mass_edge_and_charge_asymmetry(sample):
    events = sample("w_lnu", 600).events
    one, ((pt, eta, phi),) = leptons(events, "Muon", 1)
    weight = ak.to_numpy(one.genWeight)
    turn = phi - ak.to_numpy(one.MET_phi)
    transverse = np.sqrt(2 * pt * ak.to_numpy(one.MET_pt) * (1 - np.cos(turn)))
    assert np.average((transverse > 60) & (transverse < 90), weights=weight) > 0.5
    assert np.average(transverse > 100, weights=weight) < 0.03
    jacobian = np.average((pt > 30) & (pt < 42), weights=weight)
    assert jacobian > 2 * np.average((pt > 45) & (pt < 57), weights=weight)
    assert np.average(ak.to_numpy(one.Muon_charge[:, 0]), weights=weight) > 0, "protons have more u than d"
    assert np.abs(eta).max() < 2.1


@pytest.mark.slow
def test_the_scalar_gives_four_leptons_at_its_mass(sample):
    events = sample("a4l", 400).events
    number = ak.num(events.Electron_pt) + ak.num(events.Muon_pt)
    weight = ak.to_numpy(events.genWeight)
    assert np.average(ak.to_numpy(number), weights=weight) > 1.8
    four = events[number == 4]
    assert len(four) > 20
    joined = [
        ak.concatenate([four[f"Electron_{q}"], four[f"Muon_{q}"]], axis=1) for q in ("pt", "eta", "phi")
    ]
    m4 = mass(*([ak.to_numpy(column[:, n]) for column in joined] for n in range(4)))
    assert np.median(m4) == pytest.approx(50, abs=1)
    assert ak.max(number) <= 4


@pytest.mark.slow
def test_leptoquarks_have_jets_and_scalars_have_not(sample):
    jets = {
        name: np.average(ak.to_numpy(ak.num(events.Jet_pt)), weights=ak.to_numpy(events.genWeight))
        for name, events in ((name, sample(name, 60).events) for name in ("lq", "hch"))
    }
    assert jets["lq"] > 2
    assert jets["hch"] < 1.5


@pytest.mark.slow
def test_collections_are_ordered_and_within_acceptance(sample):
    events = sample("lq", 60).events
    for name, eta, pt in (("Electron", 3.0, 3), ("Muon", 2.1, 3), ("Jet", 4.0, 15)):
        values = events[f"{name}_pt"]
        assert ak.all(values[:, 1:] <= values[:, :-1])
        assert ak.all(values >= pt * 0.999)
        assert ak.all(np.abs(events[f"{name}_eta"]) < eta)
    for jet, lepton in itertools.product(["Jet"], ["Electron", "Muon"]):
        pairs = ak.cartesian(
            {
                "de": ak.zip({"e": events[f"{jet}_eta"], "p": events[f"{jet}_phi"]}),
                "dl": ak.zip({"e": events[f"{lepton}_eta"], "p": events[f"{lepton}_phi"]}),
            }
        )
        turn = (pairs.de.p - pairs.dl.p + np.pi) % (2 * np.pi) - np.pi
        assert ak.all(np.hypot(pairs.de.e - pairs.dl.e, turn) > 0.399)


@pytest.mark.slow
def test_the_example_runs(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["events_make_and_look.py", "40"])
    monkeypatch.setattr("nanosieve.executor.default_workers", lambda: 1)
    runpy.run_path(str(ROOT / "examples" / "events_make_and_look.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert "(40, 19, 3)" in out
    assert "pb (simulated)" in out
