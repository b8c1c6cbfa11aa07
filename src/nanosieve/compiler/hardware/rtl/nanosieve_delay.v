// `out` is `in`, DEPTH cycles later: a line of registers, which LUTs hold as shift registers
module nanosieve_delay #(
  parameter WIDTH = 1,
  parameter DEPTH = 3
) (
  input  wire clk,
  input  wire [WIDTH-1:0] in,
  output wire [WIDTH-1:0] out
);
  reg [WIDTH*DEPTH-1:0] line;
  always @(posedge clk) line <= {line, in};  // the oldest word falls off
  assign out = line[WIDTH*DEPTH-1 -: WIDTH];
endmodule
