"""The child process that runs a Yosys script: ``python -m … SCRIPT``, one command a line, in this folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nanosieve.compiler.synthesis._child import end_with_parent

__all__ = ["main"]


def main(script: str) -> None:
    """Run the commands; an error of Yosys ends the process with code 1."""
    end_with_parent()
    from pyosys import libyosys

    for command in Path(script).read_text(encoding="utf-8").splitlines():
        libyosys.run_pass(command)
    sys.stdout.flush()
    os._exit(0)  # what Yosys does at exit takes time and serves nobody


if __name__ == "__main__":
    main(sys.argv[1])
