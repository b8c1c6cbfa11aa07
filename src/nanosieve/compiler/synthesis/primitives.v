// Primitives that the netlists of synthesis hold and that Yosys has no simulation model of: DSP48E2, RAMB18E2,
// RAMB36E2 and URAM288, in the modes that Yosys emits for combinational products, for products plus a number behind a
// register (nanosieve_mac), for constant tables behind a register, and for memories with a port that writes and one
// that reads. Every other mode is refused, by name, when the model is elaborated or at the first clock edge.
// Ports, parameters and the layout of the contents: Xilinx UG579 and UG573.

// As in Yosys, but no bit of CO is read from CO, which a simulator would take for a loop.
module CARRY4 (
  output [3:0] CO, O,
  input  CI, CYINIT,
  input  [3:0] DI, S
);
  wire carry_0 = CI | CYINIT;
  wire carry_1 = S[0] ? carry_0 : DI[0];
  wire carry_2 = S[1] ? carry_1 : DI[1];
  wire carry_3 = S[2] ? carry_2 : DI[2];
  wire carry_4 = S[3] ? carry_3 : DI[3];
  assign CO = {carry_4, carry_3, carry_2, carry_1};
  assign O = S ^ {carry_3, carry_2, carry_1, carry_0};
endmodule

module DSP48E2 #(
  parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1, CARRYINREG = 1,
  parameter integer CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1, MREG = 1, OPMODEREG = 1, PREG = 1,
  parameter AMULTSEL = "A", A_INPUT = "DIRECT", BMULTSEL = "B", B_INPUT = "DIRECT",
  parameter USE_MULT = "MULTIPLY", USE_SIMD = "ONE48"
) (
  input  [29:0] A, ACIN,
  input  [17:0] B, BCIN,
  input  [47:0] C, PCIN,
  input  [26:0] D,
  input  [3:0] ALUMODE,
  input  CARRYIN,
  input  [2:0] CARRYINSEL,
  input  [4:0] INMODE,
  input  [8:0] OPMODE,
  input  CLK, CEP, RSTP,
  output [47:0] P
);
  generate
    if (ACASCREG || ADREG || ALUMODEREG || AREG || BCASCREG || BREG || CARRYINREG || CARRYINSELREG || CREG || DREG
        || INMODEREG || MREG || OPMODEREG)
      $error("DSP48E2: of the registers PREG alone is modelled, but a parameter ...REG is not 0");
    if (AMULTSEL != "A" || BMULTSEL != "B")
      $error("DSP48E2: AMULTSEL \"A\" and BMULTSEL \"B\" are modelled, not \"%s\" and \"%s\"", AMULTSEL, BMULTSEL);
    if (A_INPUT != "DIRECT" || B_INPUT != "DIRECT")
      $error("DSP48E2: A_INPUT and B_INPUT \"DIRECT\" are modelled, not \"%s\" and \"%s\"", A_INPUT, B_INPUT);
    if (USE_MULT != "MULTIPLY" || USE_SIMD != "ONE48")
      $error("DSP48E2: USE_MULT \"MULTIPLY\" and USE_SIMD \"ONE48\" are modelled, not \"%s\" and \"%s\"",
             USE_MULT, USE_SIMD);
  endgenerate
`ifndef YOSYS
  always_comb
    if ((OPMODE != 9'h005 && OPMODE != 9'h035) || ALUMODE != 0 || INMODE != 0 || CARRYINSEL != 0 || CARRYIN != 0)
      $fatal(1, "DSP48E2: P = A * B and P = A * B + C are modelled, not OPMODE %h, ALUMODE %h, INMODE %h, CARRYINSEL %h, CARRYIN %h",
             OPMODE, ALUMODE, INMODE, CARRYINSEL, CARRYIN);
  generate
    if (PREG)
      always @(posedge CLK)
        if (!CEP || RSTP)
          $fatal(1, "DSP48E2: a register that always loads is modelled, not CEP %b, RSTP %b", CEP, RSTP);
  endgenerate
`endif
  wire signed [26:0] a = A[26:0];
  wire signed [17:0] b = B;
  wire signed [44:0] product = a * b;
  wire [47:0] sum = {{3{product[44]}}, product} + (OPMODE[5:4] == 2'b11 ? C : 48'd0);
  generate
    if (PREG) begin : registered
      reg [47:0] result;
      always @(posedge CLK) result <= sum;
      assign P = result;
    end else begin : combinational
      assign P = sum;
    end
  endgenerate
endmodule

