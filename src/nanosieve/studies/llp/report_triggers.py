"""Section of the report on what the networks buy."""

from __future__ import annotations

from nanosieve.report import Cell, Picture, Section, Table
from nanosieve.studies.llp.figures import kept_by_radius, kept_by_rate
from nanosieve.studies.llp.samples import StudySamples
from nanosieve.studies.llp.settings import Settings
from nanosieve.studies.llp.triggers import HITS, Triggers

__all__ = ["triggers_section"]


def triggers_section(settings: Settings, samples: StudySamples, found: Triggers) -> Section:
    """Decays kept at the rate of each level."""
    chains = {chain.first: chain for chain in found.chains}
    rows: list[tuple[Cell, ...]] = []
    for first in found.first:
        chain = chains[first.name]
        gain = None if first.name == HITS else found.gain(first.name)
        rows.append((first.name, first.rate, first.kept, chain.rate, chain.kept, gain))
    columns = (
        "First level", "Its rate", "Decays kept", "Rate behind the second", "Kept by both",
        "Over the cut on hits",
    )  # fmt: skip
    caption = (
        f"At most {settings.rate:g} kHz at the first level and {settings.second:g} kHz behind the published "
        "network as the second one, in the whole barrel, with a pile-up of "
        f"{samples.detector.pileup:g}; where the image of the highest score alone is more often, its rate. "
        f"One image of noise to test stands for {found.grain.number()} kHz: rates and efficiencies carry "
        "that statistics. The rates of muons and jets are assumed, within a factor of three. A first level "
        f"without a network cuts on the {HITS}."
    )
    known: list[tuple[Cell, ...]] = [(name, rate) for name, rate in samples.rates.items()]
    front = kept_by_radius([one.by_radius for one in found.first], f"First level, {settings.rate:g} kHz")
    both = kept_by_radius([one.by_radius for one in found.chains], f"Both, {settings.second:g} kHz")
    return Section(
        "What does it buy?",
        (
            Table(columns, tuple(rows), caption),
            Picture(
                (front, both), "Part of the decays that is kept, by their radius; Clopper–Pearson intervals."
            ),
            Picture(
                (kept_by_rate(found, settings.rate),), "Decays kept against the rate of the first level."
            ),
            Table(("Background", "Rate of its images"), tuple(known), "In the whole barrel."),
        ),
    )
