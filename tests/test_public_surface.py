"""The public names are frozen in ``public_names.txt``; a change of them is a decision, not an accident.

After such a decision: ``python tests/test_public_surface.py`` writes the list anew.
"""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
FROZEN = Path(__file__).with_name("public_names.txt")


def public_modules() -> dict[str, ast.Module]:
    """Modules whose path holds no private part; the verbs of the command line are no Python interface."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = list(path.relative_to(SOURCE).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        if parts[1:2] != ["cli"] and not any(part.startswith("_") for part in parts):
            found[".".join(parts)] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def names(module: ast.Module) -> list[str] | None:
    """The content of ``__all__``; None if the module has none."""
    for node in module.body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "__all__" for target in node.targets):
            return sorted(ast.literal_eval(node.value))
    return None


def is_entrance(module: str) -> bool:
    """Rooms and their parts are imported by the name of the package; the ground has modules of its own."""
    return module.count(".") <= 1 or (SOURCE / Path(*module.split(".")) / "__init__.py").is_file()


def surface() -> str:
    listed = {module: names(tree) for module, tree in public_modules().items() if is_entrance(module)}
    return "".join(f"{module}: {' '.join(public)}\n" for module, public in listed.items() if public)


def defined(module: ast.Module) -> set[str]:
    """Names without underscore that the module defines itself."""
    found = set()
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if not name.startswith("_")}


def test_the_public_names_are_the_frozen_ones():
    assert surface().splitlines() == FROZEN.read_text(encoding="utf-8").splitlines()


def test_every_module_that_defines_something_says_what_is_public():
    silent = [name for name, module in public_modules().items() if names(module) is None and defined(module)]
    assert silent == []


def test_every_public_name_exists_and_is_listed_once():
    for name, module in public_modules().items():
        listed = names(module) or []
        imported = {
            alias.asname or alias.name
            for node in ast.walk(module)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        lazy = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in module.body)
        dunder = {"__version__"}
        assert len(listed) == len(set(listed)), name
        assert lazy or set(listed) <= defined(module) | imported | dunder, name


if __name__ == "__main__":
    FROZEN.write_text(surface(), encoding="utf-8")
