"""Hard collisions through detector and both trigger levels, beside the time that Pythia takes for them."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
from side_by_side import machine, race, table, write

from nanosieve.physics.events import load_recipe
from nanosieve.physics.events.crossings import Conditions
from nanosieve.physics.events.crossings.collisions import Collisions
from nanosieve.physics.events.crossings.crossing import cross
from nanosieve.physics.events.crossings.pool import make_pool
from nanosieve.physics.events.crossings.sources import collisions
from nanosieve.physics.events.detector import detector_named

MODES = ("objects", "overlay")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--pileup", type=float, default=52.0)
    parser.add_argument("--pool", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--process", default="hard_qcd")
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/crossings.json"))
    options = parser.parse_args()
    number = options.events
    print(machine())
    detector = detector_named("cms")
    pool = make_pool(load_recipe("minbias"), 13_000.0, detector, options.pool, 1)
    stream = collisions(load_recipe(options.process), 13_000.0, 1)

    def generate() -> Collisions:
        parts: list[Collisions] = []
        while sum(map(len, parts)) < number:
            parts.append(next(stream))
        return Collisions.joined(parts)[:number]

    hard = generate()
    seeds = itertools.count()

    def detect(mode: str) -> None:
        draw = np.random.default_rng(next(seeds))
        found = cross(hard, number, pool, Conditions("cms", options.pileup, mode), draw)
        assert len(found) == number

    tools = {"Pythia": (generate, number)}
    tools |= {f"crossing, {mode}": (lambda m=mode: detect(m), number) for mode in MODES}
    tools["minimum-bias crossing"] = (
        lambda: cross(
            None, number, pool, Conditions("cms", options.pileup), np.random.default_rng(next(seeds))
        ),
        number,
    )
    timings = race(tools, options.turns)
    title = f"{options.process}, pile-up {options.pileup:g}, one core"
    print(table(title, timings, ours="Pythia"))
    for name, timing in timings.items():
        share = timings["Pythia"].median / timing.median
        print(f"{name:36s}{share:10.1%} of the time of Pythia")
    write(options.out, {title: timings})


if __name__ == "__main__":
    main()
