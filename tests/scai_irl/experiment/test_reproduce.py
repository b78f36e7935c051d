"""Lists of experiments: run in order, resumed, and summarised in one report; failures and missing data are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from scai_irl import load
from scai_irl.experiment import reproduce
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.definition import find_experiments
from scai_irl.experiment.reproduce import (
    REPORT,
    Reproduce,
    Reproduction,
    Step,
    estimate_lines,
    find_reproductions,
    run_steps,
    with_server,
)
from scai_irl.io.errors import InputError

TINY = {"runs": 1, "epochs": 1, "agents": ("thompson",), "group": ("5v5",)}
GOOD = Step("one", "one-group-norm", {**TINY, "users": ("fair",)}, seconds=90)
BAD = Step("bad", "one-group-norm", {"runs": 0})
SERVED = Step("asked", "capitulation", {"backend": "vllm-server", "model": ""}, seconds=9)
WITH_DATA = Step("people", "human-norms", {"data": "data:people.csv"})


def test_steps_run_resume_and_are_in_one_report(
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
    output = capsys.readouterr().out
    assert "about 2 minutes on two cores" in output
    assert str(tmp_path / REPORT) in output
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
    assert [(one.name, one.crashed) for one in failed] == [("bad", False)]
    assert folders == [tmp_path / "one"]
    errors = capsys.readouterr().err
    assert "[1/3] bad: runs: 0 does not fit" in errors
    assert "people: skipped, because it needs --data" in errors


def test_what_crashes_is_named_at_the_end_and_in_the_report_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(config: ExperimentConfig) -> NoReturn:
        raise RuntimeError(f"no memory left, seed {config.seed}")

    experiments = find_experiments()
    broken = {**experiments, "capitulation": replace(experiments["capitulation"], run=crash)}
    monkeypatch.setattr(reproduce, "find_experiments", lambda: broken)
    listed = Reproduction("some", "Some experiments", {"small": [Step("broken", "capitulation"), BAD, GOOD]})
    monkeypatch.setattr(reproduce, "find_reproductions", lambda: {"some": listed})
    with pytest.raises(SystemExit) as stopped:
        reproduce.reproduce(Reproduce("some", out=tmp_path, seed=4))
    assert stopped.value.code == 1
    output = capsys.readouterr()
    assert "RuntimeError: no memory left, seed 4" in output.err
    assert "Traceback" in output.err
    assert (
        output.err.splitlines()[-1] == "error: broken, bad: 2 of 3 steps failed; correct them, and run the same again"
    )
    page = (tmp_path / REPORT).read_text()
    assert "2 experiments failed and have no section below" in page
    assert "<li>broken: RuntimeError: no memory left, seed 4</li>" in page
    assert "<li>bad: runs: 0 does not fit" in page
    assert load(tmp_path / "one").manifest.status == "finished"
    with pytest.raises(InputError, match="bad: 1 of 2 steps failed"):
        reproduce.reproduce(Reproduce("some", out=tmp_path, seed=4, only=("bad", "one")))


def test_servers_are_given_to_steps_that_ask_one() -> None:
    command = Reproduce("some", url=("http://a:1/v1", "http://b:1/v1"), model="large", concurrency=7)
    good, served = with_server([GOOD, SERVED], command)
    assert good == GOOD
    assert served.options == {**SERVED.options, "url": command.url, "model": "large", "concurrency": 7}
    assert with_server([GOOD, SERVED], Reproduce("some")) == [GOOD, SERVED]
    with pytest.raises(InputError, match="concurrency: none of these steps asks a server"):
        with_server([GOOD], Reproduce("some", concurrency=7))


def test_times_say_where_they_are_from_and_what_depends_on_a_server() -> None:
    *_, here, there = estimate_lines([GOOD, SERVED], "guessed")
    assert here == "1 steps, about 2 minutes on two cores without GPU (guessed)"
    assert there.startswith("1 steps ask a server")
    assert "--dry-run" in there
    assert "two cores" not in "".join(estimate_lines([SERVED]))


def test_the_presets_of_the_paper_ask_what_the_paper_asked() -> None:
    presets = find_reproductions()["paper"].presets
    by_name = {step.name: step.options for step in presets["small"]}
    for row in ("one-group-norm", "mixed-group-norm", "inconsistent-language"):
        assert {"thompson", "scai"} <= set(by_name[row]["agents"])
        assert by_name[f"{row}-bayes"]["agents"] == by_name[row]["agents"]
    assert "model" in by_name["out-of-distribution"]["agents"]
    assert "model" not in by_name["out-of-distribution-bayes"]["agents"]
    served = {step.name: step.options for step in presets["cluster"]}["out-of-distribution-served"]
    assert "model" in served["agents"]
    assert (served["backend"], served["runs"]) == ("vllm-server", 100)
    assert not any(step.options.get("backend") == "embedded" for step in presets["cluster"])


def test_every_step_of_every_list_is_an_experiment_with_options_that_it_has() -> None:
    known = find_experiments()
    for listed in find_reproductions().values():
        for preset, steps in listed.presets.items():
            assert len({step.name for step in steps}) == len(steps), preset
            for step in steps:
                assert set(step.options) <= set(known[step.experiment].config.model_fields), step.name
                assert step.seconds > 0, step.name
        assert len(estimate_lines(listed.presets["small"])) == len(listed.presets["small"]) + 1
