"""`load` and `compile`: from a model file to a `Design` that can be verified and synthesised."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanosieve.compiler.emulate import write_cpp
from nanosieve.compiler.frontends import Calibration, load_model
from nanosieve.compiler.graph import Graph
from nanosieve.compiler.hardware import Budget, DelayModel, HardwareDesign, build_design
from nanosieve.compiler.hardware.fit import Wishes, build_finalists, worth_of
from nanosieve.compiler.hardware.integration import write_integration
from nanosieve.compiler.hardware.plan import choice_of
from nanosieve.compiler.hardware.reload import prepared, weight_words, write_weights
from nanosieve.compiler.passes import run_passes
from nanosieve.compiler.synthesis import Synthesis, netlist_design, synthesize, synthesize_all
from nanosieve.compiler.verification import Verification, verify
from nanosieve.errors import SettingsError
from nanosieve.figure import Figure
from nanosieve.progress import Progress, silent

__all__ = ["Design", "compile", "load"]


def load(
    model: str | Path,
    *,
    calibrate: Mapping[str, NDArray[Any]] | NDArray[Any] | None = None,
    precision: str | Mapping[str, str] | None = None,
    per_channel: bool = False,
    compose: bool = False,
) -> Graph:
    """The fixed-point graph of a model file.

    Args:
        model: a file that states its quantisers (HGQ2, QKeras, QONNX), a float one (plain Keras, ONNX), or
            boosted trees (XGBoost, LightGBM, scikit-learn).
        calibrate: for a float model, events (events, *input shape) from which its types are chosen.
        precision: for a float model, the type of its values, e.g. ``"fixed<16,6>"``, or ``"fixed<16>"`` to
            have the binary points chosen from the sample; or types by ``"default"``, layer and
            ``layer.role``, e.g. ``{"default": "fixed<16,6>", "dense_1.kernel": "fixed<6,1>"}``. For trees,
            and for QKeras models that do not state it, the type of the inputs.
        per_channel: choose the binary points of kernels for each output channel.
        compose: of a float Keras model, make one convolution of those without an activation between them,
            where that saves multiplications.

    Raises:
        InputFileError: the file is missing, damaged or of another kind.
        UnsupportedLayerError: a layer or option that the compiler does not know, by name.
        InexactModelError: arithmetic that no fixed-point hardware reproduces exactly.
        SettingsError: a calibration is missing, or given for a model that states its types.
        SampleError: the sample does not fit the model.
        UnknownNameError: the precision names a layer that the model does not have.
    """
    if calibrate is None and precision is None:
        return load_model(model)
    return load_model(
        model, Calibration(calibrate, precision or Calibration.precision, per_channel, compose=compose)
    )


@dataclass(frozen=True)
class Design:
    """A network as hardware, in a folder of its own.

    Attributes:
        hardware: schedule and Verilog in memory.
        folder: ``design.json``, ``graph.json``, ``rtl/`` and, if known, the model file.
    """

    hardware: HardwareDesign
    folder: Path

    @property
    def graph(self) -> Graph:
        """What the hardware computes."""
        return self.hardware.graph

    @property
    def timing(self) -> Mapping[str, Figure]:
        """Latency and initiation interval."""
        return self.hardware.timing

    def verify(
        self,
        x: NDArray[Any] | None = None,
        *,
        random: int | None = None,
        seed: int = 1,
        netlist: bool = False,
        weights: Graph | None = None,
        progress: Progress = silent,
    ) -> Verification:
        """Prove framework = graph = emulator = C++ = RTL (= netlist) on `x` and on random full-range vectors.

        Args:
            x: events, shape (events, *input shape), in the units of the training.
            random: number of random vectors; default 20,000 over the interval in cycles, 200 or more.
            seed: of the random vectors.
            netlist: synthesise the design and simulate its netlist as well.
            weights: another network of the same shape, which is loaded into the simulated hardware first.
            progress: told of every stage.

        Raises:
            VerificationError: the first difference, by layer, element and event.
        """
        also = (netlist_design(self.folder, progress=progress),) if netlist else ()
        return verify(self.folder, x, random=random, seed=seed, also=also, weights=weights, progress=progress)

    def weights_of(self, graph: Graph | None = None) -> NDArray[np.uint32]:
        """The words that the write port takes for the weights of another network of the same shape.

        Args:
            graph: from `load`; default the network that was compiled.

        Returns:
            uint32 (words,): one for each address, from 0 on.

        Raises:
            InputFileError: the design has constant weights.
            SettingsError: the network differs in more than weights, or one has no code in the design's type;
                the message names the layer.
        """
        return weight_words(self.folder, graph)[1]

    def synthesize(
        self, *, device: str | None = None, workers: int | None = None, progress: Progress = silent
    ) -> Synthesis:
        """Count the resources with Yosys; see `nanosieve.compiler.synthesis.synthesize`."""
        return synthesize(self.folder, device=device, workers=workers, progress=progress)


def compile(
    graph: Graph,
    budget: Budget | None = None,
    *,
    out: str | Path | None = None,
    model: DelayModel | None = None,
    extra_depth: int = 0,
    layers: Mapping[str, str] | None = None,
    beats: Mapping[str, int] | None = None,
    minimise: str = "balanced",
    dsp: bool = True,
    refine: int = 1,
    integration: Collection[str] = (),
    reloadable: bool | str | Mapping[str, str] = False,
    progress: Progress = silent,
) -> Design:
    """Turn a graph into hardware that meets the budget, and write it to a folder.

    Args:
        graph: from `load`.
        budget: time and room; default `Budget()`.
        out: the folder; default ``out/<name of the graph>``.
        model: delays of the cells.
        extra_depth: adders that a path may have beyond the least possible; -1 for any number.
        layers: layer → how it must be built: ``"unrolled"``, ``"slots:P,Q,R"`` (P positions, one of Q
            parts of the columns and one of R parts of the inputs at a time; R may be left out),
            ``"slots:P,Q,R,packed"`` (two products in a DSP slice) or ``"cells:N,Q"`` (a recurrent layer with
            N copies of its cell, which make one of Q parts of the state at a time); the scheduler chooses for
            the others.
        beats: input → positions that enter in a cycle, 0 for all of them; by default an input of many bits
            streams.
        minimise: ``"balanced"`` (each resource as scarce as on the device), ``"lut"`` or ``"dsp"``.
        dsp: whether products may use DSP slices.
        refine: how many of the plans that are cheapest by the analytic cost are synthesised with Yosys, to
            take the one whose netlist is the smallest; 1 trusts the analytic cost.
        integration: what to write beside the design, of ``"axi"``, ``"vhdl"`` and ``"vendor"``.
        reloadable: keep the kernels and biases of dense and convolution layers where a write port can replace
            them. True takes the narrowest type that holds those of each layer; a type for all, or types by
            ``"layer.kernel"``, ``"layer.bias"``, ``"layer"`` and ``"default"`` leave room for others.
        progress: told of every layer.

    Raises:
        BudgetError: the design does not meet the budget; the message says what would do.
        UnknownNameError: no such device, kind of integration, or layer with weights.
        UnsupportedLayerError: the weights of a layer cannot be reloaded.
        SettingsError: a weight does not fit its type, or an integration that has no port for weights.
        OutputError: the folder cannot be written to.
    """
    wishes: Wishes = {
        "layers": {name: choice_of(text) for name, text in (layers or {}).items()},
        "beats": beats,
        "minimise": minimise,
        "model": model,
        "extra_depth": extra_depth,
        "dsp": dsp,
        "progress": progress,
    }
    if reloadable and integration:
        message = (
            f"integration = {sorted(integration)}: what is written there has no port for weights; connect "
            "the Verilog of a design with reloadable weights directly"
        )
        raise SettingsError(message)
    if reloadable:
        graph = prepared(graph, None if reloadable is True else reloadable)
    graph, budget = run_passes(graph), budget or Budget()
    if refine > 1:
        hardware = _smallest(build_finalists(graph, budget, refine, **wishes), minimise, progress)
    else:
        hardware = build_design(graph, budget, **wishes)
    folder = Path(out) if out is not None else Path("out") / graph.name
    hardware.write(folder)
    write_cpp(hardware.graph, folder / "cpp")
    write_integration(folder, integration)
    if reloadable:
        write_weights(weight_words(folder)[1], folder / "weights.hex", hardware.sources.top)
    else:
        (folder / "weights.hex").unlink(missing_ok=True)
    return Design(hardware, folder)


def _smallest(designs: list[HardwareDesign], minimise: str, progress: Progress) -> HardwareDesign:
    """The design whose netlist costs least."""
    worth = worth_of(minimise, designs[0].budget.device)
    with tempfile.TemporaryDirectory(prefix="nanosieve-") as place:
        folders = [design.write(Path(place) / str(number)) for number, design in enumerate(designs)]
        counted = [each.resources for each in synthesize_all(folders, progress=progress)]
    prices = [sum(own.count(kind) * price for kind, price in worth.items()) for own in counted]
    return designs[prices.index(min(prices))]
