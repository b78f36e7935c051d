"""A real disk that fills up while several processes compute a sweep: one line, and the same command later continues."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from scai_irl.sweep.run_sweep import run_sweep
from scai_irl.sweep.sweep_definition import read_sweep
from scai_irl.sweep.sweep_folder import has_finished
from tests.scai_irl.io.test_disk import in_own_mounts
from tests.scai_irl.program import PROGRAM, error_of
from tests.scai_irl.sweep.sweeping import assert_equal_tables, worked_on, write

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra cluster)")


@pytest.mark.slow
@pytest.mark.parametrize("engine", [pytest.param("ray", marks=needs_ray), "local"])
def test_a_disk_that_fills_up_under_two_workers_is_reported_and_the_same_command_goes_on(
    engine: str, tiny: Path
) -> None:
    file = write(tiny)
    (tiny / "disk").mkdir()
    (tiny / "kept" / "log-at").mkdir(parents=True)
    sweep = f'"{PROGRAM}" sweep sweep.toml --engine {engine} --workers 2 --out disk/swept'
    done = in_own_mounts(
        f"mount -t tmpfs -o size=200k tmpfs disk; {sweep}; first=$?; cp -a disk/swept kept/first; cp log kept/log-at; "
        f"mount -o remount,size=100m disk; {sweep} >/dev/null 2>&1 && cp -a disk/swept kept/second; exit $first",
        tiny,
    )
    line = error_of(done)
    assert line.startswith(f"error: {tiny}/disk/swept/cells/")
    assert "No space left on device" in line
    assert line.endswith("free some space, then run the same command again: finished cells stay")
    finished = {
        cell.name for cell in tiny.glob("kept/first/cells/*") if has_finished(tiny / "kept" / "first", cell.name)
    }
    assert 0 < len(finished) < 12
    before, after = worked_on(tiny / "kept" / "log-at"), worked_on(tiny)
    for name in finished:
        cell = " ".join(pair.split("=")[1] for pair in name.split(","))
        assert after[cell] == before[cell]
    run_sweep(read_sweep(file), tiny / "whole", workers=1)
    assert_equal_tables(tiny / "kept" / "second", tiny / "whole")
