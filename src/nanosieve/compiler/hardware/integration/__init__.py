"""What stands between a design and its surroundings: AXI4-Stream, VHDL, and projects for vendor tools."""

from nanosieve.compiler.hardware.integration.write import KINDS, write_integration

__all__ = ["KINDS", "write_integration"]
