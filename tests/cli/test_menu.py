"""``nanosieve menu``: every verb on a small sample."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from helpers.designs import toy_design
from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.cli import main
from nanosieve.compiler.graph import Builder, Dense, Fixed, Gather, TensorType
from nanosieve.compiler.hardware import Budget, build_design
from nanosieve.physics.menu import load_menu, menu_rates, threshold_for_rate, turn_on


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    blocks = [
        random_events(1200, seed=7, scale=8.0, processes=("minbias", "h0"), weights=(1e5, 1.0)),
        random_events(400, seed=8, scale=20.0, processes=("qcd",), weights=(10.0,)),
    ]
    return synthetic_sample(tmp_path_factory.mktemp("samples") / "mixed.parquet", blocks)


@pytest.fixture
def run(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "180")
    monkeypatch.setattr("nanosieve.cli._terminal.console.width", 180, raising=False)

    def call(*arguments):
        code = 0
        try:
            main(["menu", *map(str, arguments)])
        except SystemExit as exit_:
            code = exit_.code
        out, error = capfd.readouterr()
        return code, out, error

    return call


def test_list(run):
    code, out, _ = run("list", "--json")
    assert code == 0
    assert json.loads(out)["atlas-2018"]["lines"] == 40
    assert "ATL-DAQ-PUB-2019-001" in run("list")[1]


def test_show_is_a_table_that_a_person_reads(run):
    code, out, _ = run("show", "atlas-2018")
    assert code == 0
    row = next(line for line in out.splitlines() if "bjpsi_6_6" in line)
    assert "2.5 < m < 4, opposite charge" in row
    assert re.search(r"1\.4 │ +55", row)
    recalled = next(line for line in out.splitlines() if "e_mu_27_9" in line)
    assert re.search(r"21 ~ │ +4 ", recalled)  # a recalled rate is marked, a published one is not
    assert "~ recalled and not checked" in out
    assert "L1 [kHz]" in out
    assert json.loads(run("show", "atlas-2018", "--json")[1])["lines"]["mu_52"]["l1"] == "MU20"


def test_rates_beside_the_published_ones(run, sample):
    code, out, _ = run("rates", "atlas-2018", sample.path, "--signal", "h0", "--json")
    assert code == 0
    found = json.loads(out)
    expected = menu_rates(load_menu("atlas-2018"), [sample], signals=["h0"])
    line = found["lines"]["mu_iso_27"]
    assert line["l1"]["rate"]["value"] == pytest.approx(expected.l1.total["MU20"].figure.value)
    assert line["l1"]["rate"]["provenance"] == "simulated"
    assert line["l1"]["reference"]["provenance"] == "published"
    assert line["l1"]["ratio"]["value"] == pytest.approx(line["l1"]["rate"]["value"] / 16)
    recalled = found["lines"]["e_mu_27_9"]["l1"]["reference"]
    assert recalled == {"value": 21.0, "unit": "kHz", "trust": "recalled"}
    assert found["efficiencies"]["h0"]["l1"]["any"]["unit"] == "%"
    assert found["hlt"]["any"]["value"] == pytest.approx(expected.hlt.any.figure.value)


def test_rates_as_tables_and_report(run, sample, tmp_path):
    code, out, error = run("rates", "atlas-2018", sample.path, "--signal", "h0", "--out", "out")
    assert code == 0, error
    assert re.search(r"\d events, \d+ effective|\d events, [\d,]+ effective", out)
    assert "reference" in out
    assert "< " in out
    assert "upper limit at 95 % CL" in out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for words in (
        "Turn-ons",
        "Overlaps",
        "ATL-DAQ-PUB-2019-001",
        "21 kHz (recalled)",
        "aria-label",
        "95 % CL",
    ):
        assert words in page, words
    assert not re.search(r"\bnan\b", page)


def test_turn_on(run, sample, tmp_path):
    arguments = (
        "turnon",
        "atlas-2018",
        "J100,jet_435",
        sample.path,
        "--bins",
        "0:200:4",
        "--against",
        "Jet_pt",
    )
    code, out, error = run(*arguments, "--out", "jets.svg", "--json")
    assert code == 0, error
    found = json.loads(out)
    (expected, _) = turn_on(
        load_menu("atlas-2018"), ["J100", "jet_435"], [sample], against="Jet_pt", edges=np.linspace(0, 200, 5)
    )
    assert [bin_["value"] for bin_ in found["J100"]["efficiency"]] == pytest.approx(
        list(100 * expected.efficiency)
    )
    assert (tmp_path / "jets.svg").read_text(encoding="utf-8").startswith("<svg")
    code, out, _ = run("turnon", "atlas-2018", "4J15", sample.path)
    assert code == 0
    assert "Jet_pt[3]" in out  # the fourth jet decides


def test_threshold(run, sample, tmp_path):
    code, out, error = run(
        "threshold", "atlas-2018", "MU20", sample.path, "--rate", "150 kHz", "-o", "new.yaml", "--json"
    )
    assert code == 0, error
    expected = threshold_for_rate(load_menu("atlas-2018"), "MU20", [sample], "150 kHz")
    assert json.loads(out)["threshold"]["value"] == pytest.approx(expected.threshold.value)
    assert load_menu(tmp_path / "new.yaml") == expected.menu
    assert "rate: " in run("threshold", "atlas-2018", "MU20", sample.path, "--rate", "150 kHz")[1]


def test_fit(run, sample, tmp_path):
    code, out, error = run("fit", "atlas-2018", sample.path, "--rate", "8 kHz", "-o", "tight.yaml", "--json")
    assert code == 0, error
    found = json.loads(out)
    assert found["after"]["value"] <= 8_000 < found["before"]["value"]
    again = menu_rates(load_menu(tmp_path / "tight.yaml"), [sample]).hlt.any.figure.value
    assert again == pytest.approx(found["after"]["value"])
    assert "→" in run("fit", "atlas-2018", sample.path, "--rate", "8 kHz", "-o", "tight.yaml")[1]


NN = """
name: nn
l1:
  NN: {score: {network: NETWORK, above: 0.5}}
