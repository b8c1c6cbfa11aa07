import json
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from helpers.designs import element, toy_design
from nanosieve.compiler.synthesis import synthesize

ROMS = [(9, 72), (9, 36), (10, 36), (10, 18), (11, 18), (11, 9), (12, 9), (12, 4), (13, 2)]
"""Address bits and width of tables; each takes block memories in another mode."""


def pieces_design(folder: Path) -> Path:
    """Products of all widths and signs, tables behind a register, a long delay: one module by hand."""
    ports = ["input wire clk", "input wire reset", "input wire valid_in", "output wire valid_out"]
    ports += ["input wire [34:0] a", "input wire [29:0] b"]
    body = ["reg valid [0:29];", "assign valid_out = valid[29];", "always @(posedge clk) begin : wait_valid"]
    body += ["integer n;", "valid[0] <= valid_in & ~reset;", "for (n = 1; n < 30; n = n + 1)"]
    body += ["valid[n] <= valid[n-1] & ~reset;", "end"]
    outputs: list[tuple[str, int]] = []

    def output(name: str, width: int, value: str, stage: int, sign: str = "") -> None:
        """`value` at `stage`, brought to stage 30."""
        ports.append(f"output wire [{width - 1}:0] {name}")
        body.append(f"reg {sign}[{width - 1}:0] {name}_s [{stage}:30];")
        body.append(
            f"always @(posedge clk) begin : wait_{name}\ninteger n;\n{name}_s[{stage + 1}] <= {value};"
        )
        body.append(f"for (n = {stage + 2}; n <= 30; n = n + 1) {name}_s[n] <= {name}_s[n-1]; end")
        body.append(f"assign {name} = {name}_s[30];")
        outputs.append((name, width))

    for n, (left, right, signed) in enumerate(
        [(9, 9, 1), (16, 16, 1), (16, 16, 0), (24, 24, 1), (24, 24, 0), (35, 29, 1), (35, 29, 0)]
    ):
        x, y = f"a[{left - 1}:0]", f"b[{right - 1}:0]"
        product = f"$signed({x}) * $signed({y})" if signed else f"{x} * {y}"
        output(f"product{n}", left + right, product, 0, "signed " if signed else "")
    for n, (bits, width) in enumerate(ROMS):
        body.append(f"reg [{width - 1}:0] rom{n} [0:{2**bits - 1}];")
        body.append(f"initial begin : fill{n}\ninteger k;\nfor (k = 0; k < {2**bits}; k = k + 1)")
        body.append(
            f"rom{n}[k] = {{3{{24'd{7919 + 2 * n} * k[23:0] ^ (24'd10368889 * k[23:0]) >> 7}}}};\nend"
        )
        body.append(f"reg [{width - 1}:0] word{n};")
        body.append(f"always @(posedge clk) word{n} <= rom{n}[a[{bits - 1}:0]];")
        output(f"table{n}", width, f"word{n}", 1)
    text = f"module pieces ({', '.join(ports)});\n" + "\n".join(body) + "\nendmodule\n"
    (folder / "rtl").mkdir(parents=True)
    (folder / "rtl" / "pieces.v").write_text(text)
    halves = {
        name: [element(at, min(60, width - at), signed=False) for at in range(0, width, 60)]
        for name, width in outputs
    }
    manifest = {
        "format": 2,
        "name": "pieces",
        "device": "xcvu9p",
        "clock_mhz": 200.0,
        "latency_cycles": 30,
        "interval_cycles": 1,
        "inputs": [
            {"name": "a", "bus": "a", "elements": [element(0, 35)]},
            {"name": "b", "bus": "b", "elements": [element(0, 30)]},
        ],
        "outputs": [{"name": name, "bus": name, "elements": parts} for name, parts in halves.items()],
        "modules": {"pieces": {"file": "rtl/pieces.v"}},
    }
    (folder / "design.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled and synthesised design; do not change it."""
    folder = toy_design(tmp_path_factory.mktemp("a toy") / "toy")
    synthesize(folder)
    return folder


@pytest.fixture
def toy_copy(toy: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may break."""
    return Path(copytree(toy, tmp_path / "toy", ignore=ignore_patterns("sim", "golden")))


@pytest.fixture(scope="session")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A design with DSP slices, block memories and shift registers; do not change it."""
    return pieces_design(tmp_path_factory.mktemp("pieces") / "pieces")
