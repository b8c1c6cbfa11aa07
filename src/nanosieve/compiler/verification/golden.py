"""Golden vectors for the firmware engineer: hexadecimal files and a self-checking Verilog test bench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder, write_text
from nanosieve.compiler.verification.bits import pack
from nanosieve.compiler.verification.folder import Bus, DesignFolder

__all__ = ["remove_golden_vectors", "write_golden_vectors"]


FOLDER = "golden"


def remove_golden_vectors(design: DesignFolder) -> None:
    """Delete what an earlier `write_golden_vectors` left, perhaps of another version of the design."""
    for name in ("inputs.hex", "expected.hex", f"tb_{design.name}.v"):
        (design.path / FOLDER / name).unlink(missing_ok=True)


def write_golden_vectors(
    design: DesignFolder, inputs: Mapping[str, NDArray[np.int64]], outputs: Mapping[str, NDArray[np.int64]]
) -> Path:
    """Write ``golden/`` into the design folder: ``inputs.hex``, ``expected.hex`` and ``tb_NAME.v``.

    One line of a file is one vector: all buses of the design side by side, the first at the lowest bits.

    Args:
        inputs: input name → codes (vectors, …).
        outputs: output name → the codes that must come out.

    Returns:
        The folder.

    Raises:
        OutputError: the design folder cannot be written to.
    """
    folder = output_folder(design.path / FOLDER)
    vectors = len(next(iter(inputs.values())))
    write_text(folder / "inputs.hex", _hexadecimal(design.inputs, inputs))
    write_text(folder / "expected.hex", _hexadecimal(design.outputs, outputs))
    write_text(folder / f"tb_{design.name}.v", _test_bench(design, vectors))
    return folder


def _hexadecimal(buses: Sequence[Bus], codes: Mapping[str, NDArray[np.int64]]) -> str:
    total = sum(bus.width for bus in buses)
    packed = [pack(codes[bus.name].reshape(len(codes[bus.name]), -1), bus.elements) for bus in buses]
    lines = []
    for rows in zip(*packed, strict=True):
        value, at = 0, 0
        for bus, row in zip(buses, rows, strict=True):
            value |= int.from_bytes(row.astype("<u4").tobytes(), "little") << at
            at += bus.width
        lines.append(f"{value:0{-(-total // 4)}x}\n")
    return "".join(lines)


def _pins(buses: Sequence[Bus], vector: str) -> str:
    pins, at = [], 0
    for bus in buses:
        pins.append(f"    .{bus.bus}({vector}[{at + bus.width - 1}:{at}])")
        at += bus.width
    return ",\n".join(pins)


def _test_bench(design: DesignFolder, vectors: int) -> str:
    return (
        _TEST_BENCH.replace("@NAME@", design.name)
        .replace("@VECTORS@", str(vectors))
        .replace("@LATENCY@", str(design.latency_cycles))
        .replace("@HALF@", f"{500 / design.clock_mhz:.3f}")
        .replace("@IN@", str(sum(bus.width for bus in design.inputs)))
        .replace("@OUT@", str(sum(bus.width for bus in design.outputs)))
        .replace("@INPUTS@", _pins(design.inputs, "vector_in"))
        .replace("@OUTPUTS@", _pins(design.outputs, "vector_out"))
    )


_TEST_BENCH = """\
// Self-checking test bench of @NAME@: sends inputs.hex, with gaps, and compares with expected.hex.
// Run it in this folder, together with ../rtl/*.v, in any Verilog simulator; it prints PASS or FAIL.
`timescale 1ns/1ps
module tb_@NAME@;
  localparam VECTORS = @VECTORS@;
  localparam LATENCY = @LATENCY@;

  reg clk = 1'b0;
  always #@HALF@ clk = ~clk;

  reg [@IN@-1:0] inputs [0:VECTORS-1];
  reg [@OUT@-1:0] expected [0:VECTORS-1];
  reg [@IN@-1:0] vector_in = {@IN@{1'b0}};
  wire [@OUT@-1:0] vector_out;
  reg reset = 1'b1;
  reg valid_in = 1'b0;
  wire valid_out;

  @NAME@ dut (
    .clk(clk),
    .reset(reset),
    .valid_in(valid_in),
    .valid_out(valid_out),
@INPUTS@,
@OUTPUTS@
  );

  reg [LATENCY:0] due = 0;  // valid_in, 1 to LATENCY cycles ago
  reg [15:0] noise = 16'hace1;  // decides where the gaps are
  integer sent = 0;
  integer received = 0;
  integer errors = 0;
  integer cycle = 0;

  initial begin
    $readmemh("inputs.hex", inputs);
    $readmemh("expected.hex", expected);
  end

  // drive on the falling edge, look just before the next one
  always @(negedge clk) begin
    cycle = cycle + 1;
    if (cycle > 2) begin
      if (valid_out !== due[LATENCY-1]) begin
        errors = errors + 1;
        if (errors < 10) $display("cycle %0d: valid_out is %b, not %b", cycle, valid_out, due[LATENCY-1]);
      end
      if (valid_out === 1'b1 && received < VECTORS) begin
        if (vector_out !== expected[received]) begin
          errors = errors + 1;
          if (errors < 10)
            $display("vector %0d: outputs are %h, not %h", received, vector_out, expected[received]);
        end
        received = received + 1;
      end
    end
    reset = (cycle <= 2);
    noise = {noise[14:0], noise[15] ^ noise[13] ^ noise[12] ^ noise[10]};
    valid_in = (cycle > 2) && (sent < VECTORS) && (noise[1:0] != 2'd0);
    due = {due[LATENCY-1:0], valid_in};
    if (valid_in) begin
      vector_in = inputs[sent];
      sent = sent + 1;
    end
    else vector_in = ~vector_in;
    if (cycle > 4 * VECTORS + 4 * LATENCY + 100 || (received == VECTORS && sent == VECTORS)) begin
      if (errors == 0 && received == VECTORS)
        $display("PASS: %0d vectors, latency %0d cycles", received, LATENCY);
      else
        $display("FAIL: %0d errors, %0d of %0d vectors received", errors, received, VECTORS);
      $finish;
    end
  end
endmodule
"""
