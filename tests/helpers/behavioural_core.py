"""A small design written by hand, with any latency, interval and beats, that punishes whoever mistreats it.

An event that comes before the interval is over is ignored, and beats that do not come on end are misread.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.verification import DesignFolder

FORMAT = get_args(DesignFolder.model_fields["format"].annotation)[0]


@dataclass(frozen=True)
class Core:
    """Sums of the words of an event.

    Attributes:
        inputs: (width, beats) of each input bus.
        outputs: (width, beats) of each output bus; beat j of it is the sum of (j + 1) × all input words.
        buses: names of the ports; default ``in_0 …, y_0 …``.
    """

    latency: int
    interval: int
    inputs: tuple[tuple[int, int], ...] = ((11, 1),)
    outputs: tuple[tuple[int, int], ...] = ((13, 1),)
    name: str = "core"
    buses: tuple[str, ...] = ()

    def verilog(self) -> str:
        beats = max(beats for _, beats in self.inputs)
        assert self.latency > beats
        assert self.interval >= max(beats, *(beats for _, beats in self.outputs))
        ports = ["input clk", "input reset", "input valid_in", "output valid_out"]
        names = dict(zip(self._names(), self.buses or self._names(), strict=True))
        ports += [f"input [{width - 1}:0] {names[f'in_{n}']}" for n, (width, _) in enumerate(self.inputs)]
        ports += [f"output [{width - 1}:0] {names[f'y_{n}']}" for n, (width, _) in enumerate(self.outputs)]
        words = " + ".join(
            f"(at < {beats} ? {names[f'in_{n}']} : 64'd0)" for n, (_, beats) in enumerate(self.inputs)
        )
        lines = [
            f"module {self.name}({', '.join(ports)});",
            "  integer phase, at, n;  // phase: cycles until an event is taken again; at: beat of the event",
            f"  reg [63:0] total, sums [0:{self.latency}];",
            f"  reg [{self.latency}:0] valid;",
            "  wire taken = valid_in & (phase == 0);",
            f"  always @* begin at = taken ? 0 : {self.interval} - phase; end",
            "  always @(posedge clk) begin",
            f"    phase <= reset ? 0 : taken ? {self.interval - 1} : phase > 0 ? phase - 1 : 0;",
            f"    total <= (taken ? 0 : total) + (at < {beats} ? {words} : 0);",
            f"    sums[{beats + 1}] <= total;",
            f"    for (n = {beats + 2}; n <= {self.latency}; n = n + 1) sums[n] <= sums[n-1];",
            f"    valid <= reset ? 0 : {{valid[{self.latency - 1}:0], taken}};  // bit n: n + 1 cycles ago",
            "  end",
            f"  assign valid_out = valid[{self.latency - 1}];",
        ]
        for n, (width, out_beats) in enumerate(self.outputs):
            lines += [
                f"  integer beat_{n}; reg [63:0] held_{n};",
                f"  wire [63:0] now_{n} = valid_out ? sums[{self.latency}] : held_{n};",
                f"  always @(posedge clk) begin held_{n} <= now_{n};",
                f"    beat_{n} <= valid_out ? 1 : beat_{n} + 1; end",
                f"  wire [63:0] product_{n} = now_{n} * (valid_out ? 1 : beat_{n} + 1);",
                f"  wire now_out_{n} = valid_out | beat_{n} < {out_beats};",
                f"  assign {names[f'y_{n}']} = now_out_{n} ? product_{n}[{width - 1}:0] : 0;",
            ]
        return "\n".join([*lines, "endmodule", ""])

    def _names(self) -> list[str]:
        return [f"in_{n}" for n in range(len(self.inputs))] + [f"y_{n}" for n in range(len(self.outputs))]

    def write(self, folder: Path, **changes: object) -> dict[str, Any]:
        """Write the design folder; returns the content of ``design.json``."""
        (folder / "rtl").mkdir(parents=True, exist_ok=True)
        (folder / "rtl" / f"{self.name}.v").write_text(self.verilog())
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "device": "xcvu9p",
            "clock_mhz": 200.0,
            "latency_cycles": self.latency,
            "interval_cycles": self.interval,
            "inputs": [self._bus(f"in_{n}", *shape) for n, shape in enumerate(self.inputs)],
            "outputs": [self._bus(f"y_{n}", *shape) for n, shape in enumerate(self.outputs)],
            "layers": [],
            "modules": {self.name: {"file": f"rtl/{self.name}.v", "children": []}},
            "budget": {},
            **changes,
        }
        for bus, name in zip([*manifest["inputs"], *manifest["outputs"]], self.buses, strict=False):
            bus["bus"] = name
        (folder / "design.json").write_text(json.dumps(manifest))
        return manifest

    @staticmethod
    def _bus(name: str, width: int, beats: int) -> dict[str, object]:
        elements = [
            {
                "lsb": 0,
                "width": width,
                "signed": False,
                "exponent": -3,
                "low": 0,
                "high": (1 << width) - 1,
                "beat": beat,
            }
            for beat in range(beats)
        ]
        return {"name": name, "bus": name, "beats": beats, "elements": elements}

    def codes(self, events: int, seed: int = 0) -> dict[str, NDArray[np.int64]]:
        random = np.random.default_rng(seed)
        return {
            f"in_{n}": random.integers(0, 1 << width, (events, beats))
            for n, (width, beats) in enumerate(self.inputs)
        }

    def expected(self, codes: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
        total = sum(values.sum(axis=1) for values in codes.values())
        return {
            f"y_{n}": np.stack([total * (beat + 1) for beat in range(beats)], axis=1) % (1 << width)
            for n, (width, beats) in enumerate(self.outputs)
        }
