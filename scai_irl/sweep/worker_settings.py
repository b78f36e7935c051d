"""Settings of an engine, and the environment of its workers, which limits each to its own cores."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scai_irl.sweep.sweep_definition import Resources

_THREADS = ("PJRT_NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables that set the number of threads of JAX and of libraries below NumPy and PyTorch."""

_OF_A_GPU = 0.9  # of a cell's share of a GPU's memory, what JAX takes at once; the rest is for its libraries


@dataclass(frozen=True)
class WorkerSettings:
    """Settings of an engine.

    Attributes:
        folder: Folder of the sweep, which every worker must reach.
        resources: Resources of a cell.
        workers: Most cells at a time; as many as the resources allow if None.
        address: Cluster to work on; this machine if None.
    """

    folder: Path
    resources: Resources
    workers: int | None = None
    address: str | None = None


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_environment(resources: Resources) -> dict[str, str]:
    """Return the environment variables of a worker; they must be set before it imports anything.

    Example:
        >>> worker_environment(Resources(cpus=2))["PJRT_NPROC"]
        '2'
    """
    variables = dict.fromkeys(_THREADS, str(resources.cpus))
    if resources.gpus == 0:
        variables["JAX_PLATFORMS"] = "cpu"
    elif resources.gpus < 1:
        variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{_OF_A_GPU * resources.gpus:.3f}"
    return variables


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables during the block, so that processes started there inherit them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
