"""Parts of a sweep, as job arrays start them: at the same time, but never the same part twice, and never the whole."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from scai_irl import load
from scai_irl.cli.main import main
from scai_irl.io.errors import InputError
from scai_irl.sweep.run_sweep import run_sweep
from scai_irl.sweep.sweep_definition import read_sweep
from scai_irl.sweep.sweep_folder import Part, part_of_sweep, whole_sweep
from tests.scai_irl.program import start
from tests.scai_irl.sweep.sweeping import assert_equal_tables, worked_on, write

OURS = {"a": 1}


@pytest.mark.slow
def test_parts_side_by_side_make_the_whole(tiny: Path) -> None:
    file = write(tiny, seeds=3)
    words = ["sweep", "sweep.toml", "--out", "parts", "--workers", "1"]
    parts = [start(*words, "--part", f"{number}/3", cwd=tiny) for number in range(3)]
    assert [part.wait(300) for part in parts] == [0, 0, 0]
    assert set(worked_on(tiny).values()) == {1}
    run_sweep(read_sweep(file), tiny / "whole", workers=1)
    assert_equal_tables(tiny / "parts", tiny / "whole")


def test_each_part_has_cells_of_its_own_and_the_last_puts_them_together(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = read_sweep(write(tiny, seeds=1))
    for number in range(4):
        assert run_sweep(sweep, Path("parts"), workers=1, part=Part(number, 4)).manifest.status == (
            "finished" if number == 3 else "running"
        )
        assert sum(worked_on(tiny).values()) == [2, 4, 5, 6][number]
    assert load("parts").cells["status"].tolist() == ["finished"] * 6


def test_a_part_with_a_failure_ends_with_status_1_and_the_last_still_puts_the_rest_together(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tiny, seeds=1)
    words = ["sweep", "sweep.toml", "--out", "parts", "--workers", "1"]
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--part", "0/2", "--set", "fault=input"])
    assert stopped.value.code == 1
    out, err = capsys.readouterr()
    assert "1 failed, the first of them level=-1.5,users=fair,seed=0: fault: level -1.5; be lucky" in out
    assert err == "error: cells: 3 of 3 failed; correct the errors, then run the same command again\n"
    main([*words, "--part", "1/2"])
    results = load("parts")
    assert results.manifest.status == "running"
    assert results.manifest.counts == {"cells failed": 3, "cells finished": 3}
    assert len(results.summary) == 3
    main([*words, "--part", "0/2"])
    assert load("parts").manifest.status == "finished"


def test_which_parts_may_run_at_the_same_time(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    with part_of_sweep(folder, OURS, Part(0, 2)):
        with part_of_sweep(folder, OURS, Part(1, 2)):
            pass
        with pytest.raises(InputError, match="another process with part 0/2 is writing to it; wait for it"):
            part_of_sweep(folder, OURS, Part(0, 2)).__enter__()
        with pytest.raises(InputError, match="a part of this sweep is writing to it"):
            whole_sweep(folder, OURS).__enter__()
        with pytest.raises(InputError, match="holds results of another configuration"):
            part_of_sweep(folder, {"a": 2}, Part(1, 2)).__enter__()
    with whole_sweep(folder, OURS):
        started = time.monotonic()
        with pytest.raises(InputError, match="a process with the whole sweep is writing to it"):
            part_of_sweep(folder, OURS, Part(0, 2)).__enter__()
        assert time.monotonic() - started < 30
        with pytest.raises(InputError, match="another process is writing to it"):
            whole_sweep(folder, OURS).__enter__()


def test_two_processes_with_one_sweep_are_refused(tiny: Path) -> None:
    write(tiny, seeds=1, settings="seconds = 5.0")
    first = start("sweep", "sweep.toml", "--out", "swept", "--workers", "1", cwd=tiny)
    while not worked_on(tiny):
        assert first.poll() is None
        time.sleep(0.05)
    for words in ([], ["--part", "0/2"]):
        with pytest.raises(SystemExit) as stopped:
            main(["sweep", "sweep.toml", "--out", "swept", "--workers", "1", *words])
        assert stopped.value.code == 2
    first.kill()
    first.wait()
    assert sum(worked_on(tiny).values()) == 1
