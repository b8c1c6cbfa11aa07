"""The menu of 2018 on synthetic events: events per second and core, and the time to compile the loops.

Compiled loops are first compared with the reference. Their speed depends on how often Level 1 fires, so
that several samples are timed; a crossing of minimum bias fires in less than one in a hundred.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import Timing, machine, race, write

from nanosieve.physics.menu import Evaluator, decide, load_menu, menu_rates

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from helpers.trigger_events import random_events, synthetic_sample

HARDNESS = (2.5, 4.0, 8.0, 15.0)
"""GeV: slope of the synthetic spectra."""
COMPILE = """
import sys, time
sys.path.append({tests!r})
from helpers.trigger_events import random_events
from nanosieve.physics.menu import Evaluator, load_menu
events, evaluator = random_events(100), Evaluator(load_menu("atlas-2018"))
start = time.perf_counter()
evaluator(events)
print(time.perf_counter() - start)
"""


def compile_seconds() -> float:
    """The first decision of a process without a cache of compiled loops."""
    tests = str(Path(__file__).resolve().parents[1] / "tests")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", COMPILE.format(tests=tests)],
            env=os.environ | {"NUMBA_CACHE_DIR": folder},
            capture_output=True,
            text=True,
            check=True,
        )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="in a block")
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/menu.json"))
    options = parser.parse_args()
    menu = load_menu("atlas-2018")
    evaluator = Evaluator(menu)
    print(f"{machine()}\ncompiling the loops, once for an installation: {compile_seconds():.1f} s")
    results: dict[str, dict[str, Timing]] = {}
    print(f"\n{'slope':>6s}{'fires at L1':>13s}{'at HLT':>9s}{'events/s and core':>20s}{'best':>12s}")
    for hardness in HARDNESS:
        events = random_events(options.events, scale=hardness)
        found = evaluator(events)
        for n in range(20):
            items, lines = decide(menu, events, n)
            if [*items.values()] != found.l1[n].tolist() or [*lines.values()] != found.hlt[n].tolist():
                message = f"event {n} differs from the reference; nothing to time"
                raise SystemExit(message)
        timing = race({"decisions": (lambda e=events: evaluator(e), options.events)}, options.turns)[
            "decisions"
        ]
        l1, hlt = found.l1.any(axis=1).mean(), found.hlt.any(axis=1).mean()
        print(f"{hardness:6.1f}{l1:12.1%} {hlt:8.2%}{timing.median:20,.0f}{timing.best:12,.0f}")
        results[f"slope {hardness}"] = {"decisions": timing}
    with tempfile.TemporaryDirectory() as folder:
        blocks = [random_events(options.events, seed=seed, scale=HARDNESS[1]) for seed in range(5)]
        sample = synthetic_sample(Path(folder) / "sample.parquet", blocks)
        start = time.perf_counter()
        for _ in sample.blocks(evaluator.columns):
            pass
        reading = time.perf_counter() - start
        whole = race({"rates": (lambda: menu_rates(menu, [sample]), len(sample))}, 3)["rates"]
        print(f"\nreading Parquet alone: {len(sample) / reading:,.0f} events/s")
        print(f"rates, with overlaps, from Parquet: {whole.median:,.0f} events/s")
        results["from Parquet"] = {"rates": whole}
    slow = random_events(60, scale=HARDNESS[1])
    start = time.perf_counter()
    for n in range(60):
        decide(menu, slow, n)
    print(f"the reference: {60 / (time.perf_counter() - start):,.0f} events/s")
    write(options.out, results)


if __name__ == "__main__":
    main()
