"""Verilog of the weights that can be reloaded: a module for each layer, and their port in the top module."""

from __future__ import annotations

from dataclasses import dataclass

from nanosieve.compiler.hardware.weight_image import WORD, Words
from nanosieve.compiler.hardware.weight_store import SETTLE, Bank, WeightMap, WeightStore

__all__ = ["WRITE_PINS", "Store", "loading_lines", "port_lines", "store_module", "write_ports"]

WRITE_PINS = ", ".join(f".{pin}({pin})" for pin in ("weights_write", "weights_to", "weights_word"))
"""From a module that hands the write port on."""


def write_ports(address_bits: int) -> list[str]:
    """The write port of a layer."""
    return [
        "  input  wire weights_write,",
        f"  input  wire [{address_bits - 1}:0] weights_to,",
        f"  input  wire [{WORD - 1}:0] weights_word,",
    ]


@dataclass(frozen=True)
class Store:
    """The module of the weights of a layer.

    Attributes:
        module: its name.
        steady: bits of the weights that stand still.
        address_bits: of the write port.
    """

    module: str
    steady: int
    address_bits: int

    def instance(self, phase: str, steady: str = "weights") -> list[str]:
        """The instance; `phase` is what counts the rows, empty where there are none."""
        pins = [".clk(clk)", WRITE_PINS]
        pins += [f".phase({phase})", ".row(weights_row)"] if phase else []
        lines = [f"  wire [{self.steady - 1}:0] {steady};"] if self.steady else []
        pins += [f".steady({steady})"] if self.steady else []
        return [*lines, f"  {self.module} u_{self.module} ({', '.join(pins)});"]


def port_lines(weights: WeightMap) -> list[str]:
    """The ports of the top module."""
    return [
        "  input  wire weights_valid,    // a word of weights; forgets the events in flight",
        f"  input  wire [{weights.address_bits - 1}:0] weights_address,",
        f"  input  wire [{WORD - 1}:0] weights_data,",
        "  output wire weights_loading,  // no event enters now",
    ]


def loading_lines(weights: WeightMap) -> list[str]:
    """The registers of the write port, and ``weights_forget``, the reset of everything that knows events.

    A load begins with address 0 and ends with the last one. Until then, and while the last word is on its way
    to its layer, no event enters, and those that were inside are forgotten.
    """
    bits, last = weights.address_bits, weights.words - 1
    return [
        f"  // weights: {weights.words} words; a load begins with address 0 and ends with {last}",
        "  reg weights_write = 1'b0;",
        f"  reg [{bits - 1}:0] weights_to;",
        f"  reg [{WORD - 1}:0] weights_word;",
        f"  reg [{SETTLE - 1}:0] weights_settling = {SETTLE}'d0;",
        "  reg weights_incomplete = 1'b0;",
        "  always @(posedge clk) begin",
        "    weights_write <= weights_valid;",
        "    weights_to <= weights_address;",
        "    weights_word <= weights_data;",
        f"    weights_settling <= {{weights_settling[{SETTLE - 2}:0], weights_valid}};",
        "    if (weights_valid)",
        f"      weights_incomplete <= (weights_address == {bits}'d0 | weights_incomplete)",
        f"        & weights_address != {bits}'d{last};",
        "  end",
        "  assign weights_loading = weights_valid | (|weights_settling) | weights_incomplete;",
        "  wire weights_forget = reset | weights_loading;",
        "",
    ]


def store_module(name: str, title: str, store: WeightStore, address_bits: int, image: Words) -> str:
    """The module that keeps the weights of a layer; `image` is what all hold after configuration."""
    lines = [f"// {title}: weights, with those of the compiled network at the start", f"module {name} ("]
    lines += ["  input  wire clk,", *write_ports(address_bits)]
    if store.rows is not None:
        bits = max((store.rows.depth - 1).bit_length(), 1)
        lines += [f"  input  wire [{bits - 1}:0] phase,", f"  output wire [{store.rows.width - 1}:0] row,"]
    if store.steady is not None:
        lines.append(f"  output wire [{store.steady.width - 1}:0] steady,")
    lines[-1] = lines[-1].rstrip(",")
    lines += [");", f"  reg [{WORD - 1}:0] word;", "  always @(posedge clk) word <= weights_word;"]
    if store.steady is not None:
        lines += _registers(store.steady, address_bits, image)
    if store.rows is not None:
        lines += _memory(store.rows, address_bits, image)
    return "\n".join([*lines, "endmodule", ""])


def _hit(name: str, bank: Bank, part: int, address_bits: int) -> list[str]:
    """A register that is high where the word is for this part."""
    place = (bank.stride - 1).bit_length()
    top = address_bits - place
    value = (bank.base + part * bank.stride) >> place
    chosen = f"weights_to[{address_bits - 1}:{place}] == {top}'d{value}" if top > 0 else "1'b1"
    return [f"  reg {name} = 1'b0;", f"  always @(posedge clk) {name} <= weights_write & ({chosen});"]


def _registers(bank: Bank, address_bits: int, image: Words) -> list[str]:
    lines = []
    names = [f"steady{part}" for part in range(len(bank.parts))]
    for part, (name, width) in enumerate(zip(names, bank.parts, strict=True)):
        first = int(image[bank.base + part])
        lines += ["", *_hit(f"{name}_hit", bank, part, address_bits)]
        lines.append(f"  reg [{width - 1}:0] {name} = {width}'d{first};")
        lines.append(f"  always @(posedge clk) if ({name}_hit) {name} <= word[{width - 1}:0];")
    return [*lines, f"  assign steady = {{{', '.join(reversed(names))}}};"]


def _memory(bank: Bank, address_bits: int, image: Words) -> list[str]:
    """Parts of rows, each a memory with a port that writes and one that reads."""
    bits = max((bank.depth - 1).bit_length(), 1)
    own = f"weights_to[{bits - 1}:0]" if bank.depth > 1 else f"{bits}'d0"
    lines = ["", f"  reg [{bits - 1}:0] place;", f"  always @(posedge clk) place <= {own};"]
    names = [f"row{part}" for part in range(len(bank.parts))]
    for part, (name, width) in enumerate(zip(names, bank.parts, strict=True)):
        first = bank.base + part * bank.stride
        lines += ["", *_hit(f"{name}_hit", bank, part, address_bits)]
        style = f'(* ram_style = "{bank.style}", rw_addr_collision = "no", no_rw_check *)'
        lines.append(f"  {style} reg [{width - 1}:0] {name}_words [0:{max(bank.stride, 2) - 1}];")
        lines += [f"  reg [{width - 1}:0] {name};", "  initial begin"]
        words = [*image[first : first + bank.stride].tolist(), 0][: max(bank.stride, 2)]
        lines += [f"    {name}_words[{n}] = {width}'d{word};" for n, word in enumerate(words)]
        lines += [
            "  end",
            "  always @(posedge clk) begin",
            f"    if ({name}_hit) {name}_words[place] <= word[{width - 1}:0];",
            f"    {name} <= {name}_words[phase];",
            "  end",
        ]
    return [*lines, f"  assign row = {{{', '.join(reversed(names))}}};"]
