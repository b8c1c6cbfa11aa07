"""The command line as a whole: help, errors and exit codes. Each verb has tests of its own beside this."""

from __future__ import annotations

import subprocess
import sys
import types

import click
import pytest

from nanosieve.cli import _VERBS, main
from nanosieve.cli._terminal import terminal_progress
from nanosieve.errors import SettingsError

HEAVY = (
    "awkward",
    "fastjet",
    "hgq",
    "jax",
    "keras",
    "matplotlib",
    "pyosys",
    "pythia8mc",
    "sklearn",
    "alkaid",
)


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command line."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    written = capsys.readouterr()
    code = stop.value.code
    return (code if isinstance(code, int) else 0), written.out, written.err


@pytest.fixture
def verb(monkeypatch):
    """Replace the verb ``devices`` by one that does what a test wants."""

    def replace(action) -> None:
        module = types.ModuleType("nanosieve.cli.devices")
        module.command = click.command("devices")(action)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "nanosieve.cli.devices", module)

    return replace


def commands(path: tuple[str, ...], command: click.Command) -> list[tuple[str, ...]]:
    """What can be called: `command`, or all below it if it is a group."""
    if not isinstance(command, click.Group):
        return [path]
    context = click.Context(command)
    found = []
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        found += commands((*path, name), below)
    return found


def test_help_lists_every_verb(capsys):
    code, out, _ = run(["--help"], capsys)
    assert code == 0
    assert all(name in out and text[:20] in out for name, text in _VERBS.items())


@pytest.mark.parametrize("name", sorted(_VERBS))
def test_the_help_of_every_verb_shows_an_example(name, capsys):
    import importlib

    command = importlib.import_module(f"nanosieve.cli.{name.replace('-', '_')}").command
    assert run([name, "--help"], capsys)[0] == 0
    for path in commands((name,), command):
        code, out, _ = run([*path, "--help"], capsys)
        assert code == 0
        assert "xample" in out, f"no example in: nanosieve {' '.join(path)} --help"
        assert f"nanosieve {name} " in out.split("xample", 1)[1], (
            f"the example of {' '.join(path)} does not call it"
        )


def test_an_unknown_verb_is_an_error(capsys):
    code, _, err = run(["frobnicate"], capsys)
    assert code == 2
    assert "No such command 'frobnicate'" in err


def test_an_error_is_one_line_and_exit_code_1(verb, capsys):
    def fail() -> None:
        message = "clock = '3 apples' is not a quantity"
        raise SettingsError(message)

    verb(fail)
    code, out, err = run(["devices"], capsys)
    assert (code, out, err) == (1, "", "error: clock = '3 apples' is not a quantity\n")


def test_debug_shows_the_traceback(verb):
    def fail() -> None:
        message = "clock"
        raise SettingsError(message)

    verb(fail)
    with pytest.raises(SettingsError, match="clock"):
        main(["--debug", "devices"])


def test_an_error_of_ours_is_not_swallowed(verb):
    """A defect of the program must not look like a mistake of the user."""

    def fail() -> None:
        raise ZeroDivisionError

    verb(fail)
    with pytest.raises(ZeroDivisionError):
        main(["devices"])


def test_interruption_exits_with_130_and_says_how_to_go_on(verb, capsys):
    def fail() -> None:
        raise KeyboardInterrupt

    verb(fail)
    code, _, err = run(["devices"], capsys)
    assert code == 130
    assert "resumes" in err
    assert "Traceback" not in err


def test_a_wrong_option_is_exit_code_2(verb, capsys):
    verb(lambda: None)
    code, _, err = run(["devices", "--no-such-option"], capsys)
    assert code == 2
    assert "--no-such-option" in err


def test_version_and_help_are_light():
    """Neither Keras nor matplotlib nor Pythia is loaded to say what the program is."""
    program = (
        "import sys\n"
        "from nanosieve.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_module_is_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "nanosieve", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("nanosieve, version ")


def test_progress_in_a_file_is_a_line_now_and_then(capsys, monkeypatch):
    seconds = iter([0.0, 30.0, 61.0, 62.0, 63.0, 64.0, 65.0])
    clock = types.SimpleNamespace(monotonic=lambda: next(seconds), strftime=lambda _: "12:00:00")
    monkeypatch.setattr("nanosieve.cli._terminal.time", clock)
    with terminal_progress() as progress:
        for done, note in ((1, "begun"), (2, "unsaid"), (3, "a minute"), (4, ""), (4, "twice")):
            progress("train", done, 4, note)
        progress("train", 1, 2000, "again")
        progress("train", 2, 2000, "unsaid")
    said = [line.split("  ")[1:] for line in capsys.readouterr().err.splitlines()]
    assert said == [
        ["train", "1 of 4", "begun"],
        ["train", "3 of 4", "a minute"],
        ["train", "4 of 4"],
        ["train", "1 of 2,000", "again"],
    ]
