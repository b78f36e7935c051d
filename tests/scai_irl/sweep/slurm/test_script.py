"""Scripts of jobs: their options for Slurm, and the commands they run, with a program in place of ``scai-irl``."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from scai_irl.sweep.slurm.job import Job, Served, job_script, sbatch_options
from tests.scai_irl.sweep.slurm.stand_in import REPORT, STATUS, STOPPED, WAIT, WAITING, make_stand_in

NASTY = "it's a $HOME; `touch oops` & 100% \\ \N{SNOWMAN}"
PLAIN = Job(Path("/home/me/sweep.toml"), Path("/home/me/out"), Path("/home/me"), ":")
SHAPES = {
    "array": dataclasses.replace(PLAIN, array=3, cpus=2, workers=2),
    "one node": PLAIN,
    "one node with a server": dataclasses.replace(PLAIN, served=Served("m")),
    "nodes": dataclasses.replace(PLAIN, nodes=4, cpus=16),
    "servers": dataclasses.replace(PLAIN, nodes=4, gpus=8, served=Served("Qwen/Qwen3-8B", 2, 4, ("--dtype", "a b"))),
}


@pytest.fixture
def array(tmp_path: Path) -> Job:
    """An array with nasty names, and a stand-in for its program."""
    folder = tmp_path / NASTY
    folder.mkdir()
    (folder / "out").mkdir()
    environment = make_stand_in(tmp_path / "programs")
    return Job(folder / "s w.toml", folder / "out", folder, environment, array=3, cpus=2, workers=2)


def started(job: Job, folder: Path, **variables: str) -> subprocess.Popen[bytes]:
    """Start the script of a job, as Slurm does."""
    script = folder / "job.sh"
    script.write_text(job_script(job))
    environment = os.environ | {"SLURM_ARRAY_TASK_ID": "1", "SLURM_JOB_ID": "12"} | variables
    return subprocess.Popen(["bash", script], cwd=folder, env=environment, start_new_session=True)


def report_of(job: Job) -> dict[str, Any]:
    """Report of the stand-in about how it was called."""
    report: dict[str, Any] = json.loads((job.out / REPORT).read_text())
    return report


@pytest.mark.parametrize("shape", SHAPES)
def test_bash_can_read_the_script(shape: str) -> None:
    script = job_script(SHAPES[shape])
    read = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    assert script.startswith("#!/bin/bash\n")
    assert "  \n" not in script
    assert all(len(line) < 150 for line in script.splitlines())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_linter_finds_nothing_in_the_script(shape: str) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("there is no shellcheck here: apt-get install shellcheck")
    checked = subprocess.run(
        ["shellcheck", "-"], input=job_script(SHAPES[shape]), capture_output=True, text=True, check=False
    )
    assert checked.stdout == ""


def test_all_options_of_slurm_come_before_the_first_command() -> None:
    job = dataclasses.replace(
        SHAPES["servers"], seconds=5400, partition="h200", account="lab", extra=('--constraint="a&b"',)
    )
    lines = job_script(job).splitlines()
    first = next(place for place, line in enumerate(lines) if not line.startswith("#"))
    options = [line.removeprefix("#SBATCH ") for line in lines[:first] if line.startswith("#SBATCH ")]
    assert options == sbatch_options(job)
    assert sum(line.startswith("#SBATCH") for line in lines) == len(options)
    wanted = {"--nodes=4", "--gpus-per-node=8", "--exclusive", "--requeue", "--time=0-01:30:00", "--partition=h200"}
    assert wanted | {"--account=lab", "--signal=B:TERM@60", '--constraint="a&b"'} <= set(options)
    assert "--array" not in "".join(options)


def test_an_array_asks_for_what_a_task_needs() -> None:
    options = sbatch_options(dataclasses.replace(SHAPES["array"], gpus=1))
    assert {"--array=0-2", "--nodes=1", "--cpus-per-task=2", "--gpus-per-node=1"} <= set(options)
    assert not {"--exclusive", "--mem=0"} & set(options)
    assert "--output=/home/me/out/slurm-%A_%a.out" in options


def test_the_log_of_a_folder_with_a_space_and_a_per_cent_sign_is_there() -> None:
    options = sbatch_options(dataclasses.replace(PLAIN, out=Path("/home/me/100 %")))
    assert '--output="/home/me/100 %%/slurm-%j.out"' in options


def test_no_key_stands_in_a_script() -> None:
    script = job_script(SHAPES["servers"])
    for variable in ("SCAI_IRL_API_KEY", "RAY_AUTH_TOKEN"):
        uses = [line.strip() for line in script.splitlines() if variable in line]
        assert f"{variable}=$(secret)" in uses
        assert all(line.startswith(("export ", f"{variable}=$(secret)")) for line in uses)


def test_a_task_works_on_its_part_whatever_the_names(array: Job, tmp_path: Path) -> None:
    array = dataclasses.replace(array, variables={"SCAI_IRL_VLLM_PYTHON": NASTY})
    assert started(array, tmp_path).wait(30) == 0
    report = report_of(array)
    sweep = ["sweep", str(array.sweep), "--engine", "local", "--workers", "2", "--part", "1/3", "--out", str(array.out)]
    assert report["words"] == sweep
    assert report["folder"] == str(array.folder)
    assert report["variables"]["SCAI_IRL_VLLM_PYTHON"] == NASTY
    assert not list(tmp_path.rglob("oops"))


@pytest.mark.parametrize("status", [0, 1, 2])
def test_a_job_ends_as_its_sweep_does(status: int, array: Job, tmp_path: Path) -> None:
    assert started(array, tmp_path, **{STATUS: str(status)}).wait(30) == status


def test_a_job_that_must_stop_stops_its_sweep_and_stays_to_be_requeued(array: Job, tmp_path: Path) -> None:
    job = started(array, tmp_path, **{WAIT: "1"})
    try:
        await_file(array.out / WAITING)
        os.kill(job.pid, signal.SIGTERM)  # only to the shell, as with --signal=B:
        await_file(array.out / STOPPED)
        with pytest.raises(subprocess.TimeoutExpired):
            job.wait(1)
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()


def test_an_environment_without_the_program_is_reported(array: Job, tmp_path: Path) -> None:
    job = dataclasses.replace(array, environment="PATH=/usr/bin:/bin")
    (tmp_path / "job.sh").write_text(job_script(job))
    done = subprocess.run(["bash", tmp_path / "job.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: environment: there is no scai-irl on ")


def await_file(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline, f"{file.name} never came"
        time.sleep(0.02)