// A memory with a port that reads and one that writes: words of WIDTH bits with their parity bits on top.
module nanosieve_block #(
  parameter ADDRESS = 14,  // bits of the address that select one bit of the data
  parameter WIDTH = 18,
  parameter WRITES = 0,
  parameter [(1 << ADDRESS) - 1:0] DATA = 0,
  parameter [(1 << ADDRESS) / 8 - 1:0] PARITY = 0
) (
  input  clk,
  input  enable,
  input  [ADDRESS-1:0] address,
  output [71:0] word,  // data bits below, parity bits from bit 64
  input  write_clk,
  input  write_enable,
  input  [7:0] write_bytes,  // a byte is 9 bits where there are parity bits; narrower words have one
  input  [ADDRESS-1:0] write_address,
  input  [71:0] write_word
);
  localparam HELD = WIDTH % 9 == 0 ? WIDTH / 9 : 0;  // parity bits of a word
  localparam BITS = WIDTH - HELD;
  localparam SKIP = $clog2(BITS);
  localparam BYTES = BITS > 8 ? BITS / 8 : 1;
  localparam BYTE = BITS / BYTES;
  reg [BITS-1:0] data [0:(1 << (ADDRESS - SKIP)) - 1];
  reg [7:0] parity [0:(1 << (ADDRESS - SKIP)) - 1];
  reg [63:0] data_out;
  reg [7:0] parity_out;
  integer n;
  initial
    for (n = 0; n < 1 << (ADDRESS - SKIP); n = n + 1) begin
      data[n] = DATA[n * BITS +: BITS];
      parity[n] = 0;
      if (HELD > 0) parity[n] = PARITY[n * HELD +: (HELD > 0 ? HELD : 1)];
    end
  wire [ADDRESS-SKIP-1:0] row = address[ADDRESS-1:SKIP];
  always @(posedge clk)
    if (enable) begin
      data_out <= data[row];
      parity_out <= parity[row];
    end
  assign word = {parity_out, data_out};
  wire [ADDRESS-SKIP-1:0] write_row = write_address[ADDRESS-1:SKIP];
  genvar k;
  generate
    if (WRITES)
      for (k = 0; k < BYTES; k = k + 1) begin : byte_
        always @(posedge write_clk)
          if (write_enable && write_bytes[k]) begin
            data[write_row][k * BYTE +: BYTE] <= write_word[k * BYTE +: BYTE];
            if (HELD > 0) parity[write_row][k] <= write_word[64 + k];
          end
      end
  endgenerate
endmodule

module RAMB18E2 #(
  parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0, INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0,
  parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0, INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0,
  parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0, INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0,
  parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0, INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0,
  parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0, INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0,
  parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0, INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0,
  parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0, INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0,
  parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0, INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0,
  parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0, INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0,
  parameter integer DOA_REG = 1, DOB_REG = 1, READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
  parameter [71:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0,
  parameter WRITE_MODE_A = "NO_CHANGE", WRITE_MODE_B = "NO_CHANGE"
) (
  input  [13:0] ADDRARDADDR, ADDRBWRADDR,
  input  ADDRENA, ADDRENB, CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
  input  RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB, SLEEP,
  input  [15:0] DINADIN, DINBDIN,
  input  [1:0] DINPADINP, DINPBDINP,
  input  [1:0] WEA,
  input  [3:0] WEBWE,
  output [15:0] DOUTADOUT, DOUTBDOUT,
  output [1:0] DOUTPADOUTP, DOUTPBDOUTP
);
  localparam WIDTH = READ_WIDTH_A ? READ_WIDTH_A : READ_WIDTH_B;
  generate
    if (DOA_REG || DOB_REG)
      $error("RAMB18E2: DOA_REG 0 and DOB_REG 0 are modelled, not %0d and %0d", DOA_REG, DOB_REG);
    if ((READ_WIDTH_A != 0) == (READ_WIDTH_B != 0) || (WRITE_WIDTH_A && READ_WIDTH_A) || (WRITE_WIDTH_B && READ_WIDTH_B)
        || (WRITE_WIDTH_A && WRITE_WIDTH_A != WIDTH) || (WRITE_WIDTH_B && WRITE_WIDTH_B != WIDTH)
        || (READ_WIDTH_B == 36))
      $error("RAMB18E2: a port that reads is modelled, and the other that writes as wide or not at all, not READ_WIDTH_A %0d, READ_WIDTH_B %0d, WRITE_WIDTH_A %0d, WRITE_WIDTH_B %0d",
             READ_WIDTH_A, READ_WIDTH_B, WRITE_WIDTH_A, WRITE_WIDTH_B);
    if (WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 9 && WIDTH != 18 && WIDTH != 36)
      $error("RAMB18E2: words of 1, 2, 4, 9, 18, 36 bits are modelled, not of %0d", WIDTH);
    if ((WRITE_WIDTH_A || WRITE_WIDTH_B) && (WRITE_MODE_A != "READ_FIRST" || WRITE_MODE_B != "READ_FIRST"))
      $error("RAMB18E2: WRITE_MODE READ_FIRST is modelled, not \"%s\" and \"%s\"", WRITE_MODE_A, WRITE_MODE_B);
  endgenerate
