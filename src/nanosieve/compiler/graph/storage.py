"""Graphs on disk: versioned JSON for the structure, npz for the arrays. Reading runs no code of the file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from nanosieve._files import atomic_path, existing_file, write_text
from nanosieve.compiler.graph.fixed import Overflow, Rounding, TensorType
from nanosieve.compiler.graph.graph import Graph, Node
from nanosieve.compiler.graph.op import Op
from nanosieve.compiler.graph.ops import OPS
from nanosieve.errors import GraphError, InputFileError

__all__ = ["load_graph", "save_graph"]

FORMAT = 2
_ENUMS = (Rounding, Overflow)


def save_graph(graph: Graph, path: str | Path) -> Path:
    """Write `path` (``.json``) and the arrays beside it (``.npz``), both atomically."""
    path = Path(path)
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    nodes = [
        {
            "name": node.name,
            "op": type(node.op).__name__,
            "inputs": list(node.inputs),
            "layer": node.layer,
            "attributes": _pack(node, arrays),
        }
        for node in graph.nodes
    ]
    document = {
        "format": FORMAT,
        "name": graph.name,
        "exact": graph.exact,
        "nodes": nodes,
        "outputs": dict(graph.outputs),
    }
    with atomic_path(path.with_suffix(".npz")) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    return write_text(path, json.dumps(document, indent=1))


def load_graph(path: str | Path) -> Graph:
    """Read a graph written by `save_graph` and verify it.

    Raises:
        InputFileError: a file is missing, damaged, or of another format version.
        GraphError: the graph breaks a rule.
    """
    path = existing_file(path, kind="graph", suffixes=(".json",))
    beside = existing_file(path.with_suffix(".npz"), kind="arrays of the graph", suffixes=(".npz",))
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        with np.load(beside, allow_pickle=False) as archive:
            arrays = dict(archive)
        if document["format"] != FORMAT:
            message = f"{str(path)!r} has the graph format {document['format']}; this version reads {FORMAT}"
            raise InputFileError(message)
        nodes = tuple(
            Node(
                str(entry["name"]),
                _unpack(OPS[entry["op"]], entry["attributes"], arrays),
                tuple(map(str, entry["inputs"])),
                str(entry["layer"]),
            )
            for entry in document["nodes"]
        )
        graph = Graph(nodes, dict(document["outputs"]), str(document["name"]), exact=bool(document["exact"]))
    except (json.JSONDecodeError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        message = f"{str(path)!r} or its .npz is damaged: {error}; compile the model again"
        raise InputFileError(message) from error
    except (KeyError, TypeError, ValueError, OSError, GraphError) as error:
        message = f"{str(path)!r} is not a graph of this package: {type(error).__name__} {error}"
        raise InputFileError(message) from error
    return graph.verify()


def _pack(node: Node, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    packed: dict[str, Any] = {}
    for entry in fields(node.op):  # type: ignore[arg-type]
        value = getattr(node.op, entry.name)
        key = f"{node.name}/{entry.name}"
        if isinstance(value, TensorType):
            for part in ("low", "high", "exponent"):
                arrays[f"{key}/{part}"] = getattr(value, part)
            packed[entry.name] = {"type": key}
        elif isinstance(value, np.ndarray):
            arrays[key] = value
            packed[entry.name] = {"array": key}
        elif isinstance(value, tuple):
            packed[entry.name] = list(value)
        else:
            packed[entry.name] = str(value) if isinstance(value, _ENUMS) else value
    return packed


def _unpack(op: type[Op], attributes: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> Op:
    values: dict[str, Any] = {}
    for name, value in attributes.items():
        if isinstance(value, dict) and "type" in value:
            key = value["type"]
            values[name] = TensorType(*(arrays[f"{key}/{part}"] for part in ("low", "high", "exponent")))
        elif isinstance(value, dict):
            values[name] = arrays[value["array"]]
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return op(**values)
