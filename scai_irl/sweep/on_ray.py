"""The engine of clusters: every cell is a Ray task. Ray chooses its node, and repeats it if the node dies.

Without an address, Ray starts on this machine for this sweep only, and other machines cannot reach it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from scai_irl.io.errors import InputError
from scai_irl.sweep.address import found_address
from scai_irl.sweep.nodes import check_nodes
from scai_irl.sweep.sweep_folder import Outcome
from scai_irl.sweep.watch import SECONDS, ClusterWatch
from scai_irl.sweep.work import Task, Work, work_patiently
from scai_irl.sweep.worker_settings import WorkerSettings, environment, usable_cores, worker_environment

STORE = 100 * 1024 * 1024
"""Bytes for objects in a Ray that this process starts: cells and outcomes are small."""

_FEWEST_IN_FLIGHT = 16
_AHEAD = 2  # cells sent ahead for each running one, so that no node waits
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # spares a warning; cells without a GPU are told by our own variables
}


class OnRay:
    """Engine that runs cells as tasks of Ray.

    Args:
        settings: Settings of the engine.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings

    def check(self) -> None:
        """Check that Ray is installed, and that the cluster answers.

        Raises:
            InputError: If one of these is wrong.
        """
        if importlib.util.find_spec("ray") is None:
            hint = "pip install 'scai-irl[cluster]', or use the local engine"
            raise InputError("engine", "Ray is not installed", hint)
        if self._settings.address is not None:
            found_address(self._settings.address)

    def outcomes(self, work: Work, tasks: Sequence[Task]) -> Generator[Outcome]:
        """Work on cells, see `scai_irl.sweep.engines.Engine`."""
        resources = self._settings.resources
        with _connected(self._settings) as ray:
            check_nodes(ray, self._settings.folder, resources)
            watch = ClusterWatch(ray, self._settings)
            cell = ray.remote(work_patiently).options(
                num_cpus=resources.cpus,
                num_gpus=resources.gpus,
                max_retries=resources.retries,  # of nodes and workers that die; Ray would try a disk again at once
            )
            waiting = iter(tasks)
            running: dict[Any, Task] = {}
            while True:
                for task in islice(waiting, max(0, self._most_in_flight(ray) - len(running))):
                    running[cell.remote(work, resources.retries, task)] = task
                if not running:
                    return
                while not ray.wait(list(running), num_returns=1, timeout=SECONDS)[0]:
                    watch.look(len(running))
                for done in ray.wait(list(running), num_returns=len(running), timeout=0)[0]:
                    yield _outcome(ray, done, running.pop(done))

    def _most_in_flight(self, ray: Any) -> int:
        """Return the most cells to give to Ray at a time; the number of nodes of a cluster may change."""
        if self._settings.workers is not None and self._settings.address is not None:
            return self._settings.workers
        room = int(ray.cluster_resources().get("CPU", 0.0) // self._settings.resources.cpus)
        return max(_FEWEST_IN_FLIGHT, _AHEAD * room)


def _outcome(ray: Any, done: Any, task: Task) -> Outcome:
    """Return the outcome of a cell, also if Ray gave it up."""
    try:
        outcome: Outcome = ray.get(done)
    except ray.exceptions.RayError as problem:
        cause = getattr(problem, "cause", None) or problem
        message = next((line for line in str(cause).splitlines() if line.strip()), "")
        return Outcome(task.cell.name, "failed", error=f"{type(cause).__name__}: {message}")
    return outcome


@contextlib.contextmanager
def _connected(settings: WorkerSettings) -> Iterator[Any]:
    """Connect to Ray, and disconnect at the end of the block.

    Yields:
        The module. It is imported here, since the import takes a second and Ray is optional.
    """
    with environment(_QUIET):
        ray: Any = importlib.import_module("ray")
        arguments: dict[str, Any] = {
            "runtime_env": {"env_vars": worker_environment(settings.resources)},
            "log_to_driver": False,
            "logging_level": logging.CRITICAL,
            "configure_logging": True,
        }
        if settings.address is None:
            arguments |= {
                "address": "local",
                "include_dashboard": False,
                "object_store_memory": STORE,
                "_node_ip_address": "127.0.0.1",
            }
            arguments["num_cpus"] = settings.workers * settings.resources.cpus if settings.workers else usable_cores()
        else:
            arguments["address"] = found_address(settings.address)
        try:
            ray.init(**arguments)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as problem:
            message = next((line for line in str(problem).splitlines() if line.strip()), type(problem).__name__)
            hint = "start it with `ray start --head`, or run this on one of its machines"
            raise InputError("address", f"no Ray cluster can be joined ({message})", hint) from problem
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):  # it tells of its nodes there
            try:
                yield ray
            finally:
                ray.shutdown()
