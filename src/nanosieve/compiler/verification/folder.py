"""The design folder as verification and synthesis read it: ``design.json`` and the Verilog beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nanosieve.errors import InputFileError

__all__ = ["Bus", "DesignFolder", "Element", "Layer", "Module", "Port", "Timed", "WritePort", "read_design"]

MOST_CYCLES = 1_000_000
"""No latency, interval or stage is longer."""

_Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_$]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Element(_Part):
    """One number on a bus: bits ``[lsb +: width]``, value ``code * 2**exponent``, low ≤ code ≤ high."""

    lsb: int = Field(ge=0)
    width: int = Field(ge=0, le=64)
    signed: bool
    exponent: int
    low: int
    high: int

    @model_validator(mode="after")
    def _range_fits(self) -> Element:
        least, most = (
            (-(1 << self.width >> 1), (1 << self.width >> 1) - 1)
            if self.signed
            else (0, (1 << self.width) - 1)
        )
        if not least <= self.low <= self.high <= max(most, 0):
            message = f"range {self.low} to {self.high} does not fit {self.width} bits"
            raise ValueError(message)
        return self


class Port(Element):
    """An element of a bus, there in one `beat` of the event; in another beat its bits may be another's."""

    beat: int = Field(0, ge=0)


class Timed(Element):
    """An element of a layer: it is there in one cycle, `stage` cycles after the first beat of the event."""

    stage: int = Field(ge=0, le=MOST_CYCLES)


