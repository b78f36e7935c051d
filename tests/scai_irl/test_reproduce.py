"""Lists of experiments: run in order, resumed, told in one report; what fails or needs data is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from scai_irl import load, reproduce
from scai_irl.errors import InputError
from scai_irl.experiment import find_experiments
from scai_irl.reproduce import REPORT, Reproduce, Reproduction, Step, estimate_lines, find_reproductions, run_steps

TINY = {"runs": 1, "epochs": 1, "agents": ("thompson",), "group": ("5v5",)}
GOOD = Step("one", "one-group-norm", {**TINY, "users": ("fair",)}, seconds=90)
BAD = Step("bad", "one-group-norm", {"runs": 0})
WITH_DATA = Step("people", "human-norms", {"data": "data:people.csv"})


def test_steps_run_resume_and_are_told_in_one_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = Reproduction("some", "Some experiments", {"small": [GOOD]})
    monkeypatch.setattr(reproduce, "find_reproductions", lambda: {"some": listed})
    command = Reproduce("some", out=tmp_path, seed=3)
    reproduce.reproduce(command)
    assert load(tmp_path / "one").manifest.seed == 3
    page = (tmp_path / REPORT).read_bytes()
    assert b"Some experiments" in page
    finished = load(tmp_path / "one").manifest.finished
    reproduce.reproduce(command)
    assert load(tmp_path / "one").manifest.finished == finished
    assert (tmp_path / REPORT).read_bytes() == page
    said = capsys.readouterr().out
    assert "about 2 minutes on two cores" in said
    assert str(tmp_path / REPORT) in said
    with pytest.raises(InputError, match="there is no step 'two'"):
        reproduce.reproduce(Reproduce("some", out=tmp_path, only=("two",)))
    with pytest.raises(InputError, match="there is no 'large'"):
        reproduce.reproduce(Reproduce("some", preset="large", out=tmp_path))
    with pytest.raises(InputError, match="there is no 'none'"):
        reproduce.reproduce(Reproduce("none"))


def test_a_dry_run_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Reproduction("some", "Some experiments", {"small": [GOOD]})
    monkeypatch.setattr(reproduce, "find_reproductions", lambda: {"some": listed})
    reproduce.reproduce(Reproduce("some", out=tmp_path, dry_run=True))
    assert not list(tmp_path.iterdir())


def test_what_fails_is_named_and_does_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders, failed = run_steps([BAD, WITH_DATA, GOOD], tmp_path, 0, None)
    assert failed == ["bad"]
    assert folders == [tmp_path / "one"]
    said = capsys.readouterr().err
    assert "[1/3] bad: runs: 0 does not fit" in said
    assert "people: left out, since it needs --data" in said


def test_every_step_of_every_list_is_an_experiment_with_options_that_it_has() -> None:
    known = find_experiments()
    for listed in find_reproductions().values():
        for preset, steps in listed.presets.items():
            assert len({step.name for step in steps}) == len(steps), preset
            for step in steps:
                assert set(step.options) <= set(known[step.experiment].config.model_fields), step.name
                assert step.seconds > 0, step.name
        assert len(estimate_lines(listed.presets["small"])) == len(listed.presets["small"]) + 1
