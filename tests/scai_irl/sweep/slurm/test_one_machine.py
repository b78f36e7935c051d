"""Real jobs on a real Slurm, all of it on this machine: arrays, cancellation, preemption, Ray and servers."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

import scai_irl
from scai_irl.cli.main import main
from scai_irl.sweep.slurm.job import Job, Served, job_script
from tests.scai_irl.program import assert_equal_results
from tests.scai_irl.sweep.slurm.conftest import CELLS, SWEEP
from tests.scai_irl.sweep.slurm.one_machine import SECOND, Slurm
from tests.scai_irl.sweep.slurm.stand_in import REPORT, make_stand_in

pytestmark = pytest.mark.slow

PATIENCE = 300.0
_OF_THE_RUN = ["seconds", "worker"]  # of a cell: what differs from one run to the next

HOSTS = """
import os, jax
from jax.experimental.multihost_utils import process_allgather
from envs.devices import join_hosts
join_hosts()
known = process_allgather(jax.numpy.array(jax.process_index())).tolist()
taken = jax.config.values["jax_cuda_visible_devices"]
print(jax.process_index(), jax.process_count(), jax.device_count(), known, taken)
"""

Submit = Callable[..., str]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sweep by the local engine, not to be written to."""
    folder = tmp_path_factory.mktemp("expected")
    (folder / "sweep.toml").write_text(SWEEP)
    main(["sweep", str(folder / "sweep.toml"), "--workers", "1", "--out", str(folder / "out")])
    return folder / "out"


