"""The engine of clusters: every cell is a Ray task. Where it goes, and what becomes of it if a node dies, Ray decides.

Without an address Ray is started on this machine, for this sweep alone, where nobody else can reach it.
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
from scai_irl.sweep.worker_settings import Terms, environment, usable_cores, worker_environment

STORE = 100 * 1024 * 1024
"""Bytes for objects of a Ray of our own, on each node: cells and outcomes are small."""

_FEWEST_IN_FLIGHT = 16
_AHEAD = 2  # cells sent ahead for each that is worked on, so that no node waits for the next
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # spares a warning; cells without a GPU are told by our own variables
}


class OnRay:
    """Work on cells as tasks of Ray.

    Args:
        terms: What was asked for.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def check(self) -> None:
        """Refuse a machine without Ray, and an address where no cluster answers.

        Raises:
            InputError: If it is one of these.
        """
        if importlib.util.find_spec("ray") is None:
            hint = "pip install 'scai-irl[cluster]', or use the local engine"
            raise InputError("engine", "Ray is not installed", hint)
        if self._terms.address is not None:
            found_address(self._terms.address)

    def outcomes(self, work: Work, tasks: Sequence[Task]) -> Generator[Outcome]:
        """Work on cells, see `scai_irl.sweep.engines.Engine`."""
        resources = self._terms.resources
        with _connected(self._terms) as ray:
            check_nodes(ray, self._terms.folder, resources)
            watch = ClusterWatch(ray, self._terms)
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
        """Bound on what Ray is given at a time; nodes may come and go. A Ray of our own has only as much room."""
        if self._terms.workers is not None and self._terms.address is not None:
            return self._terms.workers
        room = int(ray.cluster_resources().get("CPU", 0.0) // self._terms.resources.cpus)
        return max(_FEWEST_IN_FLIGHT, _AHEAD * room)


def _outcome(ray: Any, done: Any, task: Task) -> Outcome:
    """What became of a cell, also where Ray gave it up."""
    try:
        outcome: Outcome = ray.get(done)
    except ray.exceptions.RayError as problem:
        cause = getattr(problem, "cause", None) or problem
        said = next((line for line in str(cause).splitlines() if line.strip()), "")
        return Outcome(task.cell.name, "failed", error=f"{type(cause).__name__}: {said}")
    return outcome


@contextlib.contextmanager
def _connected(terms: Terms) -> Iterator[Any]:
    """Connect to Ray, and let it go.

    Yields:
        The module. It is imported here, since it takes a second and is not everywhere.
    """
    with environment(_QUIET):
        ray: Any = importlib.import_module("ray")
        told: dict[str, Any] = {
            "runtime_env": {"env_vars": worker_environment(terms.resources)},
            "log_to_driver": False,
            "logging_level": logging.CRITICAL,
            "configure_logging": True,
        }
        if terms.address is None:
            told |= {
                "address": "local",
                "include_dashboard": False,
                "object_store_memory": STORE,
                "_node_ip_address": "127.0.0.1",
            }
            told["num_cpus"] = terms.workers * terms.resources.cpus if terms.workers else usable_cores()
        else:
            told["address"] = found_address(terms.address)
        try:
            ray.init(**told)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as problem:
            said = next((line for line in str(problem).splitlines() if line.strip()), type(problem).__name__)
            hint = "start it with `ray start --head`, or run this on one of its machines"
            raise InputError("address", f"no Ray cluster can be joined ({said})", hint) from problem
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):  # it tells of its nodes there
            try:
                yield ray
            finally:
                ray.shutdown()
