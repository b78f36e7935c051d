"""Sweeps of tests: writing them, running the program, and reading the results."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pandas as pd

from scai_irl import load
from scai_irl.sweep.collect import CELLS, COLLECTED
from tests.scai_irl import program

TINY = """
experiment = "tiny"
seeds = {{first = 0, count = {seeds}}}
[settings]
log = "{log}"
{settings}
[grid]
level = [-1.5, 0.0, 2.0]
users = ["fair", "selfish"]
"""


def write(folder: Path, seeds: int = 2, settings: str = "", more: str = "") -> Path:
    """Write a sweep of six times as many cells as seeds; each cell adds a line to ``log`` when it runs."""
    file = folder / "sweep.toml"
    file.write_text(TINY.format(seeds=seeds, log=folder / "log", settings=settings) + more, encoding="utf-8")
    return file


def worked_on(folder: Path) -> Counter[str]:
    """How often each cell was computed."""
    log = folder / "log"
    return Counter(log.read_text(encoding="utf-8").splitlines()) if log.exists() else Counter()


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``scai-irl sweep sweep.toml`` to its end."""
    return program.run("sweep", "sweep.toml", *words, cwd=cwd)


def assert_equal_tables(one: Path, other: Path) -> None:
    """Check that two sweeps have the same cells with the same numbers."""
    left, right = load(one), load(other)
    assert left.manifest.status == right.manifest.status == "finished"
    fixed = [name for name in left.tables[CELLS] if name not in ("seconds", "worker")]
    pd.testing.assert_frame_equal(left.tables[CELLS][fixed], right.tables[CELLS][fixed])
    for name in COLLECTED:
        columns = [column for column in left.tables[name] if column != "threads"]
        pd.testing.assert_frame_equal(left.tables[name][columns], right.tables[name][columns], check_exact=True)
