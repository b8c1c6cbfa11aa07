"""The scripts beside the package, as modules."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def load_script(path: str) -> ModuleType:
    """The script at `path` below the root of the repository; it is not run."""
    file = ROOT / path
    if file.stem not in sys.modules:  # scripts import those beside them by their plain names
        specification = importlib.util.spec_from_file_location(file.stem, file)
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        sys.modules[file.stem] = module  # dataclasses look their module up
        specification.loader.exec_module(module)
    return sys.modules[file.stem]
