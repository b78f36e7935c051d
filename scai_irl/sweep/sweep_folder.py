"""The folder of a sweep: its locks, and the record of each cell's outcome.

A process that runs the whole sweep locks the folder. Processes that run parts of a sweep, as in a job array, share it:
each has a lock of its own, and a shared lock excludes a process with the whole sweep. The system (``flock``) releases
locks when a process ends, for any reason; on NFS they hold between machines from version 4 on.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import tenacity

from scai_irl.io.errors import InputError
from scai_irl.io.files import write_json
from scai_irl.io.locks import locked
from scai_irl.results.folder import opened
from scai_irl.results.manifest import Manifest

SWEEP = "sweep"
"""Name of the experiment in a sweep's manifest."""

_CELLS, _OUTCOMES, _SHARED = "cells", "outcomes", ".cells.lock"
_A_MOMENT = 60.0  # seconds; while parts run, the folder's own lock is held only briefly


@dataclass(frozen=True)
class Part:
    """Every ``of``-th cell from number ``number`` on.

    Example:
        >>> Part.read("1/3")
        Part(number=1, of=3)
    """

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> Part:
        """Read ``I/K``.

        Raises:
            InputError: If the text has another form.
        """
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and int(number) < int(of)):
            raise InputError("part", f"{text!r} is not a part", "give I/K with I from 0 to K - 1, such as 0/4")
        return cls(int(number), int(of))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True)
class Outcome:
    """Outcome of a cell.

    Attributes:
        name: Name of the cell.
        status: Whether it has finished; ``disk`` if the disk was full.
        seconds: Seconds of work; NaN if unknown.
        error: Cause of a failure, in one line.
        worker: Machine and process that ran it.
    """

    name: str
    status: Literal["finished", "failed", "disk"]
    seconds: float = float("nan")
    error: str = ""
    worker: str = ""


def cell_folder(folder: Path, name: str) -> Path:
    """Return the results folder of a cell."""
    return folder / _CELLS / name


def has_finished(folder: Path, name: str) -> bool:
    """Return whether a cell's results are complete."""
    try:
        return Manifest.read(cell_folder(folder, name)).status == "finished"
    except InputError:  # none yet; or damaged, which the cell's run will report
        return False


def save_outcome(folder: Path, outcome: Outcome) -> None:
    """Write the outcome of a cell."""
    content = {name: value for name, value in asdict(outcome).items() if name != "name"}
    write_json(folder / _OUTCOMES / f"{outcome.name}.json", content)


def load_outcome(folder: Path, name: str) -> Outcome | None:
    """Read the outcome of a cell; None if there is none, or its file is damaged."""
    try:
        content = json.loads((folder / _OUTCOMES / f"{name}.json").read_text(encoding="utf-8"))
        return Outcome(name, **content)
    except (OSError, ValueError, TypeError):
        return None


@contextlib.contextmanager
def whole_sweep(folder: Path, config: Mapping[str, Any]) -> Iterator[Manifest]:
    """Lock the folder of a sweep for the whole sweep.

    Raises:
        InputError: If the folder belongs to another sweep, is in use, or cannot be written to.
    """
    with opened(folder, SWEEP, config) as manifest, locked(folder, _SHARED, "a part of this sweep"):
        yield manifest


@contextlib.contextmanager
def part_of_sweep(folder: Path, config: Mapping[str, Any], part: Part) -> Iterator[None]:
    """Lock the folder of a sweep for one part; other parts may run at the same time.

    Raises:
        InputError: If the folder belongs to another sweep, another process runs the whole sweep or this part, or the
            folder cannot be written to.
    """
    with alone(folder, config):
        pass
    own = f".part-{part.number}-of-{part.of}.lock"
    with (
        locked(folder, own, f"another process with part {part}"),
        locked(folder, _SHARED, "a process with the whole sweep", shared=True),
    ):
        yield


@contextlib.contextmanager
def alone(folder: Path, config: Mapping[str, Any]) -> Iterator[Manifest]:
    """Lock the manifest of a sweep briefly, while parts are running; wait for other processes that hold the lock.

    Raises:
        InputError: If the folder belongs to another sweep, another process runs the whole sweep, or the folder cannot
            be written to.
    """

    def again(problem: BaseException) -> bool:
        if not in_use(problem):
            return False
        with locked(folder, _SHARED, "a process with the whole sweep", shared=True):
            return True

    patient = tenacity.Retrying(
        retry=tenacity.retry_if_exception(again),
        wait=tenacity.wait_random(0.05, 0.5),
        stop=tenacity.stop_after_delay(_A_MOMENT),
        reraise=True,
    )
    with contextlib.ExitStack() as lock:
        yield patient(lambda: lock.enter_context(opened(folder, SWEEP, config)))


def in_use(problem: BaseException) -> bool:
    """Return whether another process holds the requested lock."""
    return isinstance(problem.__cause__, BlockingIOError)
