"""Golden vectors for the firmware engineer: hexadecimal files and a self-checking Verilog test bench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanosieve._files import output_folder, write_text
from nanosieve.compiler.verification.bits import pack, words
from nanosieve.compiler.verification.folder import Bus, DesignFolder

__all__ = ["remove_golden_vectors", "write_golden_vectors"]


FOLDER = "golden"


def remove_golden_vectors(design: DesignFolder) -> None:
    """Delete what an earlier `write_golden_vectors` left, perhaps of another version of the design."""
    for name in ("inputs.hex", "expected.hex", "weights.hex", f"tb_{design.name}.v"):
        (design.path / FOLDER / name).unlink(missing_ok=True)


def write_golden_vectors(
    design: DesignFolder, inputs: Mapping[str, NDArray[np.int64]], outputs: Mapping[str, NDArray[np.int64]]
) -> Path:
    """Write ``golden/`` into the design folder: ``inputs.hex``, ``expected.hex`` and ``tb_NAME.v``.

    One line of a file is one beat of one vector: all buses of the design side by side, the first at the
    lowest bits. Where a design takes or gives vectors in one beat, a line is a vector. A design with loads of
    weights gets the words of the last one in ``weights.hex``, which the test bench writes before the vectors.

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
    write_text(folder / "inputs.hex", "".join(_lines(design.inputs, inputs)))
    write_text(folder / "expected.hex", "".join(_lines(design.outputs, outputs)))
    if design.loads:
        write_text(folder / "weights.hex", "".join(f"{word:08x}\n" for word in design.loads[-1]))
    write_text(folder / f"tb_{design.name}.v", _test_bench(design, vectors))
    return folder


def _lines(buses: Sequence[Bus], codes: Mapping[str, NDArray[np.int64]]) -> list[str]:
    """A hexadecimal number for every beat of every vector; bits of no element are 0."""
    total, beats = _width(buses), _beats(buses)
    widths = [bus.width for bus in buses]  # each takes a look at all elements
    packed = [
        pack(
            codes[bus.name].reshape(len(codes[bus.name]), -1),
            bus.elements,
            bus.times,
            (beats, words(width)),
        ).reshape(-1, words(width))
        for bus, width in zip(buses, widths, strict=True)
    ]
    lines = []
    for rows in zip(*packed, strict=True):
        value, at = 0, 0
        for width, row in zip(widths, rows, strict=True):
            value |= int.from_bytes(row.astype("<u4").tobytes(), "little") << at
            at += width
        lines.append(f"{value:0{-(-total // 4)}x}\n")
    return lines


def _width(buses: Sequence[Bus]) -> int:
    return sum(bus.width for bus in buses)


def _beats(buses: Sequence[Bus]) -> int:
    return max(bus.beats for bus in buses)


def _held(buses: Sequence[Bus]) -> str:
    """Verilog that says which bits of each beat belong to an element."""
    ones = {bus.name: np.full((1, len(bus.elements)), -1) for bus in buses}
    return "\n".join(
        f"    held[{beat}] = {_width(buses)}'h{line.strip()};"
        for beat, line in enumerate(_lines(buses, ones))
    )


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
        .replace("@INTERVAL@", str(design.interval_cycles))
        .replace("@IN@", str(_width(design.inputs)))
        .replace("@OUT@", str(_width(design.outputs)))
        .replace("@IN_BEATS@", str(_beats(design.inputs)))
        .replace("@OUT_BEATS@", str(_beats(design.outputs)))
        .replace("@HELD@", _held(design.outputs))
        .replace("@WEIGHTS@", _weights(design))
        .replace("@WRITE@", _WRITE_PINS if design.weights else "")
        .replace("@START@", str(_start(design)))
        .replace("@SPARE@", str(98 + _start(design)))
        .replace("@INPUTS@", _pins(design.inputs, "vector_in"))
        .replace("@OUTPUTS@", _pins(design.outputs, "vector_out"))
    )


def _start(design: DesignFolder) -> int:
    """The cycle in which vectors begin."""
    port = design.weights
    return 2 if port is None or not design.loads else 2 + port.words + port.settle_cycles


def _weights(design: DesignFolder) -> str:
    """What drives the write port of the weights."""
    if design.weights is None:
        return ""
    if not design.loads:
        return _NO_WRITES.replace("@ADDRESS@", str(design.weights.address_bits))
    return _WRITES.replace("@ADDRESS@", str(design.weights.address_bits)).replace(
        "@WORDS@", str(design.weights.words)
    )


_WRITE_PINS = """
    .weights_valid(weights_valid),
    .weights_address(weights_address),
    .weights_data(weights_data),
    .weights_loading(),"""

_NO_WRITES = """
  wire weights_valid = 1'b0;
  wire [@ADDRESS@-1:0] weights_address = {@ADDRESS@{1'b0}};
  wire [31:0] weights_data = 32'd0;
"""

