"""The submit files: their syntax, and their shell commands run with small numbers as a batch system does."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

BATCH = Path(__file__).parents[1] / "examples" / "batch"
SCRIPTS = sorted(path.name for path in BATCH.iterdir() if path.suffix in (".sbatch", ".sh"))
RECIPE = """
name: cheap
title: cheap
pythia: ["WeakSingleBoson:ffbar2W = on", "PartonLevel:MPI = off", "24:onMode = off", "24:onIfAny = 13"]
prompt_leptons: {pt: 21}
events_per_shard: 3
"""


def macros(text: str) -> dict[str, str]:
    """The assignments of a submit description."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = dict(re.split(r"\s*=\s*", line, maxsplit=1) for line in lines if "=" in line)
    assert [line for line in lines if "=" not in line][-1].startswith("queue")
    return found


def filled(text: str, values: dict[str, str]) -> str:
    """``$(NAME)`` replaced, as HTCondor does."""
    while "$(" in text:
        text = re.sub(r"\$\((\w+)\)", lambda match: values[match[1]], text)
    return text


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With `nanosieve` and `dask` on the path, and the recipe in the folder."""
    (tmp_path / "cheap.yaml").write_text(RECIPE, encoding="utf-8")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, module in (("nanosieve", "nanosieve"), ("dask", "dask")):
        script = commands / name
        script.write_text(f'#!/bin/bash\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n')
        script.chmod(0o755)
    return os.environ | {"PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}


def run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_bash(name: str) -> None:
    text = (BATCH / name).read_text(encoding="utf-8")
    assert text.startswith("#!/bin/bash\n")
    assert "set -euo pipefail" in text
    subprocess.run(["bash", "-n", str(BATCH / name)], check=True)
    for line in text.splitlines():  # Slurm reads its options before the first command
        if line.startswith("#SBATCH"):
            assert re.fullmatch(r"#SBATCH --[a-z-]+=\S+", line), line
    body = text.split("set -euo pipefail")[1]
    assert "#SBATCH" not in body


@pytest.mark.parametrize("name", ["events.sub", "merge.sub"])
def test_submit_descriptions_define_what_they_use(name: str) -> None:
    text = (BATCH / name).read_text(encoding="utf-8")
    found = macros(text)
    assert {"universe", "executable", "arguments", "log", "output", "error"} <= found.keys()
    given = {"Process", "Cluster", "OUT"}
    assert set(re.findall(r"\$\((\w+)\)", text)) <= found.keys() | given
    assert found["arguments"].startswith('"')
    assert found["arguments"].endswith('"')


def test_the_workflow_names_files_that_are_there() -> None:
    words = [line.split() for line in (BATCH / "events.dag").read_text().splitlines() if line[:1].isupper()]
    jobs = {line[1]: line[2] for line in words if line[0] == "JOB"}
    assert all((BATCH / file).is_file() for file in jobs.values())
    assert ["PARENT", "make", "CHILD", "merge"] in words
    given = next(line for line in words if line[:2] == ["VARS", "make"])
    names = {word.split("=")[0] for word in given[2:]}
    assert names <= macros((BATCH / "events.sub").read_text()).keys()


@pytest.mark.slow
def test_slurm_makes_and_merges(tmp_path: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("pythia8mc")
    script, out = str(BATCH / "events.sbatch"), str(tmp_path / "a.parquet")
    recipe = str(tmp_path / "cheap.yaml")
    common = {"JOBS": "2", "PROCESS": recipe, "EVENTS": "6", "OUT": out}
    for task in ("1", "2"):
        run(["bash", script], tmp_path, environment | common | {"SLURM_ARRAY_TASK_ID": task})
    run(["bash", script], tmp_path, environment | {"MERGE": "1", "OUT": out})
    whole = ["nanosieve", "events", "make", recipe, "-n", "6", "-o", "b.parquet", "--workers", "1"]
    run(whole, tmp_path, environment)
    assert Path(out).read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.slow
def test_htcondor_makes_and_merges(tmp_path: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("pythia8mc")
    submit = macros((BATCH / "events.sub").read_text(encoding="utf-8"))
    asked = {"JOBS": "2", "PROCESS": "cheap.yaml", "EVENTS": "6", "OUT": str(tmp_path / "a.parquet")}
    for process in range(2):
        values = submit | asked | {"Process": str(process), "Cluster": "1"}
        arguments = shlex.split(filled(submit["arguments"].strip('"'), values))
        run(["bash", str(BATCH / submit["executable"]), *arguments], tmp_path, environment)
    merge = macros((BATCH / "merge.sub").read_text(encoding="utf-8"))
    arguments = shlex.split(filled(merge["arguments"].strip('"'), merge | asked))
    run([merge["executable"], *arguments], tmp_path, environment)
    assert not (tmp_path / "a.parquet.parts").exists()
    shown = run(["nanosieve", "events", "show", "a.parquet", "--json"], tmp_path, environment)
    assert '"events": 6' in shown.stdout


@pytest.mark.slow
def test_a_dask_cluster_in_a_slurm_job(tmp_path: Path, environment: dict[str, str]) -> None:
    pytest.importorskip("pythia8mc")
    pytest.importorskip("distributed")
    command = f"events make {tmp_path / 'cheap.yaml'} -n 6 -o {tmp_path / 'a.parquet'} --json"
    done = run(
        ["bash", str(BATCH / "dask.sbatch")],
        tmp_path,
        environment | {"COMMAND": command, "WORKER_COUNT": "2"},
    )
    assert '"events": 6' in done.stdout
    assert not list(tmp_path.glob("scheduler-*.json"))
