"""Everything in the page on menus runs as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from helpers.trigger_events import random_events, synthetic_sample
from nanosieve.cli import main
from nanosieve.physics.menu import load_menu

PAGE = (Path(__file__).parents[3] / "docs" / "menu.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = [
        random_events(900, seed=7, scale=8.0, processes=("minbias", "h0"), weights=(1e5, 1.0)),
        random_events(300, seed=8, scale=40.0, processes=("qcd",), weights=(10.0,)),
    ]
    synthetic_sample(tmp_path / "minbias.parquet", parts)
    return tmp_path


def test_menus_are_menus(folder):
    assert len(blocks("yaml")) == 2
    for text in blocks("yaml"):
        (folder / "menu.yaml").write_text(text, encoding="utf-8")
        assert load_menu(folder / "menu.yaml").lines


@pytest.mark.parametrize("code", blocks("python"))
def test_python(folder, code):
    exec(compile(code, "menu.md", "exec"), {})


def test_commands(folder, capsys):
    commands = re.findall(r"^\$ nanosieve (.*)$", PAGE, flags=re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        with pytest.raises(SystemExit) as stop:
            main(shlex.split(command))
        assert not stop.value.code, f"{command}: {capsys.readouterr().err}"
    assert (folder / "out" / "menu" / "report.html").is_file()
    assert (folder / "tighter.yaml").is_file()


def test_the_page_on_rates(tmp_path, monkeypatch, capsys):
    """Its menu and all its commands on menus; those that make crossings take too long."""
    page = (Path(__file__).parents[3] / "docs" / "rates.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, process in (("crossings", "hard_qcd"), ("higgs", "higgs_ggf")):
        block = random_events(900, scale=20.0, processes=(process,), weights=(1e4,))
        synthetic_sample(tmp_path / f"{name}.parquet", [block])
    (menu,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "mine.yaml").write_text(menu, encoding="utf-8")
    commands = re.findall(r"^\$ nanosieve (menu .*)$", page, flags=re.MULTILINE)
    assert len(commands) == 6
    for command in commands:
        with pytest.raises(SystemExit) as stop:
            main(shlex.split(command))
        assert not stop.value.code, f"{command}: {capsys.readouterr().err}"
    assert (tmp_path / "mine.svg").is_file()
