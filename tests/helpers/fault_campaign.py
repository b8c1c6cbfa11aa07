"""Plants faults one at a time and asks `verify`; what it does not find must be proven harmless."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree

import numpy as np

from helpers.mutations import KINDS, faults, mutate
from nanosieve.compiler.synthesis import prove_same
from nanosieve.compiler.verification import read_design, verify
from nanosieve.errors import VerificationError


@dataclass
class Campaign:
    """Counts by kind of fault, and what was neither found nor proven equivalent."""

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    equivalent: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    def __add__(self, other: Campaign) -> Campaign:
        return Campaign(
            self.planted + other.planted,
            self.found + other.found,
            self.equivalent + other.equivalent,
            self.missed + other.missed,
        )


def run_campaign(
    design: Path, place: Path, *, per_kind: int, seed: int, random: int = 3000, kinds: tuple[str, ...] = ()
) -> Campaign:
    """Plant up to `per_kind` faults of each kind, at random places of random layers.

    A fault counts as found if `verify` names the layer that holds it. What `verify` passes must be proven
    equivalent: the module for all codes that its inputs carry, or else the whole design.

    Args:
        design: folder of a compiled design, left as it is.
        place: folder for the broken copies.
        per_kind: number of faults of each kind.
        seed: of the choice of places.
        random: vectors of `verify`.
        kinds: some of `KINDS`; default all.
    """
    original, rng, campaign = read_design(design), np.random.default_rng(seed), Campaign()
    for kind in kinds or tuple(KINDS):
        sites = [
            (layer, n)
            for layer in original.layers
            for n in range(len(faults((design / layer.file).read_text(), kind)))
        ]
        for pick in rng.permutation(len(sites))[:per_kind]:
            layer, n = sites[pick]
            broken = Path(
                copytree(design, place / "broken", ignore=ignore_patterns("sim", "golden", "synth"))
            )
            change = f"{layer.name}: {kind}: {mutate(broken, layer.file, kind, n)}"
            campaign.planted[kind] += 1
            try:
                verify(broken, random=random, streamed=random // 2, golden=0)
            except VerificationError as error:
                if re.search(rf"differ first in layer {layer.name!r} ", str(error)):
                    campaign.found[kind] += 1
                else:
                    campaign.missed.append(f"{change}: {error}")
            else:
                mutant = read_design(broken)
                modules = (layer.module, original.name)
                if any(prove_same(original, mutant, m, time_limit=30).outcome == "proven" for m in modules):
                    campaign.equivalent[kind] += 1
                else:
                    campaign.missed.append(change)
            rmtree(broken)
    return campaign
