"""What an engine is told, and the environment of its workers, which keeps each of them to its own cores."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scai_irl.sweep.sweep_definition import Resources

_THREADS = ("PJRT_NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables by which JAX, and libraries below NumPy and PyTorch, are told how many threads to start."""

_OF_A_GPU = 0.9  # of a cell's share of a GPU's memory, what JAX takes at once; the rest is for its libraries


@dataclass(frozen=True)
class Terms:
    """What an engine is told.

    Attributes:
        folder: Folder of the sweep, which every worker must reach.
        resources: What a cell needs.
        workers: Most cells at a time; as many as there is room for if None.
        address: Cluster to work on; this machine if None.
    """

    folder: Path
    resources: Resources
    workers: int | None = None
    address: str | None = None


def usable_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_environment(resources: Resources) -> dict[str, str]:
    """Variables of a worker's environment; they must be set before it imports anything.

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
    """Set variables for a while; what is started meanwhile inherits them."""
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