`ifndef YOSYS
  always @(posedge CLKARDCLK)
    if (!ADDRENA || !ADDRENB || RSTRAMARSTRAM || RSTRAMB || SLEEP || (!WRITE_WIDTH_A && WEA != 0)
        || (!WRITE_WIDTH_B && WEBWE != 0))
      $fatal(1, "RAMB18E2: reading is modelled, not ADDRENA %b, ADDRENB %b, RSTRAMARSTRAM %b, RSTRAMB %b, SLEEP %b, WEA %b, WEBWE %b",
             ADDRENA, ADDRENB, RSTRAMARSTRAM, RSTRAMB, SLEEP, WEA, WEBWE);
`endif
  wire [71:0] word;
  wire [71:0] from_a, from_b;
  generate
    if (WIDTH == 36) assign from_b = {4'b0, DINPBDINP, DINPADINP, 32'b0, DINBDIN, DINADIN};
    else assign from_b = {6'b0, DINPBDINP, 48'b0, DINBDIN};
  endgenerate
  assign from_a = {6'b0, DINPADINP, 48'b0, DINADIN};
  nanosieve_block #(
    .ADDRESS(14), .WIDTH(WIDTH), .WRITES(WRITE_WIDTH_A || WRITE_WIDTH_B),
    .DATA({
    INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
    INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
    INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
    INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
    INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
    INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
    INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
    INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    }),
    .PARITY({
    INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    })
  ) block (
    .clk(READ_WIDTH_A ? CLKARDCLK : CLKBWRCLK), .enable(READ_WIDTH_A ? ENARDEN : ENBWREN),
    .address(READ_WIDTH_A ? ADDRARDADDR : ADDRBWRADDR), .word(word),
    .write_clk(READ_WIDTH_A ? CLKBWRCLK : CLKARDCLK), .write_enable(READ_WIDTH_A ? ENBWREN : ENARDEN),
    .write_bytes(READ_WIDTH_A ? {4'b0, WEBWE} : {6'b0, WEA}),
    .write_address(READ_WIDTH_A ? ADDRBWRADDR : ADDRARDADDR), .write_word(READ_WIDTH_A ? from_b : from_a)
  );
  assign DOUTADOUT = word[15:0];
  assign DOUTBDOUT = READ_WIDTH_A ? word[31:16] : word[15:0];
  assign DOUTPADOUTP = word[65:64];
  assign DOUTPBDOUTP = READ_WIDTH_A ? word[67:66] : word[65:64];
endmodule

