"""``python -m nanosieve`` is the command line."""

from nanosieve.cli import main

if __name__ == "__main__":
    main()
