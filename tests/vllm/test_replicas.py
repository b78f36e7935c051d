"""Two real vLLM servers of one model, one of which is killed: the numbers are those of one server alone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

from scai_irl.backends.vllm.serving import RunningServer, ServerOptions, running_server
from scai_irl.results.results import load
from tests.scai_irl.loop.test_language_model import COSTS, contents
from tests.scai_irl.program import PROGRAM, environment
from tests.vllm.processes import group
from tests.vllm.test_faults import ENOUGH, MODEL, RUN, answered, recorded_calls


def started(servers: list[RunningServer], out: Path) -> subprocess.Popen[str]:
    """Start an experiment, in a process of its own."""
    command = [str(PROGRAM), *RUN, *MODEL, "--pause", "0.1", "--backend", "vllm-server", "--out", str(out)]
    command += ["--url", *(server.url for server in servers)]
    variables = environment() | {"SCAI_IRL_API_KEY": servers[0].api_key}
    return subprocess.Popen(command, env=variables, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def answered_in_all(server: RunningServer) -> int:
    """Stop a server's engine and return its number of answers, which a running engine changes while it is read."""
    for pid in set(group(server.pid)) - {server.pid}:
        os.kill(pid, signal.SIGSTOP)
    counts = [-1, answered(server)]
    while counts[-1] != counts[-2]:  # earlier output of the engine may still be in flight
        time.sleep(0.5)
        counts.append(answered(server))
    return counts[-1]


def test_an_experiment_goes_on_with_the_server_that_is_left_and_ends_with_the_same_numbers(
    server: RunningServer, server_options: ServerOptions, tmp_path: Path
) -> None:
    alone, torn = tmp_path / "alone", tmp_path / "torn"
    process = started([server], alone)
    _, output = process.communicate(timeout=300)
    assert process.returncode == 0, output

    options = replace(server_options, api_key=server.api_key)
    with running_server(options, log=tmp_path / "killed.log") as mortal:
        before = answered(server)
        process = started([mortal, server], torn)
        while answered(mortal) < ENOUGH and process.poll() is None:
            time.sleep(0.02)
        by_mortal = answered_in_all(mortal)
        for pid in group(mortal.pid):
            os.kill(pid, signal.SIGKILL)
        _, output = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert contents(torn, *COSTS) == contents(alone, *COSTS)

    manifest = load(torn).manifest
    assert manifest.service["replicas taken out"] == 1
    assert "replicas taken back" not in manifest.service
    assert manifest.service["asked again: connection lost"] <= 2 * 4 * 1.25 + 1  # requests in flight
    assert recorded_calls(torn) == recorded_calls(alone)
    # Both answered a part, and no answered request was repeated.
    by_other = answered(server) - before
    assert by_mortal >= ENOUGH
    assert recorded_calls(torn) - by_mortal - 4 * 2 <= by_other <= recorded_calls(torn) - by_mortal + 4 * 2