lines:
  nn: {l1: NN, hlt: {legs: [{object: jet, pt: 5}]}}
"""


def leading_jet(folder):
    """A compiled design whose score is the pT of the leading jet in steps of 4 GeV, and a second output."""
    kernel = np.zeros((57, 2), dtype=np.int64)
    kernel[27, 0] = kernel[0, 1] = 1
    builder = Builder("jet")
    x = builder.input("x", TensorType.of(Fixed(10, 12, signed=False), (57,)))
    both = builder.add(Dense(kernel, 0), x, layer="dense")
    outputs = {
        name: builder.add(Gather(np.array([n])), both, layer=name) for n, name in enumerate(("score", "met"))
    }
    build_design(builder.finish(outputs), Budget(clock="200 MHz")).write(folder)


def test_a_compiled_network_decides(run, sample, tmp_path):
    leading_jet(tmp_path / "jet")
    (tmp_path / "nn.yaml").write_text(NN.replace("NETWORK", "jet").replace("0.5", "30"), encoding="utf-8")
    code, out, error = run("rates", "nn.yaml", sample.path, "--json")
    assert code == 0, error
    menu = load_menu(tmp_path / "nn.yaml")
    by_hand = menu_rates(menu, [sample], scorers={"jet": lambda x: np.floor(x[:, 9, 0] / 4 + 0.5) * 4})
    assert (
        0
        < by_hand.l1.any.figure.value
        < menu_rates(menu, [sample], scorers={"jet": lambda x: 99 + 0 * x[:, 0, 0]}).l1.any.figure.value
    )
    assert json.loads(out)["l1"]["any"]["value"] == pytest.approx(by_hand.l1.any.figure.value)


def test_a_network_that_is_no_trigger(run, sample, tmp_path):
    toy_design(tmp_path / "toy")
    (tmp_path / "nn.yaml").write_text(NN.replace("NETWORK", "toy"), encoding="utf-8")
    code, _, error = run("rates", "nn.yaml", sample.path)
    assert code == 1
    assert "takes 5 values; a trigger line gives 19 objects × 3" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "atlas"), "unknown menu 'atlas'; nearest: atlas-2018"),
        (("rates", "atlas-2018", "none.parquet"), "sample 'none.parquet' does not exist"),
        (
            ("rates", "atlas-2018", "SAMPLE", "--bunches", "2000"),
            "makes a pile-up of 71.1, and that of the sample",
        ),
        (
            ("rates", "nn.yaml", "SAMPLE"),
            "item 'NN': network 'NETWORK' does not exist; give a compiled design",
        ),
        (("turnon", "atlas-2018", "J100", "SAMPLE", "--bins", "a,b"), "--bins 'a,b' is neither edges"),
        (("turnon", "atlas-2018", "J100", "SAMPLE", "--out", "a.png"), "ends in '.png'; accepted: .svg"),
        (("turnon", "atlas-2018", "J10", "SAMPLE"), "unknown item or line 'J10'"),
        (
            ("threshold", "atlas-2018", "MU20", "SAMPLE", "--rate", "1 GeV"),
            "is not a quantity in units of Hz",
        ),
    ],
)
def test_errors_are_one_line(run, sample, tmp_path, arguments, message):
    (tmp_path / "nn.yaml").write_text(NN, encoding="utf-8")
    code, _, error = run(*(sample.path if a == "SAMPLE" else a for a in arguments))
    assert code == 1
    line = error.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert message in line
