// `out` is `in`, DEPTH cycles later: a line of registers, which LUTs hold as shift registers
module nanosieve_delay #(
  parameter WIDTH = 1,
  parameter DEPTH = 3
) (
  input  wire clk,
  input  wire [WIDTH-1:0] in,
  output wire [WIDTH-1:0] out
);
  reg [WIDTH-1:0] line [0:DEPTH-1];
  integer n;
  always @(posedge clk) begin
    line[0] <= in;
    for (n = 1; n < DEPTH; n = n + 1) line[n] <= line[n-1];
  end
  assign out = line[DEPTH-1];
endmodule
