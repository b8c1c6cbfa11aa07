// The library module of the same name as the slice that it is meant to be, for Yosys, which packs neither the
// adder nor the register into it: P = A * B + C with PREG (Xilinx UG579).
module nanosieve_mac #(parameter A = 27, B = 18, P = 48) (
  input  wire clk,
  input  wire signed [A-1:0] a,
  input  wire signed [B-1:0] b,
  input  wire signed [P-1:0] c,
  output wire signed [P-1:0] p
);
  wire signed [29:0] wide_a = a;
  wire signed [17:0] wide_b = b;
  wire signed [47:0] wide_c = c;
  wire [47:0] sum;
  DSP48E2 #(
    .ACASCREG(0), .ADREG(0), .ALUMODEREG(0), .AREG(0), .BCASCREG(0), .BREG(0), .CARRYINREG(0), .CARRYINSELREG(0),
    .CREG(0), .DREG(0), .INMODEREG(0), .MREG(0), .OPMODEREG(0), .PREG(1),
    .AMULTSEL("A"), .A_INPUT("DIRECT"), .BMULTSEL("B"), .B_INPUT("DIRECT"),
    .USE_MULT("MULTIPLY"), .USE_SIMD("ONE48")
  ) slice (
    .CLK(clk), .CEP(1'b1), .RSTP(1'b0),
    .A(wide_a), .B(wide_b), .C(wide_c), .D(27'b0), .P(sum),
    .INMODE(5'b0), .ALUMODE(4'b0), .OPMODE(9'h035), .CARRYINSEL(3'b0), .CARRYIN(1'b0),
    .ACIN(30'b0), .BCIN(18'b0), .PCIN(48'b0)
  );
  assign p = sum[P-1:0];
endmodule
