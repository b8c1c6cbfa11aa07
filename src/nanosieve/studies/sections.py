"""Sections that the reports of several studies have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nanosieve.compiler.synthesis import Synthesis
from nanosieve.compiler.verification import Verification
from nanosieve.figure import Figure, Provenance
from nanosieve.report import Drawing, Section, Table, Text, resource_bars, resources_of

__all__ = ["layer_bars", "proof_section", "run_times"]


def proof_section(proofs: Iterable[tuple[str, Verification, str]]) -> Section:
    """What was compared with what, for each design: its title, the proof, and what else there is to say."""
    texts = []
    for title, proof, more in proofs:
        kinds, again = (
            ", ".join(f"{number:,} {kind}" for kind, number in vectors.items())
            for vectors in (proof.vectors, proof.again)
        )
        stages, number = " = ".join(proof.stages).replace("rtl", "RTL"), sum(proof.vectors.values())
        text = f"{title}: {stages} on {number:,} vectors ({kinds}), {proof.differences} differences."
        texts.append(f"{text} Compared once more: {again}. {more}".rstrip())
    return Section("Is the hardware the network?", (Text(tuple(texts), tone="good"),))


def layer_bars(synthesis: Synthesis) -> Drawing:
    """LUTs and registers of each layer as parts of the device."""
    device = synthesis.device
    capacity = {name: device.count(kind) for name, kind in (("LUT", "lut"), ("FF", "ff"))}
    return resource_bars(
        resources_of(synthesis), capacity, device=device.name, provenance=Provenance.SYNTHESISED
    )


def run_times(times: Mapping[str, Figure]) -> Section:
    """Wall time of each stage."""
    caption = "Of this run; samples and networks that were there already are not made again."
    return Section("Run times", (Table(("Stage", "Wall time"), tuple(times.items()), caption),))
