"""The last message of a vLLM server's log, and the cause of its end.

Several processes write to the log at once, and a dying server writes much: tracebacks, copies of them, then lines about
leaked semaphores. The cause is the last line that names an exception and does not refer to another one.
"""

from __future__ import annotations

import re
from pathlib import Path

_TAIL = 100_000  # bytes read from the end; a dying server writes about 30,000
_LONGEST = 300
_PREFIX = re.compile(r"^(\([\w-]+ pid=\d+\) )?((DEBUG|INFO|WARNING|ERROR|CRITICAL) [\d-]+ [\d:]+ \[[^\]]*\] ?)?")
_CAUSE = re.compile(r"(([\w.]*(Error|Exception|Interrupt)|SystemExit): |\S+: error: )\S")
_ELSEWHERE = re.compile(r"see (stack trace|root cause)", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]{2}")


def last_line(log: Path, since: int = 0) -> str:
    """Return the last line of a log with a message, without process, time and source location.

    Args:
        log: File of the log.
        since: Bytes at the beginning that belong to an earlier server and are left out.
    """
    lines = [line for line in _lines(log, since) if _LETTERS.search(line)]
    return _shortened(lines[-1]) if lines else ""


def cause_of_death(log: Path, since: int = 0) -> str:
    """Return the line of a log with the cause of the server's end; its last line if there is none.

    Args:
        log: File of the log.
        since: Bytes at the beginning that belong to an earlier server and are left out.
    """
    lines = _lines(log, since)
    causes = [number for number, line in enumerate(lines) if _CAUSE.match(line) and not _ELSEWHERE.search(line)]
    if not causes:
        return last_line(log, since) or "nothing"
    # pydantic's errors are in the indented lines after the line with their number.
    messages = lines[causes[-1]]
    for line in lines[causes[-1] + 1 :]:
        if not line.startswith("  "):
            break
        messages += f" {line.strip()}"
    return _shortened(messages)


def _lines(log: Path, since: int) -> list[str]:
    with log.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(since, end - _TAIL))
        text = file.read().decode(errors="replace")
    # A progress bar returns to the beginning of its line.
    return [_PREFIX.sub("", line.rpartition("\r")[2]).rstrip() for line in text.split("\n")]


def _shortened(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
