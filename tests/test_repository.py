"""The rules of the house that no linter knows. Each check is also shown to bite."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "nanosieve"

# A room imports only from itself and from rooms above it; `compiler` and `physics` never import each other.
ROOMS = (
    "errors",
    "progress",
    "_require",
    "_names",
    "_machine",
    "_toolchain",
    "units",
    "figure",
    "_quantities",
    "_files",
    "_yaml",
    "_worker",
    "_dask",
    "executor",
    "devices",
    "compiler.graph",
    "compiler.frontends",
    "compiler.passes",
    "compiler.emulate",
    "compiler.hardware",
    "compiler.verification",
    "compiler.synthesis",
    "compiler",
    "physics._quantity",
    "physics.filling",
    "physics.beam",
    "physics.machine",
    "physics.events",
    "physics.efficiency",
    "physics.menu",
    "physics",
    "farm.engine",
    "farm.workload",
    "farm.designs",
    "farm.cost",
    "farm.simulation",
    "farm.measurement",
    "farm.service",
    "farm.impact",
    "farm",
    "networks",
    "report",
    "studies",
    "cli",
    "__main__",
)
LONGEST_FILE = 400
MOST_EXCEPTIONS = 20


def modules() -> dict[str, str]:
    """Dotted name below `nanosieve` (empty for the package itself) → source text."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def room_of(module: str) -> str | None:
    """The room that `module` belongs to; None for the package itself."""
    fitting = [room for room in ROOMS if module == room or module.startswith(f"{room}.")]
    return max(fitting, key=len, default=None)


def imports(source: str, known: set[str]) -> Iterator[str]:
    """Dotted names below `nanosieve` that `source` imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name.removeprefix("nanosieve.") in known else node.module for name in names]
        yield from (name.removeprefix("nanosieve").removeprefix(".") for name in names if is_ours(name))


def is_ours(name: str) -> bool:
    return name == "nanosieve" or name.startswith("nanosieve.")


def against_the_grain(sources: dict[str, str]) -> list[str]:
    """Imports of a room from one below it, or between the wings `compiler` and `physics`."""
    wrong = []
    for module, source in sources.items():
        room = room_of(module)
        for other in imports(source, set(sources)) if room is not None else ():
            target = room_of(other)
            if target is None or target == room:  # the package's own names, such as its version
                continue
            wings = {room.split(".")[0], target.split(".")[0]}
            if ROOMS.index(target) > ROOMS.index(room) or wings == {"compiler", "physics"}:
                wrong.append(f"{module} imports {other}")
    return wrong


def calls_of_print(sources: dict[str, str]) -> list[str]:
    return [
        f"{module}:{node.lineno}"
        for module, source in sources.items()
        if not module.startswith("cli")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def exceptions(sources: dict[str, str]) -> dict[str, str]:
    """Exception classes by name → module that defines them."""
    return {
        node.name: module
        for module, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
        and any(re.search(r"(Error|Exception|Warning)$", ast.unparse(base)) for base in node.bases)
    }


def vague_raises(sources: dict[str, str]) -> list[str]:
    """Places that raise the bare `Exception` or that catch everything and go on."""
    return [
        f"{module}:{node.lineno}"
        for module, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Raise)
        and re.match(r"(Exception|BaseException|RuntimeError)\b", ast.unparse(node.exc) if node.exc else "")
    ]


def tracked_texts() -> dict[str, str]:
    """Every text file that is, or would be, in the repository."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    texts = {}
    for name in listing.stdout.splitlines():
        path = ROOT / name
        if path.is_file():
            raw = path.read_bytes()
            if b"\0" not in raw[:8192]:
                texts[name] = raw.decode("utf-8", errors="replace")
    return texts


# written in pieces, so that this file does not find itself
MACHINE = re.compile(
    "|".join(
        [
            r"(?<![\w.])/" + r"(?:work|root|tmp|home/\w+)/",
            r"py" + r"pi\.org",
            "pythonhosted" + r"\.org",
            r"npm" + r"js\.(?:com|org)",
            "index" + "-url",
        ]
    )
)


def machine_traces(texts: dict[str, str]) -> list[str]:
    return [
        f"{name}:{number}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if MACHINE.search(line)
    ]


def formulae(page: str) -> list[str]:
    """TeX between dollar signs, outside of code: a page that loads nothing cannot set it."""
    prose = re.sub(r"```.*?```|`[^`]*`", "", page, flags=re.DOTALL)
    return re.findall(r"\$[^$\n]+\$", prose)


class TestTheRepository:
    def test_every_module_stands_in_a_room(self):
        assert [module for module in modules() if module and room_of(module) is None] == []

    def test_imports_run_in_one_direction(self):
        assert against_the_grain(modules()) == []

    def test_the_library_does_not_print(self):
        assert calls_of_print(modules()) == []

    def test_exceptions_are_few_and_in_one_place(self):
        found = exceptions(modules())
        assert {name: module for name, module in found.items() if module != "errors"} == {}
        assert 0 < len(found) <= MOST_EXCEPTIONS

    def test_errors_are_named(self):
        assert vague_raises(modules()) == []

    def test_files_are_short(self):
        lengths = {module: source.count("\n") for module, source in modules().items()}
        assert {module: length for module, length in lengths.items() if length >= LONGEST_FILE} == {}

    def test_no_file_knows_the_machine_it_was_written_on(self):
        assert machine_traces(tracked_texts()) == []

    def test_the_documentation_needs_no_script_to_set_formulae(self):
        pages = {name: text for name, text in tracked_texts().items() if name.startswith("docs/")}
        assert pages
        assert [name for name, text in pages.items() if formulae(text)] == []


class TestTheChecksBite:
    @pytest.mark.parametrize(
        "source",
        [
            "from nanosieve.report import page",
            "import nanosieve.report.page",
            "def f():\n    from nanosieve.physics.events import sample",
            "from nanosieve import report",
        ],
    )
    def test_an_import_from_below_or_across(self, source):
        known = {"compiler.graph.types": source, "report": "", "report.page": "", "physics.events": ""}
        assert len(against_the_grain(known)) == 1

    def test_an_import_from_above_is_fine(self):
        fine = "from nanosieve.compiler.graph import Graph\nfrom nanosieve import __version__"
        assert against_the_grain({"studies.x": fine, "compiler.graph": ""}) == []

    def test_across_the_wings_even_downwards(self):
        assert against_the_grain({"physics.menu": "import nanosieve.compiler.graph", "compiler.graph": ""})

    def test_a_print(self):
        assert calls_of_print({"units": "x = 1\nprint(x)", "cli.study": "print(1)"}) == ["units:2"]

    def test_an_exception_elsewhere(self):
        assert exceptions({"units": "class BadUnit(ValueError): ..."}) == {"BadUnit": "units"}

    def test_a_vague_raise(self):
        assert vague_raises({"units": "raise Exception('x')"}) == ["units:1"]

    @pytest.mark.parametrize(
        "trace", ["/wo" + "rk/x", "see /ro" + "ot/.cache", "https://py" + "pi.org/simple"]
    )
    def test_a_machine_path_or_registry(self, trace):
        assert machine_traces({"a.md": f"first\n{trace}"}) == ["a.md:2"]

    @pytest.mark.parametrize("harmless", ["out/work/x", "https://example.org/a/tmp/b", "homework/"])
    def test_what_only_looks_like_one(self, harmless):
        assert machine_traces({"a.md": harmless}) == []

    def test_tex_in_a_page_but_not_a_shell_prompt(self):
        assert formulae("with $p_T$ in `$HOME`\n```console\n$ make demo\n$ make test\n```") == ["$p_T$"]
