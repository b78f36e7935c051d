"""Sweeps on one machine: every cell once, collected and resumed. Failures are counted while the others go on."""

from __future__ import annotations

import fcntl
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from envs.seeds import derive_seed
from scai_irl import load
from scai_irl.cli.main import main
from scai_irl.io.errors import InputError
from scai_irl.sweep.run_sweep import run_sweep
from scai_irl.sweep.sweep_cells import Cell
from scai_irl.sweep.sweep_definition import Sweep, read_sweep
from scai_irl.sweep.sweep_folder import Outcome, cell_folder, load_outcome
from scai_irl.sweep.work import PassingError, Task, work, work_patiently
from tests.scai_irl.sweep.sweeping import assert_equal_tables, run, worked_on, write


def test_a_sweep_has_every_cell_with_the_numbers_that_it_has_alone(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tiny)
    main(["sweep", "sweep.toml", "--out", "swept", "--workers", "1"])
    results = load("swept")
    assert results.manifest.status == "finished"
    assert results.manifest.counts == {"cells finished": 12}
    assert list(results.cells) == ["name", "level", "users", "seed", "status", "seconds", "error", "worker"]
    assert list(results.summary) == ["level", "sweep_users", "seed", "users", "value", "threads"]
    for line in results.summary.to_dict("records"):
        level, seed = line["level"], line["seed"]
        rng = np.random.default_rng(derive_seed(seed, "tiny", str(level)))
        assert line["value"] == rng.normal(level)
        alone = load(f"swept/cells/level={level},users={line['users']},seed={seed}")
        assert alone.summary["value"].tolist() == [line["value"]]
        assert alone.manifest.config["level"] == level
        assert not alone.figures
    assert results.findings["value"].tolist() == results.summary["value"].tolist()
    assert results.findings["level"].tolist() == results.cells["level"].tolist()
    assert (results.cells["seconds"] > 0).all()
    output = capsys.readouterr().out
    mean = results.summary.query("level == 2.0 and users == 'fair'")["value"]
    assert f"{mean.mean():.3f} ({mean.min():.3f} to {mean.max():.3f})" in output
    assert "finished; 12 cells finished" in output


def test_what_has_finished_is_only_read(tiny: Path) -> None:
    write(tiny)
    main(["sweep", "sweep.toml", "--out", "swept", "--workers", "1"])
    before = {
        file: file.stat().st_mtime_ns for file in Path("swept").rglob("*") if file.suffix in {".parquet", ".json"}
    }
    main(["sweep", "sweep.toml", "--out", "swept", "--engine", "ray", "--address", "127.0.0.1:1"])  # not contacted
    assert {file: file.stat().st_mtime_ns for file in before} == before
    shutil.rmtree("swept/cells/level=0.0,users=fair,seed=1")
    manifest = load("swept").manifest.model_copy(update={"status": "running"})
    manifest.write(Path("swept"))
    main(["sweep", "sweep.toml", "--out", "swept", "--workers", "1"])
    counted = worked_on(tiny)
    assert counted.pop("0.0 fair 1") == 2
    assert set(counted.values()) == {1}
    assert len(counted) == 11


@pytest.mark.slow
def test_a_pool_of_processes_gives_the_same_and_limits_each_to_its_cores(tiny: Path) -> None:
    file = write(tiny, more="[resources]\ncpus = 3\n")
    run_sweep(read_sweep(file), Path("one"), workers=1)
    done = run("--out", "two", "--workers", "2", cwd=tiny)
    assert done.returncode == 0, done.stderr
    assert_equal_tables(Path("one"), Path("two"))
    assert set(load("two").summary["threads"]) == {"3"}
    assert len(set(load("two").cells["worker"])) == 2


def test_figures_are_drawn_only_where_they_are_asked_for(tiny: Path) -> None:
    for figures in (False, True):
        sweep = Sweep(experiment="tiny", seeds=[3], figures=figures)
        run_sweep(sweep, Path(f"figures-{figures}"), workers=1)
        assert bool(load(f"figures-{figures}/cells/seed=3").figures) == figures


def test_a_cell_that_fails_is_counted_and_named_and_the_others_go_on(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tiny / "sweep.toml").write_text(
        'experiment = "tiny"\nseeds = [0, 1]\n[grid]\nlevel = [0, 1]\nusers = ["a"]\n[settings]\nfault = "input"\n',
        encoding="utf-8",
    )
    with pytest.raises(SystemExit) as stopped:
        main(["sweep", "sweep.toml", "--out", "swept", "--workers", "1"])
    assert stopped.value.code == 1
    out, err = capsys.readouterr()
    assert "2 failed, the first of them level=1,users=a,seed=0: fault: level 1.0; be lucky" in out
    assert err == "error: cells: 4 of 4 failed; correct the errors, then run the same command again\n"
    cells = load("swept").cells
    assert cells["status"].tolist() == ["failed"] * 4
    assert cells["error"].tolist() == ["fault: level 0.0; be lucky"] * 2 + ["fault: level 1.0; be lucky"] * 2
    assert load("swept").manifest.status == "running"
    main(["sweep", "sweep.toml", "--out", "swept", "--workers", "1", "--set", "fault="])  # without the fault
    assert load("swept").manifest.status == "finished"
    assert load("swept").cells["error"].tolist() == [""] * 4


