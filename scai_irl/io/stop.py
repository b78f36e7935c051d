"""The end of a program because of wrong input or Ctrl-C: one line, with exit code 2 or 130."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn, TypeVar

from scai_irl.io.errors import InputError

T = TypeVar("T")

_WRONG_INPUT = 2
_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def told_in_one_line(work: Callable[[], T]) -> T:
    """Call a function; wrong input (`InputError`, `PluginError`) and Ctrl-C end the program with one line."""
    try:
        return work()
    except InputError as wrong:
        stop(str(wrong))
    except ValueError as wrong:
        from envs.plugins import PluginError  # noqa: PLC0415 - it imports JAX

        if not isinstance(wrong, PluginError):
            raise
        stop(str(wrong))
    except KeyboardInterrupt:
        print("stopped; to go on, give the same command again", file=sys.stderr)
        raise SystemExit(_INTERRUPTED) from None


def stop(line: str) -> NoReturn:
    """End the program because of wrong input."""
    print(f"error: {line}", file=sys.stderr)
    raise SystemExit(_WRONG_INPUT)