module RAMB36E2 #(
  parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0, INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0,
  parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0, INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0,
  parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0, INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0,
  parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0, INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0,
  parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0, INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0,
  parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0, INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0,
  parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0, INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0,
  parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0, INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0,
  parameter [255:0] INIT_40 = 0, INIT_41 = 0, INIT_42 = 0, INIT_43 = 0, INIT_44 = 0, INIT_45 = 0, INIT_46 = 0, INIT_47 = 0,
  parameter [255:0] INIT_48 = 0, INIT_49 = 0, INIT_4A = 0, INIT_4B = 0, INIT_4C = 0, INIT_4D = 0, INIT_4E = 0, INIT_4F = 0,
  parameter [255:0] INIT_50 = 0, INIT_51 = 0, INIT_52 = 0, INIT_53 = 0, INIT_54 = 0, INIT_55 = 0, INIT_56 = 0, INIT_57 = 0,
  parameter [255:0] INIT_58 = 0, INIT_59 = 0, INIT_5A = 0, INIT_5B = 0, INIT_5C = 0, INIT_5D = 0, INIT_5E = 0, INIT_5F = 0,
  parameter [255:0] INIT_60 = 0, INIT_61 = 0, INIT_62 = 0, INIT_63 = 0, INIT_64 = 0, INIT_65 = 0, INIT_66 = 0, INIT_67 = 0,
  parameter [255:0] INIT_68 = 0, INIT_69 = 0, INIT_6A = 0, INIT_6B = 0, INIT_6C = 0, INIT_6D = 0, INIT_6E = 0, INIT_6F = 0,
  parameter [255:0] INIT_70 = 0, INIT_71 = 0, INIT_72 = 0, INIT_73 = 0, INIT_74 = 0, INIT_75 = 0, INIT_76 = 0, INIT_77 = 0,
  parameter [255:0] INIT_78 = 0, INIT_79 = 0, INIT_7A = 0, INIT_7B = 0, INIT_7C = 0, INIT_7D = 0, INIT_7E = 0, INIT_7F = 0,
  parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0, INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0,
  parameter [255:0] INITP_08 = 0, INITP_09 = 0, INITP_0A = 0, INITP_0B = 0, INITP_0C = 0, INITP_0D = 0, INITP_0E = 0, INITP_0F = 0,
  parameter integer DOA_REG = 1, DOB_REG = 1, READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
  parameter [71:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0,
  parameter WRITE_MODE_A = "NO_CHANGE", WRITE_MODE_B = "NO_CHANGE"
) (
  input  [14:0] ADDRARDADDR, ADDRBWRADDR,
  input  ADDRENA, ADDRENB, CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
  input  RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB, SLEEP,
  input  [31:0] DINADIN, DINBDIN,
  input  [3:0] DINPADINP, DINPBDINP,
  input  [3:0] WEA,
  input  [7:0] WEBWE,
  output [31:0] DOUTADOUT, DOUTBDOUT,
  output [3:0] DOUTPADOUTP, DOUTPBDOUTP
);
  localparam WIDTH = READ_WIDTH_A ? READ_WIDTH_A : READ_WIDTH_B;
  generate
    if (DOA_REG || DOB_REG)
      $error("RAMB36E2: DOA_REG 0 and DOB_REG 0 are modelled, not %0d and %0d", DOA_REG, DOB_REG);
    if ((READ_WIDTH_A != 0) == (READ_WIDTH_B != 0) || (WRITE_WIDTH_A && READ_WIDTH_A) || (WRITE_WIDTH_B && READ_WIDTH_B)
        || (WRITE_WIDTH_A && WRITE_WIDTH_A != WIDTH) || (WRITE_WIDTH_B && WRITE_WIDTH_B != WIDTH)
        || (READ_WIDTH_B == 72))
      $error("RAMB36E2: a port that reads is modelled, and the other that writes as wide or not at all, not READ_WIDTH_A %0d, READ_WIDTH_B %0d, WRITE_WIDTH_A %0d, WRITE_WIDTH_B %0d",
             READ_WIDTH_A, READ_WIDTH_B, WRITE_WIDTH_A, WRITE_WIDTH_B);
    if (WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 9 && WIDTH != 18 && WIDTH != 36 && WIDTH != 72)
      $error("RAMB36E2: words of 1, 2, 4, 9, 18, 36, 72 bits are modelled, not of %0d", WIDTH);
    if ((WRITE_WIDTH_A || WRITE_WIDTH_B) && (WRITE_MODE_A != "READ_FIRST" || WRITE_MODE_B != "READ_FIRST"))
      $error("RAMB36E2: WRITE_MODE READ_FIRST is modelled, not \"%s\" and \"%s\"", WRITE_MODE_A, WRITE_MODE_B);
  endgenerate
