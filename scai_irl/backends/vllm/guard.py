"""Nothing outlives us: ending a group of processes, also when whoever started it is killed.

A server has children of its own, so it is started as a group and ended as one. A process that is killed cannot end
anything; so beside the server runs this file, as a program of its own that imports nothing heavy. It is told the group
over a pipe, waits until the pipe's other end is closed, which the operating system does for a process that dies, and
then ends the group.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

STOP_SECONDS = 20.0
"""Seconds that a group is given to end by itself before it is killed."""

_KILLED_SECONDS = 5.0  # a killed process goes at once, unless nobody collects it

Watch = Callable[[subprocess.Popen[bytes], float], None]
"""Called with a process that leads a group of its own, and the seconds that the group gets to end by itself."""


def stop_group(group: int, seconds: float, collect: Callable[[], object] = lambda: None) -> None:
    """Ask a group of processes to end, and kill what is left of it.

    Args:
        group: Number of the group, which is that of the process that leads it.
        seconds: Time given to it.
        collect: Called while waiting; whoever is the leader's parent must collect it, or it never goes.
    """
    for how, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, _KILLED_SECONDS)):
        _send(group, how)
        deadline = time.monotonic() + patience
        while _send(group, 0) and time.monotonic() < deadline:
            collect()
            time.sleep(0.05)


@contextmanager
def guarded() -> Iterator[Watch]:
    """Start the guard, and have it end what it watches when the block is left.

    Yields:
        A function to be told whose group must not outlive this process; told again, it takes the new seconds.
    """
    watched: dict[subprocess.Popen[bytes], float] = {}
    command = (sys.executable, "-I", "-S", str(Path(__file__)))
    nowhere = subprocess.DEVNULL
    # Unbuffered: nothing is left to be written to a guard that was killed.
    guard = subprocess.Popen(  # noqa: S603 - our own file
        command, bufsize=0, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, start_new_session=True
    )
    assert guard.stdin is not None  # noqa: S101 - it is a pipe
    pipe = guard.stdin

    def watch(process: subprocess.Popen[bytes], seconds: float) -> None:
        watched[process] = seconds
        with suppress(BrokenPipeError):
            pipe.write(f"{process.pid} {seconds}\n".encode())

    try:
        yield watch
    finally:
        pipe.close()
        while guard.poll() is None:
            for process in watched:
                process.poll()
            time.sleep(0.05)
        if guard.returncode != 0:  # it was killed
            for process, seconds in watched.items():
                stop_group(process.pid, seconds, process.poll)


def main() -> None:
    """Guard the groups that are told on standard input."""
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(how, _unmoved)  # a batch system sends these to everybody; the pipe says when it is over
    told = [line.split() for line in sys.stdin.read().splitlines()]
    for group, seconds in dict(told).items():
        stop_group(int(group), float(seconds))


def _unmoved(_number: int, _frame: FrameType | None) -> None:
    """Take a signal without ending; being ignored, it would be so in children, too."""


def _send(group: int, what: int) -> bool:
    """Send a signal to a group; False if there is nobody left to get it."""
    try:
        os.killpg(group, what)
    except (ProcessLookupError, PermissionError):  # the latter is how macOS says that all are dead but not collected
        return False
    return True


if __name__ == "__main__":
    main()
