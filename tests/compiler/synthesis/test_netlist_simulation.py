"""The netlist agrees with the graph, its faults are found, and what has no model is refused."""

import re
from pathlib import Path

import numpy as np
import pytest

from nanosieve.compiler.synthesis import netlist_design, verify_netlist
from nanosieve.compiler.verification import DesignFolder, read_design, simulate, verify
from nanosieve.errors import SettingsError, ToolError, VerificationError


def _change(netlist: DesignFolder, module: str, pattern: str, new: str) -> None:
    """Change the first match in the netlist of a module, behind the back of synthesis."""
    path = netlist.path / netlist.modules[module].file
    text, changed = re.subn(pattern, new, path.read_text(), count=1)
    assert changed == 1
    path.write_text(text)


def test_the_netlist_is_the_graph(toy: Path) -> None:
    events = np.random.default_rng(0).normal(0, 3, (100, 5)).astype(np.float32)
    result = verify_netlist(toy, events, random=1000, streamed=300)
    assert result.stages == ("graph", "emulator", "rtl", "netlist")
    assert result.again["in the netlist"] == sum(result.vectors.values())
    assert result.again["in the netlist, layer by layer"] == 300
    assert 150 < result.again["in the netlist, with gaps and resets"] < 300
    # both simulators are kept, and none is built again
    kept = sorted(path.name for path in (toy / "sim").iterdir())
    assert [name.split("-")[0] for name in kept] == ["netlist", "rtl"]
    verify_netlist(toy, random=0, streamed=0)
    assert sorted(path.name for path in (toy / "sim").iterdir()) == kept


FAULTS = [
    ("dense_1", r"\.INIT\(4'h6\)", ".INIT(4'h9)"),  # the sum bit of an adder
    pytest.param("relu_1", r"\.INIT\((\d+)'h.*\)", r".INIT(\1'h0)", marks=pytest.mark.slow),
    pytest.param("trigger", r"\.INIT\((\d+)'h.*\)", r".INIT(\1'h0)", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("layer", "pattern", "new"), FAULTS)
def test_a_fault_in_the_netlist_is_found_by_layer(toy_copy: Path, layer: str, pattern: str, new: str) -> None:
    netlist = netlist_design(toy_copy)
    _change(netlist, f"toy_{layer}", pattern, new)
    message = (
        rf"^graph and netlist differ first in layer '{layer}' \(synth/toy_{layer}\.xcup\.v, stage \d\), "
        r"element \d, event \d+ of the .* vectors: graph \S+ \(code \S+\), netlist \S+ \(code \S+\)$"
    )
    with pytest.raises(VerificationError, match=message):
        verify(toy_copy, also=(netlist,), random=500, streamed=0)
    # synthesis notices that the file is not what it made
    assert verify(toy_copy, also=(netlist_design(toy_copy),), random=500, streamed=0).differences == 0


@pytest.mark.slow
def test_a_missing_register_between_the_layers(toy_copy: Path) -> None:
    netlist = netlist_design(toy_copy)
    _change(netlist, "toy", r"\.D\(cycle_4_chain\[1\]\)", ".D(cycle_4_chain[0])")
    with pytest.raises(VerificationError, match="valid_out of the netlist is high in cycle"):
        verify(toy_copy, also=(netlist,), random=100, streamed=0)


@pytest.mark.slow
def test_products_tables_and_shift_registers(pieces: Path) -> None:
    """Every mode in which Yosys uses DSP slices and block memories for such modules."""
    random = np.random.default_rng(2)
    codes = {"a": random.integers(-(2**34), 2**34, 3000), "b": random.integers(-(2**29), 2**29, 3000)}
    codes = {name: array[:, np.newaxis] for name, array in codes.items()}
    codes["a"][:4, 0], codes["b"][:4, 0] = [-(2**34), 2**34 - 1, -1, 0], [-(2**29), -(2**29), -1, 2**29 - 1]
    netlist = netlist_design(pieces)
    text = (pieces / netlist.modules["pieces"].file).read_text()
    widths = set(re.findall(r"(RAMB\d+)E2 #.*?READ_WIDTH_A\(32'd(\d+)\)", text, re.DOTALL))
    assert {("RAMB18", "36"), ("RAMB36", "72"), ("RAMB36", "36"), ("RAMB36", "9")} <= widths
    assert text.count("DSP48E2 #") >= 10
    assert "SRL" in text
    rtl, found = simulate(pieces, codes).outputs, simulate(netlist, codes).outputs
    for name, expected in rtl.items():
        assert len(np.unique(expected)) > 1
        assert np.array_equal(found[name], expected), name


REFUSED = [
    (
        "AREG",
        "32'sd0",
        "32'sd1",
        r"DSP48E2: of the registers PREG alone is modelled, but a parameter ...REG is not 0",
    ),
    ("USE_SIMD", '"ONE48"', '"TWO24"', r'DSP48E2: .* are modelled, not "MULTIPLY" and "TWO24"'),
    ("OPMODE", "9'h005", "9'h015", r"DSP48E2: P = A \* B and P = A \* B \+ C are modelled, not OPMODE 015"),
    ("WRITE_WIDTH_A", "32'd0", "32'd9", r"RAMB..E2: a port that reads is modelled, .* WRITE_WIDTH_A 9"),
    ("DOA_REG", "32'sd0", "32'sd1", r"RAMB..E2: DOA_REG 0 and DOB_REG 0 are modelled, not 1 and 0"),
    ("RSTRAMARSTRAM", "1'h0", "1'h1", r"RAMB..E2: reading is modelled, .* RSTRAMARSTRAM 1"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("setting", "old", "new", "message"), REFUSED)
def test_a_mode_without_a_model_is_refused(
    pieces: Path, tmp_path: Path, setting: str, old: str, new: str, message: str
) -> None:
    netlist = netlist_design(pieces)
    (tmp_path / "synth").mkdir()
    file = netlist.modules["pieces"].file
    (tmp_path / file).write_text((pieces / file).read_text())
    netlist = netlist.model_copy(update={"path": tmp_path})
    _change(netlist, "pieces", rf"\.{setting}\({old}\)", f".{setting}({new})")
    codes = {name: np.zeros((5, 1), dtype=np.int64) for name in ("a", "b")}
    with pytest.raises(ToolError, match=message):
        simulate(netlist, codes)


def test_settings(toy: Path) -> None:
    with pytest.raises(SettingsError, match="time limit: 0 seconds is not positive"):
        netlist_design(toy, time_limit=0)
    assert netlist_design(toy).layers[0].file == "synth/toy_dense_1.xcup.v"
    assert read_design(toy).layers[0].file == "rtl/toy_dense_1.v"
