"""The work for a cell: run the experiment, and record the outcome.

The same function works in this process, in a child process and on the node of a cluster.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tenacity

from scai_irl.experiment.config import ExperimentConfig, check
from scai_irl.experiment.definition import Experiment, find_experiments
from scai_irl.io.errors import InputError
from scai_irl.io.process import prepare_process
from scai_irl.io.progress import unseen
from scai_irl.report.drawing import without_figures
from scai_irl.sweep.sweep_cells import Cell
from scai_irl.sweep.sweep_folder import Outcome, cell_folder, in_use, save_outcome

_FULL = {errno.ENOSPC, errno.EDQUOT}
_PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT}  # errors of shared disks whose server was not available
_LOCK_LEASE = 150.0  # seconds after which a shared disk releases the locks of a dead machine


class PassingError(Exception):
    """Error: a cell failed for a temporary reason, so a retry may help."""


@dataclass(frozen=True)
class Task:
    """A cell to run.

    Attributes:
        experiment: Name of the experiment.
        cell: The cell.
        folder: Folder of the sweep.
        start: Folder to which relative paths in options refer.
        figures: Whether to draw its figures.
    """

    experiment: str
    cell: Cell
    folder: Path
    start: Path
    figures: bool


Work = Callable[[Task], Outcome]


def work(task: Task) -> Outcome:
    """Run or resume a cell.

    Returns:
        The outcome; failures of the cell are recorded in it and not raised.

    Raises:
        PassingError: If a retry may help.
    """
    prepare_process()
    if task.start.is_dir():
        os.chdir(task.start)
    started = time.perf_counter()
    status, error = _tried(task)
    outcome = Outcome(task.cell.name, status, time.perf_counter() - started, error, f"{platform.node()}:{os.getpid()}")
    if status == "finished":
        with contextlib.suppress(InputError):  # the results are complete; only the seconds are lost
            save_outcome(task.folder, outcome)
    return outcome


def work_patiently(work: Work, retries: int, task: Task) -> Outcome:
    """Run a cell, and retry it if that may help.

    Args:
        work: Function that runs a cell.
        retries: Most retries.
        task: The cell.
    """
    patient = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(PassingError),
        stop=tenacity.stop_after_attempt(retries + 1),
        wait=tenacity.wait_random_exponential(1, 30),
        reraise=True,
    )
    try:
        return patient(work, task)
    except PassingError as problem:
        return Outcome(task.cell.name, "failed", error=str(problem))


def _tried(task: Task) -> tuple[Literal["finished", "failed", "disk"], str]:
    shown = contextlib.nullcontext() if task.figures else without_figures()
    try:
        with unseen(), shown:
            _run(task)
    except Exception as problem:
        error = str(problem) if isinstance(problem, InputError) else f"{type(problem).__name__}: {problem}"
        error = " ".join(error.split())
        numbers = set(_error_numbers(problem))
        if numbers & _FULL or "disk is full" in error:  # the latter is SQLite's word for it
            return "disk", error
        if numbers & _PASSING:
            raise PassingError(error) from problem
        return "failed", error
    return "finished", ""


@tenacity.retry(
    retry=tenacity.retry_if_exception(in_use),
    wait=tenacity.wait_fixed(1),
    stop=tenacity.stop_after_delay(_LOCK_LEASE),
    reraise=True,
)
def _run(task: Task) -> None:
    """Run the experiment; wait for an earlier process of the cell to end."""
    experiment = _experiment(task.experiment)
    options = {**task.cell.options, "seed": task.cell.seed, "out": cell_folder(task.folder, task.cell.name)}
    experiment.run(check(experiment.config, options))


@functools.cache
def _experiment(name: str) -> Experiment[ExperimentConfig]:
    return find_experiments()[name]


def _error_numbers(problem: BaseException | None) -> Iterator[int]:
    """Yield the operating system's numbers of an error and of its causes."""
    while problem is not None:
        if isinstance(problem, OSError) and problem.errno is not None:
            yield problem.errno
        problem = problem.__cause__ or problem.__context__
