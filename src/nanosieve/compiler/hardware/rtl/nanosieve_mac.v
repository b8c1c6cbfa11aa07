// p = a * b + c, one cycle later: what one DSP slice does with its output register
module nanosieve_mac #(
  parameter A = 27,  // bits of the signed factors, up to 27 and 18
  parameter B = 18,
  parameter P = 48   // bits of sum and addend, up to 48
) (
  input  wire clk,
  input  wire signed [A-1:0] a,
  input  wire signed [B-1:0] b,
  input  wire signed [P-1:0] c,
  output wire signed [P-1:0] p
);
  (* use_dsp = "yes" *) reg signed [P-1:0] sum;
  always @(posedge clk) sum <= a * b + c;
  assign p = sum;
endmodule
