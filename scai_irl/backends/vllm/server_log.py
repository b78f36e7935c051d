"""What a vLLM server's log says last, and why it died.

Several processes write to the log at once, and a dying one goes on for long: tracebacks, copies of them, then lines
about leaked semaphores. The cause is the last line that names an exception and does not refer to another one.
"""

from __future__ import annotations

import re
from pathlib import Path

_TAIL = 100_000  # bytes at the end that are read; a dying server writes about thirty thousand
_LONGEST = 300
_PREFIX = re.compile(r"^(\([\w-]+ pid=\d+\) )?((DEBUG|INFO|WARNING|ERROR|CRITICAL) [\d-]+ [\d:]+ \[[^\]]*\] ?)?")
_CAUSE = re.compile(r"(([\w.]*(Error|Exception|Interrupt)|SystemExit): |\S+: error: )\S")
_ELSEWHERE = re.compile(r"see (stack trace|root cause)", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]{2}")


def last_line(log: Path, since: int = 0) -> str:
    """Find the last line of a log that says something, without process, time and place.

    Args:
        log: File of the log.
        since: Bytes at the beginning that are left out, being of an earlier server.
    """
    lines = [line for line in _lines(log, since) if _LETTERS.search(line)]
    return _shortened(lines[-1]) if lines else ""


def cause_of_death(log: Path, since: int = 0) -> str:
    """Find the line of a log that says why the server died; its last line if none does.

    Args:
        log: File of the log.
        since: Bytes at the beginning that are left out, being of an earlier server.
    """
    lines = _lines(log, since)
    causes = [number for number, line in enumerate(lines) if _CAUSE.match(line) and not _ELSEWHERE.search(line)]
    if not causes:
        return last_line(log, since) or "nothing"
    # What pydantic finds wrong stands, indented, in the lines after the one that says how much it found.
    said = lines[causes[-1]]
    for line in lines[causes[-1] + 1 :]:
        if not line.startswith("  "):
            break
        said += f" {line.strip()}"
    return _shortened(said)


def _lines(log: Path, since: int) -> list[str]:
    with log.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(since, end - _TAIL))
        text = file.read().decode(errors="replace")
    # A bar of progress goes back to the beginning of its line.
    return [_PREFIX.sub("", line.rpartition("\r")[2]).rstrip() for line in text.split("\n")]


def _shortened(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
