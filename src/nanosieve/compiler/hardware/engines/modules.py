"""The modules of an engine: itself and those of its pipelines."""

from __future__ import annotations

from collections.abc import Iterator

from nanosieve.compiler.hardware.engines.engine import Engine, Pipeline
from nanosieve.compiler.hardware.engines.stores import kept_memories
from nanosieve.compiler.hardware.engines.verilog import engine_module
from nanosieve.compiler.hardware.engines.verilog_parts import widths_of
from nanosieve.compiler.hardware.library import used_library
from nanosieve.compiler.hardware.verilog import layer_module

__all__ = ["engine_children", "engine_texts"]


def _pipelines(module: str, engine: Engine) -> Iterator[tuple[str, Pipeline]]:
    """Module → what it computes."""
    yield f"{module}_products", engine.products
    if engine.behind is not None:
        yield f"{module}_behind", engine.behind


def engine_children(module: str, engine: Engine) -> dict[str, list[str]]:
    """Module → the modules in it."""
    inner = dict(_pipelines(module, engine))
    memories = dict.fromkeys(m.module for m in kept_memories(engine.plan, 0) if m.kind == "ram")
    used = {name: list(used_library(pipeline.netlist)) for name, pipeline in inner.items()}
    return {module: [*inner, *memories, "nanosieve_delay"], **used}


def engine_texts(
    module: str, title: str, engine: Engine, bus: tuple[str, int, tuple[tuple[int, int], ...]]
) -> dict[str, str]:
    """Module → Verilog.

    Args:
        module: of the layer.
        title: one line for the comments at the top.
        engine: what is written.
        bus: that it reads: signal, width and layout.
    """
    texts: dict[str, str] = {}
    for name, pipeline in _pipelines(module, engine):
        widths = widths_of(pipeline.kernel.graph.types["in"])
        lanes, first = {}, 0
        for n, port in enumerate(pipeline.used):
            lanes[0, n] = first, widths[port]
            first += widths[port]
        stages = f"outputs {pipeline.schedule.stage} cycles after the inputs"
        texts[name], _ = layer_module(
            name, f"{title}; {stages}", {"in": first}, lanes, pipeline.netlist, pipeline.schedule
        )
    when = f"{title}; {engine.plan.program.steps} steps from cycle {engine.start} of an event on"
    behind = f"{module}_behind" if engine.behind is not None else ""
    whole = engine_module(module, when, engine, bus, f"{module}_products", behind)
    return {module: whole, **texts}