`ifndef YOSYS
  always @(posedge CLKARDCLK)
    if (!ADDRENA || !ADDRENB || RSTRAMARSTRAM || RSTRAMB || SLEEP || (!WRITE_WIDTH_A && WEA != 0)
        || (!WRITE_WIDTH_B && WEBWE != 0))
      $fatal(1, "RAMB36E2: reading is modelled, not ADDRENA %b, ADDRENB %b, RSTRAMARSTRAM %b, RSTRAMB %b, SLEEP %b, WEA %b, WEBWE %b",
             ADDRENA, ADDRENB, RSTRAMARSTRAM, RSTRAMB, SLEEP, WEA, WEBWE);
`endif
  wire [71:0] word;
  wire [71:0] from_a, from_b;
  generate
    if (WIDTH == 72) assign from_b = {DINPBDINP, DINPADINP, DINBDIN, DINADIN};
    else assign from_b = {4'b0, DINPBDINP, 32'b0, DINBDIN};
  endgenerate
  assign from_a = {4'b0, DINPADINP, 32'b0, DINADIN};
  nanosieve_block #(
    .ADDRESS(15), .WIDTH(WIDTH), .WRITES(WRITE_WIDTH_A || WRITE_WIDTH_B),
    .DATA({
    INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78,
    INIT_77, INIT_76, INIT_75, INIT_74, INIT_73, INIT_72, INIT_71, INIT_70,
    INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A, INIT_69, INIT_68,
    INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60,
    INIT_5F, INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58,
    INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50,
    INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48,
    INIT_47, INIT_46, INIT_45, INIT_44, INIT_43, INIT_42, INIT_41, INIT_40,
    INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
    INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
    INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
    INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
    INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
    INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
    INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
    INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    }),
    .PARITY({
    INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08,
    INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    })
  ) block (
    .clk(READ_WIDTH_A ? CLKARDCLK : CLKBWRCLK), .enable(READ_WIDTH_A ? ENARDEN : ENBWREN),
    .address(READ_WIDTH_A ? ADDRARDADDR : ADDRBWRADDR), .word(word),
    .write_clk(READ_WIDTH_A ? CLKBWRCLK : CLKARDCLK), .write_enable(READ_WIDTH_A ? ENBWREN : ENARDEN),
    .write_bytes(READ_WIDTH_A ? {WEBWE} : {4'b0, WEA}),
    .write_address(READ_WIDTH_A ? ADDRBWRADDR : ADDRARDADDR), .write_word(READ_WIDTH_A ? from_b : from_a)
  );
  assign DOUTADOUT = word[31:0];
  assign DOUTBDOUT = READ_WIDTH_A ? word[63:32] : word[31:0];
  assign DOUTPADOUTP = word[67:64];
  assign DOUTPBDOUTP = READ_WIDTH_A ? word[71:68] : word[67:64];
endmodule

// Port A writes, port B reads; of one row in one cycle, port B reads what port A writes.
module URAM288 #(
  parameter BWE_MODE_A = "PARITY_INTERLEAVED", BWE_MODE_B = "PARITY_INTERLEAVED", EN_AUTO_SLEEP_MODE = "FALSE",
  parameter IREG_PRE_A = "FALSE", IREG_PRE_B = "FALSE", OREG_A = "FALSE", OREG_B = "FALSE",
  parameter RST_MODE_A = "SYNC", RST_MODE_B = "SYNC",
  parameter [0:0] IS_CLK_INVERTED = 0
) (
  input  CLK, EN_A, EN_B, RDB_WR_A, RDB_WR_B, RST_A, RST_B, SLEEP,
  input  INJECT_DBITERR_A, INJECT_DBITERR_B, INJECT_SBITERR_A, INJECT_SBITERR_B,
  input  [22:0] ADDR_A, ADDR_B,
  input  [8:0] BWE_A, BWE_B,
  input  [71:0] DIN_A, DIN_B,
  output [71:0] DOUT_A, DOUT_B
);
  generate
    if (IREG_PRE_A != "FALSE" || IREG_PRE_B != "FALSE" || OREG_A != "FALSE" || OREG_B != "FALSE" || IS_CLK_INVERTED
        || EN_AUTO_SLEEP_MODE != "FALSE")
      $error("URAM288: no further registers, no sleep and no inverted clock are modelled");
  endgenerate
`ifndef YOSYS
  always @(posedge CLK)
    if (RDB_WR_B || RST_A || RST_B || SLEEP || ADDR_A[22:12] != 0 || ADDR_B[22:12] != 0)
      $fatal(1, "URAM288: a port A that writes and a port B that reads are modelled, not RDB_WR_B %b, RST_A %b, RST_B %b, SLEEP %b, ADDR_A %h, ADDR_B %h",
             RDB_WR_B, RST_A, RST_B, SLEEP, ADDR_A, ADDR_B);
`endif
  reg [71:0] rows [0:4095];
  reg [71:0] read;
  wire [71:0] mask, now = rows[ADDR_A[11:0]];
  genvar k;
  generate
    for (k = 0; k < 8; k = k + 1) begin : byte_
      assign mask[8 * k +: 8] = {8{BWE_A[k]}};
      assign mask[64 + k] = BWE_MODE_A == "PARITY_INTERLEAVED" ? BWE_A[k] : BWE_A[8];
    end
  endgenerate
  wire [71:0] merged = DIN_A & mask | now & ~mask;
  wire writes = EN_A & RDB_WR_A;
  always @(posedge CLK) begin
    if (writes) rows[ADDR_A[11:0]] <= merged;
    if (EN_B) read <= writes && ADDR_A[11:0] == ADDR_B[11:0] ? merged : rows[ADDR_B[11:0]];
  end
  assign DOUT_B = read;
  assign DOUT_A = 72'b0;
endmodule
