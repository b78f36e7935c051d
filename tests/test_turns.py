"""Slow tests by turns: each file has a turn, turns take about the same time, and CI names the tests it leaves out."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.turns import TURNS, balanced, planned, turn_of

ROOT = Path(__file__).parents[1]
CHOSEN = "tests/docs/test_notebooks.py"  # one of its tests is slow, and it imports little


def test_the_table_names_files_that_there_are() -> None:
    assert [path for path in planned() if not (ROOT / path).exists()] == []


def test_turns_take_about_the_same_time() -> None:
    total = [sum(seconds for at, seconds in planned().values() if at == turn + 1) for turn in range(TURNS)]
    assert max(total) <= 1.5 * min(total)


def test_files_are_shared_out_longest_first() -> None:
    assert balanced({"a": 9, "b": 5, "c": 4, "d": 3, "e": 2}, 2) == {"a": 1, "b": 2, "c": 2, "d": 1, "e": 2}


@pytest.mark.parametrize("path", ["tests/test_new.py", *planned()])
def test_every_file_has_one_turn(path: str) -> None:
    assert turn_of(path, planned()) in range(1, TURNS + 1)


@pytest.mark.parametrize(("option", "reason"), [("--turn", "to other turns"), ("--until", "for want of time")])
def test_what_is_left_out_is_said(option: str, reason: str) -> None:
    value = turn_of(CHOSEN, planned()) % TURNS + 1 if option == "--turn" else time.time() - 1
    command = [sys.executable, "-m", "pytest", CHOSEN, "-m", "slow", option, str(value), "-q", "-n", "0"]
    done = subprocess.run([*command, "-p", "no:cacheprovider"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"slow tests left {reason}: 1, in 1 files: {CHOSEN.removeprefix('tests/')} (1)" in done.stdout, done.stderr
    assert "passed" not in done.stdout
