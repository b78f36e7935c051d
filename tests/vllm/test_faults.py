"""A real vLLM server that is killed during an experiment: its answers are stored, and not requested again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from contextlib import closing
from pathlib import Path

from scai_irl.backends.vllm.serving import RunningServer, ServerOptions, running_server
from scai_irl.lm.cache import CALLS, CallStore
from tests.scai_irl.loop.test_language_model import COSTS, contents
from tests.scai_irl.program import PROGRAM, environment
from tests.vllm.processes import group

RUN = ("run", "one-group-norm", "--runs", "4", "--epochs", "3", "--group", "5v5", "--users", "fair", "--seed", "4")
MODEL = ("--agents", "thompson", "scai", "--users-by", "model", "--max-tokens", "60", "--concurrency", "4")
ENOUGH = 40  # calls, of several hundred


def started(server: RunningServer, out: Path) -> subprocess.Popen[str]:
    """Start an experiment, in a process of its own."""
    command = [str(PROGRAM), *RUN, *MODEL, "--attempts", "2", "--pause", "0.1"]
    command += ["--backend", "vllm-server", "--url", server.url, "--out", str(out)]
    variables = environment() | {"SCAI_IRL_API_KEY": server.api_key}
    return subprocess.Popen(command, env=variables, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finished(server: RunningServer, out: Path) -> None:
    """Run an experiment to its end."""
    process = started(server, out)
    _, output = process.communicate(timeout=300)
    assert process.returncode == 0, output


def recorded_calls(out: Path) -> int:
    """Calls that are in the record."""
    with closing(CallStore(out / CALLS, read_only=True)) as store:
        return len(store.table())


def answered(server: RunningServer) -> int:
    """Requests that a server says it has answered."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as page:  # noqa: S310 - an http address of our own
        lines = page.read().decode().splitlines()
    return round(sum(float(line.split()[-1]) for line in lines if line.startswith("vllm:request_success_total")))


def test_an_experiment_whose_server_was_killed_goes_on_where_it_was(
    server: RunningServer, server_options: ServerOptions, tmp_path: Path
) -> None:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    before = answered(server)
    finished(server, whole)
    calls = answered(server) - before
    assert recorded_calls(whole) == calls > 2 * ENOUGH

    with running_server(server_options, log=tmp_path / "killed.log") as mortal:
        process = started(mortal, torn)
        while answered(mortal) < ENOUGH and process.poll() is None:
            time.sleep(0.02)
        for pid in group(mortal.pid):
            os.kill(pid, signal.SIGKILL)
        _, output = process.communicate(timeout=60)
    assert process.returncode == 2, output
    assert output.strip().splitlines()[-1].startswith("error: ")
    assert "the same command again" in output
    left = recorded_calls(torn)
    assert ENOUGH - 4 <= left < calls  # up to 4 may have been in flight

    before = answered(server)
    finished(server, torn)
    assert answered(server) - before == calls - left
    assert contents(torn, *COSTS) == contents(whole, *COSTS)
