"""Does it fit? Model file → fixed-point graph → Verilog → proof of equality → resources."""
