"""Slow tests by turns: CI runs a third of them at each landing, the longest first, and names those it leaves out.

`.ci/turns` assigns files to turns, and `--record-turns` measures it anew. Another file's turn is a hash of its path.
"""

from __future__ import annotations

import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

TURNS = 3
TABLE = Path(__file__).parents[1] / ".ci" / "turns"
LATE = "left out: the time is up"


def planned(table: Path = TABLE) -> dict[str, tuple[int, int]]:
    """Turn and seconds of each file, from the table."""
    lines = [line.split() for line in table.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {path: (int(turn), int(seconds)) for turn, seconds, path in lines}


def balanced(seconds: dict[str, float], turns: int = TURNS) -> dict[str, int]:
    """Assign files to turns of about the same time: the longest file first, each to the shortest turn."""
    total, chosen = [0.0] * turns, {}
    for path in sorted(seconds, key=lambda path: (-seconds[path], path)):
        shortest = total.index(min(total))
        total[shortest] += seconds[path]
        chosen[path] = shortest + 1
    return chosen


def turn_of(path: str, plan: dict[str, tuple[int, int]], turns: int = TURNS) -> int:
    """Turn of a file, in the table or not."""
    return plan[path][0] if path in plan else 1 + zlib.crc32(path.encode()) % turns


class Turns:
    """Plugin that chooses and orders slow tests, and counts those left out.

    Attributes:
        turn: The turn to run; 0 for all.
        until: Time after which no slow test starts, in seconds since 1970; 0 for none.
        record: Whether to write the table of turns anew.
    """

    def __init__(self, turn: int, until: float, record: bool) -> None:
        self.turn, self.until, self.record = turn, until, record
        self.other_turns: Counter[str] = Counter()
        self.late: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.plan = planned() if TABLE.exists() else {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Drop the slow tests of other turns, and begin with the longest file of slow tests."""
        slow = {item for item in items if item.get_closest_marker("slow")}
        left = [i for i in items if self.turn and i in slow and turn_of(_file(i.nodeid), self.plan) != self.turn]
        if left:
            self.other_turns = Counter(_file(item.nodeid) for item in left)
            config.hook.pytest_deselected(items=left)
        chosen = [item for item in items if item not in set(left)]
        if slow:
            chosen.sort(key=lambda item: -self.plan.get(_file(item.nodeid), (0, 30))[1] if item in slow else 0)
        items[:] = chosen

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Start no slow test once the time is up."""
        if self.until and time.time() > self.until and item.get_closest_marker("slow"):
            pytest.skip(LATE)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what was left out, and how long each file of slow tests takes."""
        if report.skipped and isinstance(report.longrepr, tuple) and LATE in report.longrepr[2]:
            self.late[_file(report.nodeid)] += 1
        if "slow" in report.keywords:
            self.seconds[_file(report.nodeid)] += report.duration  # type: ignore[assignment]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the count to the process that prints, if it is another one."""
        shared: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if shared is not None:
            shared["other_turns"] = dict(self.other_turns)
        elif self.record:
            self._write_table()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Receive the count from a worker; it is the same for all."""
        self.other_turns = Counter(getattr(node, "workeroutput", {}).get("other_turns", self.other_turns))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what was left out."""
        for reason, left in (("to other turns", self.other_turns), ("for want of time", self.late)):
            if left:
                names = ", ".join(f"{path.removeprefix('tests/')} ({count})" for path, count in sorted(left.items()))
                terminalreporter.line(f"slow tests left {reason}: {left.total()}, in {len(left)} files: {names}")

    def _write_table(self) -> None:
        chosen = balanced(dict(self.seconds))
        lines = [f"{chosen[path]} {round(seconds)} {path}\n" for path, seconds in self.seconds.items()]
        TABLE.write_text("# turn, seconds and file of slow tests; see tests/turns.py\n" + "".join(sorted(lines)))


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
