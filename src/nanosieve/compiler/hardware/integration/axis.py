"""AXI4-Stream around a design: one stream for each input and output bus, with back-pressure.

The design itself never waits. Its inputs gather whole events; an event starts when every input has one, the
interval is over, and every output has promised room for it (credits). So the outputs never overflow, whatever
the sinks do, and with sinks that are always ready an event starts in every interval.
"""

from __future__ import annotations

from nanosieve.compiler.hardware.integration.interface import Bus, Interface

__all__ = ["axis_name", "axis_verilog", "events_in_flight"]

_FROM_START = 3
"""Cycles from the start of an event to the return of its credit, beside the latency and the beats: the input
register, the write into the FIFO, and its output register."""


def axis_name(interface: Interface) -> str:
    """Name of the wrapper module."""
    return interface.unused(f"{interface.name}_axis")


def events_in_flight(interface: Interface) -> int:
    """Events that have started and not yet left whole, at most: the fewest at the full rate, but two."""
    beats = max(bus.beats for bus in interface.outputs)
    return max(2, -(-(interface.latency + beats + _FROM_START) // interface.interval))


def axis_verilog(interface: Interface) -> str:
    """The wrapper ``NAME_axis`` and the two modules it is made of."""
    name = axis_name(interface)
    gather, queue = (interface.unused(f"{interface.name}_axis_{part}") for part in ("gather", "queue"))
    inputs, outputs = interface.inputs, interface.outputs
    events = events_in_flight(interface)
    ports = ["input  wire aclk", "input  wire aresetn,  // synchronous"]
    ports += [line for bus in inputs for line in _slave(bus)]
    ports += [line for bus in outputs for line in _master(bus)]
    ports.append("output wire framing_error  // a tlast was missing or early; high until reset")
    interfaces = ":".join(
        [*(f"s_axis_{bus.bus}" for bus in inputs), *(f"m_axis_{bus.bus}" for bus in outputs)]
    )
    every = [*(f"whole_{bus.bus}" for bus in inputs), *(f"room_{bus.bus}" for bus in outputs)]
    pins = ["    .clk(aclk), .reset(reset), .valid_in(valid_in), .valid_out(valid_out)"]
    pins += [f"    .{bus.bus}(word_{bus.bus})" for bus in (*inputs, *outputs)]
    lines = [
        f"// {name}: {interface.name} with AXI4-Stream interfaces.",
        f"// An event is a packet on every stream; one enters every {_cycles(interface.interval)} at most.",
        f"// Up to {events} events are between start and end; their outputs have their place in the queues.",
        f"module {name} (",
        f'  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF {interfaces}, ASSOCIATED_RESET aresetn" *)',
        *(_with_comma(port) for port in ports[:-1]),
        f"  {ports[-1]}",
        ");",
        "",
        "  reg reset;",
        "  always @(posedge aclk) reset <= ~aresetn;",
        "",
        *(f"  wire whole_{bus.bus}, misframed_{bus.bus};" for bus in inputs),
        *(f"  wire room_{bus.bus};" for bus in outputs),
        *(f"  wire [{bus.width - 1}:0] word_{bus.bus};" for bus in (*inputs, *outputs)),
        f"  assign framing_error = {' | '.join(f'misframed_{bus.bus}' for bus in inputs)};",
        "",
        *_start(interface.interval, " & ".join(every)),
        "  reg valid_in;",
        "  wire valid_out;",
        "  always @(posedge aclk) valid_in <= start & ~reset;",
        "",
    ]
    for bus in inputs:
        lines += [
            f"  {gather} #(.WIDTH({bus.width}), .BEATS({bus.beats})) u_{bus.bus} (",
            f"    .clk(aclk), .reset(reset), .tdata({_part(f's_axis_{bus.bus}_tdata', bus)}),",
            f"    .tvalid(s_axis_{bus.bus}_tvalid), .tready(s_axis_{bus.bus}_tready),",
            f"    .tlast(s_axis_{bus.bus}_tlast), .start(start), .whole(whole_{bus.bus}),",
            f"    .word(word_{bus.bus}), .misframed(misframed_{bus.bus})",
            "  );",
        ]
    lines += [f"  {interface.name} core (", ",\n".join(pins), "  );"]
    for bus in outputs:
        pad = 8 * bus.bytes - bus.width
        lines += [f"  assign m_axis_{bus.bus}_tdata[{8 * bus.bytes - 1}:{bus.width}] = 0;"] if pad else []
        lines += [
            f"  {queue} #(.WIDTH({bus.width}), .BEATS({bus.beats}), .EVENTS({events})) u_{bus.bus} (",
            f"    .clk(aclk), .reset(reset), .start(start), .room(room_{bus.bus}),",
            f"    .valid(valid_out), .word(word_{bus.bus}), .tdata({_part(f'm_axis_{bus.bus}_tdata', bus)}),",
            f"    .tvalid(m_axis_{bus.bus}_tvalid), .tready(m_axis_{bus.bus}_tready),",
            f"    .tlast(m_axis_{bus.bus}_tlast)",
            "  );",
        ]
    parts = (_GATHER + "\n" + _QUEUE).replace("@GATHER@", gather).replace("@QUEUE@", queue)
    return "\n".join([*lines, "endmodule", "", parts])


def _cycles(count: int) -> str:
    return "cycle" if count == 1 else f"{count} cycles"


def _with_comma(port: str) -> str:
    code, comment, rest = port.partition(",  //")
    return f"  {code},{'  //' if comment else ''}{rest}"


def _slave(bus: Bus) -> list[str]:
    stream = f"s_axis_{bus.bus}"
    return [
        f"input  wire [{8 * bus.bytes - 1}:0] {stream}_tdata",
        f"input  wire {stream}_tvalid",
        f"output wire {stream}_tready",
        f"input  wire {stream}_tlast",
    ]


def _master(bus: Bus) -> list[str]:
    stream = f"m_axis_{bus.bus}"
    return [
        f"output wire [{8 * bus.bytes - 1}:0] {stream}_tdata",
        f"output wire {stream}_tvalid",
        f"input  wire {stream}_tready",
        f"output wire {stream}_tlast",
    ]


def _part(signal: str, bus: Bus) -> str:
    return f"{signal}[{bus.width - 1}:0]"


def _start(interval: int, every: str) -> list[str]:
    if interval == 1:
        return [f"  wire start = {every};"]
    bits = (interval - 1).bit_length()
    return [
        f"  reg [{bits - 1}:0] pause;  // cycles until the design takes the next event",
        f"  wire start = {every} & (pause == 0);",
        "  always @(posedge aclk)",
        "    if (reset) pause <= 0;",
        f"    else if (start) pause <= {bits}'d{interval - 1};",
        "    else if (pause != 0) pause <= pause - 1'b1;",
        "",
    ]


_GATHER = """\
// Gathers the beats of events, with or without gaps, and gives those of one event on end after `start`.
module @GATHER@ #(
  parameter WIDTH = 1,
  parameter BEATS = 1
) (
  input  wire clk,
  input  wire reset,
  input  wire [WIDTH-1:0] tdata,
  input  wire tvalid,
  output wire tready,
  input  wire tlast,
  input  wire start,
  output wire whole,  // an event is there
  output reg  [WIDTH-1:0] word,  // its first beat in the cycle after `start`
  output reg  misframed
);
  localparam DEPTH = 2 * BEATS;  // one event leaves while the next one comes
  localparam BITS = $clog2(DEPTH + 1);

  reg [WIDTH-1:0] memory [0:DEPTH-1];
  reg [BITS-1:0] write, read, count;
  reg [BITS-1:0] beat;  // of the event that comes
  reg [BITS-1:0] left;  // beats of the event that leaves
  reg [1:0] events;  // that are there whole

  assign tready = ~reset & (count != DEPTH);
  assign whole = events != 0;
  wire push = tvalid & tready;
  wire last = beat == BEATS - 1;
  wire pop = start | (left != 0);

  always @(posedge clk) begin
    if (push) memory[write] <= tdata;
    if (pop) word <= memory[read];
    if (reset) begin
      write <= 0;
      read <= 0;
      count <= 0;
      beat <= 0;
      left <= 0;
      events <= 0;
      misframed <= 0;
    end else begin
      if (push) write <= (write == DEPTH - 1) ? 0 : write + 1'b1;
      if (pop) read <= (read == DEPTH - 1) ? 0 : read + 1'b1;
      if (push != pop) count <= push ? count + 1'b1 : count - 1'b1;
      if (push) beat <= last ? 0 : beat + 1'b1;
      if (start) left <= BEATS - 1;
      else if (left != 0) left <= left - 1'b1;
      if ((push & last) != start) events <= start ? events - 1'b1 : events + 1'b1;
      if (push & (tlast != last)) misframed <= 1'b1;
    end
  end
endmodule
"""

_QUEUE = """\
// Holds the outputs of events until they are taken; there is room for EVENTS, counted from their start.
module @QUEUE@ #(
  parameter WIDTH = 1,
  parameter BEATS = 1,
  parameter EVENTS = 2
) (
  input  wire clk,
  input  wire reset,
  input  wire start,
  output wire room,  // for one more event
  input  wire valid,  // first beat of an event
  input  wire [WIDTH-1:0] word,
  output reg  [WIDTH-1:0] tdata,
  output reg  tvalid,
  input  wire tready,
  output reg  tlast
);
  localparam DEPTH = EVENTS * BEATS - 1;  // and one word in the output register
  localparam BITS = $clog2(DEPTH + 1);
  localparam BEAT_BITS = $clog2(BEATS + 1);
  localparam EVENT_BITS = $clog2(EVENTS + 1);

  reg [WIDTH-1:0] memory [0:DEPTH-1];
  reg [BITS-1:0] write, read, count;
  reg [BEAT_BITS-1:0] coming;  // beats that still come
  reg [BEAT_BITS-1:0] beat;  // of the next word in the output register
  reg [EVENT_BITS-1:0] promised;  // events that have started and not yet left

  assign room = promised != EVENTS;
  wire push = valid | (coming != 0);
  wire pop = (count != 0) & (~tvalid | tready);
  wire leave = tvalid & tready & tlast;
  wire last = beat == BEATS - 1;

  always @(posedge clk) begin
    if (push) memory[write] <= word;
    if (pop) tdata <= memory[read];
    if (pop) tlast <= last;
    if (reset) begin
      write <= 0;
      read <= 0;
      count <= 0;
      coming <= 0;
      beat <= 0;
      promised <= 0;
      tvalid <= 0;
    end else begin
      if (push) write <= (write == DEPTH - 1) ? 0 : write + 1'b1;
      if (pop) read <= (read == DEPTH - 1) ? 0 : read + 1'b1;
      if (push != pop) count <= push ? count + 1'b1 : count - 1'b1;
      if (valid) coming <= BEATS - 1;
      else if (coming != 0) coming <= coming - 1'b1;
      if (pop) beat <= last ? 0 : beat + 1'b1;
      if (pop) tvalid <= 1'b1;
      else if (tready) tvalid <= 1'b0;
      if (start != leave) promised <= start ? promised + 1'b1 : promised - 1'b1;
    end
  end
endmodule
"""
