"""Engines by name, which run the cells of a sweep. A new engine is a class and a line in `ENGINES`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Protocol

from scai_irl.io.errors import InputError
from scai_irl.sweep.local import Local
from scai_irl.sweep.on_ray import OnRay
from scai_irl.sweep.sweep_folder import Outcome
from scai_irl.sweep.work import Task, Work
from scai_irl.sweep.worker_settings import WorkerSettings


class Engine(Protocol):
    """An engine that runs cells."""

    def check(self) -> None:
        """Check the settings and the machine, before any folder is created.

        Raises:
            InputError: If something is missing, or a setting is wrong.
        """

    def outcomes(self, work: Work, tasks: Sequence[Task]) -> Generator[Outcome]:
        """Run cells, at most a bounded number at a time, and yield each outcome as soon as it is known.

        If the generator is closed early, it ends the running cells; records are atomic, so no finished cell is lost.

        Args:
            work: Function that runs a cell; it can be pickled, as can the cells.
            tasks: The cells.
        """


ENGINES: Mapping[str, Callable[[WorkerSettings], Engine]] = {"local": Local, "ray": OnRay}


def make_engine(name: str, settings: WorkerSettings) -> Engine:
    """Return an engine by its name.

    Raises:
        InputError: If the name is unknown.
    """
    if name not in ENGINES:
        raise InputError("engine", f"there is no {name!r}", f"give one of {', '.join(ENGINES)}")
    return ENGINES[name](settings)
