"""The verbs `serve` and `serve-bench` as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.designs import toy_design
from helpers.services import NEEDS_SERVE
from nanosieve.cli import main
from nanosieve.farm.service.process import running_service

pytestmark = NEEDS_SERVE


def bench(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as exit:
        main(["serve-bench", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return int(exit.value.code or 0), captured.out, captured.err


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_design(tmp_path_factory.mktemp("serve") / "toy")


def test_a_load_in_figures(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = ("--batch", "1,8", "--connections", 1, "--parts", "0.5", "--seconds", "0.3", "--check", toy)
    with running_service([str(toy)]) as service:
        url = service.url("grpc")
        code, out, _ = bench(capsys, url, "toy", *few, "--json", "--out", tmp_path / "load")
        assert code == 0
        found = json.loads(out)
        assert set(found["saturation"]) == {"1", "8"}
        assert all(run["wrong"] == 0 and not run["errors"] for run in found["closed"] + found["open"])
        assert json.loads((tmp_path / "load" / "load.json").read_text()) == found
        assert (tmp_path / "load" / "load.svg").read_text().startswith("<svg")
        code, out, _ = bench(capsys, service.url("http"), "toy", *few)
        assert code == 0
        assert "batch 8: saturated at" in out
        code, _, err = bench(capsys, url, "nobody", *few)
        assert (code, err.count("\n")) == (1, 1)
        assert err.startswith(f"error: {url}, model 'nobody'")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tagger:8080", "toy"), "is no address of a server; write grpc"),
        (("grpc://127.0.0.1:1", "toy", "--batch", "a"), "--batch takes numbers above zero"),
        (("grpc://127.0.0.1:1", "toy", "--parts", "0"), "--parts takes numbers above zero"),
    ],
)
def test_what_is_refused(arguments, words, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = bench(capsys, *arguments)
    assert code == 1
    assert words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere",), "design 'nowhere' does not exist; give a folder made by 'nanosieve compile'"),
        (("nowhere", "--tls-cert", "a.pem"), "TLS takes a certificate and its key"),
        (("nowhere", "--token-file", "none"), "token file 'none' cannot be read"),
    ],
)
def test_a_service_that_cannot_start_says_why(arguments, words, tmp_path: Path) -> None:
    ports = [text for port in ("http", "grpc", "metrics") for text in (f"--{port}-port", "0")]
    command = [sys.executable, "-m", "nanosieve", "serve", *arguments, *ports]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
