"""An experiment is a decorated function. Its run, dry run, resumption and command line follow from it."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from pydantic import Field

from scai_irl.experiment import script
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.definition import Experiment, experiment
from scai_irl.experiment.model_options import LmConfig
from scai_irl.experiment.run_study import Model
from scai_irl.experiment.script import run_package
from scai_irl.io.errors import InputError
from scai_irl.language.requests import offer_request, read_offer
from scai_irl.lm.ask import Question
from scai_irl.report.study import Study
from scai_irl.results.findings import Finding
from scai_irl.results.results import load


class Asking(LmConfig, ExperimentConfig):
    """Offers of a model."""

    offers: int = Field(3, description="Offers.")


TEXT = "Keep as much as you can for yourself. Hold to this with firmness 200.0, and slip with chance 0.0."


def _one(config: Asking) -> tuple[Asking, float]:
    return config.model_copy(update={"offers": 1}), config.offers


@experiment("asking", "offers of a model", config=Asking, sample=_one)
def asking(config: Asking, model: Model) -> Study:
    """Ask for offers."""
    requests = [offer_request(TEXT, "dollars", 10, number, config.style) for number in range(config.offers)]
    units = model.ask([Question(request, lambda answer: read_offer(answer, stake=10)) for request in requests])
    shares = [float(str(one)) / 10 for one in units]
    return Study(
        [Finding("How much?", "", "It offers {value}.", shares[0])], {"offers": pd.DataFrame({"share": shares})}
    )


class Plain(ExperimentConfig):
    """Nothing."""

    fault: str = Field("", exclude=True, description="What to refuse.")
    level: int = Field(0, description="A number.")


CALLS: list[Path | None] = []


@experiment("plain", "a number", config=Plain, formerly="older")
def plain(config: Plain, model: None) -> Study:
    """Return the number."""
    CALLS.append(config.out)
    if config.fault:
        raise InputError("fault", config.fault, "do better")
    if config.out is not None:
        (config.out / "epochs").mkdir()
        (config.out / "fit.npz").touch()
    return Study([Finding("Which?", "", "It is {value}.", config.level)])


def test_a_run_is_kept_and_found_again(tmp_path: Path) -> None:
    results = plain.run(Plain(level=3, out=tmp_path / "out"))
    assert results.manifest.experiment == "plain"
    assert results.manifest.config == {"seed": 0, "level": 3}
    assert results.findings["value"].tolist() == [3.0]
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"manifest.json", "findings.parquet", ".lock"}
    CALLS.clear()
    assert plain.run(Plain(level=3, out=tmp_path / "out")).manifest == results.manifest
    assert CALLS == []
    with pytest.raises(InputError, match="another configuration"):
        plain.run(Plain(level=4, out=tmp_path / "out"))


def test_without_a_folder_it_computes_in_memory() -> None:
    CALLS.clear()
    assert plain(Plain(level=2)).findings[0].value == 2
    assert CALLS == [None]


def test_a_refused_configuration_leaves_no_folder_and_other_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(InputError, match="fault: no data"):
        plain.run(Plain(fault="no data", out=out))
    assert not out.exists()
    plain.run(Plain(out=out))
    with pytest.raises(InputError, match="another configuration"):
        plain.run(Plain(level=1, fault="no data", out=out))
    assert load(out).manifest.status == "finished"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(InputError, match="holds other files"):
        plain.run(Plain(out=tmp_path / "mine"))
    assert (tmp_path / "mine" / "notes.txt").exists()


def test_a_folder_that_was_finished_under_the_former_name_is_read(tmp_path: Path) -> None:
    former = Experiment("older", "", Plain, experiment("older", "", config=Plain)(plain).run)
    former.run(Plain(level=7, out=tmp_path))
    assert plain.run(Plain(level=8, out=tmp_path)).findings["value"].tolist() == [7.0]


def test_a_model_is_asked_counted_and_named_and_a_dry_run_asks_the_sample(tmp_path: Path) -> None:
    results = asking.run(Asking(out=tmp_path))
    assert results.manifest.counts["calls"] == 3
    assert (results.manifest.backend, results.manifest.model) == ("phrasebook", "phrasebook")
    assert results.manifest.prompts
    assert asking.estimate is not None
    assert asking.estimate(Asking(offers=5)).calls[0] == 5
    assert plain.estimate is None


def test_a_package_runs_its_only_experiment_or_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = __name__.rpartition(".")[0]
    monkeypatch.setattr(script, "experiments_of", lambda _: {"asking": asking, "plain": plain})
    monkeypatch.setattr(sys, "argv", ["program", "plain", "--level", "5", "--out", str(tmp_path / "named")])
    run_package(package)
    assert load(tmp_path / "named").findings["value"].tolist() == [5.0]
    monkeypatch.setattr(sys, "argv", ["program", "--level", "5"])
    with pytest.raises(SystemExit):
        run_package(package)
    assert "has several; give one of asking, plain first" in capsys.readouterr().err
    monkeypatch.setattr(script, "experiments_of", lambda _: {"plain": plain})
    monkeypatch.setattr(sys, "argv", ["program", "--level", "6", "--out", str(tmp_path / "only")])
    run_package(package)
    assert load(tmp_path / "only").findings["value"].tolist() == [6.0]
