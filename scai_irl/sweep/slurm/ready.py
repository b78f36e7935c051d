"""Wait, inside a job, until the servers or the Ray nodes that it started are ready.

The job's script runs it as ``python -m scai_irl.sweep.slurm.ready``, with the processes that must stay alive.
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from typing import Annotated, Any

import tyro
from tyro.conf import Positional, arg

from scai_irl.io.errors import InputError
from scai_irl.io.stop import told_in_one_line

_PAUSE = 2.0
_BETWEEN_LINES = 60.0
_PATIENCE = 5.0  # with one server
# A proxy of the environment must not stand between two machines of one cluster.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Servers:
    """Wait until language-model servers are healthy."""

    urls: Annotated[Positional[tuple[str, ...]], arg(help="Addresses of the servers.")]
    seconds: Annotated[float, arg(help="Longest time to wait.")] = 1_800.0
    alive: Annotated[tuple[int, ...], arg(help="Processes that must stay alive meanwhile.")] = ()

    def missing(self) -> Sequence[str]:
        """Return the servers that are not healthy yet."""
        return [url for url in self.urls if not _is_healthy(url)]


@dataclass
class Nodes:
    """Wait until a Ray cluster has its nodes."""

    address: Annotated[Positional[str], arg(help="HOST:PORT of the head.")]
    count: Annotated[int, arg(help="Nodes to wait for.")] = 1
    seconds: Annotated[float, arg(help="Longest time to wait.")] = 300.0
    alive: Annotated[tuple[int, ...], arg(help="Processes that must stay alive meanwhile.")] = ()

    def missing(self) -> Sequence[str]:
        """Return the nodes that have not joined yet, by number."""
        there = _ray_nodes(self.address)
        return [f"Ray node {number} of {self.count}" for number in range(there + 1, self.count + 1)]


def wait(missing: Callable[[], Sequence[str]], seconds: float, alive: Sequence[int], pause: float = _PAUSE) -> None:
    """Wait until nothing is missing.

    Args:
        missing: Returns the names of missing servers or nodes.
        seconds: Longest time to wait.
        alive: Processes that must stay alive meanwhile.
        pause: Seconds between checks.

    Raises:
        InputError: If something is missing after that time, or if one of the processes ends before.
    """
    started = last_line = time.monotonic()
    while names := missing():
        now = time.monotonic()
        what = f"{len(names)} not ready, the first of them {names[0]}"
        for process in alive:
            if not _is_alive(process):
                raise InputError(
                    "start", f"a process ended before all was ready ({what})", "see the other logs of this job"
                )
        if now - started > seconds:
            raise InputError("start", f"after {seconds:.0f} seconds {what}", "see the other logs of this job")
        if now - last_line > _BETWEEN_LINES:
            last_line = now
            print(f"waiting: {what} ({now - started:.0f} s)", file=sys.stderr, flush=True)
        time.sleep(pause)


def _is_healthy(url: str) -> bool:
    try:
        with _DIRECTLY.open(f"{url}/health", timeout=_PATIENCE) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _ray_nodes(address: str) -> int:
    """Count the nodes of a Ray cluster; 0 if nothing listens, since Ray would wait long and then end this process."""
    ray: Any = importlib.import_module("ray")  # an extra
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=_PATIENCE):
        if not ray.is_initialized():
            ray.init(address, logging_level=logging.ERROR, log_to_driver=False)
        return sum(bool(node["Alive"]) for node in ray.nodes())
    return 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and wait."""
    command = tyro.extras.subcommand_cli_from_dict({"servers": Servers, "nodes": Nodes}, args=arguments)
    told_in_one_line(lambda: wait(command.missing, command.seconds, command.alive))


if __name__ == "__main__":
    main()
