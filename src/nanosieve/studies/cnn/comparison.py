"""Our designs beside the published ones, number by number, and what the difference comes from."""

from __future__ import annotations

from nanosieve.figure import Figure
from nanosieve.report import Published, published
from nanosieve.studies.cnn.hardware import Hardware
from nanosieve.studies.cnn.settings import PRUNED

__all__ = ["ARXIV", "comparison_row", "note", "published_row"]

ARXIV = "2101.05108"
RESOURCES = {"LUT": "lut", "FF": "ff", "DSP": "dsp", "BRAM": "bram36"}
_WHY = {
    ("LUT", True): (
        "products with constants are adder graphs that share their sums, and the schedule needs no FIFOs"
    ),
    ("LUT", False): (
        "products with constants that the published design leaves to DSP slices are adders here, and wide "
        "numbers make wide adders"
    ),
    ("FF", True): "delay lines are shift registers in LUTs and memories, and there are no FIFOs",
    ("FF", False): "adder graphs are cut into more stages, each with its registers",
    ("DSP", True): "constant products take adders instead of slices",
    ("DSP", False): "weights that change from slot to slot are multiplied in slices",
    ("BRAM", True): "lines of an image are kept in LUTs as shift registers where that is cheaper",
    ("BRAM", False): "lines of an image are kept in block memories",
    ("latency", True): (
        "each layer starts in the cycle in which its first window is complete; there are no handshakes"
    ),
    ("latency", False): "adder graphs of wide numbers take more stages",
    ("interval", True): "an image may follow the last pixel of the one before directly",
    ("interval", False): "a layer works longer than the pixels of an image enter",
}
"""(quantity, whether ours is better) → why."""


def published_row(hardware: Hardware) -> Published | None:
    """The published design that this one stands beside."""
    rows = {row.model: row for row in published(ARXIV, "cnn-hardware")}
    return rows.get(hardware.settings.published)


def comparison_row(hardware: Hardware) -> dict[str, Figure]:
    """Our numbers under the names of the published table."""
    counted = hardware.synthesis.resources
    row: dict[str, Figure] = {name: getattr(counted, kind) for name, kind in RESOURCES.items()}
    row["latency"] = hardware.timing["latency_cycles"]
    row["interval"] = hardware.timing["interval_cycles"]
    return row


def note(hardware: Hardware) -> str:
    """Better or worse than published in each quantity, and why."""
    candidate, theirs = hardware.candidate, published_row(hardware)
    change = 0.0 - round(candidate.loss.value, 2)  # no minus in front of zero
    lost = (
        f"{hardware.settings.name}: {candidate.recipe.title}. From float to fixed point the accuracy changes "
        f"by {change:+.2f} ± {candidate.loss.error or 0.0:.2f} points on the same images"
    )
    if theirs is None:
        return f"{lost}. No published design to compare with."
    sentences = []
    for name, ours in comparison_row(hardware).items():
        if name not in theirs.figures:
            continue
        other = theirs.figures[name].value
        better = ours.value < other
        if ours.value == other:
            verdict = "equal"
        elif ours.value and other:
            factor = max(ours.value / other, other / ours.value)
            verdict = f"{'better' if better else 'worse'} by a factor of {factor:.3g}"
        else:
            verdict = (
                f"{'better' if better else 'worse'}, {ours.number()} against {theirs.figures[name].number()}"
            )
        why = "" if ours.value == other else f" ({_WHY[name, better]})"
        sentences.append(f"{name} {verdict}{why}")
    pruned = f", {100 * PRUNED:.0f} % of the weights pruned in both" if candidate.recipe.sparsity else ""
    return f"{lost}. Against {theirs.source}, {theirs.model}{pruned}: {'; '.join(sentences)}."
