"""The folder of a sweep: who may work on it at a time, and what is kept of each cell beside its results.

A whole sweep has the folder for itself. Parts of one sweep, as a scheduler's job array starts them, share it: each has
a lock of its own, and all of them one that keeps the whole sweep out. Locks are the system's (``flock``), which lets
them go when a process ends, however it ends; on NFS they hold between machines from version 4 on.
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
_A_MOMENT = 60.0  # seconds; the folder's own lock is only ever held for moments beside parts


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
            InputError: If it is no part.
        """
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and int(number) < int(of)):
            raise InputError("part", f"{text!r} is none", "give I/K with I from 0 to K - 1, such as 0/4")
        return cls(int(number), int(of))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True)
class Outcome:
    """What became of a cell.

    Attributes:
        name: Name of the cell.
        status: Whether it has finished; ``disk`` if there was no room for its results.
        seconds: How long it was worked on; NaN if nobody knows.
        error: Why it failed, in one line.
        worker: Machine and process that worked on it.
    """

    name: str
    status: Literal["finished", "failed", "disk"]
    seconds: float = float("nan")
    error: str = ""
    worker: str = ""


def cell_folder(folder: Path, name: str) -> Path:
    """Results folder of a cell."""
    return folder / _CELLS / name


def has_finished(folder: Path, name: str) -> bool:
    """Return whether a cell's results are all there."""
    try:
        return Manifest.read(cell_folder(folder, name)).status == "finished"
    except InputError:  # none yet; or damaged, which the cell itself will tell
        return False


def save_outcome(folder: Path, outcome: Outcome) -> None:
    """Keep what became of a cell."""
    told = {name: value for name, value in asdict(outcome).items() if name != "name"}
    write_json(folder / _OUTCOMES / f"{outcome.name}.json", told)


def load_outcome(folder: Path, name: str) -> Outcome | None:
    """What became of a cell; None if nothing has been kept, or what was kept is damaged."""
    try:
        told = json.loads((folder / _OUTCOMES / f"{name}.json").read_text(encoding="utf-8"))
        return Outcome(name, **told)
    except (OSError, ValueError, TypeError):
        return None


@contextlib.contextmanager
def whole_sweep(folder: Path, config: Mapping[str, Any]) -> Iterator[Manifest]:
    """Have the folder of a sweep for oneself.

    Raises:
        InputError: If it holds another sweep, is in use, or cannot be written to.
    """
    with opened(folder, SWEEP, config) as manifest, locked(folder, _SHARED, "a part of this sweep"):
        yield manifest


@contextlib.contextmanager
def part_of_sweep(folder: Path, config: Mapping[str, Any], part: Part) -> Iterator[None]:
    """Work on a part of a sweep, beside others.

    Raises:
        InputError: If the folder holds another sweep, somebody works on the whole or on this part, or it cannot be
            written to.
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
    """Have the manifest of a sweep for oneself for a moment, beside parts that are worked on.

    It waits until others have had their moments.

    Raises:
        InputError: If the folder holds another sweep, somebody works on the whole, or it cannot be written to.
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
    with contextlib.ExitStack() as held:
        yield patient(lambda: held.enter_context(opened(folder, SWEEP, config)))


def in_use(problem: BaseException) -> bool:
    """Return whether somebody else holds a lock that was asked for."""
    return isinstance(problem.__cause__, BlockingIOError)
