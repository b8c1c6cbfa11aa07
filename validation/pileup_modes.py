"""The fast pile-up mode beside the overlay: rates of high-level objects in two samples of the same
collisions.

Usage: python validation/pileup_modes.py OBJECTS.parquet OVERLAY.parquet

Make both with one command each, which differ in ``--pileup-mode`` alone, so that the same hard collisions and
the same pile-up are in both:

    nanosieve events make minbias:4000,hard_qcd:4000 -n 1 --pileup 52 --pileup-mode objects -o objects.parquet
    nanosieve events make minbias:4000,hard_qcd:4000 -n 1 --pileup 52 --pileup-mode overlay -o overlay.parquet

Prints, for thresholds on each object, the cross section above it in both and their ratio. The errors count
the events that pass in one sample only, because the others are the same crossings.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nanosieve.figure import Figure, Provenance
from nanosieve.physics.events import TriggerSample, open_trigger_sample
from nanosieve.physics.menu.quantity import find_quantity

THRESHOLDS = {
    "Jet_pt": (30, 60, 100, 200),
    "HT": (100, 200, 400),
    "MET_pt": (30, 50, 80),
    "Electron_pt": (15, 30),
    "Muon_pt": (5, 10),
    "Photon_pt": (20, 40),
    "Tau_pt": (30, 60),
}
LARGEST = {"MET_pt": 3.0}
"""Largest factor between the modes that still counts as the same; others 1.5."""


def values_of(sample: TriggerSample, name: str) -> np.ndarray:
    """(N,) of the whole sample, of the hardest object; NaN where there is none."""
    quantity = find_quantity(name)
    return np.concatenate([quantity.values(block) for block in sample.blocks([quantity.column])])


def rows(
    objects: TriggerSample, overlay: TriggerSample
) -> Iterator[tuple[str, float, Figure, Figure, Figure]]:
    """Column, threshold, cross sections above it in pb, and the ratio objects / overlay."""
    weights = np.concatenate([block.weights for block in overlay.blocks([])])
    for column, thresholds in THRESHOLDS.items():
        first, second = (values_of(sample, column) for sample in (objects, overlay))
        for threshold in thresholds:
            a, b = first >= threshold, second >= threshold
            sums = [weights[passing].sum() for passing in (a, b)]
            errors = [np.sqrt((weights[passing] ** 2).sum()) for passing in (a, b)]
            if sums[1] <= 0:
                continue
            alone = np.sqrt((weights[a ^ b] ** 2).sum())
            ratio = Figure(sums[0] / sums[1], "", Provenance.SIMULATED, error=alone / sums[1])
            pair = [Figure(s, "pb", Provenance.SIMULATED, error=e) for s, e in zip(sums, errors, strict=True)]
            yield column, threshold, pair[0], pair[1], ratio


def main(paths: list[str]) -> int:
    if len(paths) != 2:
        print(__doc__)
        return 2
    objects, overlay = (open_trigger_sample(Path(path)) for path in paths)
    if (objects.pileup_mode, overlay.pileup_mode) != ("objects", "overlay") or (
        objects.request,
        objects.seed,
        objects.pileup,
    ) != (overlay.request, overlay.seed, overlay.pileup):
        print("give a sample of mode objects, then one of mode overlay; same request, pile-up and seed")
        return 2
    far = 0
    print(f"{'':<14}{'above':>6}{'objects [pb]':>32}{'overlay [pb]':>32}{'ratio':>18}")
    for column, threshold, fast, full, ratio in rows(objects, overlay):
        limit = LARGEST.get(column, 1.5)
        distance = max(ratio.value, 1 / max(ratio.value, 1e-9)) - 1
        beyond = distance - 2 * (ratio.error or 0.0) > limit - 1
        far += beyond
        remark = f"   beyond × {limit:g}" if beyond else ""
        print(
            f"{column:<14}{threshold:>6g}{fast.number():>32}{full.number():>32}{ratio.number():>18}{remark}"
        )
    return int(far > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
