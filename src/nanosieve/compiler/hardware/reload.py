"""Another network of the same shape for a design whose weights can be reloaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from nanosieve._files import write_text
from nanosieve.compiler.graph import Fixed, Graph, Node, Weights, load_graph
from nanosieve.compiler.hardware.weight_image import WeightImage, Words
from nanosieve.compiler.passes import BEFORE_WEIGHTS, reloadable, run_passes
from nanosieve.errors import OutputError, SettingsError

__all__ = ["FORMS", "prepared", "reloaded", "weight_words", "write_weights"]

FORMS = (".hex", ".h", ".npy", ".bin")
"""What `write_weights` writes, by the ending of the file."""


def prepared(
    graph: Graph, types: Mapping[str, str] | str | None = None, *, exactly: Mapping[str, Fixed] | None = None
) -> Graph:
    """The graph after the passes, its kernels and biases as `Weights`; see `passes.reloadable`."""
    return run_passes(reloadable(run_passes(graph, BEFORE_WEIGHTS), types, exactly=exactly))


def reloaded(design: Graph, graph: Graph) -> Graph:
    """The graph of a design with the weights of another network.

    Args:
        design: of a design whose weights can be reloaded.
        graph: of the other network, as `load` gives it.

    Returns:
        `design` with the codes of `graph`.

    Raises:
        SettingsError: the networks differ in more than weights, by layer and what differs; or a weight has no
            code in the type that the design keeps it in.
        UnsupportedLayerError: the other network has no weights that could be reloaded.
    """
    kept = {node.name: _fixed(node.op) for node in design.nodes if isinstance(node.op, Weights)}
    other = prepared(graph, exactly=kept)
    for mine, theirs in zip(design.nodes, other.nodes, strict=False):
        if what := _difference(mine, theirs):
            raise SettingsError(_refusal(design, mine.layer, what))
    if len(design.nodes) != len(other.nodes):
        longer = max(design, other, key=lambda each: len(each.nodes))
        extra = longer.nodes[min(len(design.nodes), len(other.nodes))]
        which = "the design" if longer is design else "the other network"
        raise SettingsError(_refusal(design, extra.layer, f"only {which} has {extra.name!r}"))
    if dict(design.outputs) != dict(other.outputs):
        ports = f"its outputs are {', '.join(other.outputs)}, not {', '.join(design.outputs)}"
        raise SettingsError(_refusal(design, other.nodes[-1].layer, ports))
    return replace(other, name=design.name, exact=graph.exact, source=graph.source)


def weight_words(folder: str | Path, graph: Graph | None = None) -> tuple[Graph, Words]:
    """What the write port of a design takes for the weights of a network.

    Args:
        folder: of a design that was compiled with ``reloadable``.
        graph: of a network of the same shape; default that of the design.

    Returns:
        The graph of the design with those weights, and the words, uint32, one for each address from 0 on.

    Raises:
        InputFileError: no design, or one with constant weights.
        SettingsError, UnsupportedLayerError: see `reloaded`.
    """
    image = WeightImage.load(Path(folder))
    own = load_graph(Path(folder) / "graph.json")
    meant = own if graph is None else reloaded(own, graph)
    return meant, image.fill(meant)


def write_weights(words: Words, path: str | Path, name: str) -> Path:
    """Write words for the write port: ``.hex`` for ``$readmemh``, ``.h`` for C, ``.npy``, or ``.bin``.

    Args:
        words: from `weight_words`.
        path: file; its ending says which form, ``.bin`` is little-endian.
        name: of the design, in the C header.

    Raises:
        OutputError: another ending, or the file cannot be written.
    """
    path = Path(path)
    match path.suffix:
        case ".hex":
            return write_text(path, "".join(f"{word:08x}\n" for word in words.tolist()))
        case ".h":
            return write_text(path, _header(words, name))
        case ".npy" | ".bin":
            try:
                with path.open("wb") as file:
                    if path.suffix == ".npy":
                        np.save(file, words)
                    else:
                        file.write(words.astype("<u4").tobytes())
            except OSError as error:
                message = f"{str(path)!r} cannot be written: {error.strerror}"
                raise OutputError(message) from error
            return path
        case _:
            message = f"weights are written as {', '.join(FORMS)}, not {path.name!r}"
            raise OutputError(message)


def _header(words: Words, name: str) -> str:
    rows = [
        "    " + " ".join(f"0x{word:08x}u," for word in words[n : n + 8].tolist())
        for n in range(0, len(words), 8)
    ]
    return "\n".join(
        [
            f"/* weights of {name}: word n is for address n of the write port; write all, in this order */",
            "#include <stdint.h>",
            f"#define {name.upper()}_WEIGHTS {len(words)}",
            f"static const uint32_t {name}_weights[{len(words)}] = {{",
            *rows,
            "};",
            "",
        ]
    )


def _fixed(op: Weights) -> Fixed:
    width, exponent = int(op.type.width.flat[0]), int(op.type.exponent.flat[0])
    return Fixed(width, width + exponent, bool(op.type.signed.flat[0]))


def _difference(mine: Node, theirs: Node) -> str:
    """What differs between two nodes but codes of weights; nothing if they are alike."""
    if (mine.name, mine.layer) != (theirs.name, theirs.layer):
        return f"the design has {mine.name!r} where the other network has {theirs.name!r}"
    if type(mine.op) is not type(theirs.op):
        return f"{mine.name!r} is {type(mine.op).__name__}, not {type(theirs.op).__name__}"
    if mine.inputs != theirs.inputs:
        return f"{mine.name!r} reads {', '.join(mine.inputs)}, not {', '.join(theirs.inputs)}"
    for entry in fields(mine.op):  # type: ignore[arg-type]
        if isinstance(mine.op, Weights) and entry.name == "codes":
            continue
        a, b = getattr(mine.op, entry.name), getattr(theirs.op, entry.name)
        if not _same(a, b):
            return f"{entry.name} of {mine.name!r} ({type(mine.op).__name__}) is {_short(a)}, not {_short(b)}"
    return ""


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else bool(a == b)


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 6:
        return f"other numbers of shape {value.shape}"
    return str(value).replace("\n", " ")


def _refusal(design: Graph, layer: str, what: str) -> str:
    return (
        f"layer {layer!r} of {design.name!r} differs in more than its weights: {what}; a design takes the "
        "kernels and biases of a network that is the same in all else, so compile this one anew"
    )
