"""The design folder as verification and synthesis read it: ``design.json`` and the Verilog beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nanosieve.errors import InputFileError

__all__ = ["Bus", "DesignFolder", "Element", "Layer", "Module", "read_design"]

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


class Bus(_Part):
    """A port of the top module that carries all elements of one input or output."""

    name: str
    bus: _Identifier
    elements: tuple[Element, ...] = Field(min_length=1)

    @property
    def width(self) -> int:
        """Bits of the port."""
        return max(1, *(element.lsb + element.width for element in self.elements))


class Layer(_Part):
    """One layer: its module, and the wire of the top module that holds its output `stage` cycles late."""

    name: str
    kind: str
    module: _Identifier
    file: str
    signal: _Identifier
    stage: int = Field(ge=0)
    elements: tuple[Element, ...] = Field(min_length=1)

    @property
    def width(self) -> int:
        """Bits of the wire."""
        return max(1, *(element.lsb + element.width for element in self.elements))


class Module(_Part):
    """One Verilog module."""

    file: str
    children: tuple[str, ...] = ()


class DesignFolder(_Part):
    """What ``design.json`` says, and where.

    Attributes:
        level: what the Verilog is; said by whoever made it, not by ``design.json``.
        models: Verilog of the primitives of which a netlist is made; the first file that has one counts.
    """

    path: Path
    format: Literal[1]
    name: _Identifier
    device: str
    clock_mhz: float = Field(gt=0)
    latency_cycles: int = Field(ge=1)
    interval_cycles: int = Field(ge=1)
    inputs: tuple[Bus, ...] = Field(min_length=1)
    outputs: tuple[Bus, ...] = Field(min_length=1)
    layers: tuple[Layer, ...] = ()
    modules: dict[_Identifier, Module]
    budget: dict[str, Any] = {}
    level: Literal["RTL", "netlist", "AXI"] = "RTL"
    models: tuple[Path, ...] = ()

    @model_validator(mode="after")
    def _modules_known(self) -> DesignFolder:
        for name in (self.name, *(child for module in self.modules.values() for child in module.children)):
            if name not in self.modules:
                message = f"module {name!r} is not listed under modules"
                raise ValueError(message)
        return self

    @property
    def sources(self) -> tuple[Path, ...]:
        """The Verilog files, each once."""
        files = dict.fromkeys(module.file for module in self.modules.values())
        return tuple(self.path / file for file in files)


_NOT_IN_THE_FILE: dict[str, Any] = {"level": "RTL", "models": ()}


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
