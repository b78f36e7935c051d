"""Sweeps on Ray give the local engine's numbers even if nodes die, and name the faults of a cluster."""

from __future__ import annotations

import http.server
import importlib.metadata
import importlib.util
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scai_irl import load
from scai_irl.io.errors import InputError
from scai_irl.sweep.address import found_address
from scai_irl.sweep.engines import make_engine
from scai_irl.sweep.nodes import what_it_lacks
from scai_irl.sweep.run_sweep import run_sweep
from scai_irl.sweep.sweep_definition import Resources, read_sweep
from scai_irl.sweep.sweep_folder import has_finished
from scai_irl.sweep.worker_settings import WorkerSettings
from tests.scai_irl.program import start
from tests.scai_irl.sweep.ray_cluster import ray_cluster
from tests.scai_irl.sweep.sweeping import assert_equal_tables, run, worked_on, write

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra cluster)")
PATIENCE = 180.0


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert process.poll() is None, "the sweep ended before"
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def finished(folder: Path) -> set[str]:
    """Finished cells that were reported."""
    return {file.stem for file in folder.glob("outcomes/*.json")}


@needs_ray
@pytest.mark.slow
def test_a_ray_of_its_own_gives_the_numbers_of_the_local_engine(tiny: Path) -> None:
    file = write(tiny, settings='fault = "passing once"')
    done = run("--engine", "ray", "--workers", "2", "--out", "ray", cwd=tiny)
    assert done.returncode == 0, done.stderr
    assert "12 cells finished" in done.stdout
    assert "raylet" not in done.stdout + done.stderr
    run_sweep(read_sweep(file), tiny / "local", workers=1)
    assert_equal_tables(tiny / "ray", tiny / "local")
    assert set(load(tiny / "ray").summary["threads"]) == {"1"}


@needs_ray
@pytest.mark.slow
def test_with_a_node_killed_half_way_all_cells_are_there_once_with_equal_numbers(tiny: Path) -> None:
    file = write(tiny, seeds=34)
    with ray_cluster(tiny) as cluster:
        node = cluster.add()
        sweep = start("sweep", "sweep.toml", "--engine", "ray", "--address", cluster.address, "--out", "ray", cwd=tiny)
        wait_until(lambda: len(finished(tiny / "ray")) >= 102, sweep)
        there = {worker for worker in workers(tiny / "ray") if parent(worker) == node}
        assert len(there) < len(workers(tiny / "ray"))  # the other node worked, too
        cluster.kill()
        assert len(finished(tiny / "ray")) < 204
        assert sweep.wait(PATIENCE) == 0
    cells = load(tiny / "ray").cells
    assert len(cells) == len(set(cells["name"])) == 204
    assert (cells["status"] == "finished").all()
    assert not any(is_running(worker) for worker in there)
    died = cells["worker"].str.rpartition(":")[2].isin(there)
    assert died.any()  # the killed node had worked, and its finished cells stay
    assert not died.all()
    counted = worked_on(tiny)
    assert len(counted) == 204
    assert sum(counted.values()) <= 206  # the node's last cell is computed again
    run_sweep(read_sweep(file), tiny / "local", workers=1)
    assert_equal_tables(tiny / "ray", tiny / "local")


@pytest.mark.slow
@pytest.mark.parametrize("engine", [pytest.param("ray", marks=needs_ray), "local"])
def test_with_the_driver_killed_and_started_again_no_finished_cell_is_repeated(engine: str, tiny: Path) -> None:
    kill_and_go_on(tiny, (6, 18), "--engine", engine, "--workers", "2")


@needs_ray
@pytest.mark.slow
def test_with_the_driver_killed_and_the_cluster_left_no_finished_cell_is_repeated(tiny: Path) -> None:
    with ray_cluster(tiny) as cluster:
        cluster.add()
        kill_and_go_on(tiny, (12,), "--engine", "ray", "--address", cluster.address)


def kill_and_go_on(folder: Path, when: Sequence[int], *words: str) -> None:
    """Kill a sweep on two cores at several numbers of finished cells, then let it end."""
    file = write(folder, seeds=6, settings="seconds = 0.2")
    swept = folder / "swept"
    before: dict[str, int] = {}
    for done in when:
        sweep = start("sweep", "sweep.toml", *words, "--out", "swept", cwd=folder)
        wait_until(lambda done=done: len(finished(swept)) >= done, sweep)  # type: ignore[misc]
        sweep.send_signal(signal.SIGKILL)
        assert sweep.wait() == -signal.SIGKILL
        assert_nobody_works_on(swept)
        now = computed(folder)
        assert before.items() <= now.items()
        assert done <= len(now) < 36
        before = now
    last = run(*words, "--out", "swept", cwd=folder)
    assert last.returncode == 0, last.stderr
    now = computed(folder)
    assert before.items() <= now.items()
    assert len(now) == 36
    assert sum(now.values()) <= 36 + 2 * len(when)  # two at a time
    run_sweep(read_sweep(file), folder / "whole", workers=1)
    assert_equal_tables(swept, folder / "whole")