class Bus(_Part):
    """A port of the top module that carries the elements of an input or output, in `beats` cycles on end."""

    name: str
    bus: _Identifier
    beats: int = Field(1, ge=1, le=MOST_CYCLES)
    elements: tuple[Port, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _beats_exist(self) -> Bus:
        for n, element in enumerate(self.elements):
            if element.beat >= self.beats:
                message = f"element {n} is in beat {element.beat} of {self.beats}"
                raise ValueError(message)
        return self

    @property
    def width(self) -> int:
        """Bits of the port."""
        return max(1, *(element.lsb + element.width for element in self.elements))

    @property
    def times(self) -> NDArray[np.int64]:
        """The beat of every element, (elements,)."""
        return np.array([element.beat for element in self.elements], dtype=np.int64)


class Layer(_Part):
    """One layer: its module, and the wire of the top module that holds its elements, each at its stage.

    Attributes:
        stage: that of the last element.
        elements: of the layer's node; None for one that the hardware does not make, since nothing reads it.
    """

    name: str
    kind: str
    module: _Identifier
    file: str
    signal: _Identifier
    stage: int = Field(ge=0, le=MOST_CYCLES)
    elements: tuple[Timed | None, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _stage_is_the_last(self) -> Layer:
        for n, element in enumerate(self.elements):
            if element is not None and element.stage > self.stage:
                message = f"element {n} is there at stage {element.stage}, after the last, {self.stage}"
                raise ValueError(message)
        return self

    @property
    def made(self) -> tuple[Timed, ...]:
        """The elements that the hardware makes."""
        return tuple(element for element in self.elements if element is not None)

    @property
    def times(self) -> NDArray[np.int64]:
        """The stage of every element in `made`, (elements,)."""
        return np.array([element.stage for element in self.made], dtype=np.int64)

    @property
    def width(self) -> int:
        """Bits of the wire."""
        return max((element.lsb + element.width for element in self.made), default=1) or 1


class Module(_Part):
    """One Verilog module.

    Attributes:
        children: the modules that it instantiates.
        library: whether it is synthesised as a part of each module that instantiates it.
    """

    file: str
    children: tuple[str, ...] = ()
    library: bool = False


class WritePort(_Part):
    """The port through which the weights are replaced.

    Attributes:
        words: addresses; a load writes all of them, from 0 on.
        settle_cycles: after that of the last word in which no event enters.
    """

    words: int = Field(ge=1)
    address_bits: int = Field(ge=1, le=32)
    data_bits: Literal[32]
    settle_cycles: int = Field(ge=0)


class DesignFolder(_Part):
    """What ``design.json`` says, and where.

    An event enters where `valid_in` is high and the design is free: no event entered in the
    `interval_cycles` - 1 cycles before, or a reset came after it. In all other cycles `valid_in` says
    nothing. `valid_out` is high `latency_cycles` later, in the first beat of the outputs. A reset forgets
    all events in flight, and the one that would enter in its cycle.

    Attributes:
        level: what the Verilog is; said by whoever made it, not by ``design.json``.
        models: Verilog of the primitives of which a netlist is made; the first file that has one counts.
        weights: their write port; None where they are constants.
        loads: words that a simulation writes through it, one load after the other, before vectors enter; with
            none the weights are those of the compiled network. Said by whoever simulates.
    """

    path: Path
    format: Literal[2]
    name: _Identifier
    device: str
    clock_mhz: float = Field(gt=0)
    latency_cycles: int = Field(ge=1, le=MOST_CYCLES)
    interval_cycles: int = Field(ge=1, le=MOST_CYCLES)
    inputs: tuple[Bus, ...] = Field(min_length=1)
    outputs: tuple[Bus, ...] = Field(min_length=1)
    layers: tuple[Layer, ...] = ()
    modules: dict[_Identifier, Module]
    budget: dict[str, Any] = {}
    level: Literal["RTL", "netlist", "AXI"] = "RTL"
    models: tuple[Path, ...] = ()
    weights: WritePort | None = None
    loads: tuple[tuple[int, ...], ...] = ()

    @model_validator(mode="after")
    def _modules_known(self) -> DesignFolder:
        for name in (self.name, *(child for module in self.modules.values() for child in module.children)):
            if name not in self.modules:
                message = f"module {name!r} is not listed under modules"
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _beats_fit(self) -> DesignFolder:
        for bus in (*self.inputs, *self.outputs):
            if bus.beats > self.interval_cycles:
                message = (
                    f"{bus.name!r} takes {bus.beats} beats in an interval of {self.interval_cycles} cycles"
                )
                raise ValueError(message)
        return self

    def inside(self, module: str) -> tuple[str, ...]:
        """The modules that `module` instantiates, those that these instantiate, and so on, each once."""
        found: dict[str, None] = {}
        waiting = list(self.modules[module].children)
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = None
                waiting += self.modules[name].children
        return tuple(found)

    @property
    def sources(self) -> tuple[Path, ...]:
        """The Verilog files, each once."""
        files = dict.fromkeys(module.file for module in self.modules.values())
        return tuple(self.path / file for file in files)


_NOT_IN_THE_FILE: dict[str, Any] = {"level": "RTL", "models": (), "loads": ()}


def read_design(folder: str | Path) -> DesignFolder:
    """Read ``design.json`` of a compiled design and check that its Verilog is there.

    Raises:
        InputFileError: not a folder, no or a damaged ``design.json``, or a Verilog file is missing.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        message = f"design {str(folder)!r} {what}; give a folder made by 'nanosieve compile'"
        raise InputFileError(message)
    path = folder / "design.json"
    if not path.is_file():
        message = f"{str(folder)!r} holds no design.json; give a folder made by 'nanosieve compile'"
        raise InputFileError(message)
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            document = {}
        design = DesignFolder.model_validate({**document, **_NOT_IN_THE_FILE, "path": folder})
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        message = f"{str(path)!r} is damaged: {error}; compile the model again"
        raise InputFileError(message) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "document"
        message = (
            f"{str(path)!r} is not a design of this package: {where}: {first['msg']}; compile the model again"
        )
        raise InputFileError(message) from error
    for source in design.sources:
        if not source.is_file():
            message = (
                f"design {str(folder)!r} lacks {str(source.relative_to(folder))!r}; compile the model again"
            )
            raise InputFileError(message)
    return design
