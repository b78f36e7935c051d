"""A Ray cluster of several nodes on this machine, in a process of its own, which also takes its messages.

It reads commands from its standard input. ``add NAME=VALUE …`` adds a node with these variables in its environment, and
returns the number of the process that starts its workers. ``kill`` kills the last added node, and returns its process
again. When the input ends, the process ends the cluster.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.scai_irl.program import environment

SCRIPT = """
import sys
from ray.cluster_utils import Cluster

answers = sys.stdout
sys.stdout = sys.stderr
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
nodes = []

def raylet(node):
    return node.all_processes["raylet"][0].process.pid

print(cluster.address, file=answers, flush=True)
for line in sys.stdin:
    command, *words = line.split()
    if command == "add":
        nodes.append(cluster.add_node(num_cpus=1, env_vars=dict(word.split("=", 1) for word in words)))
        print(raylet(nodes[-1]), file=answers, flush=True)
    else:
        process = raylet(nodes[-1])
        cluster.remove_node(nodes.pop(), allow_graceful=False)
        print(process, file=answers, flush=True)
cluster.shutdown()
"""


class RayCluster:
    """A cluster; it begins with one node of one core.

    Args:
        process: Its process.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.address = self._line()

    def add(self, variables: Mapping[str, str] | None = None) -> int:
        """Add a node of one core with these variables; its workers are children of the returned process."""
        return self._do(" ".join(["add", *(f"{name}={value}" for name, value in (variables or {}).items())]))

    def kill(self) -> None:
        """Kill the last added node, with everything on it."""
        self._do("kill")

    def _do(self, command: str) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "the cluster ended"
        return line


@contextmanager
def ray_cluster(cwd: Path) -> Iterator[RayCluster]:
    """Start a cluster, and end it.

    Args:
        cwd: Folder of its nodes, from which they can import.
    """
    log = (cwd / "cluster.log").open("w")
    pipe = subprocess.PIPE
    variables = environment() | {"RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-c", SCRIPT]
    with (
        log,
        subprocess.Popen(command, cwd=cwd, env=variables, stdin=pipe, stdout=pipe, stderr=log, text=True) as process,
    ):
        try:
            yield RayCluster(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)
