"""Every planted fault is found by `verify`, by layer, or proven to change nothing."""

from pathlib import Path

import pytest

from helpers import fault_campaign
from helpers.designs import toy_design
from helpers.fault_campaign import Campaign, run_campaign
from helpers.mutations import KINDS, faults
from helpers.random_graphs import random_graph
from nanosieve.compiler.hardware import Budget, build_design


def _check(campaign: Campaign) -> None:
    assert not campaign.missed
    counts = [sum(counter.values()) for counter in (campaign.planted, campaign.found, campaign.equivalent)]
    assert counts[0] == counts[1] + counts[2]


def _random_design(seed: int, folder: Path) -> Path:
    budget = Budget(latency="10 us", clock="200 MHz")
    return build_design(random_graph(seed, 12), budget, extra_depth=0).write(folder)


def test_a_fault_is_found_or_proven_harmless(tmp_path: Path) -> None:
    kinds = ("missing register", "sign of a wire")
    campaign = run_campaign(toy_design(tmp_path / "toy"), tmp_path, per_kind=1, seed=0, kinds=kinds)
    _check(campaign)
    assert campaign.planted == {"missing register": 1, "sign of a wire": 1}
    assert campaign.found["missing register"] == 1


def test_a_fault_that_verify_does_not_see_counts_as_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_campaign, "verify", lambda *_, **__: None)
    kinds = ("swapped output bits",)
    campaign = run_campaign(toy_design(tmp_path / "toy"), tmp_path, per_kind=1, seed=1, kinds=kinds)
    (missed,) = campaign.missed
    assert "swapped output bits: assign out[" in missed
    assert not campaign.found
    assert not campaign.equivalent


@pytest.mark.slow
def test_every_kind_of_fault_in_several_designs(tmp_path: Path) -> None:
    total = run_campaign(toy_design(tmp_path / "toy"), tmp_path, per_kind=2, seed=3)
    for seed in (7, 9):
        total += run_campaign(_random_design(seed, tmp_path / f"r{seed}"), tmp_path, per_kind=1, seed=seed)
    _check(total)
    assert set(total.planted) == set(KINDS)


MODULE = """\
  reg signed [4:0] n1_s1;
  always @(posedge clk) begin
    n1_s1 <= n1;
  end
  wire signed [6:0] n3 = n1_s1 + $signed({n1_s1, 2'b0});
  wire signed [6:0] n4 = (n3 + 9'sd4) >>> 3;
      4'd3: n5 = 6'd8;
  assign out[6:0] = n4;
"""


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("add <-> subtract", ["n1_s1 - $signed({n1_s1, 2'b0});"]),
        ("shift amount", ["$signed({n1_s1, 1'b0})"]),
        ("constant bit", ["(n3 + 9'sd0) >>> 3"]),
        ("sign of a wire", ["reg [4:0] n1_s1;", "wire [6:0] n3 =", "wire [6:0] n4 ="]),
        ("missing register", ["wire signed [4:0] n1_s1 = n1;"]),
        ("table entry", ["4'd3: n5 = 6'd9;"]),
        ("swapped output bits", ["assign out[6:0] = {n4[6:2], n4[0], n4[1]};"]),
    ],
)
def test_what_each_kind_of_fault_is(kind: str, lines: list[str]) -> None:
    texts = [text for _, text in faults(MODULE, kind)]
    assert len(texts) == len(lines)
    for line, text in zip(lines, texts, strict=True):
        assert line in text
        assert text != MODULE
