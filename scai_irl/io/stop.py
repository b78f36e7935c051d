"""The end of a program because of wrong input: one line and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn, TypeVar

from scai_irl.io.errors import InputError

T = TypeVar("T")

_WRONG_INPUT = 2


def told_in_one_line(work: Callable[[], T]) -> T:
    """Call a function; an `InputError` or `PluginError` ends the program with its one line and exit code 2."""
    try:
        return work()
    except InputError as wrong:
        stop(str(wrong))
    except ValueError as wrong:
        from envs.plugins import PluginError  # noqa: PLC0415 - it imports JAX

        if not isinstance(wrong, PluginError):
            raise
        stop(str(wrong))


def stop(line: str) -> NoReturn:
    """End the program because of wrong input."""
    print(f"error: {line}", file=sys.stderr)
    raise SystemExit(_WRONG_INPUT)
