"""nanosieve: neural-network triggers from collisions to bit-exact hardware."""

__version__ = "0.1.0"
