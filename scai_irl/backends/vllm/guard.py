"""The end of a group of processes, even if the process that started it is killed.

A server has child processes, so it is started and ended as a group. A killed process cannot end anything. So this file
runs as a separate small program, the guard. It reads the group's number from a pipe and waits until the other end of
the pipe is closed, which the operating system does when a process dies. Then it ends the group.
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
"""Seconds that a group has to end by itself before it is killed."""

_KILLED_SECONDS = 5.0  # a killed process disappears at once, unless its parent does not collect it

Watch = Callable[[subprocess.Popen[bytes], float], None]
"""Function to call with a process that leads a group, and the seconds that the group has to end by itself."""


def stop_group(group: int, seconds: float, collect: Callable[[], object] = lambda: None) -> None:
    """Send a group of processes the signal to end, and kill it after some time.

    Args:
        group: Number of the group, which is that of its leading process.
        seconds: Time before it is killed.
        collect: Called while waiting; the leader's parent must collect the leader, or it never disappears.
    """
    for how, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, _KILLED_SECONDS)):
        _send(group, how)
        deadline = time.monotonic() + patience
        while _send(group, 0) and time.monotonic() < deadline:
            collect()
            time.sleep(0.05)


@contextmanager
def guarded() -> Iterator[Watch]:
    """Start the guard, which ends the groups that it watches when the block or this process ends.

    Yields:
        A function that registers a process whose group must not outlive this one; a second call changes the seconds.
    """
    watched: dict[subprocess.Popen[bytes], float] = {}
    command = (sys.executable, "-I", "-S", str(Path(__file__)))
    nowhere = subprocess.DEVNULL
    # Unbuffered, so that no data is left for a guard that was killed.
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
    """Guard the groups whose numbers arrive on standard input."""
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(how, _unmoved)  # a batch system sends these to all processes; the pipe shows the end
    groups = [line.split() for line in sys.stdin.read().splitlines()]
    for group, seconds in dict(groups).items():
        stop_group(int(group), float(seconds))


def _unmoved(_number: int, _frame: FrameType | None) -> None:
    """Handle a signal without ending; ignored signals would be ignored in child processes, too."""


def _send(group: int, what: int) -> bool:
    """Send a signal to a group; return False if no process is left."""
    try:
        os.killpg(group, what)
    except (ProcessLookupError, PermissionError):  # on macOS the latter means that all are dead but not collected
        return False
    return True


if __name__ == "__main__":
    main()
