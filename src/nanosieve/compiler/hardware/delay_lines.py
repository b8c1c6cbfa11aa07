"""What it costs to keep a bit for some clock cycles."""

from __future__ import annotations

__all__ = ["SHIFT_REGISTER", "delay_cost"]

SHIFT_REGISTER = 3
"""From so many registers in a row, synthesis keeps a bit in a LUT used as a shift register."""
SHIFT_REGISTER_BITS = 32
"""What one LUT holds of it."""


def delay_cost(stages: int) -> tuple[int, int]:
    """LUTs and flip-flops that delay one bit by so many stages."""
    return (-(-stages // SHIFT_REGISTER_BITS), 0) if stages >= SHIFT_REGISTER else (0, max(stages, 0))