_WRITES = """
  // the weights are written before the vectors enter
  localparam WORDS = @WORDS@;
  reg [31:0] weights [0:WORDS-1];
  reg weights_valid = 1'b0;
  reg [@ADDRESS@-1:0] weights_address = {@ADDRESS@{1'b0}};
  reg [31:0] weights_data = 32'd0;
  integer written = 0;
  integer writing = 0;  // clock cycles
  initial $readmemh("weights.hex", weights);
  always @(negedge clk) begin
    writing = writing + 1;
    weights_valid = writing > 2 && written < WORDS;
    if (weights_valid) begin
      weights_address = written[@ADDRESS@-1:0];
      weights_data = weights[written];
      written = written + 1;
    end
  end
"""

_TEST_BENCH = """\
// Self-checking test bench of @NAME@: sends inputs.hex, with gaps, and compares with expected.hex.
// Run it in this folder, together with ../rtl/*.v, in any Verilog simulator; it prints PASS or FAIL.
// In busy cycles valid_in is random; bits of expected.hex that hold no element are 0.
`timescale 1ns/1ps
module tb_@NAME@;
  localparam VECTORS = @VECTORS@;
  localparam LATENCY = @LATENCY@;
  localparam INTERVAL = @INTERVAL@;  // least number of cycles from one vector to the next
  localparam IN_BEATS = @IN_BEATS@;  // lines of inputs.hex for one vector
  localparam LIMIT = (INTERVAL + 3) * VECTORS + 4 * LATENCY + @SPARE@;  // cycles
  localparam OUT_BEATS = @OUT_BEATS@;  // lines of expected.hex for one vector

  reg clk = 1'b0;
  always #@HALF@ clk = ~clk;

  reg [@IN@-1:0] inputs [0:VECTORS*IN_BEATS-1];
  reg [@OUT@-1:0] expected [0:VECTORS*OUT_BEATS-1];
  reg [@OUT@-1:0] held [0:OUT_BEATS-1];  // the bits that hold an element
  reg [@IN@-1:0] vector_in = {@IN@{1'b0}};
  wire [@OUT@-1:0] vector_out;
  reg [@OUT@-1:0] vector_due;
  reg reset = 1'b1;
  reg valid_in = 1'b0;
  wire valid_out;
@WEIGHTS@
  @NAME@ dut (
    .clk(clk),
    .reset(reset),
    .valid_in(valid_in),
    .valid_out(valid_out),@WRITE@
@INPUTS@,
@OUTPUTS@
  );

  reg [LATENCY:0] due = 0;  // valid_in, 1 to LATENCY cycles ago
  reg [15:0] noise = 16'hace1;  // decides where the gaps are
  integer since = INTERVAL;  // cycles since the last vector began to enter
  integer beat = OUT_BEATS;  // of the vector that comes out
  integer sent = 0;
  integer received = 0;
  integer errors = 0;
  integer cycle = 0;

  initial begin
    $readmemh("inputs.hex", inputs);
    $readmemh("expected.hex", expected);
@HELD@
  end

  // drive on the falling edge, look just before the next one
  always @(negedge clk) begin
    cycle = cycle + 1;
    if (cycle > 2) begin
      if (valid_out !== due[LATENCY-1]) begin
        errors = errors + 1;
        if (errors < 10) $display("cycle %0d: valid_out is %b, not %b", cycle, valid_out, due[LATENCY-1]);
      end
      if (valid_out === 1'b1) beat = 0;
      if (beat < OUT_BEATS && received < VECTORS) begin
        vector_due = expected[received * OUT_BEATS + beat];
        if ((vector_out & held[beat]) !== vector_due) begin
          errors = errors + 1;
          if (errors < 10)
            $display("vector %0d, beat %0d: outputs are %h, not %h", received, beat, vector_out, vector_due);
        end
        beat = beat + 1;
        if (beat == OUT_BEATS) received = received + 1;
      end
    end
    reset = (cycle <= 2);
    noise = {noise[14:0], noise[15] ^ noise[13] ^ noise[12] ^ noise[10]};
    since = since + 1;
    valid_in = (cycle > @START@) && (sent < VECTORS) && (since >= INTERVAL) && (noise[1:0] != 2'd0);
    due = {due[LATENCY-1:0], valid_in};
    if (valid_in) begin
      since = 0;
      sent = sent + 1;
    end
    else if (since < INTERVAL) valid_in = noise[4];  // the design is busy and must not look there
    if (since < IN_BEATS && sent > 0) vector_in = inputs[(sent - 1) * IN_BEATS + since];
    else vector_in = ~vector_in;
    if ((received == VECTORS && sent == VECTORS) || cycle > LIMIT) begin
      if (errors == 0 && received == VECTORS)
        $display("PASS: %0d vectors, latency %0d cycles", received, LATENCY);
      else
        $display("FAIL: %0d errors, %0d of %0d vectors received", errors, received, VECTORS);
      $finish;
    end
  end
endmodule
"""