def computed(folder: Path) -> dict[str, int]:
    """How often each cell with complete results was computed, reported or not."""
    names = [cell.name for cell in folder.glob("swept/cells/*") if has_finished(folder / "swept", cell.name)]
    lines = worked_on(folder)
    return {name: lines[" ".join(pair.split("=")[1] for pair in name.split(","))] for name in names}


def workers(folder: Path) -> set[str]:
    """Names of the workers that finished a cell."""
    names = [json.loads(file.read_text(encoding="utf-8"))["worker"] for file in folder.glob("outcomes/*.json")]
    return {worker.rpartition(":")[2] for worker in names}


def assert_nobody_works_on(folder: Path) -> None:
    """Check that workers end when the process that started them was killed."""
    deadline = time.monotonic() + 30
    while any(is_running(worker) for worker in workers(folder)):
        assert time.monotonic() < deadline, "a worker outlives its sweep"
        time.sleep(0.1)


def is_running(process: str) -> bool:
    """Whether a process runs; a zombie does not."""
    return state(process)[0] not in ("", "Z")


def parent(process: str) -> int:
    """Number of a process's parent; 0 if it has ended."""
    return int(state(process)[1])


def state(process: str) -> tuple[str, str]:
    """Letter of a process's state, and its parent; nothing and 0 if it has ended."""
    try:
        letter, above = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:2]
    except OSError:
        return "", "0"
    return letter, above


WITHOUT = """
import sys
from pathlib import Path
sys.path = [place for place in sys.path if not (Path(place) / "scai_irl").is_dir()]
"""
"""Start-up code that hides this project from Python."""


@needs_ray
@pytest.mark.slow
def test_a_cluster_where_cells_would_fail_is_refused_and_the_node_named(tiny: Path, tmp_path: Path) -> None:
    write(tiny, seeds=1)
    old, none = tmp_path / "old", tmp_path / "none"
    metadata = old / "scai_irl-0.0.1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: scai-irl\nVersion: 0.0.1\n", encoding="utf-8")
    none.mkdir()
    (none / "sitecustomize.py").write_text(WITHOUT, encoding="utf-8")
    version = importlib.metadata.version("scai-irl")
    with ray_cluster(tiny) as cluster:
        words = ["--engine", "ray", "--address", cluster.address, "--out", "swept"]
        for folder, problem in ((old, f"it has scai-irl 0.0.1, not {version}"), (none, "it has no scai-irl")):
            cluster.add({"PYTHONPATH": f"{folder}{os.pathsep}{os.environ['PYTHONPATH']}"})
            done = run(*words, cwd=tiny)
            assert done.returncode == 2
            (line,) = done.stderr.splitlines()
            assert line.startswith("error: node ")
            assert problem in line
            assert not worked_on(tiny)
            cluster.kill()
        (tiny / "sweep.toml").write_text((tiny / "sweep.toml").read_text() + "[resources]\ngpus = 1\n")
        done = run(*words, cwd=tiny)
        assert "resources: no node has 1 cores and 1 GPUs; ask for at most 1 and 0" in done.stderr


def test_what_a_node_lacks_is_reported() -> None:
    wanted = {"scai-irl": "1.0", "jax": "2.0"}
    good = {"host": "there", "module": "yes", "file": "yes", **wanted}
    assert what_it_lacks(good, wanted, Path("out")) is None
    for change, problem in (
        ({"module": ""}, "it has no scai-irl"),
        ({"scai-irl": ""}, "it has no scai-irl"),
        ({"scai-irl": "0.9"}, "it has scai-irl 0.9, not 1.0"),
        ({"jax": ""}, "it has jax (none), not 2.0"),
        ({"file": ""}, "it does not see out"),
    ):
        lack = what_it_lacks({**good, **change}, wanted, Path("out"))
        assert lack is not None
        assert lack[0] == problem


@needs_ray
def test_an_address_where_no_cluster_answers_is_refused_at_once(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tiny)
    done = run("--engine", "ray", "--address", "127.0.0.1:1", "--out", "swept", cwd=tiny)
    assert done.returncode == 2
    assert done.stderr.startswith("error: address: there is no answer at 127.0.0.1:1 ")
    assert not (tiny / "swept").exists()
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        other = f"127.0.0.1:{server.server_port}"
        with pytest.raises(InputError, match=f"the program at {other} is not a Ray cluster"):
            found_address(other)
        monkeypatch.setenv("RAY_ADDRESS", other)
        with pytest.raises(InputError, match=f"the program at {other} is not a Ray cluster"):
            found_address("auto")
        server.shutdown()
    for address in ("head", "head:", ":1", "head:0", "head:99999", "ray://head:10001"):
        with pytest.raises(InputError, match="give HOST:PORT of the cluster's head, or auto"):
            found_address(address)


def test_without_ray_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"engine: Ray is not installed; pip install 'scai-irl\[cluster\]'"):
        make_engine("ray", WorkerSettings(Path("out"), Resources())).check()
