"""What is done for a cell, wherever: the experiment is run, and what became of it is told in one record.

The same function works in this process, in a process beside it and on the node of a cluster.
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
_PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT}  # what shared disks say when a server of theirs was away
_LOCK_LEASE = 150.0  # seconds after which a shared disk lets go of the locks of a machine that died


class PassingError(Exception):
    """A cell failed for a reason that may be gone when it is tried again."""


@dataclass(frozen=True)
class Task:
    """A cell to be worked on.

    Attributes:
        experiment: Name of the experiment.
        cell: The cell.
        folder: Folder of the sweep.
        start: Folder in which paths among the options begin.
        figures: Whether to draw its figures.
    """

    experiment: str
    cell: Cell
    folder: Path
    start: Path
    figures: bool


Work = Callable[[Task], Outcome]


def work(task: Task) -> Outcome:
    """Run a cell, or go on with it, or find it finished.

    Returns:
        What became of it; its own failures are told there and not raised.

    Raises:
        PassingError: If it may help to try again.
    """
    prepare_process()
    if task.start.is_dir():
        os.chdir(task.start)
    started = time.perf_counter()
    status, error = _tried(task)
    outcome = Outcome(task.cell.name, status, time.perf_counter() - started, error, f"{platform.node()}:{os.getpid()}")
    if status == "finished":
        with contextlib.suppress(InputError):  # the results are whole; only their seconds are lost
            save_outcome(task.folder, outcome)
    return outcome


def work_patiently(work: Work, retries: int, task: Task) -> Outcome:
    """Try a cell again where that may help.

    Args:
        work: What is done for a cell.
        retries: How often at most.
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
    """Run the experiment; a process that worked on the cell before may not have ended yet."""
    experiment = _experiment(task.experiment)
    options = {**task.cell.options, "seed": task.cell.seed, "out": cell_folder(task.folder, task.cell.name)}
    experiment.run(check(experiment.config, options))


@functools.cache
def _experiment(name: str) -> Experiment[ExperimentConfig]:
    return find_experiments()[name]


def _error_numbers(problem: BaseException | None) -> Iterator[int]:
    """Numbers that the operating system gave of an error and of those behind it."""
    while problem is not None:
        if isinstance(problem, OSError) and problem.errno is not None:
            yield problem.errno
        problem = problem.__cause__ or problem.__context__
