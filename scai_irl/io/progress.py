"""Progress of long work: a bar on a terminal, lines of text elsewhere, and nothing for short work."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 2.0

Advance = Callable[[str], None]
"""Function called after each step, with the name of the step."""

_unseen = ContextVar("unseen", default=False)


@contextmanager
def progress(title: str, steps: int) -> Iterator[Advance]:
    """Show the progress of some work on standard error.

    Args:
        title: Name of the work.
        steps: Total number of steps.

    Yields:
        A function to call after each step.
    """
    if _unseen.get():
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar(title, steps) as advance:
            yield advance
    else:
        yield _lines(title, steps)


@contextmanager
def unseen() -> Iterator[None]:
    """Hide the progress of work inside the block, for steps of work that shows its own progress."""
    before = _unseen.set(True)
    try:
        yield
    finally:
        _unseen.reset(before)


@contextmanager
def _bar(title: str, steps: int) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=steps)

        def advance(done: str) -> None:
            bar.update(task, advance=1, description=f"{title}: {done}")

        yield advance


def _lines(title: str, steps: int) -> Advance:
    started = last_line = time.monotonic()
    done = 0

    def advance(what: str) -> None:
        nonlocal last_line, done
        done += 1
        now = time.monotonic()
        if now - last_line >= _SECONDS_BETWEEN_LINES:
            last_line = now
            print(f"{title}: {what} ({done} of {steps}, {now - started:.0f} s)", file=sys.stderr, flush=True)

    return advance
