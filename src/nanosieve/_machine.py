"""The machine this runs on, as the source of measured numbers."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

__all__ = ["machine", "processor"]


def machine() -> str:
    """Processor and cores."""
    return f"{processor()}, {os.cpu_count()} cores"


@cache
def processor() -> str:
    """Its name."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return model
