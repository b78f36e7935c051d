"""Engines by name: where the cells of a sweep are worked on. Another one is a class and a line in `ENGINES`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Protocol

from scai_irl.io.errors import InputError
from scai_irl.sweep.local import Local
from scai_irl.sweep.on_ray import OnRay
from scai_irl.sweep.sweep_folder import Outcome
from scai_irl.sweep.work import Task, Work
from scai_irl.sweep.worker_settings import Terms


class Engine(Protocol):
    """Where cells are worked on."""

    def check(self) -> None:
        """Refuse what cannot work, before anything is made.

        Raises:
            InputError: If something is missing, or wrong among the terms.
        """

    def outcomes(self, work: Work, tasks: Sequence[Task]) -> Generator[Outcome]:
        """Work on cells, at most a bounded number at a time, and tell what became of each as soon as it is known.

        Closed early, it ends what is being worked on; records are atomic, so nothing finished is lost.

        Args:
            work: What is done for a cell; it can be pickled, as can the cells.
            tasks: The cells.
        """


ENGINES: Mapping[str, Callable[[Terms], Engine]] = {"local": Local, "ray": OnRay}


def make_engine(name: str, terms: Terms) -> Engine:
    """Make an engine.

    Raises:
        InputError: If there is none of that name.
    """
    if name not in ENGINES:
        raise InputError("engine", f"there is no {name!r}", f"give one of {', '.join(ENGINES)}")
    return ENGINES[name](terms)
