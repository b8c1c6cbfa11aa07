"""Compare a run of the study `l1-anomaly` with Table III of arXiv:2108.03986.

Usage: python validation/l1_anomaly.py out/l1-anomaly/results.json
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanosieve.devices import find_device
from nanosieve.figure import Figure
from nanosieve.report import published

RESOURCES = {"LUT": "lut", "FF": "ff", "DSP": "dsp"}
DEVICE = "xcvu9p"


@dataclass(frozen=True)
class Row:
    """One quantity of one design, ours and theirs, in the same unit."""

    design: str
    quantity: str
    ours: Figure
    theirs: Figure

    @property
    def holds(self) -> bool:
        """Whether ours is not more."""
        return self.ours.value <= self.theirs.value

    def __str__(self) -> str:
        verdict = "not more" if self.holds else "MORE"
        return f"{self.design:<17}  {self.quantity:<8} {self.ours!s:>28}   {self.theirs!s:>18}   {verdict}"


def compare(results: dict[str, Any]) -> list[Row]:
    """Latency and resources, in percent of the VU9P, of every design that has a published one."""
    table = {row.model: row.figures for row in published("2108.03986", "anomaly-hardware")}
    device = find_device(DEVICE)
    rows = []
    for name, design in results["designs"].items():
        model = results["comparison"][name]["published"]
        for quantity, resource in RESOURCES.items():
            count = Figure.from_dict(design["resources"][resource])
            share = 100 * count.value / device.count(resource)
            ours = Figure(share, "%", count.provenance, source=count.source)
            rows.append(Row(name, quantity, ours, table[model][quantity]))
        latency = Figure.from_dict(design["timing"]["latency_ns"])
        rows.append(Row(name, "latency", latency, table[model]["latency"]))
    return rows


def main(path: str) -> int:
    rows = compare(json.loads(Path(path).read_text(encoding="utf-8")))
    for row in rows:
        print(row)
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
