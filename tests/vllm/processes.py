"""Processes and the addresses at which they listen, from Linux's /proc."""

from __future__ import annotations

import os
from pathlib import Path


def led_by(word: str) -> int | None:
    """Find the process that was started with a word and leads a group."""
    leaders = [pid for pid in _processes() if word.encode() in _command(pid).split(b"\0") and os.getpgid(pid) == pid]
    return leaders[0] if leaders else None


def group(leader: int) -> list[int]:
    """Find the processes of a group that have not ended."""
    return [pid for pid in _processes() if _group_and_state(pid)[0] == leader and _group_and_state(pid)[1] != "Z"]


def listened_at(members: list[int]) -> set[str]:
    """Find the addresses at which processes listen, in the kernel's hexadecimal."""
    sockets = {link for pid in members for link in _links(pid)}
    lines = [line.split() for kind in ("tcp", "tcp6") for line in _table(kind)]
    return {line[1].partition(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return b""


def _group_and_state(pid: int) -> tuple[int, str]:
    try:
        state, _parent, group, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1, "Z"
    return int(group), state


def _links(pid: int) -> list[str]:
    try:
        return [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


def _table(kind: str) -> list[str]:
    return Path(f"/proc/net/{kind}").read_text().splitlines()[1:]
