// out = in, DEPTH cycles later; without a reset, so that bits are kept in LUTs used as shift registers
module nanosieve_delay #(
  parameter WIDTH = 1,
  parameter DEPTH = 3
) (
  input  wire clk,
  input  wire [WIDTH-1:0] in,
  output wire [WIDTH-1:0] out
);
  reg [WIDTH*DEPTH-1:0] line;
  always @(posedge clk) line <= {line[WIDTH*(DEPTH-1)-1:0], in};
  assign out = line[WIDTH*DEPTH-1 -: WIDTH];
endmodule
