"""What a user writes without thinking of processes must work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
from nanosieve.executor import run_tasks
from nanosieve.units import power_of_ten

print(sorted(run_tasks(power_of_ten, [2, 3, -1], workers=2)))
print(__name__, __file__)
"""


def test_parallel_work_in_a_script_without_a_guard(tmp_path: Path):
    """Spawned processes would run the script again, and die."""
    file = tmp_path / "script.py"
    file.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[(0, '10²'), (1, '10³'), (2, '10⁻¹')]", f"__main__ {file}"]


def test_a_function_of_the_script_itself_works_behind_a_guard(tmp_path: Path):
    file = tmp_path / "script.py"
    text = """
from nanosieve.executor import run_tasks

def twice(number):
    return 2 * number

if __name__ == "__main__":
    print(sorted(run_tasks(twice, [1, 2, 3], workers=2)))
"""
    file.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "[(0, 2), (1, 4), (2, 6)]\n", done.stderr