def test_a_bug_in_an_experiment_stops_no_other_cell(tiny: Path) -> None:
    results = run_sweep(Sweep(experiment="tiny", seeds=[0], settings={"fault": "bug"}), Path("swept"), workers=1)
    assert results.cells["error"].tolist() == ["KeyError: 'a bug'"]


def test_a_full_disk_stops_the_sweep_and_loses_nothing(tiny: Path) -> None:
    write(tiny)
    file = read_sweep(tiny / "sweep.toml")
    part = Sweep.model_validate({**file.model_dump(), "seeds": [0]})
    run_sweep(part, Path("swept"), workers=1)
    shutil.copytree("swept/cells/level=-1.5,users=fair,seed=0", "full/cells/level=-1.5,users=fair,seed=0")
    full = Sweep.model_validate({**part.model_dump(), "settings": {**file.settings, "fault": "disk"}})
    load("swept").manifest.model_copy(update={"status": "running"}).write(Path("full"))
    with pytest.raises(InputError, match=r"the disk is full .*No space left on device.*finished cells stay"):
        run_sweep(full, Path("full"), workers=1)
    assert worked_on(tiny)["-1.5 fair 0"] == 1
    assert not Path("full/cells.parquet").exists()
    assert worked_on(tiny)["-1.5 selfish 0"] == 2
    assert worked_on(tiny)["2.0 fair 0"] == 1  # it stopped before
    run_sweep(part, Path("full"), workers=1)
    assert_equal_tables(Path("swept"), Path("full"))


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_may_pass_is_tried_again(workers: str, tiny: Path) -> None:
    write(tiny, seeds=1, settings='fault = "passing once"')
    done = run("--out", "swept", "--workers", workers, cwd=tiny)
    assert done.returncode == 0, done.stderr
    assert sum(worked_on(tiny).values()) == 7


def test_a_cell_waits_for_a_process_that_has_not_let_go_of_it(tiny: Path) -> None:
    folder = cell_folder(tiny / "swept", "one")
    folder.mkdir(parents=True)
    task = Task("tiny", Cell("one", {}, {}, 0), tiny / "swept", tiny, figures=False)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        releasing = threading.Timer(1.5, fcntl.flock, (lock, fcntl.LOCK_UN))
        releasing.start()
        outcome = work(task)
        releasing.join()
    assert outcome.status == "finished"
    assert outcome.seconds > 1.5
    assert load(folder).manifest.status == "finished"


def test_it_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def fail(_: Task) -> Outcome:
        tried.append(1)
        raise PassingError("stale")

    monkeypatch.setattr("time.sleep", lambda _: None)
    outcome = work_patiently(fail, 3, Task("tiny", Cell("one", {}, {}, 0), Path("swept"), Path(), figures=False))
    assert (outcome.status, outcome.error, len(tried)) == ("failed", "stale", 4)


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_its_cell_tried_again(tiny: Path) -> None:
    write(tiny, seeds=1, settings='fault = "killed once"')
    done = run("--out", "swept", "--workers", "2", cwd=tiny)
    assert done.returncode == 0, done.stderr
    assert load(tiny / "swept").cells["status"].tolist() == ["finished"] * 6


@pytest.mark.slow
def test_a_cell_that_kills_its_worker_every_time_is_given_up(tiny: Path) -> None:
    write(tiny, seeds=1, settings='fault = "killed"', more="[resources]\nretries = 1\n")
    done = run("--out", "swept", "--workers", "2", cwd=tiny)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: cells: 6 of 6 failed")
    assert sum(worked_on(tiny).values()) <= 6 * 2
    assert "perhaps because the memory was full" in load(tiny / "swept").cells["error"][0]


def test_a_dry_run_says_what_there_is_to_do(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tiny)
    main(["sweep", "sweep.toml", "--out", "swept", "--dry-run"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "12 cells of tiny, 0 finished, in swept"
    assert lines[1] == "  level=-1.5,users=fair,seed=0"
    assert lines[-1] == "  … and 7 more"
    assert not Path("swept").exists()
    main(["sweep", "sweep.toml", "--out", "swept", "--part", "1/4", "--workers", "1"])
    capsys.readouterr()
    main(["sweep", "sweep.toml", "--out", "swept", "--dry-run"])
    assert capsys.readouterr().out.splitlines()[0] == "12 cells of tiny, 3 finished, in swept"


def test_an_outcome_that_is_damaged_is_none(tmp_path: Path) -> None:
    (tmp_path / "outcomes").mkdir()
    for content in ("", "[]", '{"status": "finished", "colour": 3}'):
        (tmp_path / "outcomes" / "a.json").write_text(content, encoding="utf-8")
        assert load_outcome(tmp_path, "a") is None
