"""Every registered experiment runs, by the command line and as a script, with the same results."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points
from itertools import product
from pathlib import Path

import pytest

from scai_irl import load
from scai_irl.cli.main import main
from scai_irl.experiment.definition import find_experiments
from scai_irl.experiment.script import run_experiment
from scai_irl.lm.cache import CALLS, CallStore
from scai_irl.report.html.belief_panels import beliefs_of
from scai_irl.report.html.write_report import write_report
from tests.scai_irl.program import assert_equal_results, environment
from tests.scai_irl.recording import make_recording
from tests.scai_irl.report.chromium import (
    CHROMIUM,
    SCHEMES,
    WIDTHS,
    audit_of,
    launched,
    nothing_sticks_out,
    open_page,
    unfold,
)

SMALL = {
    "one-group-norm": "--runs 2 --epochs 1 --group 5v5 --users fair --agents thompson",
    "mixed-group-norm": "--runs 2 --epochs 1 --mixtures selfish=0.5,fair=0.5 --agents thompson",
    "recorded-gpt4": "--data RECORDING",
    "model-organisms": "--models bayes credulous --runs 2 --lengths 0 2",
    "human-norms": "--data PEOPLE --families fehr-schmidt --method laplace",
    "aligned-to-people": "--data PEOPLE --families fehr-schmidt --method laplace --assistants 2",
    "inconsistent-language": "--runs 2 --epochs 1 --users fair --manners rude --agents scai-memory",
    "assistants-only": "--runs 2 --epochs 1 --group 0uu-0au-0ua-2aa --agents thompson",
    "assistant-variants": "--runs 2 --epochs 1 --users fair --group 1v9 --agents exploit",
    "temperature": "--runs 2 --epochs 1 --users fair --rationalities 20 --temperatures 0 1 --agents thompson",
    "changing-norms": "--runs 2 --epochs 3 --change-at 2 --changes fair>selfish --agents thompson --hazards 0.1",
    "language-and-learning": "--runs 2 --degrees 0 1 --games 4",
    "capitulation": "--runs 2 --games 2",
    "subgroup-norms": "--mixtures altruistic=0.5,selfish=0.5 --held firmly --societies 2 --users 4 --games 1",
    "preference-groups": "--shares 0.5 --held firmly --societies 2 --users 4 --games 1",
    "layered-contracts": "--societies 2 --people 2 --roles 1 --games 1",
    "out-of-distribution": "--runs 2 --acts 2 --priors flat altruistic --agents as-learned model --seen dollars apples",
    "currency-suite": "--runs 2 --goods dollars apples organs --seen 1 --acts 1",
    "prior-ablation": "--runs 2 --epochs 2 --games 3 --users selfish fair --priors flat --rationality 5 --lapse 0.25",
    "response-types": "--genuine 0.5 --people 2 --items 4 --repetitions 2 --particles 50",
}
"""Options with which each experiment takes a moment."""

EPOCH_BY_EPOCH = {"one-group-norm", "mixed-group-norm", "recorded-gpt4", "inconsistent-language", "assistants-only"}
PLAYED_WHOLE = {"temperature", "changing-norms", "assistant-variants"}
"""Experiments with several settings, whose beliefs and texts the report separates."""

OWN = {
    entry.name: entry.module.rpartition(".")[0]
    for entry in entry_points(group="scai_irl.experiments")
    if entry.value.startswith("experiments.")
}
"""Package of each experiment."""


def options(name: str, parent: Path) -> list[str]:
    makers = {"RECORDING": make_recording, "PEOPLE": import_people}
    return [str(makers[word](parent)) if word in makers else word for word in SMALL[name].split()]


_PEOPLE: list[Path] = []


def import_people(parent: Path) -> Path:
    """Answers of six people to three offers each, imported once, since the configuration names the folder."""
    if _PEOPLE:
        return _PEOPLE[0]
    lines = [f"{who},20,{offer},{int(offer > who)}" for who in range(6) for offer in (2, 5, 9)]
    (parent / "people.csv").write_text("subject,stake,offer,accepted\n" + "\n".join(lines) + "\n")
    main(["import", "human", "csv", str(parent / "people.csv"), "--out", str(parent / "people")])
    _PEOPLE.append(parent / "people")
    return _PEOPLE[0]


def test_every_experiment_has_options_here() -> None:
    assert set(OWN) == set(SMALL)
    assert set(find_experiments()) >= set(OWN)


def test_every_experiment_is_found_under_its_own_name() -> None:
    for name, experiment in find_experiments().items():
        assert experiment.name == name
        assert experiment.summary


@pytest.fixture(scope="module")
def by_name(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Run an experiment by its name, once, and return its results folder."""

    @functools.cache
    def run(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        main(["run", name, *options(name, folder), "--out", str(folder / "results")])
        return folder / "results"

    return run


LONG = {"currency-suite", "response-types", "language-and-learning", "aligned-to-people"}
"""Experiments that need half a minute even so; their own folders have fast tests."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in SMALL]
)
def test_an_experiment_runs_by_its_name(
    name: str, by_name: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = load(by_name(name))
    assert results.manifest.status == "finished"
    assert results.figures
    assert all("<dc:description>" in figure.read_text() for figure in (by_name(name) / "figures").glob("*.svg"))
    tables = list(by_name(name).glob("*.tex"))
    assert tables
    assert all(table.read_text().isascii() for table in tables)  # plain pdflatex takes nothing else
    if name == "model-organisms":
        assert results.curves["believed"].notna().all()
        with contextlib.closing(CallStore(by_name(name) / CALLS)) as store:
            assert store.spent()[0] == results.manifest.counts["calls"]
    if name in PLAYED_WHOLE:
        assert len(beliefs_of(results)) > 0
        assert len(results.verbal_policies) > 0
    if name in EPOCH_BY_EPOCH:
        assert len(results.interactions) > 0
        assert len(results.verbal_policies) > 0
    assert len(results.findings) > 0
    assert results.findings["question"].str.endswith("?").all()
    assert not results.findings["sentence"].str.contains("{", regex=False).any()
    if "dry_run" in find_experiments()[name].config.model_fields:
        capsys.readouterr()
        nobody = ("--backend", "vllm-server", "--url", "http://127.0.0.1:9", "--out", str(tmp_path / "none"))
        main(["run", name, *options(name, tmp_path), *nobody, "--dry-run"])
        estimate = f"calls: {results.manifest.counts['calls']:,} (each request sent once)"
        assert capsys.readouterr().out.startswith(estimate)
        assert not (tmp_path / "none").exists()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt-get install chromium)")
def test_one_report_of_all_opens_in_a_browser(by_name: Callable[[str], Path], tmp_path: Path) -> None:
    folders = [by_name(name) for name in SMALL]
    report = tmp_path / "report.html"
    write_report(folders, report)
    with launched() as browser:
        for width, scheme in product(WIDTHS, SCHEMES):
            with open_page(browser, report, width, scheme) as window:
                unfold(window.page)
                assert window.page.locator("main section").count() >= len(folders)
                assert window.page.evaluate("document.documentElement.scrollWidth") == width
                assert nothing_sticks_out(window.page)
                assert [(one["id"], one["nodes"][0]["html"]) for one in audit_of(window.page)["violations"]] == []
                assert window.messages == []
                assert [url for url in window.requests if not url.startswith("data:")] == [report.as_uri()]


def test_without_an_estimate_a_dry_run_is_refused_and_nothing_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without = replace(find_experiments()["capitulation"], estimate=None)
    with pytest.raises(SystemExit) as stopped:
        run_experiment(without, ["--dry-run", "--out", str(tmp_path / "none")])
    assert stopped.value.code == 2
    assert "dry_run: capitulation has no estimate of its cost; " in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "name", [name if name == "one-group-norm" else pytest.param(name, marks=pytest.mark.slow) for name in SMALL]
)
def test_an_experiment_runs_as_a_script_with_equal_results(
    name: str, by_name: Callable[[str], Path], tmp_path: Path
) -> None:
    first = [name] if list(OWN.values()).count(OWN[name]) > 1 else []
    done = subprocess.run(
        [sys.executable, "-m", OWN[name], *first, *options(name, tmp_path), "--out", "as-script"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "results: as-script"
    assert_equal_results(by_name(name), tmp_path / "as-script")


def test_without_a_folder_each_configuration_has_one_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["run", "one-group-norm", *SMALL["one-group-norm"].split()]
    for _ in range(2):
        main(command)
    main([*command, "--seed", "1"])
    folders = sorted((tmp_path / "results").iterdir())
    assert len(folders) == 2
    assert all(folder.name.startswith("one-group-norm-") for folder in folders)
    assert len(set(capsys.readouterr().out.splitlines()) & {f"results: results/{f.name}" for f in folders}) == 2
