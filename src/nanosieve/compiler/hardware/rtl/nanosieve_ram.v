// a memory with a port that writes and a port that reads, whose word is there one cycle after its address;
// a word that is written in the cycle in which it is read comes out as anything
module nanosieve_ram #(
  parameter WIDTH = 1,
  parameter DEPTH = 64,
  parameter BITS = 6  // of an address
) (
  input  wire clk,
  input  wire write,
  input  wire [BITS-1:0] write_address,
  input  wire [WIDTH-1:0] in,
  input  wire [BITS-1:0] read_address,
  output wire [WIDTH-1:0] out
);
  (* ram_style = "STYLE", rw_addr_collision = "no", no_rw_check *) reg [WIDTH-1:0] memory [0:DEPTH-1];
  reg [WIDTH-1:0] word;
  always @(posedge clk) begin
    if (write) memory[write_address] <= in;
    word <= memory[read_address];
  end
  assign out = word;
endmodule
