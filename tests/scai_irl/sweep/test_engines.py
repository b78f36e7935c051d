"""Engines: a new one is a class and a line. A sweep hides the output of its cells."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from scai_irl import load
from scai_irl.io.errors import InputError
from scai_irl.io.progress import progress, unseen
from scai_irl.report.drawing import save_figure, without_figures
from scai_irl.sweep import engines
from scai_irl.sweep.run_sweep import run_sweep
from scai_irl.sweep.sweep_definition import Resources, Sweep
from scai_irl.sweep.sweep_folder import Outcome
from scai_irl.sweep.work import Task, Work
from scai_irl.sweep.worker_settings import WorkerSettings, environment, worker_environment


class Backwards:
    """An engine that computes the last cell first."""

    def __init__(self, terms: WorkerSettings) -> None:
        self.terms = terms

    def check(self) -> None:
        """Refuse more than two workers."""
        if (self.terms.workers or 0) > 2:
            raise InputError("workers", "too many", "give 2")

    def outcomes(self, work: Work, tasks: Sequence[Task]) -> Generator[Outcome]:
        """Work."""
        for task in reversed(tasks):
            yield work(task)


def test_another_engine_is_a_class_and_a_line(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.ENGINES, "backwards", Backwards)
    sweep = Sweep(experiment="tiny", seeds=(0, 1), settings={"log": str(tiny / "log")})
    with pytest.raises(InputError, match="workers: too many"):
        run_sweep(sweep, Path("swept"), engine="backwards", workers=3)
    assert not Path("swept").exists()
    run_sweep(sweep, Path("swept"), engine="backwards")
    assert (tiny / "log").read_text(encoding="utf-8").splitlines() == ["0.0 fair 1", "0.0 fair 0"]
    assert load("swept").cells["seed"].tolist() == [0, 1]


def test_workers_start_the_given_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("PJRT_NPROC", raising=False)
    with environment(worker_environment(Resources(cpus=3))):
        assert os.environ["OMP_NUM_THREADS"] == os.environ["PJRT_NPROC"] == "3"
        assert os.environ["JAX_PLATFORMS"] == "cpu"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "PJRT_NPROC" not in os.environ
    assert "JAX_PLATFORMS" not in worker_environment(Resources(gpus=1))
    assert worker_environment(Resources(gpus=0.5))["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.450"


def test_what_is_unseen_shows_nothing_and_what_comes_after_is_seen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(range(0, 1000, 10))
    monkeypatch.setattr("scai_irl.io.progress.time.monotonic", lambda: float(next(times)))
    with unseen(), progress("a cell", 1) as advance:
        advance("done")
    assert capsys.readouterr().err == ""
    with progress("the sweep", 1) as advance:
        advance("a cell")
    assert capsys.readouterr().err == "the sweep: a cell (1 of 1, 10 s)\n"


def test_figures_are_left_out_inside_and_drawn_after(tmp_path: Path) -> None:
    with without_figures():
        save_figure(Figure(), tmp_path, "inside")
    save_figure(Figure(), tmp_path, "after")
    assert {file.stem for file in tmp_path.rglob("*.*")} == {"after"}
