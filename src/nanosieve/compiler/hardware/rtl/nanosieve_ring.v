// `out` is `in`, DEPTH cycles later: a memory that is written round and round; DEPTH is 3 or more
module nanosieve_ring #(
  parameter WIDTH = 1,
  parameter DEPTH = 64
) (
  input  wire clk,
  input  wire [WIDTH-1:0] in,
  output wire [WIDTH-1:0] out
);
  localparam BITS = $clog2(DEPTH);
  localparam [BITS-1:0] LAST = DEPTH - 1;
  // any content at the start is gone after one round, so that nothing needs a reset
  (* ram_style = "STYLE", rw_addr_collision = "no", no_rw_check *) reg [WIDTH-1:0] memory [0:DEPTH-1];
  reg [WIDTH-1:0] word;
  reg [BITS-1:0] place;
  wire [BITS-1:0] next = place >= LAST ? {BITS{1'b0}} : place + 1'b1;
  always @(posedge clk) begin
    place <= next;
    memory[place] <= in;
    word <= memory[next];
  end
  assign out = word;
endmodule
