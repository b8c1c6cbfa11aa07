"""Tasks for the executor; a spawned process must be able to import them."""

from __future__ import annotations

import os
import time


def square(number: int) -> int:
    """The square, for numbers that are not negative."""
    if number < 0:
        raise ValueError("negative")
    return number * number


def process_of(number: int) -> int:
    """Where the task runs."""
    return os.getpid()


def die(number: int) -> None:
    """End the process as the kernel does when memory runs out."""
    os._exit(9)


def sleep(seconds: float) -> float:
    """Wait and return how long."""
    time.sleep(seconds)
    return seconds
