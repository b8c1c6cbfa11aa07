"""Points of a profile: a network on this CPU, on the GPU that is there, and on FPGAs of compiled designs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nanosieve._require import installed, require
from nanosieve.compiler.verification import read_design
from nanosieve.devices import Trust
from nanosieve.errors import UnsupportedLayerError
from nanosieve.farm.measurement.clocked import Clock, clocked
from nanosieve.farm.measurement.jax_forward import forward_of
from nanosieve.farm.measurement.profile_schema import Point

__all__ = ["cores", "cpu_point", "fpga_point", "gpu", "gpu_points", "inputs_of"]


def cores() -> list[int]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return [*range(os.cpu_count() or 1)]


def inputs_of(model: Any, batch: int) -> Any:
    """(batch, …) standard normal numbers for the one input of an ``onnx.ModelProto``, float32."""
    shape = [each.dim_value for each in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    return np.random.default_rng(1).standard_normal((batch, *shape)).astype(np.float32)


def cpu_point(model: Any, processor: str, threads: int, batch: int, clock: Clock) -> Point:
    """ONNX Runtime with `threads` threads, each on a core of its own.

    Args:
        model: ``onnx.ModelProto`` with one input.
        processor: its name.
        threads: not more than `cores`.
        batch: events of a call.
        clock: says how long the point may take.

    Raises:
        MissingDependencyError: ONNX Runtime is not installed.
    """
    runtime = require("onnxruntime", extra="onnx", purpose="measuring on a CPU")
    place: dict[str, Any] = {
        "device": "cpu", "on": processor, "engine": f"ONNX Runtime {runtime.__version__}",
        "precision": "fp32", "threads": threads, "batch": batch,
    }  # fmt: skip
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 4
    share = clock.share()
    if not share:
        return Point(**place, not_measured=clock.used_up)
    with _pinned(cores()[:threads]):
        session = runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        feeds = {session.get_inputs()[0].name: inputs_of(model, batch)}
        return Point(**place, **clocked(partial(session.run, None, feeds), share, batch=batch))


def gpu() -> tuple[Any | None, str]:
    """The first GPU that JAX sees and its name; or None and why there is none."""
    jax = installed("jax")
    if jax is None:
        return None, "JAX is not installed; pip install 'nanosieve[train]' 'jax[cuda12]'"
    try:
        device = jax.devices("gpu")[0]
    except RuntimeError:
        there = Path("/proc/driver/nvidia/version").exists() or Path("/dev/kfd").exists()
        reason = "there is a GPU, but JAX has no support for it; pip install 'jax[cuda12]'"
        return None, reason if there else "no GPU in this machine"
    return device, str(device.device_kind)


def gpu_points(
    model: Any, device: Any, name: str, precision: str, batch: int, clock: Clock
) -> tuple[Point, Point]:
    """JAX on `device`: with inputs and outputs copied in each call, and with them on the device.

    A precision that the device or the network does not have makes points that say so.
    """
    jax = require("jax", extra="train", purpose="measuring on a GPU")
    place: dict[str, Any] = {
        "device": "gpu", "on": name, "engine": f"JAX {jax.__version__}", "precision": precision,
        "batch": batch,
    }  # fmt: skip

    def neither(reason: str) -> tuple[Point, Point]:
        missing = Point(**place, transfers="included", not_measured=reason)
        return missing, missing.model_copy(update={"transfers": "excluded"})

    share = clock.share()
    if not share:
        return neither(clock.used_up)
    try:
        forward = forward_of(model, precision)
        x = inputs_of(model, batch).astype(forward.dtype)
        with jax.default_matmul_precision(forward.products):
            weights = jax.device_put(forward.weights, device)
            there = jax.device_put(x, device)
            run = jax.jit(forward.function).lower(weights, there).compile()  # for this kind of products
        jax.block_until_ready(run(weights, there))
    except UnsupportedLayerError as error:
        return neither(str(error))
    except Exception as error:  # noqa: BLE001  XLA has no class of its own for what a device cannot do
        return neither(f"not supported: {' '.join(str(error).split())[:120]}")

    def copied() -> None:
        for output in run(weights, jax.device_put(x, device)):
            np.asarray(output)

    def resident() -> None:
        jax.block_until_ready(run(weights, there))

    included = Point(**place, transfers="included", **clocked(copied, share / 2, batch=batch))
    return included, Point(**place, transfers="excluded", **clocked(resident, share / 2, batch=batch))


def fpga_point(folder: str | Path) -> Point:
    """The FPGA of a compiled design: an event leaves after the latency, the next enters after the interval.

    Raises:
        InputFileError: no folder of a compiled design, or a damaged one.
    """
    design = read_design(folder)
    clock = design.clock_mhz * 1e6
    return Point(
        device="fpga", on=design.device, engine="schedule of a compiled design", precision="fixed point",
        batch=1, time=design.latency_cycles / clock, spread=0.0, throughput=clock / design.interval_cycles,
        throughput_error=0.0, cycles=(design.interval_cycles, design.latency_cycles),
        clock_mhz=design.clock_mhz, trust=Trust.DERIVED,
    )  # fmt: skip


@contextmanager
def _pinned(chosen: Sequence[int]) -> Iterator[None]:
    """This thread, and those that it starts, on these cores only."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