@pytest.fixture
def submit(
    slurm: Slurm, sweep_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Submit:
    """Function that submits the sweep, into the folder ``out`` next to its file, and returns the job's number."""
    monkeypatch.setenv("SLURM_CONF", str(slurm.configuration))

    def submitted(*words: str) -> str:
        capsys.readouterr()
        main(["slurm", str(sweep_file), "--out", str(sweep_file.parent / "out"), *words, "--submit"])
        return capsys.readouterr().out.strip()

    return submitted


@pytest.fixture
def no_traces() -> Iterator[None]:
    """Remove the folders of Ray's logs."""
    before = set(Path("/tmp").glob("ray-*"))  # noqa: S108 - where the script puts them
    yield
    for folder in set(Path("/tmp").glob("ray-*")) - before:  # noqa: S108
        shutil.rmtree(folder, ignore_errors=True)


def assert_equal_sweeps(one: Path, other: Path) -> None:
    """Check that two sweeps have equal results, in every cell and in their tables."""
    left, right = (scai_irl.load(folder) for folder in (one, other))
    assert left.manifest.status == right.manifest.status == "finished"
    for name in ("summary", "findings"):
        pd.testing.assert_frame_equal(left.tables[name], right.tables[name])
    cells, expected = (results.tables["cells"].drop(columns=_OF_THE_RUN) for results in (left, right))
    pd.testing.assert_frame_equal(cells, expected)
    assert len(cells) == cells["name"].nunique() == CELLS
    for name in cells["name"]:
        # A cell that was stopped during its clean-up is complete, and still has its epochs next to its tables.
        shutil.rmtree(one / "cells" / name / "epochs", ignore_errors=True)
        assert_equal_results(one / "cells" / name, other / "cells" / name)


def finished(out: Path) -> dict[str, bytes]:
    """Manifests of the finished cells, as bytes."""
    manifests = {file.parent.name: file.read_bytes() for file in out.glob("cells/*/manifest.json")}
    return {name: manifest for name, manifest in manifests.items() if json.loads(manifest)["status"] == "finished"}


def await_some_cells(out: Path) -> dict[str, bytes]:
    """Wait until the sweep is under way: some cells have finished, and many have not."""
    deadline = time.monotonic() + PATIENCE
    while len(finished(out)) < 3:
        assert time.monotonic() < deadline, "no cell ever finished"
        time.sleep(0.05)
    return finished(out)


def commands() -> list[str]:
    """Command lines of all processes."""
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            lines.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return lines


def log_of(out: Path) -> str:
    return "\n".join(f"{file.name}:\n{file.read_text()}" for file in sorted(out.glob("slurm-*.out")))


def test_an_array_finishes_a_sweep(slurm: Slurm, submit: Submit, sweep_file: Path, expected: Path) -> None:
    out = sweep_file.parent / "out"
    job = submit("--array", "2", "--time", "00:10:00", "--partition", "one")
    slurm.await_states(job, ["COMPLETED"], PATIENCE)
    assert len(slurm.states(job)) == 2
    assert {file.name for file in out.glob("slurm-*.out")} == {f"slurm-{job}_{task}.out" for task in range(2)}
    assert_equal_sweeps(out, expected)


def test_a_cancelled_array_that_is_submitted_again_goes_on(
    slurm: Slurm, submit: Submit, sweep_file: Path, expected: Path
) -> None:
    out = sweep_file.parent / "out"
    job = submit("--array", "2")
    await_some_cells(out)
    slurm.ask("scancel", job)
    slurm.await_states(job, ["CANCELLED"], PATIENCE)
    before = finished(out)
    assert 3 <= len(before) < CELLS
    slurm.await_states(submit("--array", "2"), ["COMPLETED"], PATIENCE)
    after = finished(out)
    assert {name: after[name] for name in before} == before  # none of them was repeated
    assert_equal_sweeps(out, expected)


def test_a_preempted_job_is_requeued_and_goes_on(
    slurm: Slurm, submit: Submit, sweep_file: Path, expected: Path
) -> None:
    out = sweep_file.parent / "out"
    job = submit("--array", "1", "--cpus-per-node", "2")
    await_some_cells(out)
    urgent = slurm.ask(
        "sbatch", "--parsable", "--partition=urgent", "--cpus-per-task=2", "--output=/dev/null", "--wrap=sleep 1"
    )
    slurm.await_states(urgent, ["COMPLETED"], PATIENCE)
    before = finished(out)
    assert 3 <= len(before) < CELLS
    slurm.await_states(job, ["COMPLETED"], PATIENCE)
    assert "Restarts=1" in slurm.ask("scontrol", "show", "job", job).split()
    after = finished(out)
    assert {name: after[name] for name in before} == before
    assert_equal_sweeps(out, expected)


@pytest.mark.usefixtures("no_traces")
def test_a_ray_cluster_in_one_job_that_is_cancelled_and_submitted_again_finishes_a_sweep(
    slurm: Slurm, submit: Submit, sweep_file: Path, expected: Path
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    out, words = sweep_file.parent / "out", ("--nodes", "1", "--cpus-per-node", "2")
    job = submit(*words)
    await_some_cells(out)
    slurm.ask("scancel", job)
    slurm.await_states(job, ["CANCELLED"], PATIENCE)
    await_end(job, str(out))
    before = finished(out)
    assert 3 <= len(before) < CELLS
    again = submit(*words)
    slurm.await_states(again, ["COMPLETED", "FAILED"], PATIENCE)
    assert slurm.states(again) == ["COMPLETED"], log_of(out)
    after = finished(out)
    assert {name: after[name] for name in before} == before
    assert_equal_sweeps(out, expected)
    assert traces(again, str(out)) == []


@pytest.fixture
def taken(slurm: Slurm) -> Iterator[None]:
    """Have another job hold the first GPU of each node."""
    one = ("--nodes=2", "--ntasks-per-node=1", "--gpus-per-node=1", "--output=/dev/null", "--wrap=sleep 600")
    job = slurm.ask("sbatch", "--parsable", "--partition=two", *one)
    slurm.await_states(job, ["RUNNING"], PATIENCE)
    yield
    slurm.ask("scancel", job)


@pytest.mark.usefixtures("no_traces", "taken")
def test_ray_and_servers_are_on_every_node_of_a_job(slurm: Slurm, tmp_path: Path) -> None:
    """Steps get no variable of their job's environment, and its proxy is dead."""
    pytest.importorskip("ray", reason="Ray is not installed")
    out = tmp_path / "the results"
    out.mkdir()
    unkind = "export SLURM_EXPORT_ENV=NONE HTTP_PROXY=http://127.0.0.1:9 http_proxy=http://127.0.0.1:9"
    job = Job(
        sweep=tmp_path / "sweep.toml",
        out=out,
        folder=tmp_path,
        environment=f"{make_stand_in(tmp_path / 'programs')}\n{unkind}",
        nodes=2,
        cpus=1,
        gpus=4,
        cells=1_000,
        served=Served("some/model", tensor_parallel=2, copies=2),
        partition="two",
    )
    script = tmp_path / "job.sh"
    script.write_text(job_script(job))
    number = slurm.ask("sbatch", "--parsable", str(script))
    slurm.await_states(number, ["COMPLETED", "FAILED"], PATIENCE)
    assert slurm.states(number) == ["COMPLETED"], log_of(out)
    report = json.loads((out / REPORT).read_text())
    port = int(report["words"][report["words"].index("--address") + 1].rpartition(":")[2])
    urls, concurrency, timeout = report["words"][report["words"].index("--set") + 1 :]
    assert json.loads(urls.removeprefix("url=")) == report["healthy"]
    nodes = sorted({url.rpartition(":")[0] for url in report["healthy"]})
    assert nodes == sorted(f"http://{name}" for name in (socket.gethostname(), SECOND))
    assert [int(url.rpartition(":")[2]) - port for url in report["healthy"]] == [2, 3, 2, 3]
    assert (concurrency, timeout) == ("concurrency=512", "timeout=600")  # 1,024, divided between two cells at a time
    # Both nodes are one machine, so each copy has one log.
    words = "--host 0.0.0.0 --public --port {} --tensor-parallel 2 GPUs={}"
    for copy, gpus in enumerate(("1,2", "3,4")):
        (log,) = out.glob(f"slurm-{number}-server-*-{copy}.out")
        printed_by_servers = [line for line in log.read_text().splitlines() if line.startswith("--host")]
        assert printed_by_servers == [words.format(port + 2 + copy, gpus)] * 2
    assert (report["nodes"], report["cpus"]) == (2, 2)
    assert report["worker"]["SCAI_IRL_API_KEY"] == report["variables"]["SCAI_IRL_API_KEY"]
    assert len(report["variables"]["RAY_AUTH_TOKEN"]) >= 43
    assert report["variables"]["JAX_PLATFORMS"] == "cpu"
    assert report["leaks"] == []
    assert traces(number, str(tmp_path)) == []


def await_end(number: str, folder: str) -> None:
    """Wait until no process of a job runs. Slurm calls it cancelled already when it is told to stop."""
    deadline = time.monotonic() + PATIENCE
    while left := [command for command in commands() if f"ray-{number}" in command or folder in command]:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def traces(number: str, folder: str) -> list[str]:
    """Traces of a job: processes, and files of Ray."""
    left = [command for command in commands() if f"ray-{number}" in command or folder in command]
    return left + [str(file) for file in Path("/tmp").glob(f"ray-{number}")]  # noqa: S108 - where the script puts it


def test_a_server_that_does_not_start_ends_the_job_at_once(slurm: Slurm, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "scai-irl").write_text("#!/bin/sh\necho no GPU here >&2\nexit 2\n")
    (programs / "scai-irl").chmod(0o755)
    environment = f"export PATH={programs}:{Path(sys.executable).parent}:$PATH"
    job = Job(tmp_path / "sweep.toml", tmp_path, tmp_path, environment, nodes=2, served=Served("m"), partition="two")
    script = tmp_path / "job.sh"
    script.write_text(job_script(job))
    number = slurm.ask("sbatch", "--parsable", str(script))
    slurm.await_states(number, ["COMPLETED", "FAILED"], 60)
    assert slurm.states(number) == ["FAILED"]
    output = (tmp_path / f"slurm-{number}.out").read_text()
    assert "error: start: a process ended before all was ready (2 not ready" in output
    (log,) = tmp_path.glob(f"slurm-{number}-server-*-0.out")  # of both nodes, which are one machine
    assert log.read_text() == "no GPU here\n" * 2


@pytest.mark.parametrize(
    ("bound", "taken"),
    [(["--gpus-per-node=2"], ["0", "1"]), (["--gpus-per-task=1"], ["0", "0"])],
    ids=["all see all GPUs", "each sees its own"],
)
def test_tasks_of_a_step_find_each_other_and_their_gpus(bound: list[str], taken: list[str], slurm: Slurm) -> None:
    words = ["srun", "--partition=one", "--ntasks=2", "--cpus-per-task=1", *bound]
    output = slurm.ask(*words, sys.executable, "-c", HOSTS, seconds=PATIENCE)
    lines = sorted(
        line for line in output.splitlines() if not line.startswith("[Gloo]")
    )  # the library for collectives prints messages, too
    assert lines == [f"{number} 2 2 [0, 1] {gpu}" for number, gpu in enumerate(taken)]
