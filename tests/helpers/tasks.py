"""Tasks for the executor; a spawned process must be able to import them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


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


def die_if_negative(number: int) -> int:
    """The square, but a negative number ends the process."""
    if number < 0:
        die(number)
    return number * number


def sleep(seconds: float) -> float:
    """Wait and return how long."""
    time.sleep(seconds)
    return seconds


def die_once(task: tuple[int, str]) -> int:
    """The square of the number, but the first call for it, of which a file is left, ends with SIGKILL."""
    number, folder = task
    mark = Path(folder) / f"{number}.begun"
    if number % 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def power(exponents: dict[str, int], number: int) -> int:
    """A number to a power that all tasks share."""
    return int(number ** exponents["power"])


def begun(task: tuple[int, str]) -> int:
    """Leave a file with the process that works on the number, and take a moment."""
    number, folder = task
    with (Path(folder) / f"{number}.begun").open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.3)
    return number * number
